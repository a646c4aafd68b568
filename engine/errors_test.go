package engine

import (
	"testing"

	"github.com/waybill-io/waybill/bpmn"
)

func TestUncaughtErrors(t *testing.T) {
	bad := end("bad")
	bad.Event, bad.Error = bpmn.ErrorEvent, &bpmn.ErrorRef{Code: expr("BAD"), Message: expr("spoilt")}
	quiet := model(nodes(start("s"), parallel("g"), service("a"), bad, end("e")), "s -> g", "g -> a", "g -> bad", "a -> e")
	quiet.Uncaught = bpmn.UncaughtEnd
	loud := model(nodes(start("s"), bad), "s -> bad")
	play(t, []scenario{
		{name: "ends in silence where the deployment says so", model: quiet, steps: []step{
			{do: given(Started{}), want: "call a", active: "a", path: "s g bad"},
			{do: func(in *instance) Event { return Failed{ID: in.wait("a"), Failure: Failure{Code: "X", Message: "m"}} }, want: "end completed", path: "s g bad"},
		}},
		{name: "goes to the caller of a called instance", model: loud, options: Options{Called: true}, steps: []step{
			{do: given(Started{}), want: "end failed"},
		}},
		{name: "is an incident", model: loud, steps: []step{
			{do: given(Started{}), active: "bad", incidents: "bad: BPMN error BAD, which nothing catches: spoilt"},
		}},
	})
}
