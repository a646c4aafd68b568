package bpmn

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConvert(t *testing.T) {
	m := map[string]any{"a": int64(1)}
	tests := []struct {
		typ  string
		in   any
		want any
	}{
		{"string", "x", "x"}, {"string", 5, "5"}, {"string", true, "true"}, {"string", 2.5, "2.5"},
		{"integer", 5, int64(5)}, {"integer", " 472 ", int64(472)}, {"integer", 5.0, int64(5)}, {"integer", json.Number("7"), int64(7)},
		{"boolean", true, true}, {"boolean", "FALSE", false}, {"boolean", " true", true},
		{"date", "2026-03-02", "2026-03-02"},
		{"datetime", "2026-03-02 09:00:00", "2026-03-02T09:00:00Z"}, {"datetime", "2026-03-02T09:00:00+01:00", "2026-03-02T09:00:00+01:00"},
		{"json", map[string]any{"a": json.Number("1")}, m}, {"json", `{"a": 1}`, m}, {"json", "plain", "plain"}, {"json", "[broken", "[broken"}, {"json", 1, int64(1)},
		{"array", []any{1}, []any{int64(1)}}, {"array", "[1]", []any{int64(1)}},
		{"file", "s3://b/k", "s3://b/k"}, {"file", map[string]any{"a": 1}, m}, {"content", []any{}, []any{}},
		{"string", nil, nil}, {"integer", nil, nil}, {"file", nil, nil},
	}
	for _, test := range tests {
		got, err := Convert(test.typ, test.in)
		require.NoError(t, err, "%s %v", test.typ, test.in)
		require.Equal(t, test.want, got, "%s %v", test.typ, test.in)
	}
	for _, test := range []struct {
		typ  string
		in   any
		want string
	}{
		{"integer", "secret", "this text is not an integer"}, {"integer", 2.5, "a number is not an integer"}, {"integer", true, "a boolean is not an integer"},
		{"string", m, "a map is not a text"}, {"string", []any{}, "a list is not a text"},
		{"boolean", "yes", "this text is not a boolean"}, {"boolean", 1, "a number is not a boolean"},
		{"date", "2026-02-30", "not a date YYYY-MM-DD"}, {"date", 5, "a number is not a date"}, {"datetime", "noon", "not a date with time"},
		{"array", "x", "this text is not a list"}, {"file", 1, "a number is not a file"}, {"float", 1, `unknown type "float"`},
		{"json", struct{}{}, "is no value"},
	} {
		_, err := Convert(test.typ, test.in)
		require.ErrorContains(t, err, test.want, "%s %v", test.typ, test.in)
		require.NotContains(t, err.Error(), "secret", "values are personal data")
	}
}
