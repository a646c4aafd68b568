package juel_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/juel"
)

// TestMethods has what testdata/java cannot: Java arrays, characters beyond the basic plane, our own errors.
func TestMethods(t *testing.T) {
	env := vars()
	env["emoji"] = "a😀b"
	env["pair"] = []any{[]any{int64(1)}, map[string]any{"k": 1.0}}
	env["same"] = []any{[]any{1.0}, map[string]any{"k": int64(1)}}
	env["other"] = []any{[]any{int64(2)}, map[string]any{"k": int64(1)}}
	for _, c := range []struct{ src, want string }{
		{"${'a,b,c'.split(',')}", "list [a, b, c]"},
		{"${'a,b,,'.split(',')}", "list [a, b]"},
		{"${',a'.split(',').size()}", "integer 2"},
		{"${''.split(',').size()}", "integer 1"},
		{"${'a.b'.split('.')}", `error: 'a.b'.split('.'): split takes a plain separator, not a pattern; a special character is written '\\.'`},
		{`${'a|b'.split('\\|')}`, "list [a, b]"},
		{"${'ab'.split('')}", `error: 'ab'.split(''): split takes a plain separator, not a pattern; a special character is written '\\.'`},
		{"${customer.keySet().contains('age')}", "boolean true"},
		{"${customer.values().get(1)}", "integer 36"},
		{"${list.indexOf('a', 1)}", "error: list.indexOf('a', 1): of a list it takes 1 argument"},
		{"${'banana'.indexOf('a', 'x')}", "error: 'banana'.indexOf('a', 'x'): the position to search from is text, not a number"},
		{"${'banana'.substring(true)}", "error: 'banana'.substring(true): the position is a boolean, not a number"},
		{"${list.get('x')}", "error: list.get('x'): the index is text, not a number"},
		{"${list[1e300]}", "null"},
		{"${emoji.length()}", "integer 3"},
		{"${emoji.substring(1, 2)}", "text 😀"},
		{"${emoji.indexOf('b')}", "integer 2"},
		{"${emoji.lastIndexOf('b')}", "integer 2"},
		{"${emoji.indexOf('b', 2)}", "integer 2"},
		{"${pair == same}", "boolean true"},
		{"${pair.equals(same)}", "boolean true"},
		{"${pair == other}", "boolean false"},
		{"${pair == list}", "boolean false"},
		{"${pair[1] == customer}", "boolean false"},
		{"${pair[1] == nomap}", "boolean false"},
		{"${pair.contains(same[0])}", "boolean true"},
		{"${status == list}", "boolean false"},
		{"${list == status}", "boolean false"},
		{"${'a'.compareTo('c')}", "integer -2"},
		{"${'abc'.compareTo('ab')}", "integer 1"},
		{"${amount.compareTo(2.5)}", "error: amount.compareTo(2.5): a number has no method compareTo; it has equals toString"},
		{"${'a'.compareTo(1)}", "error: 'a'.compareTo(1): text is compared with text alone"},
		{"${amount.concat('x')}", "error: amount.concat('x'): a number has no method concat; it has equals toString"},
		{"${status.matches('o.*')}", "error: expression, offset 9: there is no method matches; there are compareTo concat contains containsKey endsWith equals equalsIgnoreCase get indexOf isEmpty keySet lastIndexOf length replace size split startsWith substring toLowerCase toString toUpperCase trim values"},
		{"${status.class.forName('java.lang.Runtime')}", "error: expression, offset 15: there is no method forName; there are compareTo concat contains containsKey endsWith equals equalsIgnoreCase get indexOf isEmpty keySet lastIndexOf length replace size split startsWith substring toLowerCase toString toUpperCase trim values"},
		{"${status == ‘open’}", "error: expression, offset 12: ‘ is not a quote; write ' or \""},
		{"${list == {'a'}}", "error: expression, offset 10: { starts nothing here; lists and maps cannot be written in an expression"},
		{"${list == ['a']}", "error: expression, offset 10: unexpected [, expected a value"},
	} {
		require.Equal(t, c.want, answer(c.src, env), c.src)
	}
	require.Equal(t, "null", answer("${x.y.size()}", juel.Vars{"x": map[string]any{}}))
}
