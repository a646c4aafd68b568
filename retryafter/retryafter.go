package retryafter

import (
	"net/http"
	"strconv"
	"time"
)

const longest = time.Hour

// Of is what the header Retry-After of an answer says, seconds or a date (RFC 9110, section 10.2.3): at most an hour, and 0 for nothing, for the past and
// for what cannot be read.
func Of(answer http.Header, now time.Time) time.Duration {
	text := answer.Get("Retry-After")
	var after time.Duration
	if seconds, err := strconv.Atoi(text); err == nil {
		after = time.Duration(min(max(seconds, 0), int(longest.Seconds()))) * time.Second // bounded before it could overflow
	} else if at, err := http.ParseTime(text); err == nil {
		after = at.Sub(now)
	}
	return min(max(after, 0), longest)
}
