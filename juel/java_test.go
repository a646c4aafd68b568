package juel_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/juel"
)

var update = flag.Bool("update", false, "write our answers into testdata/java")

// vars are the variables of every expression in testdata/java.
func vars() juel.Vars {
	return juel.Vars{
		"amount": int64(150), "zero": int64(0), "price": 2.5, "status": "open", "age": "5", "approved": true,
		"rejected": false, "nul": nil, "empty1": "", "name": "Grüße",
		"list": []any{"a", "b", int64(3)}, "none": []any{}, "nomap": map[string]any{},
		"customer": map[string]any{
			"name": "Ada", "age": int64(36), "nothing": nil,
			"address": map[string]any{"city": "London"}, "tags": []any{"x", "y"},
		},
	}
}

// TestJava compares with the answers of the Java implementation (de.odysseus.juel 2.2.7), recorded line by line:
// the expression, Java's answer, and ours where it is another one or an error. -update rewrites only ours.
func TestJava(t *testing.T) {
	files, err := filepath.Glob("testdata/java/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			golden, err := os.ReadFile(file)
			require.NoError(t, err)
			var actual strings.Builder
			for line := range strings.Lines(string(golden)) {
				columns := strings.Split(strings.TrimSuffix(line, "\n"), " => ")
				require.GreaterOrEqual(t, len(columns), 2, line)
				ours := answer(columns[0], vars())
				fmt.Fprintf(&actual, "%s => %s", columns[0], columns[1])
				if ours != columns[1] {
					fmt.Fprintf(&actual, " => %s", ours)
				}
				actual.WriteString("\n")
			}
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(actual.String()), 0o644))
				return
			}
			require.Equal(t, string(golden), actual.String())
		})
	}
}

// answer evaluates src and shows the result with its kind, or the error.
func answer(src string, env juel.Env) string {
	e, err := juel.Parse(src)
	if err != nil {
		return "error: " + err.Error()
	}
	value, err := e.Eval(env)
	if err != nil {
		return "error: " + strings.TrimPrefix(err.Error(), "evaluating "+src+": ")
	}
	switch v := value.(type) {
	case nil:
		return "null"
	case bool:
		return fmt.Sprintf("boolean %v", v)
	case int64:
		return fmt.Sprintf("integer %d", v)
	case float64:
		text, err := mustParse("${x}#").Eval(juel.Vars{"x": v})
		return fmt.Sprintf("float %s", strings.TrimSuffix(text.(string), "#")) + errorText(err)
	case string:
		return "text " + strings.ReplaceAll(v, "\n", `\n`)
	case []any:
		return "list [" + strings.ReplaceAll(strings.Trim(fmt.Sprint(v), "[]"), " ", ", ") + "]"
	}
	return "map " + fmt.Sprint(value)
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return " error: " + err.Error()
}

func mustParse(src string) *juel.Expr {
	e, err := juel.Parse(src)
	if err != nil {
		panic(err)
	}
	return e
}
