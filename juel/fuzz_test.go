package juel_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/juel"
)

// seed adds every expression of testdata/java.
func seed(f *testing.F) {
	files, err := filepath.Glob("testdata/java/*.txt")
	require.NoError(f, err)
	for _, file := range files {
		lines, err := os.ReadFile(file)
		require.NoError(f, err)
		for line := range strings.Lines(string(lines)) {
			src, _, _ := strings.Cut(line, " => ")
			f.Add(src)
		}
	}
	f.Add("${var:getOrDefault(x, execution.getVariable('y'))}${now()}${execution.hasVariable('z')}")
	f.Add("${\x00}")
	f.Add("${'\xff'}\xff${\xff}")
	f.Add("${9223372036854775807 + 1}${-9223372036854775807 - 2}")
	f.Add("${''.replace('', customer.concat(list)).split('\\\\.')}")
}

func FuzzParse(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, src string) {
		e, err := juel.Parse(src)
		again, errAgain := juel.Parse(src)
		require.Equal(t, err, errAgain)
		if err == nil {
			require.Equal(t, src, e.Source())
			require.Equal(t, e.Variables(), again.Variables())
			require.Equal(t, e.IsLiteral(), again.IsLiteral())
			return
		}
		var syntax *juel.SyntaxError
		require.True(t, errors.As(err, &syntax))
		require.GreaterOrEqual(t, syntax.Offset, 0)
		require.LessOrEqual(t, syntax.Offset, len(src))
	})
}

func FuzzEval(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, src string) {
		e, err := juel.Parse(src)
		if err != nil {
			return
		}
		got := answer(src, newScope())
		require.Equal(t, got, answer(src, newScope()), "the same answer each time")
		value, err := e.Eval(newScope())
		if err != nil {
			require.Nil(t, value)
			return
		}
		_, err = juel.Normalize(value)
		require.NoError(t, err, "every result is in the model")
	})
}
