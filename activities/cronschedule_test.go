package activities

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	temporalclient "go.temporal.io/sdk/client"

	"github.com/waybill-io/waybill/quartz"
)

// Every expression that Quartz takes fires as a schedule when it fires in Quartz.
func TestSchedulesFireAsQuartz(t *testing.T) {
	text, err := os.ReadFile("../quartz/testdata/quartz-2.3.2.txt")
	require.NoError(t, err)
	from := time.Date(2026, 11, 28, 20, 0, 0, 0, time.UTC)
	compared := 0
	for line := range strings.Lines(string(text)) {
		expression, _, _ := strings.Cut(strings.TrimRight(line, "\n"), " => ")
		e, err := quartz.Parse(expression)
		if err != nil {
			continue
		}
		spec, err := quartzSpec(expression, from)
		next, fires := e.Next(from)
		if !fires || next.Year() > lastScheduleYear {
			require.ErrorContains(t, err, "it never fires", expression)
			continue
		}
		require.NoError(t, err, expression)
		require.LessOrEqual(t, len(spec.Calendars), explicitDays, expression)
		for at := from; fires; at = next {
			if next, fires = e.Next(at); !fires || next.After(from.AddDate(1, 0, 0)) {
				break
			}
			require.True(t, matches(spec, next), "%s at %s", expression, next)
			if compared++; next.Sub(at) > time.Second {
				require.False(t, matches(spec, next.Add(-time.Second)), "%s at %s", expression, next.Add(-time.Second))
			}
			if next.Sub(from) > time.Hour && next.Sub(at) < 24*time.Hour { // a firing of each day is enough
				year, month, day := next.Date()
				next = time.Date(year, month, day, 23, 59, 58, 0, time.UTC)
			}
		}
	}
	require.Greater(t, compared, 1000)
}

// matches tells whether a time is one of the schedule's, as Temporal's documentation of calendars has it.
func matches(spec temporalclient.ScheduleSpec, at time.Time) bool {
	in := func(value int, otherwise bool, list []temporalclient.ScheduleRange) bool {
		return len(list) == 0 && otherwise || slices.ContainsFunc(list, func(r temporalclient.ScheduleRange) bool {
			return value >= r.Start && value <= max(r.End, r.Start) && (value-r.Start)%max(r.Step, 1) == 0
		})
	}
	return slices.ContainsFunc(spec.Calendars, func(c temporalclient.ScheduleCalendarSpec) bool {
		return in(at.Second(), at.Second() == 0, c.Second) && in(at.Minute(), at.Minute() == 0, c.Minute) && in(at.Hour(), at.Hour() == 0, c.Hour) &&
			in(at.Day(), true, c.DayOfMonth) && in(int(at.Month()), true, c.Month) && in(at.Year(), true, c.Year) && in(int(at.Weekday()), true, c.DayOfWeek)
	})
}

func TestTheArchiveRunsOnceAnHour(t *testing.T) {
	spec, err := quartzSpec("0 25/45 * * * ?", monday)
	require.NoError(t, err)
	require.Equal(t, []temporalclient.ScheduleRange{{Start: 25, End: 25, Step: 1}}, spec.Calendars[0].Minute, "25 + 45 is beyond the hour")
	require.Equal(t, "quartz, UTC: 0 25/45 * * * ?", spec.Calendars[0].Comment)
}

// A schedule is put again when its expression is another, or its days run out.
func TestSchedulesAreRenewed(t *testing.T) {
	of := func(expression string, at time.Time) temporalclient.ScheduleSpec {
		spec, err := quartzSpec(expression, at)
		require.NoError(t, err)
		return spec
	}
	const last = "0 0 3 L * ?"
	for name, test := range map[string]struct {
		have, want temporalclient.ScheduleSpec
		now        time.Time
		same       bool
	}{
		"the same":                  {of("0/30 * * * * ?", monday), of("0/30  * * * * ?", monday), monday, true},
		"another expression":        {of("0/30 * * * * ?", monday), of("0/20 * * * * ?", monday), monday, false},
		"none":                      {temporalclient.ScheduleSpec{}, of("0/30 * * * * ?", monday), monday, false},
		"days enough":               {of(last, monday), of(last, monday.AddDate(0, 11, 0)), monday.AddDate(0, 11, 0), true},
		"days run out":              {of(last, monday), of(last, monday.AddDate(0, 14, 0)), monday.AddDate(0, 14, 0), false},
		"there are no more of them": {of("0 0 3 L * ? 2027", monday), of("0 0 3 L * ? 2027", monday.AddDate(1, 5, 0)), monday.AddDate(1, 5, 0), true},
	} {
		require.Equal(t, test.same, sameSpec(test.have, test.want, test.now), name)
	}
}

func TestRanges(t *testing.T) {
	r := func(start, end, step int) temporalclient.ScheduleRange {
		return temporalclient.ScheduleRange{Start: start, End: end, Step: step}
	}
	require.Equal(t, []temporalclient.ScheduleRange{r(0, 45, 15)}, ranges([]int{0, 15, 30, 45}))
	require.Equal(t, []temporalclient.ScheduleRange{r(1, 1, 1), r(5, 7, 1), r(59, 59, 1)}, ranges([]int{1, 5, 6, 7, 59}))
	require.Equal(t, []temporalclient.ScheduleRange{r(3, 3, 1), r(9, 9, 1)}, ranges([]int{3, 9}))
	require.Nil(t, ranges(nil))
}
