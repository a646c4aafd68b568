package bpmn

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDuration(t *testing.T) {
	tests := []struct{ from, duration, want string }{
		{"2026-03-02T09:00:00Z", "PT15M", "2026-03-02T09:15:00Z"},
		{"2026-03-02T09:00:00Z", "P1DT12H", "2026-03-03T21:00:00Z"},
		{"2026-03-02T09:00:00Z", "P2W", "2026-03-16T09:00:00Z"},
		{"2026-03-02T09:00:00Z", "PT0.25S", "2026-03-02T09:00:00.25Z"},
		{"2026-03-02T09:00:00Z", "PT0S", "2026-03-02T09:00:00Z"},
		{"2026-01-31T09:00:00Z", "P1M", "2026-02-28T09:00:00Z"},
		{"2028-01-31T09:00:00Z", "P1M", "2028-02-29T09:00:00Z"},
		{"2028-02-29T09:00:00Z", "P1Y", "2029-02-28T09:00:00Z"},
		{"2026-12-31T09:00:00Z", "P2M", "2027-02-28T09:00:00Z"},
		{"2026-01-31T09:00:00Z", "P1M1D", "2026-03-01T09:00:00Z"},
		{"2026-01-01T00:00:00Z", "P1Y2M3W4DT5H6M7S", "2027-03-26T05:06:07Z"},
		{"2026-01-01T00:00:00Z", "P200Y", "2226-01-01T00:00:00Z"},
	}
	for _, test := range tests {
		t.Run(test.duration, func(t *testing.T) {
			d, err := ParseDuration(test.duration)
			require.NoError(t, err)
			from, err := time.Parse(time.RFC3339, test.from)
			require.NoError(t, err)
			require.Equal(t, test.want, d.AddTo(from).Format(time.RFC3339Nano))
		})
	}
	for _, text := range []string{"", "P", "PT", "P1DT", "1H", "PT1", "-PT1H", "P1.5D", "PT1H2D", "P1S", "PT1M1H", " PT1H", "P201Y", "PT9999999999S", "PT99999999999999999999S"} {
		_, err := ParseDuration(text)
		require.Error(t, err, text)
	}
}

func TestParseDate(t *testing.T) {
	for text, want := range map[string]string{
		"2026-03-02T09:00:00Z":         "2026-03-02T09:00:00Z",
		"2026-03-02T09:00:00.5Z":       "2026-03-02T09:00:00.5Z",
		"2026-03-02T09:00:00+01:00":    "2026-03-02T09:00:00+01:00",
		"2026-03-02T09:00:00.000+0100": "2026-03-02T09:00:00+01:00",
		"2026-03-02T09:00:00":          "2026-03-02T09:00:00Z",
		"2026-03-02 09:00:00":          "2026-03-02T09:00:00Z",
		"2026-03-02T09:00":             "2026-03-02T09:00:00Z",
		"2026-03-02":                   "2026-03-02T00:00:00Z",
	} {
		got, err := ParseDate(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got.Format(time.RFC3339Nano), text)
	}
	for _, text := range []string{"", "tomorrow", "2026-02-30", "02.03.2026", "2026-03-02T25:00:00Z"} {
		_, err := ParseDate(text)
		require.ErrorContains(t, err, "is not an ISO 8601 date", text)
	}
}
