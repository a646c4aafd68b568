package retryafter

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOf(t *testing.T) {
	now := time.Date(2026, 1, 31, 8, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, "3600": time.Hour, "3601": time.Hour, "9223372036854775807": time.Hour, "-5": 0, "soon": 0, "1.5": 0, "99999999999999999999": 0,
		"Sat, 31 Jan 2026 08:01:00 GMT": time.Minute, "Saturday, 31-Jan-26 08:01:00 GMT": time.Minute, "Sat Jan 31 08:01:00 2026": time.Minute,
		"Sat, 31 Jan 2026 07:59:00 GMT": 0, "Sun, 01 Feb 2026 08:00:00 GMT": time.Hour, "Fri, 31 Dec 9999 23:59:59 GMT": time.Hour, "Mon, 01 Jan 0001 00:00:00 GMT": 0,
	} {
		require.Equal(t, want, Of(http.Header{"Retry-After": {text}}, now), text)
	}
	require.Zero(t, Of(nil, now))
}
