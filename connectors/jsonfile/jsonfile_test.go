package jsonfile

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadsFields(t *testing.T) {
	f, o, err := Parse("x.json", []byte("\xef\xbb\xbf"+`{"name":"a","on":true,"n":7,"f":1.5,"child":{"k":"v"},"list":[{"k":"w"}],"none":null}`))
	require.NoError(t, err)
	require.Equal(t, "a", o.Required("name"))
	require.True(t, o.Bool("on"))
	n, ok := o.Any("n")
	require.True(t, ok)
	require.Equal(t, int64(7), n)
	number, _ := o.Any("f")
	require.Equal(t, 1.5, number)
	require.Equal(t, "v", o.Object("child").String("k"))
	require.Equal(t, "w", o.Objects("list")[0].String("k"))
	_, ok = o.Any("none")
	require.False(t, ok, "null counts as absent")
	require.Equal(t, []string{"k"}, o.Object("child").Keys())
	o.Done()
	require.NoError(t, f.Err())
}

func TestCollectsErrorsOfContent(t *testing.T) {
	f, o, err := Parse("x.json", []byte(`{"name":3,"name":4,"on":"yes","list":[1],"child":[],"descripton":"d"}`))
	require.NoError(t, err)
	o.Required("name")
	o.Required("absent")
	o.Bool("on")
	o.Objects("list")
	o.Object("child")
	o.String("description")
	o.Done()
	text := f.Err().Error()
	for _, want := range []string{
		`x.json: name: given twice`,
		`x.json: name: is a number; a string is expected`,
		`x.json: absent: is required`,
		`x.json: on: is a string; true or false is expected`,
		`x.json: list[0]: is a number; an object is expected`,
		`x.json: child: is a list; an object is expected`,
		`x.json: descripton: unknown field; did you mean "description"?`,
	} {
		require.Contains(t, text, want)
	}
	require.Equal(t, 7, len(strings.Split(text, "\n")))
}

func TestRefusesBadSyntax(t *testing.T) {
	for name, tc := range map[string]struct{ data, want string }{
		"empty":    {"", "x.json: line 1: unexpected EOF"},
		"cut":      {"{\n\"a\": ", "x.json: line 2: unexpected EOF"},
		"garbage":  {"{\n\n\"a\" 3}", "x.json: line 3:"},
		"two":      {"{} {}", "more after the end"},
		"no list":  {"[]", "a list where a JSON object should be"},
		"too deep": {strings.Repeat(`{"a":`, 70) + "1" + strings.Repeat("}", 70), "nested deeper than 64"},
		"too big":  {`{"a":"` + strings.Repeat("x", MaxSize) + `"}`, "at most"},
		"overflow": {`{"a":1e999}`, "line 1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := Parse("x.json", []byte(tc.data))
			require.ErrorContains(t, err, tc.want)
		})
	}
}
