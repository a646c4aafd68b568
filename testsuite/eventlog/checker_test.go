package eventlog

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/events"
)

func TestCheckerFindsWhatIsWrong(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	n, none := int64(1), int64(0)
	event := func(kind events.Type, ref string) events.Event {
		e := events.Event{Sequence: n, Type: kind, Time: at, Ref: ref, Status: events.Active, Start: at}
		n++
		return e
	}
	end := func(e events.Event) events.Event {
		e.Status, e.End, e.Duration = events.Completed, at, &none
		return e
	}
	var c Checker
	add := func(e events.Event) { t.Helper(); require.NoError(t, c.Add(e)) }
	refuse := func(e events.Event, why string) {
		t.Helper()
		n--
		copied := c
		require.ErrorContains(t, copied.Add(e), why)
	}
	refuse(event(events.ActivityStarted, "1"), "an instance begins with its start")
	add(event(events.ProcessStarted, ""))
	refuse(event(events.ProcessStarted, ""), "an instance begins with its start, once")
	gap := event(events.ActivityStarted, "2")
	gap.Sequence++
	refuse(gap, "the one before is 1")
	add(event(events.ActivityStarted, "2"))
	refuse(event(events.ActivityStarted, "2"), "it has begun before")
	refuse(end(event(events.ActivityCompleted, "7")), "it is not under way")
	late := end(event(events.ActivityCompleted, "2"))
	late.Start = at.Add(time.Second)
	refuse(late, "it began at")
	refuse(event(events.ActivityCompleted, "2"), "status")
	elsewhere := end(event(events.ActivityCompleted, "2"))
	elsewhere.ActivityID = "other"
	refuse(elsewhere, "it began at")
	add(event(events.VariableCreated, "a"))
	refuse(event(events.VariableCreated, "a"), "whether there is such a variable: true")
	refuse(event(events.VariableUpdated, "b"), "whether there is such a variable: false")
	refuse(event(events.FlowTaken, "4"), "a flow has two ends")
	refuse(event("OTHER", ""), "its type is not known")
	require.Equal(t, []string{""}, c.Open(events.KindActivity))
	add(end(event(events.ActivityCompleted, "2")))
	refuse(end(event(events.ActivityCancelled, "2")), "it is not under way; closed: true")
	add(end(event(events.ProcessEnded, "")))
	require.Empty(t, c.Open(""))
	refuse(event(events.VariableCreated, "c"), "the instance has ended")

	c, n = Checker{}, 1
	add(event(events.ProcessStarted, ""))
	add(event(events.ActivityStarted, "2"))
	refuse(end(event(events.ProcessEnded, "")), "still under way")
}
