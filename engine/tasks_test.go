package engine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/juel"
)

func TestTasks(t *testing.T) {
	send := service("m")
	send.Kind = bpmn.SendTask
	byHand := task("m")
	byHand.Kind = bpmn.ManualTask
	bare := receive("r", "x", "")
	bare.Message = nil

	play(t, []scenario{
		{name: "service task", model: model(nodes(start("s"), service("a"), end("e")), "s -> a", "a -> e"), steps: []step{
			{do: begin(nil), want: "call a", active: "a", path: "s"},
			{do: done("a", nil), want: "end completed", active: "none", path: "s a e"},
		}},
		{name: "send task", model: model(nodes(start("s"), send, end("e")), "s -> m", "m -> e"), steps: []step{
			{do: begin(nil), want: "call m"},
			{do: done("m", nil), want: "end completed"},
		}},
		{name: "manual task", model: model(nodes(start("s"), byHand, end("e")), "s -> m", "m -> e"), steps: []step{
			{do: begin(nil), want: "end completed", path: "s m e"},
		}},
		{name: "user task: all variables in, all results out", steps: []step{
			{do: begin(Variables{"a": 1}), want: `task u {"a":1}`},
			{do: done("u", Variables{"b": "${a}"}), want: "end completed", vars: Variables{"a": int64(1), "b": "${a}"}},
		}, model: model(nodes(start("s"), user("u"), end("e")), "s -> u", "u -> e")},
		{name: "script task: what it sets is kept, its variables are a copy", steps: []step{
			{do: begin(Variables{"a": 1}), want: `script x {"a":1}`},
			{do: done("x", Variables{"a": 2, "sum": 4.5}), want: "end completed", vars: Variables{"a": int64(2), "sum": 4.5}},
		}, model: model(nodes(start("s"), script("x", "a+1", "sum"), end("e")), "s -> x", "x -> e")},
		{name: "receive task: name and key may be expressions", options: Options{BusinessKey: "B-1"}, steps: []step{
			{do: begin(Variables{"o": 42}), want: "subscribe r order-42/K42"},
			{do: message("r", Variables{"paid": true}), want: "subscribe q paid/B-1", vars: Variables{"o": int64(42), "paid": true}},
			{do: message("q", nil), want: "end completed", path: "s r q e"},
		}, model: model(nodes(start("s"), receive("r", "order-${o}", "K${o}"), receive("q", "paid", ""), end("e")), "s -> r", "r -> q", "q -> e")},
		{name: "receive task: an empty key is an incident", steps: []step{
			{do: begin(Variables{"k": ""}), incidents: "r: correlation key: it is empty"},
			{do: answer("r", IncidentRetry, Variables{"k": "1"}), want: "subscribe r m/1"},
		}, model: model(nodes(start("s"), receive("r", "m", "${k}")), "s -> r")},
		{name: "receive task: an empty name is an incident", steps: []step{
			{do: begin(Variables{"n": nil}), incidents: "r: message name: it is empty"},
		}, model: model(nodes(start("s"), receive("r", "${n}", "")), "s -> r")},
		{name: "receive task without a message waits to be woken", options: Options{BusinessKey: "B-1"}, steps: []step{
			{do: begin(nil), want: "subscribe r /"},
			{do: message("r", nil), want: "end completed"},
		}, model: model(nodes(start("s"), bare), "s -> r")},
		{name: "an answer of the wrong kind is refused and not stale", steps: []step{
			{do: begin(nil), want: "call a"},
			{do: fires("a"), refused: `command 2 of element "a" is a call, not a timer`},
			{do: message("a", nil), refused: "is a call, not a message"},
		}, model: model(nodes(start("s"), service("a")), "s -> a")},
		{name: "late, repeated and unknown answers are stale", steps: []step{
			{do: begin(nil), want: "call a"},
			{do: given(Completed{ID: 99}), stale: true},
			{do: done("a", nil), want: "call b"},
			{do: given(Completed{ID: 2}), stale: true},
			{do: given(Failed{ID: 2}), stale: true},
			{do: given(MessageReceived{ID: 2}), stale: true},
			{do: done("b", nil), want: "end completed"},
			{do: given(TimerFired{ID: 3}), stale: true},
		}, model: model(nodes(start("s"), service("a"), service("b")), "s -> a", "a -> b")},
	})
}

func TestOpenTask(t *testing.T) {
	u := user("u")
	u.User = &bpmn.UserTaskInfo{
		Name:            expr("Check ${who}"),
		Assignee:        expr("${initiator}"),
		CandidateUsers:  []*juel.Expr{expr("ann"), expr("${users}")},
		CandidateGroups: []*juel.Expr{expr("${'sales, support'}")},
		DueDate:         expr("PT1H"),
		Priority:        expr("${1 + 4}"),
		FormKey:         expr("form-${who}"),
		Description:     expr("for ${who}"),
	}
	p := model(nodes(start("s"), u), "s -> u")
	open := func(o Options, v Variables) ([]Command, *State) {
		s := New(o)
		commands, err := Step(p, s, Started{Variables: v}, epoch)
		require.NoError(t, err)
		return commands, s
	}
	commands, _ := open(Options{Initiator: "joe"}, Variables{"who": "acme", "users": []any{"bob", "eve"}})
	require.Equal(t, []Command{OpenTask{
		ID: 2, Element: "u", Name: "Check acme", Assignee: "joe",
		CandidateUsers: []string{"ann", "bob", "eve"}, CandidateGroups: []string{"sales", "support"},
		Due: epoch.Add(time.Hour), Priority: 5, FormKey: "form-acme", Description: "for acme",
		Inputs: Variables{"who": "acme", "users": []any{"bob", "eve"}},
	}}, commands)

	commands, _ = open(Options{}, Variables{"who": "acme", "users": nil})
	require.Empty(t, commands[0].(OpenTask).Assignee, "nobody started it")

	for _, tc := range []struct{ field, want string }{
		{"assignee", "assignee: ${list}"}, {"users", "candidate users: "}, {"due", "due date: "},
		{"priority", "priority: "}, {"name", "unknown variable who"},
	} {
		info := *u.User
		v := Variables{"who": "acme", "users": nil, "list": []any{}}
		switch tc.field {
		case "assignee":
			info.Assignee = expr("${list}")
		case "users":
			v["users"] = []any{map[string]any{}}
		case "due":
			info.DueDate = expr("tomorrow")
		case "priority":
			info.Priority = expr("high")
		case "name":
			delete(v, "who")
		}
		keep := u.User
		u.User = &info
		commands, s := open(Options{}, v)
		u.User = keep
		require.Empty(t, commands)
		require.Len(t, s.Incidents, 1)
		require.Contains(t, s.Incidents[0].Message, tc.want)
		require.Equal(t, "u", s.Incidents[0].Element)
	}
}

func TestScriptVariablesAreACopy(t *testing.T) {
	p := model(nodes(start("s"), script("x", "", "")), "s -> x")
	s := New(Options{})
	commands, err := Step(p, s, Started{Variables: Variables{"o": map[string]any{"list": []any{int64(1)}}}}, epoch)
	require.NoError(t, err)
	o := commands[0].(RunScript).Variables["o"].(map[string]any)
	o["new"] = true
	o["list"].([]any)[0] = "changed"
	require.Equal(t, Variables{"o": map[string]any{"list": []any{int64(1)}}}, s.Variables)
}
