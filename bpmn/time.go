package bpmn

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Duration is an ISO 8601 duration. Years and months have no fixed length, so it is added to a time, never
// turned into a number of seconds.
type Duration struct {
	months int
	days   int
	clock  time.Duration
}

// IsZero reports whether adding d changes nothing.
func (d Duration) IsZero() bool { return d == Duration{} }

// AddTo adds years and months first, then days, then hours and less. A day that the month reached does not have becomes
// its last day, as in XML Schema (part 2, appendix E): one month after 31 January is the last of February.
func (d Duration) AddTo(t time.Time) time.Time {
	if d.months != 0 {
		first := time.Date(t.Year(), t.Month()+time.Month(d.months), 1, 0, 0, 0, 0, t.Location())
		last := first.AddDate(0, 1, -1).Day()
		t = t.AddDate(0, d.months, min(t.Day(), last)-t.Day())
	}
	return t.AddDate(0, 0, d.days).Add(d.clock)
}

var durationForm = regexp.MustCompile(`^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:[.,](\d+))?S)?)?$`)

// maxDurationYears bounds each part of a duration, so that sums neither overflow nor leave the calendar.
const maxDurationYears = 200

// ParseDuration reads an ISO 8601 duration such as PT15M, P1DT12H, P2W or P1M. Only seconds may have a fraction.
func ParseDuration(text string) (Duration, error) {
	m := durationForm.FindStringSubmatch(text)
	if m == nil || strings.HasSuffix(text, "P") || strings.HasSuffix(text, "T") {
		return Duration{}, fmt.Errorf("%q is not an ISO 8601 duration such as PT15M, P1DT12H or P1M", clip(text))
	}
	part := func(i int, perYear int64) int64 {
		if m[i] == "" {
			return 0
		}
		n, err := strconv.ParseInt(m[i], 10, 64)
		if err != nil || n > maxDurationYears*perYear {
			return -1
		}
		return n
	}
	y, mo, w, d := part(1, 1), part(2, 12), part(3, 53), part(4, 366)
	h, mi, s := part(5, 366*24), part(6, 366*24*60), part(7, 366*24*60*60)
	if min(y, mo, w, d, h, mi, s) < 0 {
		return Duration{}, fmt.Errorf("duration %q is longer than %d years", clip(text), maxDurationYears)
	}
	var nanos int64
	if m[8] != "" {
		nanos, _ = strconv.ParseInt((m[8] + "000000000")[:9], 10, 64) // digits by the form above
	}
	seconds := h*3600 + mi*60 + s
	if seconds > maxDurationYears*366*24*60*60 {
		return Duration{}, fmt.Errorf("duration %q is longer than %d years", clip(text), maxDurationYears)
	}
	return Duration{months: int(y*12 + mo), days: int(w*7 + d), clock: time.Duration(seconds)*time.Second + time.Duration(nanos)}, nil
}

var dateLayouts = []string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04Z07:00", "2006-01-02T15:04Z0700",
	"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02",
}

// ParseDate reads an ISO 8601 date and time such as 2026-03-02T09:00:00Z; without a zone it is UTC, without a time
// midnight, and a space may stand for the T. The result keeps the zone that was written.
func ParseDate(text string) (time.Time, error) {
	for _, layout := range dateLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not an ISO 8601 date and time such as 2026-03-02T09:00:00Z", clip(text))
}

func parseRepeat(text string) (int, Duration, error) {
	const want = "want R3/PT10M, three times, or R/PT1H, for ever"
	count, interval, ok := strings.Cut(text, "/")
	if !ok || !strings.HasPrefix(count, "R") {
		return 0, Duration{}, fmt.Errorf("%q is not an ISO 8601 repeating interval: %s", clip(text), want)
	}
	n := -1
	if digits := count[1:]; digits != "" {
		parsed, err := strconv.ParseUint(digits, 10, 31)
		if err != nil || parsed == 0 {
			return 0, Duration{}, fmt.Errorf("the number of repetitions in %q is not between 1 and 2147483647: %s", clip(text), want)
		}
		n = int(parsed)
	}
	if strings.Contains(interval, "/") {
		return 0, Duration{}, fmt.Errorf("a start or an end date in %q is not supported: %s", clip(text), want)
	}
	d, err := ParseDuration(interval)
	if err != nil {
		return 0, Duration{}, fmt.Errorf("repeating interval %q: %w", clip(text), err)
	}
	return n, d, nil
}

// clip keeps foreign text in a message short.
func clip(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	if r := []rune(s[:min(len(s), 4*most)]); len(r) > most {
		return string(r[:most]) + "..."
	}
	return s
}
