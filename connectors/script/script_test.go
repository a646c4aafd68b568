package script

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/connectortest"
)

// TestMain makes of the test program one that runs scripts.
func TestMain(m *testing.M) {
	Child()
	os.Exit(m.Run())
}

func connect(t *testing.T, settings map[string]string) *connector {
	t.Helper()
	path, err := os.Executable()
	require.NoError(t, err)
	all := map[string]string{"SCRIPT_RUNNER": path, "SCRIPT_TIMEOUT": "60s"}
	for name, value := range settings {
		all[name] = value
	}
	template := Template()
	c, err := template.Make(connectors.Instance{Definition: template.Definition, Settings: connectortest.Settings(template.Definition, all)})
	require.NoError(t, err)
	return c.(*connector)
}

func run(t *testing.T, c connectors.Connector, script string, variables any) (map[string]any, error) {
	t.Helper()
	return connectors.Do(t.Context(), c, connectors.Call{Action: "RUN", IdempotencyKey: "k", Inputs: map[string]any{"script": script, "variables": variables}})
}

// telling is a program that tells a listener that it runs, and never answers.
func telling(t *testing.T) (path string, told <-chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	came := make(chan struct{}, 10)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
			came <- struct{}{}
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	path = filepath.Join(t.TempDir(), "telling")
	port := l.Addr().(*net.TCPAddr).Port
	require.NoError(t, os.WriteFile(path, fmt.Appendf(nil, "#!/bin/bash\n: </dev/tcp/127.0.0.1/%d\nexec /bin/sleep 600\n", port), 0o700))
	return path, came
}

func TestKit(t *testing.T) {
	c := connect(t, map[string]string{"SCRIPT_MAX_RESULT": "1024", "SCRIPT_MAX_MEMORY": "32"})
	slow := connect(t, map[string]string{"SCRIPT_TIMEOUT": "300ms"})
	fail := func(name string, c connectors.Connector, kind connectors.Kind, code, script string) connectortest.Failure {
		return connectortest.Failure{Name: name, Connector: c, Kind: kind, Code: code, Call: connectors.Call{Action: "RUN", Inputs: map[string]any{"script": script, "variables": map[string]any{"secret": "hunter2-secret"}}}}
	}
	list := fail("variables", c, connectors.BPMN, connectors.CodeInvalidInput, "1")
	list.Call.Inputs["variables"] = []any{1.0}
	template := Template()
	alone, err := template.Make(connectors.Instance{Definition: template.Definition, Settings: connectortest.Settings(template.Definition, nil)})
	require.NoError(t, err)
	connectortest.Run(t, connectortest.Kit{
		Connector: c,
		Samples:   map[string]map[string]any{"RUN": {"script": "n + 1", "variables": map[string]any{"n": 1.0}}},
		Stuck: func(t *testing.T) (connectors.Connector, <-chan struct{}) {
			path, told := telling(t)
			return connect(t, map[string]string{"SCRIPT_RUNNER": path}), told
		},
		Failures: []connectortest.Failure{
			list,
			fail("no runner", alone, connectors.Permanent, connectors.CodeNotConfigured, "1"),
			fail("syntax", c, connectors.BPMN, codeScript, "1 +"),
			fail("thrown", c, connectors.BPMN, codeScript, "throw new Error('no')"),
			fail("not defined", c, connectors.BPMN, codeScript, "process.env"),
			fail("too deep", c, connectors.BPMN, codeScript, "function f() { return f() }; f()"),
			fail("not data", c, connectors.BPMN, codeScript, "var a = {}; a.a = a; a"),
			fail("long result", c, connectors.BPMN, codeTooLarge, "'x'.repeat(2000)"),
			fail("endless", slow, connectors.BPMN, codeTime, "while (true) {}"),
			fail("no such program", connect(t, map[string]string{"SCRIPT_RUNNER": "/nowhere"}), connectors.Retryable, connectors.CodeUnknown, "1"),
			fail("another program", connect(t, map[string]string{"SCRIPT_RUNNER": "/bin/echo"}), connectors.Retryable, connectors.CodeUnknown, "1"),
		},
		Secrets: []string{"hunter2-secret"},
		Keyless: []string{"RUN"},
	})
}

func TestRun(t *testing.T) {
	c := connect(t, nil)
	variables := map[string]any{"n": 3.0, "order": map[string]any{"lines": []any{map[string]any{"price": 2.5, "count": 4.0}}}, "text": "it's"}
	for source, want := range map[string]any{
		"n + 1":                 int64(4),
		"n / 2":                 1.5,
		"text.toUpperCase()":    "IT'S",
		"undefined":             nil,
		"({a: [1, {b: null}]})": map[string]any{"a": []any{int64(1), map[string]any{"b": nil}}},
		"order.lines.reduce((sum, l) => sum + l.price * l.count, 0)":                        int64(10),
		"const f = () => { let x = [...'abc']; return x.map(c => `<${c}>`).join('') }; f()": "<a><b><c>",
		"typeof require + typeof process + typeof fetch + typeof setTimeout":                "undefinedundefinedundefinedundefined",
		"new Date(0).toISOString()":  "1970-01-01T00:00:00.000Z",
		"JSON.parse('{\"a\": 1}').a": int64(1),
	} {
		outputs, err := run(t, c, source, variables)
		require.NoError(t, err, source)
		require.Equal(t, want, outputs["result"], source)
	}
}

