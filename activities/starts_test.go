package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/juel"
)

func TestScheduleSpec(t *testing.T) {
	expr := func(text string) *juel.Expr {
		e, err := juel.Parse(text)
		require.NoError(t, err)
		return e
	}
	now := time.Date(2030, 3, 2, 9, 0, 30, 0, time.UTC)

	spec, times, err := scheduleSpec(&bpmn.Timer{Date: expr("2035-01-02T03:04:05Z")}, now)
	require.NoError(t, err)
	require.Equal(t, 1, times)
	c := spec.Calendars[0]
	require.Equal(t, []int{2035, 1, 2, 3, 4, 5}, []int{c.Year[0].Start, c.Month[0].Start, c.DayOfMonth[0].Start, c.Hour[0].Start, c.Minute[0].Start, c.Second[0].Start})

	spec, times, err = scheduleSpec(&bpmn.Timer{Duration: expr("P1M")}, now)
	require.NoError(t, err)
	require.Equal(t, 1, times)
	require.Equal(t, 4, spec.Calendars[0].Month[0].Start, "a month is a month of the calendar")

	// What has passed, or would before the schedule is made, fires soon, and never in a second that has begun.
	for _, timer := range []*bpmn.Timer{{Date: expr("2001-01-01T00:00:00Z")}, {Duration: expr("PT0S")}, {Duration: expr("PT1S")}, {Duration: expr("PT1.5S")}} {
		spec, _, err = scheduleSpec(timer, now.Add(900*time.Millisecond))
		require.NoError(t, err)
		require.Equal(t, 33, spec.Calendars[0].Second[0].Start)
	}

	for cycle, want := range map[string]int{"R/PT1H": 0, "R3/PT1H": 3} {
		spec, times, err = scheduleSpec(&bpmn.Timer{Cycle: expr(cycle)}, now)
		require.NoError(t, err)
		require.Equal(t, want, times, cycle)
		require.Equal(t, time.Hour, spec.Intervals[0].Every)
		require.Equal(t, 30*time.Second, spec.Intervals[0].Offset, "the interval counts from the deployment")
	}

	for _, timer := range []*bpmn.Timer{{Date: expr("tomorrow")}, {Duration: expr("${missing}")}, {Cycle: expr("R/PT0.1S")}, {Cycle: expr("R/P1M")}, {Cycle: expr("never")}} {
		_, _, err = scheduleSpec(timer, now)
		require.Error(t, err)
	}
}

func TestFileNamesOfStrangersMeanNothing(t *testing.T) {
	require.Equal(t, "_.._etc_passwd", fileName("../../etc/passwd"))
	require.Empty(t, fileName(".."))
	require.Equal(t, "R_ckseite__1_.pdf", fileName("Rückseite (1).pdf"))
	require.Len(t, fileName(string(make([]byte, 5000))), 100)
}
