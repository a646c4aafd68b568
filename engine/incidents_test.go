package engine

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIncidents(t *testing.T) {
	line := model(nodes(start("s"), service("a"), service("b"), end("e")), "s -> a", "a -> b", "b -> e")
	fork := model(nodes(start("s"), service("a"), service("b"), user("u")), "s -> a", "s -> b", "s -> u")

	play(t, []scenario{
		{name: "a failure, retried", model: line, steps: []step{
			{do: begin(nil), want: "call a"},
			{do: fails("a", "", "no route to host"), incidents: "a: no route to host", active: "a", path: "s"},
			{do: answer("a", IncidentRetry, Variables{"x": 1}), want: "call a", vars: Variables{"x": int64(1)}},
			{do: done("a", nil), want: "call b", path: "s a"},
		}},
		{name: "a failure, resolved by hand", model: line, steps: []step{
			{do: begin(nil), want: "call a"},
			{do: fails("a", "", ""), incidents: "a: failed without a message"},
			{do: answer("a", IncidentResolve, Variables{"r": 1}), want: "call b", vars: Variables{"r": int64(1)}, path: "s a"},
		}},
		{name: "a BPMN error that nothing catches", model: line, steps: []step{
			{do: begin(nil), want: "call a"},
			{do: fails("a", "NOT_FOUND", "no such customer"), incidents: "a: BPMN error NOT_FOUND, which nothing catches: no such customer"},
		}},
		{name: "the other tokens go on", model: fork, steps: []step{
			{do: begin(nil), want: "call a; call b; task u"},
			{do: fails("a", "", "first"), incidents: "a: first"},
			{do: fails("b", "", "second"), incidents: "a: first; b: second", active: "a b u"},
			{do: done("u", nil), incidents: "a: first; b: second", active: "a b"},
			{do: answer("b", IncidentRetry, nil), want: "call b", incidents: "a: first"},
			{do: answer("a", IncidentResolve, nil), active: "b"},
			{do: done("b", nil), want: "end completed"},
		}},
		{name: "cancel ends the instance", model: fork, steps: []step{
			{do: begin(nil), want: "call a; call b; task u"},
			{do: fails("a", "", "x"), incidents: "a: x"},
			{do: answer("a", IncidentCancel, nil), want: "stop b; stop u; end cancelled", active: "none"},
		}},
		{name: "refused answers", model: fork, steps: []step{
			{do: begin(nil), want: "call a; call b; task u"},
			{do: given(IncidentAnswered{ID: 3, Action: IncidentRetry}), refused: "incident 3 is not open"},
			{do: fails("a", "", "x"), incidents: "a: x"},
			{do: answer("a", "repair", nil), refused: `"repair" is no action: retry, resolve, skip or cancel`},
			{do: answer("a", IncidentRetry, Variables{"f": func() {}}), refused: `variable "f": `},
			{do: given(IncidentAnswered{ID: 7, Action: IncidentResolve}), active: "b u"},
			{do: given(IncidentAnswered{ID: 7, Action: IncidentResolve}), refused: "incident 7 is not open"},
		}},
	})
}

func TestIncidentHasCodeAndTime(t *testing.T) {
	p := model(nodes(start("s"), service("a")), "s -> a")
	s := New(Options{})
	_, err := Step(p, s, Started{}, epoch)
	require.NoError(t, err)
	_, err = Step(p, s, Failed{ID: 2, Failure: Failure{Code: "C", Message: "m"}}, epoch)
	require.NoError(t, err)
	require.Equal(t, []Incident{{ID: 3, Token: 1, Element: "a", Code: "C", Message: "BPMN error C, which nothing catches: m", At: epoch}}, s.Incidents)
}
