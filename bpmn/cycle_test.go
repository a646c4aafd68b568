package bpmn

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCycles(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) // a Monday
	tests := []struct {
		text  string
		times int
		want  []string // the first firings; "" ends them
	}{
		{"R3/PT10M", 3, []string{"2026-03-02T09:10:00Z", "2026-03-02T09:20:00Z"}},
		{"R/P1M", -1, []string{"2026-04-02T09:00:00Z", "2026-05-02T09:00:00Z"}},
		{"R5/2026-03-03T00:00:00Z/PT12H", 5, []string{"2026-03-03T00:00:00Z", "2026-03-03T12:00:00Z"}},
		{"R5/2026-03-01T00:00:00Z/PT12H", 5, []string{"2026-03-02T12:00:00Z", "2026-03-03T00:00:00Z"}},
		{"R/PT1H/2026-03-02T10:30:00Z", -1, []string{"2026-03-02T10:00:00Z", ""}},
		{"R/PT2H/2026-03-02T10:30:00Z", -1, []string{""}},
		{"0 0/5 * * * ?", -1, []string{"2026-03-02T09:05:00Z", "2026-03-02T09:10:00Z"}},
		{"*/15 * * * * *", -1, []string{"2026-03-02T09:00:15Z", "2026-03-02T09:00:30Z"}},
		{"0 0 9 ? * MON-FRI", -1, []string{"2026-03-03T09:00:00Z", "2026-03-04T09:00:00Z"}},
		{"0 0 9 ? * 2", -1, []string{"2026-03-09T09:00:00Z", "2026-03-16T09:00:00Z"}},
		{"0 9 * * 1", -1, []string{"2026-03-09T09:00:00Z", "2026-03-16T09:00:00Z"}},
		{"0 0 12 L * ?", -1, []string{"2026-03-31T12:00:00Z", "2026-04-30T12:00:00Z"}},
		{"0 30 6 ? * 6#3", -1, []string{"2026-03-20T06:30:00Z", "2026-04-17T06:30:00Z"}},
		{"0 0 0 1 1 ? 2027", -1, []string{"2027-01-01T00:00:00Z", ""}},
		{"0 0 0 29 2 ?", -1, []string{"2028-02-29T00:00:00Z"}},
	}
	for _, test := range tests {
		c, err := ParseCycle(test.text)
		require.NoError(t, err, test.text)
		require.Equal(t, test.times, c.Times, test.text)
		at, ok := c.First(now)
		for _, want := range test.want {
			require.Equal(t, want != "", ok, "%s: %s", test.text, at)
			if want == "" {
				break
			}
			require.Equal(t, want, at.Format(time.RFC3339), test.text)
			at, ok = c.Next(at)
		}
	}
}

func TestCyclesRefused(t *testing.T) {
	for text, want := range map[string]string{
		"R3/PT0S":            "is zero",
		"R3/2026-03-02/PT0S": "is zero",
		"R0/PT1M":            "number of repetitions",
		"R/2026-13-01/PT1M":  "is not an ISO 8601 date",
		"R/PT1M/soon":        "is not an ISO 8601 date",
		"every day":          "is not an ISO 8601 repeating interval",
		"0 0 9 ? * 8":        "weekday 8: want 1 (Sunday) to 7",
		"0 0 25 ? * 2":       "is not a cron expression",
		"a b c d e":          "is not a cron expression",
		"0 0 0 31 2 ?":       "never fires",
		"0 0 0 1 1 ? 1999":   "never fires",
		"R/PT1M/PT2M":        "is not an ISO 8601 date",
	} {
		_, err := ParseCycle(text)
		require.ErrorContains(t, err, want, text)
	}
}
