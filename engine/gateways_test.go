package engine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/bpmn"
)

func TestGateways(t *testing.T) {
	choice := model(nodes(start("s"), exclusive("g"), task("a"), task("b"), task("c"), end("e")),
		"s -> g", "g -> a ? ${n > 10}", "g -> b ? ${n > 5}", "g -> c default", "a -> e", "b -> e", "c -> e")
	strict := model(nodes(start("s"), exclusive("g"), service("a"), end("e")),
		"s -> g", "g -> a ? ${n > 10}", "a -> e")
	both := model(nodes(start("s"), parallel("fork"), service("a"), service("b"), parallel("join"), service("c"), end("e")),
		"s -> fork", "fork -> a", "fork -> b", "a -> join", "b -> join", "join -> c", "c -> e")
	// One gateway joins and forks; flow a-g brings two tokens, flow b-g one.
	mixed := model(nodes(start("s"), task("split"), service("a1"), service("a2"), service("b"), task("a"), parallel("g"), service("x"), service("y"), end("e")),
		"s -> split", "split -> a1", "split -> a2", "split -> b", "a1 -> a", "a2 -> a", "a -> g", "b -> g", "g -> x", "g -> y", "x -> e", "y -> e")

	play(t, []scenario{
		{name: "exclusive: the first true condition in document order", model: choice, steps: []step{
			{do: begin(Variables{"n": 11}), want: "end completed", path: "s g a e"},
		}},
		{name: "exclusive: a later condition", model: choice, steps: []step{
			{do: begin(Variables{"n": 6}), want: "end completed", path: "s g b e"},
		}},
		{name: "exclusive: the default flow", model: choice, steps: []step{
			{do: begin(Variables{"n": 1}), want: "end completed", path: "s g c e"},
		}},
		{name: "exclusive: an unknown variable is an incident, retried with the variable", model: choice, steps: []step{
			{do: begin(nil), incidents: "g: unknown variable n", active: "g", path: "s"},
			{do: answer("g", IncidentRetry, nil), incidents: "g: flow \"g-a\"", active: "g", path: "s"},
			{do: answer("g", IncidentRetry, Variables{"n": 7}), want: "end completed", path: "s g b e", vars: Variables{"n": int64(7)}},
		}},
		{name: "exclusive: nothing selected is an incident", model: strict, steps: []step{
			{do: begin(Variables{"n": 1}), incidents: "g: no outgoing flow was selected", active: "g"},
			{do: answer("g", IncidentResolve, Variables{"n": 11}), want: "call a", active: "a", path: "s g"},
		}},
		{name: "exclusive: a flow without a condition counts as true", steps: []step{
			{do: begin(nil), want: "end completed", path: "s g b e"},
		}, model: model(nodes(start("s"), exclusive("g"), task("a"), task("b"), end("e")),
			"s -> g", "g -> b", "g -> a", "a -> e", "b -> e")},
		{name: "exclusive: merges without waiting", steps: []step{
			{do: begin(nil), want: "call a; call a"},
			{do: done("a", nil), active: "a"},
			{do: done("a", nil), want: "end completed", path: "s f g g a e a e"},
		}, model: model(nodes(start("s"), parallel("f"), exclusive("g"), service("a"), end("e")),
			"s -> f", "f -> g", "f -> g", "g -> a", "a -> e")},
		{name: "parallel: the join waits for both", model: both, steps: []step{
			{do: begin(nil), want: "call a; call b", active: "a b", path: "s fork"},
			{do: done("b", nil), active: "a", path: "s fork b"},
			{do: done("a", nil), want: "call c", active: "c", path: "s fork b a join"},
			{do: done("c", nil), want: "end completed", path: "s fork b a join c e"},
		}},
		{name: "parallel: a second token of a flow waits for the next round", model: mixed, steps: []step{
			{do: begin(nil), want: "call a1; call a2; call b"},
			{do: done("a1", nil), active: "a2 b"},
			{do: done("a2", nil), active: "b"},
			{do: done("b", nil), want: "call x; call y", active: "x y"},
			{do: done("x", nil), active: "y"},
			{do: done("y", nil), active: "none", path: "s split a1 a a2 a b g x e y e"}, // one a-g token is left and waits
			{do: given(Cancelled{}), want: "end cancelled"},
		}},
		{name: "parallel: a gateway without flows out ends its token", steps: []step{
			{do: begin(nil), want: "end completed", path: "s g"},
		}, model: model(nodes(start("s"), parallel("g")), "s -> g")},
		{name: "implicit split and merge", steps: []step{
			{do: begin(nil), want: "call a; call b"},
			{do: done("a", nil), want: "call c"},
			{do: done("b", nil), want: "call c", active: "c c"},
			{do: done("c", nil), active: "c"},
			{do: done("c", nil), want: "end completed"},
		}, model: model(nodes(start("s"), service("a"), service("b"), service("c")), "s -> a", "s -> b", "a -> c", "b -> c")},
		{name: "conditional flows: every true one, the unconditional one too, not the default", steps: []step{
			{do: begin(Variables{"x": true}), want: "call a; call c", path: "s t"},
		}, model: conditional()},
		{name: "conditional flows: the default flow when nothing is true", steps: []step{
			{do: begin(Variables{"x": false}), want: "call d", path: "s t"},
		}, model: model(nodes(start("s"), task("t"), service("a"), service("d")), "s -> t", "t -> a ? ${x}", "t -> d default")},
		{name: "conditional flows: none true is an incident that does not run the task again", steps: []step{
			{do: begin(Variables{"x": 1}), want: "call t"},
			{do: done("t", nil), incidents: "t: no outgoing flow", active: "t", path: "s t"},
			{do: answer("t", IncidentRetry, nil), incidents: "t: no outgoing flow", active: "t", path: "s t"},
			{do: answer("t", IncidentRetry, Variables{"x": 2}), want: "call a", path: "s t"},
		}, model: model(nodes(start("s"), service("t"), service("a")), "s -> t", "t -> a ? ${x == 2}")},
		{name: "a condition that is not a boolean", steps: []step{
			{do: begin(Variables{"x": "yes"}), incidents: `t: condition of flow "t-a"`, path: "s t"},
		}, model: model(nodes(start("s"), task("t"), service("a")), "s -> t", "t -> a ? ${x}")},
		{name: "no flow is taken when one condition fails", steps: []step{
			{do: begin(Variables{"x": true}), incidents: "t: unknown variable y", active: "t"},
		}, model: model(nodes(start("s"), task("t"), service("a"), service("b")), "s -> t", "t -> a ? ${x}", "t -> b ? ${y}")},
	})
}