func TestConsole(t *testing.T) {
	c := connect(t, nil)
	outputs, err := run(t, c, "console.log('a', 1, {b: [true]}); console.error('x'.repeat(5000)); for (let i = 0; i < 1000; i++) console.info(i); 7", nil)
	require.NoError(t, err)
	log := outputs["log"].([]any)
	require.Equal(t, int64(7), outputs["result"])
	require.Len(t, log, maxLines)
	require.Equal(t, `a 1 {"b":[true]}`, log[0])
	require.Len(t, []rune(log[1].(string)), maxLine)
	outputs, err = run(t, c, "console", map[string]any{"console": "mine"})
	require.NoError(t, err)
	require.Equal(t, "mine", outputs["result"])
}

func TestBPMNError(t *testing.T) {
	_, err := run(t, connect(t, nil), "throw new org.camunda.bpm.engine.delegate.BpmnError('TOO_DEAR', 'more than 1000')", nil)
	require.Equal(t, &connectors.Error{Kind: connectors.BPMN, Code: "TOO_DEAR", Public: "more than 1000"}, connectors.AsError(err))
}

// TestBounds: each of these takes a worker down, or a core for good, when it runs within it.
func TestBounds(t *testing.T) {
	memory := connect(t, map[string]string{"SCRIPT_MAX_MEMORY": "32"})
	for _, source := range []string{
		"'x'.repeat(1e9).length", "'x'.padEnd(4e9).length", "var x = 'x'; while (true) x += x", "var a = []; while (true) a.push({})",
		"new Array(3e7).fill(1).length", "new Array(1e9).join('x').length", "new Uint8Array(new ArrayBuffer(2e9)).fill(1).length",
		"var s = new Set(); var i = 0; while (true) s.add(i++)", "Array.from({length: 1e9}).length", "var m = {}; for (var i = 0; ; i++) m['k' + i] = i",
		"function f(a) { return f([a, a]) + f(a) }; var b = []; for (;;) { b.push(new Array(1000).fill('y')) }", "JSON.stringify(new Array(1e8).fill(0)).length",
	} {
		_, err := run(t, memory, source, nil)
		require.Equal(t, codeMemory, connectors.AsError(err).Code, "%s: %v", source, err)
	}
	short := connect(t, map[string]string{"SCRIPT_TIMEOUT": "200ms", "SCRIPT_MAX_MEMORY": "1024"})
	for _, source := range []string{"for (;;);", "/(a+)+$/.test('a'.repeat(50) + '!') || /^(?=(a+)+$)b/.test('a'.repeat(40) + '!'); for (;;);", "[1,2].sort(() => { for (;;); })", "Array.from({length: 1e12, get 0() { for(;;); }})"} {
		_, err := run(t, short, source, nil)
		require.Equal(t, codeTime, connectors.AsError(err).Code, "%s: %v", source, err)
	}
	// What is modest works with the same bounds, garbage included.
	outputs, err := run(t, memory, "var n = 0; for (var i = 0; i < 300000; i++) { n += ('a' + i).repeat(10).length } n", nil)
	require.NoError(t, err)
	require.NotZero(t, outputs["result"])
}

// TestNothingOfTheWorker: the process has no environment and no files of the worker.
func TestNothingOfTheWorker(t *testing.T) {
	c := connect(t, nil)
	path := filepath.Join(t.TempDir(), "print")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/bash\nread -r -n 1\nprintf '{\"result\": \"'; while read -r line; do printf '%s ' \"${line%%=*}\"; done < <(/usr/bin/env); printf '\"}'\n"), 0o700))
	t.Setenv("SQL_PASSWORD", "hunter2-secret")
	c.runner = path
	outputs, err := run(t, c, "1", nil)
	require.NoError(t, err)
	require.NotContains(t, outputs["result"], "SQL_PASSWORD")
	require.Contains(t, outputs["result"], "GOMAXPROCS")
}

// TestOrphanEnds: a process whose worker was killed does not go on.
func TestOrphanEnds(t *testing.T) {
	path, err := os.Executable()
	require.NoError(t, err)
	process := exec.CommandContext(t.Context(), path, Argument)
	process.Env = []string{}
	stdin, err := process.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, process.Start())
	_, err = io.WriteString(stdin, `{"script": "for (;;);", "memory": 64, "maxResult": 1000}`)
	require.NoError(t, err)
	require.NoError(t, stdin.Close())
	require.ErrorContains(t, process.Wait(), "exit status 3")
}

func TestAtOnce(t *testing.T) {
	path, told := telling(t)
	c := connect(t, map[string]string{"SCRIPT_RUNNER": path, "SCRIPT_AT_ONCE": "1"})
	ctx, cancel := context.WithCancel(t.Context())
	var first sync.WaitGroup
	first.Go(func() { _, _ = c.Call(ctx, connectors.Call{Action: "RUN", Inputs: map[string]any{"script": "1"}}) })
	<-told
	waiting, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	_, err := c.Call(waiting, connectors.Call{Action: "RUN", Inputs: map[string]any{"script": "1"}})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Empty(t, told, "the second has not begun")
	cancel()
	first.Wait()
}

func TestWrongSettings(t *testing.T) {
	for name, value := range map[string]string{"SCRIPT_TIMEOUT": "soon", "SCRIPT_MAX_MEMORY": "1", "SCRIPT_MAX_RESULT": "1572864", "SCRIPT_AT_ONCE": "0"} {
		template := Template()
		_, err := template.Make(connectors.Instance{Definition: template.Definition, Settings: connectortest.Settings(template.Definition, map[string]string{name: value})})
		require.ErrorContains(t, err, name)
	}
}

func TestLongVariables(t *testing.T) {
	outputs, err := run(t, connect(t, nil), "text.length", map[string]any{"text": strings.Repeat("x", 1<<20)})
	require.NoError(t, err)
	require.Equal(t, int64(1<<20), outputs["result"])
}
