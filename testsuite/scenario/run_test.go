package scenario

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const model = `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t">
<process id="p" isExecutable="true">
<startEvent id="start"/>
<sequenceFlow id="f1" sourceRef="start" targetRef="fork"/>
<parallelGateway id="fork"/>
<sequenceFlow id="f2" sourceRef="fork" targetRef="a"/>
<sequenceFlow id="f3" sourceRef="fork" targetRef="b"/>
<userTask id="a" name="A"/>
<userTask id="b" name="B"/>
<sequenceFlow id="f4" sourceRef="a" targetRef="call"/>
<serviceTask id="call" implementation="crm.LOOKUP"/>
</process>
<process id="loop" isExecutable="true">
<startEvent id="start2"/>
<sequenceFlow id="f5" sourceRef="start2" targetRef="again"/>
<exclusiveGateway id="again"/>
<sequenceFlow id="f6" sourceRef="again" targetRef="spin"/>
<serviceTask id="spin" implementation="crm.SPIN"/>
<sequenceFlow id="f7" sourceRef="spin" targetRef="again"/>
</process></definitions>`

// folder writes files and returns where.
func folder(t *testing.T, files map[string]string) string {
	dir := t.TempDir()
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

// outcome runs the steps of one case and returns its line of output.
func outcome(t *testing.T, steps string) string {
	t.Helper()
	dir := folder(t, map[string]string{
		"p.bpmn": model,
		"f.yaml": "deploy: [p.bpmn]\nconnectors: {crm.SPIN: {}}\ncases:\n  - name: n\n    steps:\n" + steps,
	})
	var out bytes.Buffer
	summary, err := RunFiles(t.Context(), []string{filepath.Join(dir, "f.yaml")}, Options{Out: &out})
	require.NoError(t, err)
	require.Equal(t, 1, summary.Passed+summary.Failed)
	lines := strings.Split(out.String(), "\n")
	require.Len(t, lines, 3)
	return strings.ReplaceAll(lines[0], dir+string(filepath.Separator), "")
}

func TestFailures(t *testing.T) {
	const start = "      - start: {process: p}\n"
	tests := map[string]struct{ steps, want string }{
		"none":        {start + "      - expect: {tasks: [B, A]}\n", "ok n"},
		"tasks":       {start + "      - expect: {tasks: [A]}\n", "FAIL n: step 2: expected tasks [A], got [A B]"},
		"state":       {start + "      - expect: {state: completed}\n", "FAIL n: step 2: expected state completed, got active (waits at [a b])"},
		"several":     {start + "      - expect: {taskIds: [], active: [a]}\n", "FAIL n: step 2: expected taskIds [], got [a b]; expected active [a], got [a b]"},
		"a variable":  {start + "      - set: {variables: {x: 1}}\n      - expect: {variables: {x: \"1\", y: null}}\n", `FAIL n: step 3: expected variable x = "1", got 1; expected variable y = null, there is none`},
		"absent":      {start + "      - set: {variables: {x: [1]}}\n      - expect: {absent: [x, y]}\n", "FAIL n: step 3: expected no variable x, got [1]"},
		"path":        {start + "      - expect: {path: [start]}\n", "FAIL n: step 2: expected path [start], got [start fork]"},
		"incidents":   {start + "      - expect: {incidents: [{element: a}]}\n", "FAIL n: step 2: expected incidents [a: ], got []"},
		"instances":   {start + "      - expect: {instances: {p: 2, q: 0}}\n", `FAIL n: step 2: expected instances {"p":2}, got {"p":1}`},
		"a task":      {start + "      - expect: {taskVariables: {task: C, variables: {}}}\n", "FAIL n: step 2: expected open task C, got [A B]"},
		"calls":       {start + "      - expect: {calls: [{implementation: crm.LOOKUP}]}\n", "FAIL n: step 2: expected calls [crm.LOOKUP], got []"},
		"refused":     {start + "      - complete: {task: C}\n", `FAIL n: step 2: no task "C" is open; open: [A B]`},
		"not refused": {start + "      - cancel: {}\n        refused: no\n", `FAIL n: step 2: expected to be refused with "no", it was not`},
		"refused otherwise": {start + "      - complete: {task: C}\n        refused: claimed\n",
			`FAIL n: step 2: expected to be refused with "claimed", it was with "no task \"C\" is open; open: [A B]"`},
		"no stub": {start + "      - complete: {task: A}\n        refused: \"\"\n",
			`FAIL n: step 2: connector crm.LOOKUP is called at element "call" and has no stub: add it to connectors`},
		"no instance": {start + "      - cancel: {instance: other}\n        refused: \"\"\n",
			`FAIL n: step 2: no instance is named "other"; there are: main, p#1`},
		"no main": {"      - expect: {tasks: []}\n", `FAIL n: step 1: no instance is named "main"; there are: none`},
		"no rest": {"      - start: {process: loop}\n", "FAIL n: step 1: no rest after 100000 calls, scripts and timers: look for a loop"},
		"a refused model": {"      - deploy: {models: [f.yaml]}\n",
			"FAIL n: step 1: f.yaml: cannot be deployed: a model (*.bpmn, *.bpmn20.xml), connector or trigger (*.json), mail template (*.mail.html, *.mail.ftl), or an archive of them (*.zip) is expected"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, test.want, outcome(t, test.steps)) })
	}
}