func conditional() *bpmn.Process {
	return model(nodes(start("s"), task("t"), service("a"), service("b"), service("c"), service("d")),
		"s -> t", "t -> a ? ${x}", "t -> b ? ${!x}", "t -> c", "t -> d default")
}

func TestLoopWithoutWaiting(t *testing.T) {
	p := model(nodes(start("s"), task("a"), task("b")), "s -> a", "a -> b", "b -> a")
	s := New(Options{})
	_, err := Step(p, s, Started{}, epoch)
	require.NoError(t, err)
	require.Len(t, s.Incidents, 1)
	require.Contains(t, s.Incidents[0].Message, "without waiting")
	require.Len(t, s.Path, PathLimit)
	require.Equal(t, maxMoves-PathLimit, s.Dropped)

	_, err = Step(p, s, IncidentAnswered{ID: s.Incidents[0].ID, Action: IncidentRetry}, epoch)
	require.NoError(t, err)
	require.Len(t, s.Incidents, 1, "a retry goes on as far again")
	require.Equal(t, 2*maxMoves-PathLimit, s.Dropped)
	sound(t, p, s)
}

func TestLoopOverLargeVariables(t *testing.T) {
	p := model(nodes(start("s"), exclusive("g"), task("a"), end("e")), "s -> g", "g -> e ? ${text.replace('a', 'b').contains('z')}", "g -> a default", "a -> g")
	s := New(Options{})
	_, err := Step(p, s, Started{Variables: Variables{"text": strings.Repeat("x", 500_000)}}, epoch)
	require.NoError(t, err)
	require.Len(t, s.Incidents, 1)
	require.Contains(t, s.Incidents[0].Message, "large variables")
	require.Less(t, s.Dropped+len(s.Path), maxMoves/100, "each round counts for 500")
}

func TestLoopWithFork(t *testing.T) {
	p := model(nodes(start("s"), parallel("g"), service("a")), "s -> g", "g -> g", "g -> a")
	p.Nodes[1].Incoming = p.Nodes[1].Incoming[:1] // so that it does not wait for itself
	s := New(Options{})
	commands, err := Step(p, s, Started{}, epoch)
	require.NoError(t, err)
	require.Len(t, s.Tokens, maxTokens)
	require.Len(t, commands, maxTokens-1)
	require.Len(t, s.Incidents, 1)
	require.Contains(t, s.Incidents[0].Message, "more than 5000 tokens")
	sound(t, p, s)

	for i := range 3 { // room for three more
		_, err = Step(p, s, Completed{ID: commands[i].(CallConnector).ID}, epoch)
		require.NoError(t, err)
	}
	_, err = Step(p, s, IncidentAnswered{ID: s.Incidents[0].ID, Action: IncidentRetry}, epoch)
	require.NoError(t, err)
	require.Len(t, s.Tokens, maxTokens)
	sound(t, p, s)
}

// wide is a fork of n service tasks and their join.
func wide(n int) *bpmn.Process {
	list := nodes(start("s"), parallel("fork"), parallel("join"), end("e"))
	flows := []string{"s -> fork", "join -> e"}
	for i := range n {
		id := fmt.Sprintf("t%d", i)
		list = append(list, service(id))
		flows = append(flows, "fork -> "+id, id+" -> join")
	}
	return model(list, flows...)
}

func TestWideJoin(t *testing.T) {
	p := wide(1000)
	s := New(Options{})
	commands, err := Step(p, s, Started{}, epoch)
	require.NoError(t, err)
	require.Len(t, commands, 1000)
	for i := range commands {
		c := commands[(i*7919)%1000].(CallConnector) // any order
		out, err := Step(p, s, Completed{ID: c.ID}, epoch)
		require.NoError(t, err)
		if i < 999 {
			require.Empty(t, out)
			continue
		}
		require.Equal(t, []Command{End{Outcome: OutcomeCompleted}}, out)
	}
	require.Equal(t, []string{"join", "e"}, s.Path[len(s.Path)-2:])
}
