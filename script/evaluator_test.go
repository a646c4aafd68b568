package script

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/engine"
	"github.com/waybill-io/waybill/juel"
)

func js(source string) *bpmn.Script { return &bpmn.Script{Format: "javascript", Source: source} }

func TestEvaluate(t *testing.T) {
	var e Evaluator
	set := map[string]any{}
	env := engine.ScriptEnv{
		Variables: engine.Variables{"n": int64(3), "list": []any{int64(1), int64(2)}, "order": map[string]any{"total": 12.5}},
		Execution: map[string]any{"processInstanceId": "p#1"},
		Task:      map[string]any{"assignee": "ann"},
		Token:     map[string]any{"current": map[string]any{"x": int64(4)}, "history": map[string]any{"a": map[string]any{"y": true}}},
		Set: func(name string, value any, reach juel.Reach) error {
			set[name] = []any{value, reach}
			return nil
		},
	}
	for source, want := range map[string]any{
		"n > 2":                                      true,
		"token.current.x + n":                        int64(7),
		"token.history.a.y":                          true,
		"order.total * 2":                            int64(25),
		"list.length":                                int64(2),
		"list.push(3); list":                         []any{int64(1), int64(2), int64(3)},
		"({a: n, b: [1]})":                           map[string]any{"a": int64(3), "b": []any{int64(1)}},
		"execution.processInstanceId":                "p#1",
		"execution.getProcessInstanceId()":           "p#1",
		"task.getAssignee() + '!'":                   "ann!",
		"execution.getVariable('n')":                 int64(3),
		"execution.setVariable('m', n + 1); m":       int64(4),
		"new Date('2026-03-02T09:00:00Z').getTime()": int64(1772442000000),
		"undefined":                                  nil,
		"typeof missing":                             "undefined",
	} {
		value, err := e.Evaluate(js(source), env)
		require.NoError(t, err, source)
		require.Equal(t, want, value, source)
	}
	require.Equal(t, []any{int64(1), int64(2)}, env.Variables["list"], "what a script is given stays as it is")
	require.Equal(t, map[string]any{"m": []any{int64(4), juel.Nearest}}, set)
}

func TestEvaluateRefuses(t *testing.T) {
	var e Evaluator
	for source, want := range map[string]string{
		"new Date()":                       "there is no clock here",
		"Date.now()":                       "there is no clock here",
		"Math.random()":                    "there is no random here",
		"while (true) {}":                  "took longer than",
		"execution.setVariable('a', 1)":    "variables cannot be set here",
		"missing.x":                        "missing is not defined",
		"a +":                              "Unexpected",
		"function f() { return f() }; f()": "",
		"var a = {}; a.a = [a]; a":         "holds itself",
	} {
		_, err := e.Evaluate(js(source), engine.ScriptEnv{})
		require.ErrorContains(t, err, want, source)
	}
	_, err := e.Evaluate(&bpmn.Script{Format: "groovy"}, engine.ScriptEnv{})
	require.ErrorContains(t, err, "groovy")
}

// TestNoSourceMaps: goja would open the file. A pipe tells that somebody reads from it.
func TestNoSourceMaps(t *testing.T) {
	path := filepath.Join(t.TempDir(), "map")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	source := "1 + 1\n//# sourceMappingURL=file://" + path
	done := make(chan error, 1)
	go func() {
		var e Evaluator
		_, evaluated := e.Evaluate(js(source), engine.ScriptEnv{})
		_, ran := Run(t.Context(), Task{Source: source, Variables: map[string]any{}})
		done <- errors.Join(evaluated, ran, Check(source))
	}()
	for {
		select {
		case err := <-done:
			require.NoError(t, err)
			return
		default:
		}
		if pipe, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil {
			_ = pipe.Close()
			require.FailNow(t, "the file was opened")
		}
	}
}

// FuzzEvaluate: no panic, the same twice, and what is given stays as it is.
func FuzzEvaluate(f *testing.F) {
	for _, source := range []string{"n > 2", "list[0] = 5; list", "token.current.x", "({a: list})", "/(a+)+$/.test('aaaaaaaaaaaaaaaa!')", "throw 1", "(function(){})()"} {
		f.Add(source)
	}
	var e Evaluator
	f.Fuzz(func(t *testing.T, source string) {
		env := engine.ScriptEnv{Variables: engine.Variables{"n": int64(3), "list": []any{int64(1)}}}
		first, err := e.Evaluate(js(source), env)
		second, again := e.Evaluate(js(source), env)
		if err == nil && again == nil {
			require.Equal(t, first, second)
		}
		require.Equal(t, engine.Variables{"n": int64(3), "list": []any{int64(1)}}, env.Variables)
	})
}

func BenchmarkCondition(b *testing.B) {
	var e Evaluator
	env := engine.ScriptEnv{Variables: engine.Variables{"n": int64(3), "text": "x"}, Token: map[string]any{"current": map[string]any{"x": int64(4)}}}
	s := js("token.current.x > n")
	for b.Loop() {
		if _, err := e.Evaluate(s, env); err != nil {
			b.Fatal(err)
		}
	}
}
