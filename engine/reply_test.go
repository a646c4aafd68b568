package engine

import (
	"testing"

	"github.com/waybill-io/waybill/bpmn"
)

// asks is a call that has been made and waits for a reply.
func asks(element string, outputs Variables) func(*instance) Event {
	return func(in *instance) Event {
		return Completed{ID: in.wait(element), Outputs: outputs, Await: &Await{Name: "reply.slack", Key: "C1:7"}}
	}
}

func replied(element string, v Variables) func(*instance) Event {
	return func(in *instance) Event { return MessageReceived{ID: in.wait(element), Variables: v} }
}

func TestCallsThatWaitForAReply(t *testing.T) {
	ask := service("ask")
	plain := mapAll(model(nodes(start("s"), ask, service("next")), "s -> ask", "ask -> next"))
	timed := service("ask")
	bounded := mapAll(model(nodes(start("s"), timed, boundary("late", timed, true, "PT1H"), service("next")), "s -> ask", "late -> next"))
	mapped := service("ask")
	mapped.Mapping = &bpmn.Mapping{Outputs: []bpmn.Param{{Name: "answer", Variable: "message"}}}
	named := with(model(nodes(start("s"), mapped), "s -> ask"), bpmn.Property{ID: "1", Name: "answer", Type: "string"})

	play(t, []scenario{
		{name: "the reply ends the call, and its variables win", model: plain, steps: []step{
			{do: begin(nil), want: "call ask"},
			{do: asks("ask", Variables{"ts": "7", "message": nil}), want: "subscribe ask reply.slack/C1:7", active: "ask"},
			{do: replied("ask", Variables{"message": "yes"}), want: `call next {"message":"yes","ts":"7"}`, vars: Variables{"ts": "7", "message": "yes"}},
			{do: replied("next", nil), refused: "is a call, not a message"},
		}},
		{name: "what interrupts the task stops the wait", model: bounded, steps: []step{
			{do: begin(nil), want: "timer late 1h0m0s; call ask"},
			{do: asks("ask", nil), want: "subscribe ask reply.slack/C1:7"},
			{do: fires("late"), want: "stop ask; call next"},
		}},
		{name: "an instance of an earlier version waits for nothing", model: plain, options: Options{Engine: 2}, steps: []step{
			{do: begin(nil), want: "call ask"},
			{do: asks("ask", Variables{"ts": "7"}), want: `call next {"ts":"7"}`},
		}},
		{name: "the outputs are mapped as those of any call", model: named, steps: []step{
			{do: begin(nil), want: "call ask"},
			{do: asks("ask", Variables{"ts": "7"}), want: "subscribe ask reply.slack/C1:7"},
			{do: replied("ask", Variables{"message": "yes", "user": "U1"}), want: "end completed", vars: Variables{"answer": "yes"}},
		}},
		{name: "a reply with an expression is refused, as any result is", model: plain, steps: []step{
			{do: begin(nil), want: "call ask"},
			{do: asks("ask", nil), want: "subscribe ask reply.slack/C1:7"},
			{do: replied("ask", Variables{"message": "${secret}"}), want: "", incidents: "ask"},
		}},
	})
}
