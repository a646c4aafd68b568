package report

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRanges(t *testing.T) {
	berlin := "Europe/Berlin"
	for name, test := range map[string]struct {
		given    map[string]string
		from, to string
	}{
		"without":        {map[string]string{}, "2026-04-05T00:00:00Z", "2026-04-12T00:00:00Z"},
		"today":          {map[string]string{"dateRange": "today", "timeZone": berlin}, "2026-04-11T00:00:00+02:00", "2026-04-12T00:00:00+02:00"},
		"tomorrow there": {map[string]string{"dateRange": "today", "timeZone": "Pacific/Auckland"}, "2026-04-12T00:00:00+12:00", "2026-04-13T00:00:00+12:00"},
		"yesterday":      {map[string]string{"dateRange": "Yesterday"}, "2026-04-10T00:00:00Z", "2026-04-11T00:00:00Z"},
		"seven days":     {map[string]string{"dateRange": "last7days"}, "2026-04-05T00:00:00Z", "2026-04-12T00:00:00Z"},
		"month":          {map[string]string{"dateRange": "previousMonth", "timeZone": berlin}, "2026-03-01T00:00:00+01:00", "2026-04-01T00:00:00+02:00"},
		"year":           {map[string]string{"dateRange": "currentYear"}, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"},
		"days":           {map[string]string{"from": "2026-03-28", "to": "2026-03-29", "timeZone": berlin}, "2026-03-28T00:00:00+01:00", "2026-03-30T00:00:00+02:00"},
		"times":          {map[string]string{"dateRange": "custom", "from": "2026-03-28T06:00", "to": "2026-03-28T12:00:00.000+0000", "timeZone": berlin}, "2026-03-28T06:00:00+01:00", "2026-03-28T13:00:00+01:00"},
		"until now":      {map[string]string{"from": "2026-03-28"}, "2026-03-28T00:00:00Z", "2026-04-11T15:30:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			r := &Reporter{Now: func() time.Time { return today }}
			q, err := r.understand(Request{Report: "mail", Parameters: test.given})
			require.NoError(t, err)
			require.Equal(t, test.from, q.from.Format(time.RFC3339))
			require.Equal(t, test.to, q.to.Format(time.RFC3339))
			require.Equal(t, test.from, q.result.Parameters["from"])
		})
	}
}

func TestRequestsThatAreWrong(t *testing.T) {
	for name, test := range map[string]struct {
		report string
		given  map[string]string
		want   string
	}{
		"report":     {"tasks", nil, `there is no report "tasks": one of process-definition-heat-map, process-definition-overview`},
		"missing":    {"process-definition-heat-map", nil, "the parameter processDefinitionId is missing: one version, order:3, or all versions"},
		"all of it":  {"task-sla", map[string]string{"colour": "red", "typeFiltering": "maybe"}, "has no parameter colour: it has processDefinitionId, taskName, duration, typeFiltering"},
		"boolean":    {"task-sla", map[string]string{"processDefinitionId": "order", "duration": "1h", "typeFiltering": "maybe"}, `the parameter typeFiltering: "maybe": true or false is expected`},
		"duration":   {"task-sla", map[string]string{"processDefinitionId": "order", "duration": "soon"}, `"soon": a duration such as 90s, 2h30m or 3d is expected`},
		"status":     {"task-overview", map[string]string{"status": "done"}, `"done": one of all, active, completed, cancelled, failed is expected`},
		"number":     {"process-instances-overview", map[string]string{"slowProcessInstanceInteger": "1001"}, "a number from 1 to 1000 is expected"},
		"zone":       {"mail", map[string]string{"timeZone": "Local"}, "the name of a time zone such as Europe/Berlin is expected"},
		"date":       {"mail", map[string]string{"from": "28.11.2026"}, `the parameter from: "28.11.2026": a day such as 2026-11-28`},
		"no from":    {"mail", map[string]string{"dateRange": "custom"}, "the parameter from is missing: the range custom needs it"},
		"to alone":   {"mail", map[string]string{"to": "2026-01-01"}, "the parameter from is missing"},
		"both":       {"mail", map[string]string{"dateRange": "today", "from": "2026-01-01"}, "either that is expected or from and to"},
		"backwards":  {"mail", map[string]string{"from": "2026-01-02", "to": "2026-01-01"}, "before it has begun"},
		"many bars":  {"mail", map[string]string{"dateRange": "currentYear", "dateRangeInterval": "byHour"}, "would have 8760 bars in this range, at most 1000 are drawn"},
		"no options": {"mail", map[string]string{"dateRange": "soon"}, `one of today, yesterday, last7Days, previousMonth, currentYear, custom is expected`},
	} {
		t.Run(name, func(t *testing.T) {
			r := &Reporter{Now: func() time.Time { return today }}
			_, err := r.Report(t.Context(), Request{Report: test.report, Parameters: test.given})
			require.ErrorIs(t, err, ErrInvalid)
			require.ErrorContains(t, err, test.want)
		})
	}
}

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90": 90 * time.Second, "90s": 90 * time.Second, "2h30m": 150 * time.Minute, "1.5d": 36 * time.Hour, "1w 2D": 9 * 24 * time.Hour, "250ms": 250 * time.Millisecond,
		"": 0, "0": 0, "-1h": 0, "1y": 0, "h": 0, "1e300": 0, "NaN": 0, "9999999w": 0,
	} {
		got, err := ParseDuration(text)
		require.Equal(t, want, got, text)
		require.Equal(t, want == 0, err != nil, text)
	}
}

// Every report's parameters can be asked for, and no two share a flag.
func TestParametersAreSound(t *testing.T) {
	numbers := map[int]bool{}
	for _, report := range All() {
		require.False(t, numbers[report.Number])
		numbers[report.Number] = true
		flags := map[string]bool{}
		for _, p := range report.Parameters {
			require.NotEmpty(t, p.Description, p.ID)
			require.False(t, flags[p.Flag], p.Flag)
			flags[p.Flag] = true
			if p.Default != "" && len(p.Options) > 0 {
				require.Contains(t, p.Options, p.Default)
			}
			if p.DependsOn != "" {
				_, ok := report.Parameter(p.DependsOn)
				require.True(t, ok, p.DependsOn)
			}
		}
	}
}
