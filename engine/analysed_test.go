package engine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/events"
)

func TestTell(t *testing.T) {
	long := strings.Repeat("ä", 100)
	p := &bpmn.Process{
		Properties: []bpmn.Property{{Name: "day", Type: "date"}},
		Analytics:  &bpmn.Analytics{MaxLength: 11, Mask: map[string]bpmn.Mask{"secret": bpmn.MaskRedact, "card": bpmn.MaskLast4}},
	}
	tests := []struct {
		name  string
		value any
		want  told
	}{
		{"v", nil, told{nil, "null", false, false}},
		{"v", true, told{true, "boolean", false, false}},
		{"v", int64(5), told{int64(5), "integer", false, false}},
		{"v", 5.0, told{5.0, "double", false, false}},
		{"v", "text", told{"text", "string", false, false}},
		{"v", "", told{"", "string", false, false}},
		{"v", "2026-01-02", told{"2026-01-02", "date", false, false}},
		{"v", "2026-13-02", told{"2026-13-02", "string", false, false}},
		{"v", "2026-01-02T10:00:00Z", told{"2026-01-02T", "date", true, false}},
		{"v", "123e4567-e89b-12d3-a456-426614174000", told{"123e4567-e8", "uuid", true, false}},
		{"v", "123e4567-e89b-12d3-a456-42661417400x", told{"123e4567-e8", "string", true, false}},
		{"day", "2 May", told{"2 May", "date", false, false}},
		{"v", long, told{strings.Repeat("ä", 5), "string", true, false}},
		{"v", []any{int64(1), "a"}, told{[]any{int64(1), "a"}, "json", false, false}},
		{"v", map[string]any{"a": "bcdefghi"}, told{`{"a":"bcdef`, "json", true, false}},
		{"secret", "text", told{nil, "string", false, true}},
		{"secret", []any{}, told{nil, "json", false, true}},
		{"card", "4111111111111234", told{"****1234", "string", false, true}},
		{"card", int64(4111111111111234), told{"****1234", "integer", false, true}},
		{"card", "12345678", told{nil, "string", false, true}},
		{"card", "123456789", told{"****6789", "string", false, true}},
		{"card", "äääääääää", told{"****ääää", "string", false, true}},
		{"card", []any{"4111111111111234"}, told{nil, "json", false, true}},
		{"card", 4111111111111234.0, told{nil, "double", false, true}},
	}
	for _, test := range tests {
		require.Equal(t, test.want, tell(p, test.name, test.value), "%s = %v", test.name, test.value)
	}
	whole := tell(&bpmn.Process{}, "v", strings.Repeat("x", 2000))
	require.Equal(t, told{strings.Repeat("x", events.MaxText), "string", true, false}, whole)
}

func TestShown(t *testing.T) {
	require.Nil(t, shown(&bpmn.Process{}, nil))
	p := &bpmn.Process{Analytics: &bpmn.Analytics{Exclude: []string{"out"}, Mask: map[string]bpmn.Mask{"secret": bpmn.MaskRedact, "card": bpmn.MaskLast4}}}
	require.Equal(t, map[string]any{"a": int64(1), "card": "****1234"}, shown(p, Variables{"a": 1, "out": 2, "secret": "x", "card": "4111111111111234"}))
	require.Nil(t, shown(p, Variables{"out": 2}))
	require.Nil(t, shown(&bpmn.Process{Analytics: &bpmn.Analytics{Off: true}}, Variables{"a": 1}))
	many := Variables{}
	for i := range 5 {
		many[fmt.Sprint(i)] = strings.Repeat("x", 1000)
	}
	require.Nil(t, shown(p, many), "together they are more than an event holds")
	delete(many, "0")
	require.Len(t, shown(p, many), 4)
}

// What a rule hides is in no event, whatever brings it.
func TestMaskedEverywhere(t *testing.T) {
	secret := "4111111111111234"
	renamed := mapped(user("u"), bpmn.Mapping{AllInputs: true, Outputs: []bpmn.Param{{Name: "card", Variable: "number"}}, Creates: true})
	p := model(nodes(start("s"), renamed, user("again"), receive("r", "m", "k"), end("e")), "s -> u", "u -> again", "again -> r", "r -> e")
	p.Analytics = &bpmn.Analytics{Mask: map[string]bpmn.Mask{"card": bpmn.MaskLast4}}
	all := log(t, p, Options{}, begin(Variables{"card": secret}), done("u", Variables{"number": secret}), done("again", Variables{"card": secret}), message("r", Variables{"card": secret}))
	cards := 0
	for _, e := range all {
		require.NotContains(t, fmt.Sprintf("%+v", e), secret)
		if e.Name == "card" {
			cards++
			require.Equal(t, "****1234", e.Value)
			require.True(t, e.Masked)
		}
	}
	require.Equal(t, 4, cards)
	require.Equal(t, events.TaskCompleted, all[7].Type)
	require.Nil(t, all[7].Variables, "another name would tell it")

	p.Analytics = nil
	name := strings.Repeat("n", maxName+1)
	for _, e := range log(t, p, Options{}, begin(Variables{name: 1, name[1:]: 2})) {
		require.NotEqual(t, name, e.Name, "no document could have its name")
	}

	p.Analytics = &bpmn.Analytics{Off: true}
	for _, e := range log(t, p, Options{}, begin(Variables{"card": secret}), done("u", Variables{"number": secret})) {
		require.NotContains(t, fmt.Sprintf("%+v", e), secret)
		require.NotEqual(t, events.KindVariable, e.Type.Kind())
	}
}
