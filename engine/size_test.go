package engine

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/juel"
)

func TestSizeIsThatOfJSON(t *testing.T) {
	for _, v := range []any{
		"", "plain", "a<b>&\u2028\u2029\"\\\x00\n\t é 漢 😀 \xff\xfe", nil, true, int64(-9223372036854775808), -1.7976931348623157e308,
		[]any{}, []any{"a", nil, []any{int64(1)}}, map[string]any{}, Variables{"k<": map[string]any{"x": "y"}, "l": []any{1.5}}, []string{"a", "b"},
	} {
		data, err := json.Marshal(v)
		require.NoError(t, err)
		n := size(v, textSize)
		require.GreaterOrEqual(t, n, len(data), "%q", v)
		require.LessOrEqual(t, n, len(data)+30*(1+strings.Count(string(data), ",")), "%q", v)
	}
}

func TestVariablesAreBounded(t *testing.T) {
	half, most := strings.Repeat("x", maxBytes/2), strings.Repeat("x", maxBytes-100)
	p := model(nodes(start("s"), user("u"), user("v")), "s -> u", "u -> v")
	for _, v := range []Variables{{"a": half, "b": half}, {"a": strings.Repeat("<", maxBytes/6)}} {
		_, err := Step(p, New(Options{}), Started{Variables: v}, epoch)
		require.ErrorContains(t, err, "the variables would take 7500")
	}
	_, err := Step(p, New(Options{}), Started{Variables: Variables{"a": most}}, epoch)
	require.NoError(t, err)

	s := New(Options{})
	commands, err := Step(p, s, Started{Variables: Variables{"a": half}}, epoch)
	require.NoError(t, err)
	_, err = Step(p, s, VariablesSet{Variables: Variables{"b": half}}, epoch)
	require.ErrorContains(t, err, "the variables would take 7500")
	_, err = Step(p, s, VariablesSet{Variables: Variables{"a": "", "b": half}}, epoch)
	require.NoError(t, err)

	_, err = Step(p, s, Completed{ID: commands[0].(OpenTask).ID, Outputs: Variables{"c": half}}, epoch)
	require.NoError(t, err)
	require.Len(t, s.Incidents, 1)
	require.Contains(t, s.Incidents[0].Message, "the variables would take 7500")
	require.NotContains(t, s.Variables, "c")
}

func TestInputsAreBounded(t *testing.T) {
	p := model(nodes(start("s"), service("a")), "s -> a")
	twice := make([]bpmn.Param, 2)
	for i, name := range []string{"x", "y"} {
		twice[i] = bpmn.Param{Name: name, Variable: "v"}
	}
	p.Nodes[1].Mapping = &bpmn.Mapping{Inputs: twice}
	s := New(Options{})
	commands, err := Step(p, s, Started{Variables: Variables{"v": strings.Repeat("x", maxBytes*2/3)}}, epoch)
	require.NoError(t, err)
	require.Empty(t, commands)
	require.Len(t, s.Incidents, 1)
	require.Contains(t, s.Incidents[0].Message, "the inputs would take 1000")
	sound(t, p, s)
}

func TestPeopleAreBounded(t *testing.T) {
	p := model(nodes(start("s"), user("u")), "s -> u")
	p.Nodes[1].User = &bpmn.UserTaskInfo{CandidateUsers: []*juel.Expr{expr("${users}")}, Assignee: expr("${who}")}
	for _, v := range []Variables{
		{"users": strings.Repeat("somebody@example.com,", 100), "who": ""},
		{"users": "", "who": strings.Repeat("w", 2001)},
	} {
		s := New(Options{})
		commands, err := Step(p, s, Started{Variables: v}, epoch)
		require.NoError(t, err)
		require.Empty(t, commands)
		require.Len(t, s.Incidents, 1)
		require.Contains(t, s.Incidents[0].Message, "at most 2000 are possible")
	}
}
