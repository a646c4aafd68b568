package engine

import (
	"testing"

	"github.com/waybill-io/waybill/bpmn"
)

func TestMapping(t *testing.T) {
	one := func(n *bpmn.Node, properties ...bpmn.Property) *bpmn.Process {
		return with(model(nodes(start("s"), n, end("e")), "s -> "+n.ID, n.ID+" -> e"), properties...)
	}
	explicit := bpmn.Mapping{
		Inputs: []bpmn.Param{
			{Name: "copy", Variable: "a"},
			{Name: "missing", Variable: "nowhere"},
			{Name: "sum", Expr: expr("${a + 1}")},
			{Name: "tpl", Dynamic: true, Value: map[string]any{"to": "${name}", "list": []any{"#{a}", "plain", int64(1)}}},
		},
		Outputs: []bpmn.Param{
			{Name: "declared", Variable: "r"},
			{Name: "existing", Expr: expr("${r} of ${name}")},
			{Name: "neither", Variable: "r"},
			{Name: "absent", Variable: "notReturned"},
			{Name: "fixed", Value: int64(7)},
		},
		Constants: []bpmn.Param{{Name: "copy", Value: "constant"}, {Name: "more", Expr: expr("${name}!")}},
	}
	integer := func(name string) bpmn.Property { return bpmn.Property{Name: name, Type: "integer"} }

	play(t, []scenario{
		{name: "explicit: constants win, only declared or existing variables are written, converted", steps: []step{
			{do: begin(Variables{"a": 1, "name": "x", "existing": ""}),
				want: `call a {"copy":"constant","more":"x!","sum":2,"tpl":{"list":[1,"plain",1],"to":"x"}}`},
			{do: done("a", Variables{"r": "5", "extra": true}), want: "end completed",
				vars: Variables{"a": int64(1), "name": "x", "existing": "5 of x", "declared": int64(5), "fixed": int64(7)}},
		}, model: one(mapped(service("a"), explicit), integer("declared"), integer("fixed"), integer("absent"))},
		{name: "no entry, default none: nothing in, nothing out", steps: []step{
			{do: begin(Variables{"secret": 1}), want: "call a"},
			{do: done("a", Variables{"secret": "${x}", "r": 1}), want: "end completed", vars: Variables{"secret": int64(1)}},
		}, model: one(service("a"))},
		{name: "no entry, default all: everything in, everything out", steps: []step{
			{do: begin(Variables{"x": 1}), want: `call a {"x":1}`},
			{do: done("a", Variables{"x": 2, "r": 3.5}), want: "end completed", vars: Variables{"x": int64(2), "r": 3.5}},
		}, model: mapAll(one(service("a")))},
		{name: "entry that names nothing: nothing, whatever the default", steps: []step{
			{do: begin(Variables{"x": 1}), want: "call a"},
			{do: done("a", Variables{"x": 2}), want: "end completed", vars: Variables{"x": int64(1)}},
		}, model: mapAll(one(mapped(service("a"), bpmn.Mapping{})))},
		{name: "all inputs and all outputs, with a constant", steps: []step{
			{do: begin(Variables{"x": 1}), want: `call a {"k":"v","x":1}`},
			{do: done("a", Variables{"x": 2, "r": 3}), want: "end completed", vars: Variables{"x": int64(2), "r": int64(3)}},
		}, model: one(mapped(service("a"), bpmn.Mapping{AllInputs: true, AllOutputs: true, Constants: []bpmn.Param{{Name: "k", Value: "v"}}}))},
		{name: "user task with an entry", steps: []step{
			{do: begin(Variables{"x": 1, "y": 2}), want: `task u {"form":1}`},
			{do: done("u", Variables{"x": 9, "y": 8}), want: "end completed", vars: Variables{"x": int64(9), "y": int64(2)}},
		}, model: one(mapped(user("u"), bpmn.Mapping{
			Inputs: []bpmn.Param{{Name: "form", Variable: "x"}}, Outputs: []bpmn.Param{{Name: "x", Variable: "x"}},
		}))},
		{name: "an input that cannot be evaluated", steps: []step{
			{do: begin(nil), incidents: `a: input "sum": evaluating ${a + 1}: unknown variable a`, active: "a"},
			{do: answer("a", IncidentRetry, Variables{"a": 1}), incidents: `a: input "tpl": to: evaluating ${name}: unknown variable name`},
			{do: answer("a", IncidentResolve, Variables{"result": 1}), want: "end completed", path: "s a e"},
		}, model: one(mapped(service("a"), explicit))},
		{name: "expressions in a connector's result are refused, wherever they are", steps: []step{
			{do: begin(nil), want: "call a"},
			{do: done("a", Variables{"ok": 1, "r": []any{map[string]any{"k": "x #{y}"}}}), incidents: `a: result "r": it contains ${ or #{`},
			{do: answer("a", IncidentRetry, nil), want: "call a", path: "s"},
			{do: done("a", Variables{"r": map[string]any{"${k}": 1}}), incidents: `a: result "r": it contains`},
			{do: answer("a", IncidentRetry, nil), want: "call a"},
			{do: done("a", Variables{"r": "a $ { # b"}), want: "end completed", vars: Variables{"r": "a $ { # b"}},
		}, model: one(mapped(service("a"), bpmn.Mapping{AllOutputs: true}))},
		{name: "expressions that users, scripts, messages and starts bring are data", steps: []step{
			{do: begin(Variables{"a": "${1+1}"}), want: `task u {"a":"${1+1}"}`},
			{do: done("u", Variables{"b": "${1+1}"}), want: "end completed", vars: Variables{"a": "${1+1}", "b": "${1+1}"}},
		}, model: one(user("u"))},
		{name: "a result that does not fit its property: nothing of the results is taken", steps: []step{
			{do: begin(nil), want: `task u`},
			{do: done("u", Variables{"a": 1, "n": "many"}), incidents: `u: "n": `, vars: Variables(nil), path: "s"},
			{do: answer("u", IncidentRetry, nil), want: "task u"},
			{do: done("u", Variables{"n": "12"}), want: "end completed", vars: Variables{"n": int64(12)}},
		}, model: one(user("u"), integer("n"))},
		{name: "a result outside of the value model", steps: []step{
			{do: begin(nil), want: `task u`},
			{do: done("u", Variables{"z": 1, "b": struct{}{}, "c": make(chan int)}), incidents: `u: result "b"`},
		}, model: one(user("u"))},
		{name: "an output expression that fails", steps: []step{
			{do: begin(Variables{"x": 1}), want: "call a"},
			{do: done("a", Variables{"r": 1}), incidents: `a: output to variable "x": evaluating ${nothing}: unknown variable nothing`},
		}, model: one(mapped(service("a"), bpmn.Mapping{Outputs: []bpmn.Param{{Name: "x", Expr: expr("${nothing}")}}}))},
		{name: "what an expression sees", options: Options{ID: "i-1", BusinessKey: "B", Initiator: "joe"}, steps: []step{
			{do: begin(Variables{"v": 1}), want: `call a {"all":"i-1 B a joe 1 2026-03-02T09:00:00.000Z p"}`},
		}, model: one(mapped(service("a"), bpmn.Mapping{Inputs: []bpmn.Param{{Name: "all", Expr: expr("${execution.processInstanceId} " +
			"${execution.processBusinessKey} ${execution.currentActivityId} ${initiator} ${execution.getVariable('v')} ${now()} ${execution.processDefinitionKey}")}}}))},
	})
}
