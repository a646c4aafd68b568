package activities_test

import (
	"context"
	"testing"
	"time"

	"github.com/dlclark/regexp2/v2"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities"
	"github.com/waybill-io/waybill/activities/contract"
)

func TestRunScript(t *testing.T) {
	variables := map[string]any{"n": int64(20), "name": "Ada", "order": map[string]any{"lines": []any{int64(1), int64(2)}}}
	for _, c := range []struct {
		name, source, result string
		want                 contract.Variables
		err                  string
	}{
		{name: "result of the last expression", source: "n + 1", result: "next", want: contract.Variables{"next": int64(21)}},
		{name: "without a result variable the value is dropped", source: "n + 1", want: contract.Variables{}},
		{name: "setVariable", source: "execution.setVariable('greeting', 'Hello ' + name)", want: contract.Variables{"greeting": "Hello Ada"}},
		{name: "getVariable sees what was set", source: "execution.setVariable('a', 1); execution.getVariable('a') + execution.getVariable('n')", result: "r",
			want: contract.Variables{"a": int64(1), "r": int64(21)}},
		{name: "lists and maps", source: "({total: order.lines.reduce(function(a, b) { return a + b }, 0)})", result: "sum", want: contract.Variables{"sum": map[string]any{"total": int64(3)}}},
		{name: "hasVariable", source: "execution.hasVariable('nothing')", result: "r", want: contract.Variables{"r": false}},
		{name: "null for what is not there", source: "execution.getVariable('nothing')", result: "r", want: contract.Variables{"r": nil}},
		{name: "syntax error", source: "1 +", err: "script: SyntaxError"},
		{name: "unknown variable", source: "missing.length", err: "missing is not defined"},
		{name: "no files, no network", source: "require('fs')", err: "require is not defined"},
		{name: "throw", source: "throw new Error('no stock')", err: "no stock"},
		{name: "deep recursion ends", source: "(function f() { return f() })()", err: "script:"},
		{name: "results too large", source: "'x'.repeat(2000000)", result: "r", err: "at most 1048576 are kept"},
		{name: "results that are no data", source: "(function() {})", result: "r", err: "not plain data"},
	} {
		t.Run(c.name, func(t *testing.T) {
			result, err := activities.RunScript(t.Context(), contract.ScriptInput{Source: c.source, Result: c.result, Variables: variables})
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, result.Variables)
		})
	}
}

func TestScriptEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := activities.RunScript(ctx, contract.ScriptInput{Source: "for (;;) {}"})
	require.ErrorContains(t, err, "deadline")
}

func TestRegularExpressionEnds(t *testing.T) {
	_, err := activities.RunScript(t.Context(), contract.ScriptInput{Source: "/(?=a)a/.test('a')"})
	require.NoError(t, err)
	require.LessOrEqual(t, regexp2.DefaultMatchTimeout, 10*time.Second, "goja's engine for look-arounds hears of no interrupt")
}
