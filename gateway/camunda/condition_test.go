package camunda

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConditionsOfVariables(t *testing.T) {
	variables := map[string]any{"n": int64(5), "f": 2.5, "text": "Abc", "yes": true, "list": []any{int64(1)}, "none": nil}
	for _, c := range []struct {
		name, operator string
		value          any
		names, values  bool
		fits           bool
	}{
		{"n", "eq", json.Number("5"), false, false, true},
		{"n", "eq", "5", false, false, false}, // text is no number
		{"n", "neq", json.Number("5"), false, false, false},
		{"n", "neq", "5", false, false, true},
		{"missing", "neq", "5", false, false, false},
		{"n", "gt", json.Number("4.5"), false, false, true},
		{"n", "gt", json.Number("5"), false, false, false},
		{"n", "gteq", json.Number("5"), false, false, true},
		{"f", "lt", json.Number("3"), false, false, true},
		{"f", "lteq", json.Number("2.5"), false, false, true},
		{"f", "lteq", json.Number("2"), false, false, false},
		{"n", "lt", "9", false, false, false},
		{"text", "gt", "Abb", false, false, true},
		{"text", "eq", "abc", false, false, false},
		{"text", "eq", "abc", false, true, true},
		{"TEXT", "eq", "Abc", false, false, false},
		{"TEXT", "eq", "Abc", true, false, true},
		{"text", "like", "A%", false, false, true},
		{"text", "like", "a%", false, false, false},
		{"text", "like", "a%", false, true, true},
		{"text", "notLike", "x%", false, false, true},
		{"n", "like", "5", false, false, false},
		{"yes", "eq", true, false, false, true},
		{"yes", "eq", false, false, false, false},
		{"yes", "gt", false, false, false, false},
		{"list", "eq", []any{json.Number("1")}, false, false, true},
		{"none", "eq", nil, false, false, true},
	} {
		q := query{Variables: []variable{{Name: c.name, Operator: c.operator, Value: c.value}}, NamesAnyCase: c.names, ValuesAnyCase: c.values}
		require.Equal(t, c.fits, q.fits(variables), "%+v", c)
	}
	q := query{Variables: []variable{{"n", "eq", json.Number("5")}, {"text", "eq", "other"}}}
	require.False(t, q.fits(variables), "all of them")
}

func TestLike(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		fits          bool
	}{
		{"", "", true}, {"", "a", false}, {"%", "", true}, {"%", "abc", true}, {"a", "a", true}, {"a", "ab", false}, {"a%", "ab", true}, {"%b", "ab", true},
		{"%a%", "bab", true}, {"%a%", "bbb", false}, {"_", "ä", true}, {"_", "", false}, {"a_c", "abc", true}, {"%b%d", "abcbd", true}, {"%b%d", "abcbe", false},
		{"a%%b", "ab", true}, {"%_", "", false},
	} {
		require.Equal(t, c.fits, like(c.pattern, c.text, false), "%q of %q", c.text, c.pattern)
	}
}
