package engine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/bpmn"
)

// withBoundary is s -> host -> e, with the boundary events and what follows each: a task named after it.
func withBoundary(host *bpmn.Node, events ...*bpmn.Node) *bpmn.Process {
	list := nodes(start("s"), host, end("e"))
	flows := []string{"s -> " + host.ID, host.ID + " -> e"}
	for _, b := range events {
		list = append(list, b, user("after-"+b.ID))
		flows = append(flows, b.ID+" -> after-"+b.ID)
	}
	return model(list, flows...)
}

func TestTimers(t *testing.T) {
	catchDate := catchTimer("t", "x")
	catchDate.Timer = &bpmn.Timer{Date: expr("${at}")}
	deadline := func(interrupting bool, when string) *bpmn.Process {
		host := service("a")
		return withBoundary(host, boundary("b", host, interrupting, when))
	}
	two := service("a")
	byHand := task("a")

	play(t, []scenario{
		{name: "catch: duration", model: model(nodes(start("s"), catchTimer("t", "P1DT2H")), "s -> t"), steps: []step{
			{do: begin(nil), want: "timer t 26h0m0s", active: "t"},
			{after: 26 * time.Hour, do: fires("t"), want: "end completed", path: "s t"},
		}},
		{name: "catch: date from a variable, in the past", model: model(nodes(start("s"), catchDate), "s -> t"), steps: []step{
			{do: begin(Variables{"at": "2026-03-02T08:00:00+00:00"}), want: "timer t -1h0m0s"},
			{do: fires("t"), want: "end completed"},
		}},
		{name: "catch: bad value, retried", model: model(nodes(start("s"), catchDate), "s -> t"), steps: []step{
			{do: begin(Variables{"at": "soon"}), incidents: `t: timer: "soon" is not an ISO 8601`},
			{do: answer("t", IncidentRetry, Variables{"at": "2026-03-02"}), want: "timer t -9h0m0s"},
		}},
		{name: "catch: bad value, passed over", model: model(nodes(start("s"), catchDate), "s -> t"), steps: []step{
			{do: begin(nil), incidents: "t: unknown variable at"},
			{do: answer("t", IncidentResolve, nil), want: "end completed", path: "s t"},
		}},
		{name: "catch: a time that the state could not hold", model: model(nodes(start("s"), catchDate), "s -> t"), steps: []step{
			{do: begin(Variables{"at": "9999-12-31T23:59:59-10:00"}), incidents: "t: year 10000"},
		}},
		{name: "interrupting: the activity completes first", model: deadline(true, "PT10M"), steps: []step{
			{do: begin(nil), want: "timer b 10m0s; call a", active: "a"},
			{do: done("a", nil), want: "stop b; end completed", path: "s a e"},
		}},
		{name: "interrupting: the timer fires first", model: deadline(true, "PT10M"), steps: []step{
			{do: begin(nil), want: "timer b 10m0s; call a"},
			{after: 10 * time.Minute, do: fires("b"), want: "stop a; task after-b", active: "after-b", path: "s b"},
			{do: given(Completed{ID: 3}), after: 10 * time.Minute, stale: true},
			{do: done("after-b", nil), after: time.Hour, want: "end completed", path: "s b after-b"},
		}},
		{name: "interrupting: a cycle counts once", model: deadline(true, "R3/PT10M"), steps: []step{
			{do: begin(nil), want: "timer b 10m0s; call a"},
			{after: 10 * time.Minute, do: fires("b"), want: "stop a; task after-b"},
		}},
		{name: "non-interrupting: once", model: deadline(false, "PT10M"), steps: []step{
			{do: begin(nil), want: "timer b 10m0s; call a"},
			{after: 10 * time.Minute, do: fires("b"), want: "task after-b", active: "a after-b", path: "s b"},
			{do: done("a", nil), after: time.Hour, active: "after-b"},
			{do: done("after-b", nil), after: time.Hour, want: "end completed"},
		}},
		{name: "non-interrupting: three times, counted from when it was due", model: deadline(false, "R3/PT10M"), steps: []step{
			{do: begin(nil), want: "timer b 10m0s; call a"},
			{after: 11 * time.Minute, do: fires("b"), want: "timer b 20m0s; task after-b"},
			{after: 29 * time.Minute, do: fires("b"), want: "timer b 30m0s; task after-b"},
			{after: 30 * time.Minute, do: fires("b"), want: "task after-b", active: "a after-b after-b after-b"},
			{after: 40 * time.Minute, do: done("a", nil), active: "after-b after-b after-b"},
		}},
		{name: "non-interrupting: for ever, until the activity completes", model: deadline(false, "R/PT1H"), steps: []step{
			{do: begin(nil), want: "timer b 1h0m0s; call a"},
			{after: 1 * time.Hour, do: fires("b"), want: "timer b 2h0m0s; task after-b"},
			{after: 2 * time.Hour, do: fires("b"), want: "timer b 3h0m0s; task after-b"},
			{after: 2 * time.Hour, do: done("a", nil), want: "stop b"},
		}},
		{name: "several timers: one interrupts, the others stop", steps: []step{
			{do: begin(nil), want: "timer b1 10m0s; timer b2 1h0m0s; timer b3 3h0m0s; call a"},
			{after: 10 * time.Minute, do: fires("b1"), want: "timer b1 20m0s; task after-b1"},
			{after: time.Hour, do: fires("b2"), want: "stop b3; stop a; stop b1; task after-b2", active: "after-b2 after-b1"},
		}, model: withBoundary(two, boundary("b1", two, false, "R/PT10M"), boundary("b2", two, true, "PT1H"), boundary("b3", two, true, "2026-03-02T12:00:00Z"))},
		{name: "an activity that does not wait arms nothing", steps: []step{
			{do: begin(nil), want: "end completed"},
		}, model: withBoundary(byHand, boundary("b", byHand, true, "PT1H"))},
		{name: "a bad boundary timer: nothing is armed, a retry arms all", model: deadline(true, "${wait}"), steps: []step{
			{do: begin(Variables{"wait": "long"}), incidents: `a: boundary event "b": timer: "long" is not an ISO 8601`, active: "a"},
			{do: answer("a", IncidentRetry, Variables{"wait": "2026-03-02T10:00:00Z"}), want: "timer b 1h0m0s; call a"},
		}},
		{name: "the deadline counts while there is an incident", model: deadline(true, "PT10M"), steps: []step{
			{do: begin(nil), want: "timer b 10m0s; call a"},
			{do: fails("a", "", "broken"), incidents: "a: broken"},
			{after: 10 * time.Minute, do: fires("b"), want: "task after-b", active: "after-b"},
		}},
		{name: "a retry keeps the timer that is armed", model: deadline(true, "PT10M"), steps: []step{
			{do: begin(nil), want: "timer b 10m0s; call a"},
			{do: fails("a", "", "broken"), incidents: "a: broken"},
			{after: 5 * time.Minute, do: answer("a", IncidentRetry, nil), want: "call a"},
			{after: 6 * time.Minute, do: done("a", nil), want: "stop b; end completed"},
		}},
		{name: "a retry does not arm again what has fired", model: deadline(false, "PT10M"), steps: []step{
			{do: begin(nil), want: "timer b 10m0s; call a"},
			{after: 10 * time.Minute, do: fires("b"), want: "task after-b"},
			{after: 10 * time.Minute, do: fails("a", "", "broken"), incidents: "a: broken"},
			{after: 11 * time.Minute, do: answer("a", IncidentRetry, nil), want: "call a"},
		}},
		{name: "a loop arms anew each time", steps: []step{
			{do: begin(nil), want: "timer b 10m0s; call a"},
			{after: time.Minute, do: done("a", nil), want: "stop b; timer b 11m0s; call a"},
			{after: 11 * time.Minute, do: fires("b"), want: "stop a; task after-b"},
		}, model: func() *bpmn.Process {
			host := service("a")
			p := withBoundary(host, boundary("b", host, true, "PT10M"))
			p.Flows[1].Target = host
			p.Link()
			return p
		}()},
	})
}

func TestCatchTimerStopsAtItsFirstFiring(t *testing.T) {
	n := catchTimer("t", "x")
	n.Timer = &bpmn.Timer{Cycle: expr("R/PT1M")}
	p := model(nodes(start("s"), n), "s -> t")
	s := New(Options{})
	commands, err := Step(p, s, Started{}, epoch)
	require.NoError(t, err)
	require.Equal(t, []Command{StartTimer{ID: 2, Element: "t", At: epoch.Add(time.Minute)}}, commands)
	commands, err = Step(p, s, TimerFired{ID: 2}, epoch.Add(time.Minute))
	require.NoError(t, err)
	require.Equal(t, []Command{End{Outcome: OutcomeCompleted}}, commands)
}
