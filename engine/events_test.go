package engine

import (
	"testing"

	"github.com/waybill-io/waybill/bpmn"
)

func TestEvents(t *testing.T) {
	byMessage, byTimer := start("m"), start("t")
	byMessage.Event, byTimer.Event = bpmn.MessageEvent, bpmn.TimerEvent
	starts := model(nodes(start("s"), byMessage, byTimer, service("a"), service("b")), "s -> a", "m -> b", "t -> b")
	twice := model(nodes(start("s1"), start("s2")))
	otherMessage := start("m")
	otherMessage.Event = bpmn.MessageEvent
	none := model(nodes(otherMessage))
	initiated := start("s")
	initiated.Initiator = "starter"
	initiatedModel := model(nodes(initiated))

	play(t, []scenario{
		{name: "none start", model: starts, steps: []step{{do: begin(nil), want: "call a", path: "s"}}},
		{name: "message start", model: starts, steps: []step{
			{do: beginAt("m", Variables{"subject": "hi"}), want: "call b", path: "m", vars: Variables{"subject": "hi"}},
		}},
		{name: "timer start", model: starts, steps: []step{{do: beginAt("t", nil), want: "call b", path: "t"}}},
		{name: "unknown start event, then a known one", model: starts, steps: []step{
			{do: beginAt("a", nil), refused: `process "p" has no start event "a"`},
			{do: beginAt("zzz", nil), refused: "no start event"},
			{do: begin(nil), want: "call a"},
			{do: begin(nil), refused: "started already"},
		}},
		{name: "several none starts", model: twice, steps: []step{
			{do: begin(nil), refused: `several none start events, "s1" and "s2"`},
			{do: beginAt("s2", nil), want: "end completed", path: "s2"},
		}},
		{name: "no none start", model: none, steps: []step{{do: begin(nil), refused: "no none start event"}}},
		{name: "nothing before the start", model: starts, steps: []step{
			{do: given(Cancelled{}), refused: "has not started"},
			{do: given(Completed{ID: 1}), refused: "has not started"},
			{do: given(VariablesSet{}), refused: "has not started"},
		}},
		{name: "initiator", options: Options{Initiator: "joe"}, steps: []step{
			{do: begin(nil), want: "end completed", vars: Variables{"starter": "joe"}},
		}, model: initiatedModel},
		{name: "no initiator", steps: []step{
			{do: begin(nil), want: "end completed", vars: Variables{"starter": nil}},
		}, model: initiatedModel},
		{name: "end event ends its token only", steps: []step{
			{do: begin(nil), want: "call a", active: "a", path: "s e"},
			{do: done("a", nil), want: "end completed", path: "s e a"},
		}, model: model(nodes(start("s"), end("e"), service("a")), "s -> e", "s -> a")},
		{name: "terminate stops everything, in order", steps: []step{
			{do: begin(nil), want: "call a; task u; timer t 10m0s; subscribe m msg/; call z"},
			{do: done("z", nil), want: "stop a; stop u; stop t; stop m; end completed", active: "none", path: "s z x"},
			{do: given(Cancelled{}), refused: "has ended"},
			{do: given(VariablesSet{}), refused: "has ended"},
			{do: given(IncidentAnswered{ID: 1}), refused: "has ended"},
			{do: begin(nil), refused: "started already"},
			{do: given(MessageReceived{ID: 9}), stale: true},
		}, model: model(nodes(start("s"), service("a"), user("u"), catchTimer("t", "PT10M"), catchMessage("m", "msg", ""), service("z"), terminate("x")),
			"s -> a", "s -> u", "s -> t", "s -> m", "s -> z", "z -> x")},
		{name: "terminate stops tokens that have not run yet", steps: []step{
			{do: begin(nil), want: "end completed", path: "s x"},
		}, model: model(nodes(start("s"), terminate("x"), service("a")), "s -> x", "s -> a")},
		{name: "cancelled", steps: []step{
			{do: begin(nil), want: "call a; task u"},
			{do: given(Cancelled{}), want: "stop a; stop u; end cancelled", active: "none"},
		}, model: model(nodes(start("s"), service("a"), user("u")), "s -> a", "s -> u")},
		{name: "message catch event", options: Options{BusinessKey: "B"}, steps: []step{
			{do: begin(nil), want: "subscribe m answer/B"},
			{do: message("m", Variables{"text": "yes"}), want: "end completed", vars: Variables{"text": "yes"}, path: "s m"},
		}, model: model(nodes(start("s"), catchMessage("m", "answer", "")), "s -> m")},
		{name: "message catch event with a mapping", steps: []step{
			{do: begin(Variables{"kept": 0}), want: "subscribe m answer/"},
			{do: message("m", Variables{"text": "yes", "n": 3}), want: "end completed", vars: Variables{"kept": int64(3)}},
		}, model: model(nodes(start("s"), mapped(catchMessage("m", "answer", ""), bpmn.Mapping{
			Outputs: []bpmn.Param{{Name: "kept", Variable: "n"}},
		})), "s -> m")},
		{name: "an element that cannot be executed is an incident", steps: []step{
			{do: begin(nil), incidents: "c: this event waits for nothing; k: cannot be executed"},
		}, model: model(nodes(start("s"), node(bpmn.CatchEvent, "c"), node(bpmn.Kind(99), "k")), "s -> c", "s -> k")},
	})
}
