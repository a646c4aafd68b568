package juel_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/juel"
)

func TestNormalize(t *testing.T) {
	for _, c := range []struct{ in, want any }{
		{nil, nil},
		{true, true},
		{"x", "x"},
		{int64(1), int64(1)},
		{1, int64(1)},
		{int32(-1), int64(-1)},
		{float32(0.5), 0.5},
		{0.5, 0.5},
		{2.0, int64(2)},
		{-2.0, int64(-2)},
		{math.Copysign(0, -1), int64(0)},
		{1e18, int64(1e18)},
		{1e19, 1e19},
		{-math.Pow(2, 63), int64(math.MinInt64)},
		{math.Pow(2, 63), math.Pow(2, 63)},
		{json.Number("1"), int64(1)},
		{json.Number("-1"), int64(-1)},
		{json.Number("1.0"), int64(1)},
		{json.Number("1e2"), int64(100)},
		{json.Number("1.5"), 1.5},
		{json.Number("9223372036854775807"), int64(math.MaxInt64)},
		{json.Number("10000000000000000000"), 1e19},
		{json.Number("1e300"), 1e300},
		{[]any{1, 2.0, []any{json.Number("3")}}, []any{int64(1), int64(2), []any{int64(3)}}},
		{map[string]any{"a": 1.0, "b": map[string]any{"c": nil}}, map[string]any{"a": int64(1), "b": map[string]any{"c": nil}}},
		{[]any{}, []any{}},
	} {
		got, err := juel.Normalize(c.in)
		require.NoError(t, err, c.in)
		require.Equal(t, c.want, got, c.in)
	}
}

func TestNormalizeRefuses(t *testing.T) {
	for want, in := range map[string]any{
		"64 bits do not keep a number of 19 characters exactly; pass it as text": json.Number("9223372036854775809"),
		"64 bits do not keep a number of 5 characters exactly; pass it as text":  json.Number("1e400"),
		"the result is not a finite number":                                      math.NaN(),
		"element 1: the result is not a finite number":                           []any{1, math.Inf(1)},
		"b: c: element 0: a struct {} is no value of an expression; pass null, booleans, numbers, text (dates in ISO 8601), lists and maps": map[string]any{
			"b": map[string]any{"c": []any{struct{}{}}}, "z": struct{}{},
		},
	} {
		_, err := juel.Normalize(in)
		require.EqualError(t, err, want)
	}
}

// TestNormalizeSurvivesJSON: state is stored as JSON between two steps; the type of a value must not depend on that.
func TestNormalizeSurvivesJSON(t *testing.T) {
	for _, src := range []string{"${4 / 2}", "${1 / 3}", "${1e19 * 1}", "${9223372036854775807}", "${-0.0}", "${price}", "${customer}", "${1e300 * 1}"} {
		result, err := mustParse(src).Eval(vars())
		require.NoError(t, err)
		stored, err := juel.Normalize(result)
		require.NoError(t, err)
		data, err := json.Marshal(stored)
		require.NoError(t, err)
		var decoded any
		dec := json.NewDecoder(strings.NewReader(string(data)))
		dec.UseNumber()
		require.NoError(t, dec.Decode(&decoded))
		again, err := juel.Normalize(decoded)
		require.NoError(t, err)
		require.Equal(t, stored, again, src)
	}
}
