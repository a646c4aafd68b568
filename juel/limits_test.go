package juel_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/juel"
)

func TestLimits(t *testing.T) {
	long := juel.Vars{"s": strings.Repeat("x", 600_000), "l": []any{strings.Repeat("x", 600_000), strings.Repeat("y", 600_000)}, "big": int64(1) << 62, "huge": 1e308}
	const tooLong = "the text becomes longer than 1048576 bytes"
	for _, c := range []struct{ src, want string }{
		{strings.Repeat("x", 16<<10+1), "expression, offset 16384: an expression has at most 16384 bytes"},
		{"${" + strings.Repeat("(", 300) + "1" + strings.Repeat(")", 300) + "}", "expression, offset 202: the expression nests deeper than 200"},
		{"${" + strings.Repeat("!", 300) + "true}", "the expression nests deeper than 200"},
		{"${" + strings.Repeat("a ? 1 : ", 300) + "1}", "the expression nests deeper than 200"},
		{"${" + strings.Repeat("a[", 300) + "1" + strings.Repeat("]", 300) + "}", "the expression nests deeper than 200"},
		{"${s}${s}", tooLong},
		{"${s.concat(s)}", "s.concat(s): " + tooLong},
		{"${s.replace('x', 'xx')}", tooLong},
		{"${s.replace('', 'x')}", tooLong},
		{"${l.toString()}", tooLong},
		{"x${l}", "l: " + tooLong},
		{"${'x'" + strings.Repeat(".replace('x', 'xxxxxxxxxx')", 20) + "}", tooLong},
		{"${big + big}", "big + big: the integer result does not fit into 64 bits"},
		{"${big * 4}", "the integer result does not fit into 64 bits"},
		{"${-big - big - 1}", "the integer result does not fit into 64 bits"},
		{"${(-big - big) * -1}", "the integer result does not fit into 64 bits"},
		{"${-1 * (-big - big)}", "the integer result does not fit into 64 bits"},
		{"${-(-big - big)}", "the integer result does not fit into 64 bits"},
		{"${huge * 10}", "huge * 10: the result is not a finite number"},
		{"${huge + huge}", "the result is not a finite number"},
		{"${-huge - huge}", "the result is not a finite number"},
		{"${1 / 0}", "1 / 0: division by zero"},
		{"${1.0 % 0}", "1.0 % 0: division by zero"},
	} {
		require.Contains(t, answer(c.src, long), c.want, clip(c.src))
	}
}

// TestLongChains: what is long but not nested is fine.
func TestLongChains(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"${1" + strings.Repeat("+1", 8000) + "}", "integer 8001"},
		{"${" + strings.Repeat("a && ", 3000) + "a}", "boolean true"},
		{"${''" + strings.Repeat(".concat(1)", 1500) + ".length()}", "integer 1500"},
		{strings.Repeat("${a}", 4000), "text " + strings.Repeat("true", 4000)},
		{"${(-big - big) + 1}", "integer -9223372036854775807"},
		{"${(-big - big) % -1}", "integer 0"},
		{"${(-big - big) * 1}", "integer -9223372036854775808"},
	} {
		require.Equal(t, c.want, answer(c.src, juel.Vars{"a": true, "big": int64(1) << 62}), clip(c.src))
	}
}

// TestErrorsAreShort: an error quotes an expression, but not all of a long one.
func TestErrorsAreShort(t *testing.T) {
	src := "${1 + 'é" + strings.Repeat("é", 5000) + "'}"
	_, err := mustParse(src).Eval(juel.Vars{})
	require.ErrorContains(t, err, "...")
	require.Less(t, len(err.Error()), 700)
}

func TestSyntaxError(t *testing.T) {
	_, err := juel.Parse("Hello ${customer.name + }")
	var syntax *juel.SyntaxError
	require.ErrorAs(t, err, &syntax)
	require.Equal(t, juel.SyntaxError{Offset: 24, Msg: "unexpected }, expected a value"}, *syntax)
}

func clip(s string) string { return s[:min(len(s), 60)] }
