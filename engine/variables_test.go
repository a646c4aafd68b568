package engine

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/bpmn"
)

func TestVariables(t *testing.T) {
	p := with(model(nodes(start("s"), service("a")), "s -> a"),
		bpmn.Property{Name: "n", Type: "integer", Required: true},
		bpmn.Property{Name: "day", Type: "date", Value: "2026-01-01"},
		bpmn.Property{Name: "unset", Type: "string"},
		bpmn.Property{Name: "list", Type: "array", Value: []any{int64(1)}})

	play(t, []scenario{
		{name: "start: over the defaults, converted, undeclared ones too", model: p, steps: []step{
			{do: begin(Variables{"n": "12", "extra": true}), want: "call a",
				vars: Variables{"n": int64(12), "day": "2026-01-01", "list": []any{int64(1)}, "extra": true}},
		}},
		{name: "start: a required property", model: p, steps: []step{
			{do: begin(nil), refused: `start variable "n" is required by process "p" and is missing`},
			{do: begin(Variables{"n": nil}), refused: "is required"},
			{do: begin(Variables{"n": "many"}), refused: `start variable "n": `},
			{do: begin(Variables{"n": 1, "x": struct{}{}}), refused: `start variable "x": `},
			{do: begin(Variables{"n": 1, "day": "2026-12-24"}), want: "call a"},
		}},
		{name: "set from outside", model: p, steps: []step{
			{do: begin(Variables{"n": 1}), want: "call a"},
			{do: given(VariablesSet{Variables: Variables{"n": "2", "new": 1.5}}),
				vars: Variables{"n": int64(2), "day": "2026-01-01", "list": []any{int64(1)}, "new": 1.5}},
			{do: given(VariablesSet{Variables: Variables{"a": 1, "n": "x"}}), refused: `variable "n": `},
			{do: given(VariablesSet{Variables: Variables{"n": nil}}),
				vars: Variables{"n": nil, "day": "2026-01-01", "list": []any{int64(1)}, "new": 1.5}},
		}},
	})
}

func TestVariablesJSON(t *testing.T) {
	v := Variables{
		"int": int64(2), "real": 2.0, "negative zero": math.Copysign(0, -1), "huge": 1e300, "tiny": 5e-324, "million": 1e6,
		"max": int64(math.MaxInt64), "min": int64(math.MinInt64), "third": 1.0 / 3,
		"text": "a<b>&\u2028\"\\\x00 é", "yes": true, "null": nil,
		"nested": map[string]any{"b": []any{int64(1), 1.0, "x", nil, []any{}}, "a": map[string]any{"z": 0.5}},
	}
	data, err := json.Marshal(v)
	require.NoError(t, err)
	var back Variables
	require.NoError(t, json.Unmarshal(data, &back))
	require.Equal(t, v, back)
	require.True(t, math.Signbit(back["negative zero"].(float64)))
	again, err := json.Marshal(back)
	require.NoError(t, err)
	require.Equal(t, string(data), string(again))

	data, err = json.Marshal(Variables{"b": 2.0, "a": int64(9007199254740993), "c": map[string]any{"y": int64(1), "x": 1e21}})
	require.NoError(t, err)
	require.Equal(t, `{"a":9007199254740993,"b":2.0,"c":{"x":1e+21,"y":1}}`, string(data))

	for _, bad := range []any{math.NaN(), math.Inf(1), 1, struct{}{}, []any{int32(1)}, map[string]any{"x": float32(1)}} {
		_, err := json.Marshal(Variables{"v": bad})
		require.Error(t, err, "%T", bad)
	}
	for _, bad := range []string{`{"a":9223372036854775808}`, `{"a":{"b":[99999999999999999999]}}`, `{"a":1e999}`, `[1]`, `{} {}`, `{`} {
		require.Error(t, new(Variables).UnmarshalJSON([]byte(bad)), bad)
	}
	var null Variables
	require.NoError(t, json.Unmarshal([]byte("null"), &null))
	require.Nil(t, null)
}