func TestOutput(t *testing.T) {
	dir := folder(t, map[string]string{
		"bad.yaml":  "cases: 1\n",
		"gone.yaml": "deploy: [gone.bpmn]\ncases: [{name: n, steps: []}]\n",
		"good.yaml": "deploy: [p.bpmn]\ncases:\n  - {name: one, steps: []}\n  - name: two\n    steps:\n      - start: {process: q}\n",
	})
	models := folder(t, map[string]string{"p.bpmn": model, "x.bpmn": "<x/>"})
	names := func(files ...string) []string {
		for i := range files {
			files[i] = filepath.Join(dir, files[i])
		}
		return files
	}
	var out bytes.Buffer
	summary, err := RunFiles(t.Context(), names("bad.yaml", "gone.yaml", "good.yaml", "none.yaml"), Options{Models: models, Out: &out})
	require.Equal(t, Summary{Passed: 1, Failed: 1}, summary)
	require.Equal(t, "ok one\nFAIL two: step 1: process \"q\" is not deployed; deployed: loop, p\n1 passed, 1 failed, 0 skipped\n", out.String())
	require.True(t, Malformed(err))
	require.ErrorContains(t, err, "bad.yaml:1:8: expected a list of cases, got 1")
	require.ErrorContains(t, err, `gone.yaml:1:10: expected a model or connector file, got "gone.bpmn": there is none in `+models)
	require.ErrorContains(t, err, "none.yaml: expected a scenario file")

	out.Reset()
	_, err = RunFiles(t.Context(), names("good.yaml"), Options{Models: models, Out: &out, JSON: true})
	require.NoError(t, err)
	require.Equal(t, `{"file":"good.yaml","name":"one","line":3,"result":"passed"}
{"file":"good.yaml","name":"two","line":6,"result":"failed","step":1,"reason":"process \"q\" is not deployed; deployed: loop, p"}
{"passed":1,"failed":1,"skipped":0}
`, strings.ReplaceAll(out.String(), dir+string(filepath.Separator), ""))
}

func TestARefusedModelFailsEveryCase(t *testing.T) {
	dir := folder(t, map[string]string{
		"x.bpmn": "<x/>", "f.yaml": "deploy: [x.bpmn]\ncases:\n  - {name: one, steps: []}\n  - {name: two, steps: []}\n",
	})
	var out bytes.Buffer
	summary, err := RunFiles(t.Context(), []string{filepath.Join(dir, "f.yaml")}, Options{Out: &out})
	require.NoError(t, err)
	require.Equal(t, Summary{Failed: 2}, summary)
	require.Contains(t, out.String(), "FAIL one: deploy: ")
}

func TestCancelledRun(t *testing.T) {
	dir := folder(t, map[string]string{"f.yaml": "cases: [{name: n, steps: []}]\n"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := RunFiles(ctx, []string{filepath.Join(dir, "f.yaml")}, Options{})
	require.ErrorIs(t, err, context.Canceled)
}

func TestMatched(t *testing.T) {
	// The first want fits both things, the second only the first thing.
	require.True(t, matched(2, func(want, got int) bool { return want == 0 || got == 0 }))
	require.False(t, matched(2, func(_, got int) bool { return got == 0 }))
	require.True(t, matched(0, nil))
}
