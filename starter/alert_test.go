package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflow/v1"
	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/alerts"
)

// alerting is a server with a worker that takes alerts.
type alerting struct {
	*fakeTemporal
	taken contract.AlertResult
	alert contract.Alert
}

func (f *alerting) dial(context.Context, string, string) (temporal.Client, error) { return f, nil }

func (f *alerting) ExecuteActivity(_ context.Context, _ temporal.StartActivityOptions, _ any, args ...any) (temporal.ActivityHandle, error) {
	f.alert = args[0].(contract.Alert)
	return &takenAlert{f: f}, nil
}

// QueryWorkflow gives, of the entries of a registry, those that are asked for.
func (f *alerting) QueryWorkflow(ctx context.Context, id, run, name string, args ...any) (converter.EncodedValue, error) {
	if name != contract.EntriesQuery {
		return f.fakeTemporal.QueryWorkflow(ctx, id, run, name, args...)
	}
	all, _ := f.answers[id+" "+contract.RegistryQuery].([]contract.RegistryEntry)
	found := slices.DeleteFunc(slices.Clone(all), func(e contract.RegistryEntry) bool { return !slices.Contains(args[0].([]string), e.ID) })
	p, err := converter.GetDefaultDataConverter().ToPayloads(found)
	return temporal.NewValue(p), err
}

type takenAlert struct {
	temporal.ActivityHandle
	f *alerting
}

func (h *takenAlert) Get(_ context.Context, result any) error {
	*result.(*contract.AlertResult) = h.f.taken
	return nil
}

func runAlert(t *testing.T, f *alerting, args ...string) (code int, out, errOut string) {
	t.Helper()
	a := newApp()
	a.dial, a.poll, a.answerIn = f.dial, time.Millisecond, 5*time.Second
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), a, append([]string{"alert"}, args...), nil, &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func newAlerting() *alerting {
	return &alerting{fakeTemporal: &fakeTemporal{
		list: []*workflow.WorkflowExecutionInfo{{Execution: &common.WorkflowExecution{WorkflowId: contract.DefinitionID("on-call")}}},
		answers: map[string]any{
			contract.AlertRulesID + " " + contract.PutUpdate:    nil,
			contract.AlertRulesID + " " + contract.RemoveUpdate: nil,
		},
	}}
}

func (f *alerting) rules(entries ...contract.RegistryEntry) {
	f.answers[contract.AlertRulesID+" "+contract.RegistryQuery] = entries
}

func TestAlertRulesOfTheExamplesArePut(t *testing.T) {
	f := newAlerting()
	files, err := filepath.Glob("../examples/alerts/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	code, out, errOut := runAlert(t, f, append([]string{"rule", "put", "../examples/alerts/everything.yaml"}, files...)...)
	require.Zero(t, code, errOut)
	require.Contains(t, out, "deployed alert rule everything: mails ops@example.com\n")
	require.Contains(t, out, "deployed alert rule on-call: starts on-call\n")
	require.Len(t, f.told, 1+len(files))
	require.Contains(t, f.told[0], `"name":"everything"`)
}

func TestAlertRuleThatIsWrongIsNotPut(t *testing.T) {
	f := newAlerting()
	path := filepath.Join(t.TempDir(), "rule.yaml")
	require.NoError(t, os.WriteFile(path, []byte("name: r\nactions:\n  - start: {process: on-cal}\n  - call: {action: slak.SEND_MESSAGE}\n  - mail: {to: [a@example.com], template: alrt}\n"), 0o600))
	code, _, errOut := runAlert(t, f, "rule", "put", "../examples/alerts/everything.yaml", path)
	require.Equal(t, exitUsage, code)
	for _, want := range []string{
		`rule.yaml: actions[0].start.process: no process "on-cal" is deployed; did you mean "on-call"?`,
		`rule.yaml: actions[1].call.action: connector "slak" is not known; did you mean "slack"?; give the file of its definition by --connector`,
		`rule.yaml: actions[2].mail.template: there is no template "alrt"; did you mean "alert"?`,
	} {
		require.Contains(t, errOut, want)
	}
	require.Empty(t, f.told, "all are checked before the first is deployed")
}

func TestAlertRuleCallsAreBound(t *testing.T) {
	f := newAlerting()
	path := filepath.Join(t.TempDir(), "rule.json")
	require.NoError(t, os.WriteFile(path, []byte(`{"name":"r","actions":[{"call":{"action":"email.SEND","inputs":{"to":"a@example.com","subject":"${processName}","text":"${faultName}"}}}]}`), 0o600))
	code, _, errOut := runAlert(t, f, "rule", "put", path)
	require.Zero(t, code, errOut)
	require.Contains(t, f.told[0], `"bindings":{"email":{"taskQueue":"waybill"`)
}

func TestAlertRuleListShowRemove(t *testing.T) {
	f := newAlerting()
	f.rules(contract.RegistryEntry{ID: "all", Value: json.RawMessage(`{"name":"all","actions":[{"mail":{"to":["a@example.com"],"groups":["ops"]}}]}`)},
		contract.RegistryEntry{ID: "later", Value: json.RawMessage(`{"name":"later","actions":[{"page":{}}]}`)})
	_, out, _ := runAlert(t, f, "rule", "list")
	require.Contains(t, out, "all    mails a@example.com, ops\n")
	require.Contains(t, out, "later  cannot be read: ")
	_, out, _ = runAlert(t, f, "rule", "show", "all", "--output", "json")
	require.Contains(t, out, `"rule":{"name":"all"`)
	code, _, _ := runAlert(t, f, "rule", "show", "none")
	require.Equal(t, exitNotFound, code)
	code, _, _ = runAlert(t, f, "rule", "remove", "none")
	require.Equal(t, exitNotFound, code)
	code, out, _ = runAlert(t, f, "rule", "remove", "all")
	require.Zero(t, code)
	require.Equal(t, "removed alert rule all\n", out)
}

func TestAlertList(t *testing.T) {
	f := newAlerting()
	f.list = []*workflow.WorkflowExecutionInfo{{Execution: &common.WorkflowExecution{WorkflowId: contract.AlertsID("all")}}, {Execution: &common.WorkflowExecution{WorkflowId: contract.AlertsID(alerts.Unrouted)}}}
	at := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	group := func(key string, change func(*contract.AlertGroup)) *contract.AlertGroup {
		g := &contract.AlertGroup{Key: key, Count: 7, Opened: at, Until: at, Next: at.Add(time.Hour), Alert: contract.Alert{Source: contract.AlertProcess}}
		change(g)
		return g
	}
	f.answers[contract.AlertsID("all")+" "+contract.AlertsQuery] = contract.AlertsState{Rule: "all", Groups: []*contract.AlertGroup{
		group("a", func(g *contract.AlertGroup) { g.Messages, g.Result = 1, "mails sent: 1" }),
		group("b", func(g *contract.AlertGroup) { g.Held = true }),
		group("c", func(g *contract.AlertGroup) { g.Sending = &contract.AlertSending{Since: at} }),
		group("test 1", func(g *contract.AlertGroup) { g.Test = true }),
		group("e", func(g *contract.AlertGroup) { g.Opened = at.Add(time.Second) }),
		group("", func(g *contract.AlertGroup) { g.Others, g.Parts = true, make([]contract.AlertOther, 5) }),
	}}
	f.answers[contract.AlertsID(alerts.Unrouted)+" "+contract.AlertsQuery] = contract.AlertsState{
		Rule: alerts.Unrouted, Policy: contract.AlertPolicy{Silent: true}, Groups: []*contract.AlertGroup{group("d", func(*contract.AlertGroup) {})},
	}
	code, out, errOut := runAlert(t, f, "list")
	require.Zero(t, code, errOut)
	for _, want := range []string{"told ", "mails sent: 1", "held until 2026-11-28T13:00:00Z", "sending since 2026-11-28T12:00:00Z", "other groups (5 or more)", "nobody is told"} {
		require.Contains(t, out, want)
	}
	_, out, _ = runAlert(t, f, "list", "-o", "json")
	var open []openGroup
	require.NoError(t, json.Unmarshal([]byte(out), &open))
	require.Len(t, open, 6, "a test is no open group")
	require.Equal(t, at, open[3].Opened, "not later than the last of its alerts")
	require.EqualValues(t, 7, open[0].Count)
}

func TestAlertTest(t *testing.T) {
	f := newAlerting()
	f.rules(contract.RegistryEntry{ID: "all", Value: json.RawMessage(`{"name":"all","actions":[{"mail":{"to":["a@example.com"]}}]}`)},
		contract.RegistryEntry{ID: "bills", Value: json.RawMessage(`{"name":"bills","match":{"field":"processKey","equals":"bill"},"actions":[{"mail":{"to":["a@example.com"]}}]}`)})
	code, out, errOut := runAlert(t, f, "test", "--sample", "--dry-run")
	require.Zero(t, code, errOut)
	require.Contains(t, out, "rule all matches; group: processName=Sample order, faultName=SAMPLE_FAULT\n")
	require.Contains(t, out, `rule bills does not match: match.equals: processKey is "sample-order"`)
	require.Zero(t, f.alert, "nothing is sent")

	for _, args := range [][]string{{"test"}, {"test", "--sample", "--fault", "x"}, {"test", "--fault", "none.json"}} {
		code, _, _ := runAlert(t, f, args...)
		require.Equal(t, exitUsage, code, args)
	}
	code, _, _ = runAlert(t, f, "test", "--sample", "--rule", "none")
	require.Equal(t, exitNotFound, code)

	f.taken = contract.AlertResult{Rules: []string{"all"}, Verdicts: []contract.AlertVerdict{{Rule: "all", Matches: true, Group: "g"}, {Rule: "bills", Why: "another"}}}
	outcome, failed := "", false
	f.answers[contract.AlertsID("all")+" "+contract.AlertsQuery] = func() any {
		return contract.AlertsState{Groups: []*contract.AlertGroup{{Key: alerts.TestGroup(f.alert.ID), Result: outcome, Failed: failed}}}
	}
	code, out, _ = runAlert(t, f, "test", "--sample", "--rule", "all", "--wait", "50ms")
	require.Equal(t, exitRefused, code)
	require.Contains(t, out, "rule all: not settled within 50ms")
	require.Equal(t, &contract.AlertTest{Rule: "all"}, f.alert.Test)
	outcome = "mails sent: 1"
	code, out, errOut = runAlert(t, f, "test", "--sample")
	require.Zero(t, code, errOut)
	require.Contains(t, out, "rule all: mails sent: 1\n")
	outcome, failed = "mails sent: 0; failed: a mail: no route", true
	code, _, _ = runAlert(t, f, "test", "--sample")
	require.Equal(t, exitRefused, code)
	f.taken = contract.AlertResult{Ignored: "known", Verdicts: []contract.AlertVerdict{{Rule: "known", Matches: true, Why: "it ignores the alert"}}}
	code, out, _ = runAlert(t, f, "test", "--sample", "-o", "json")
	require.Zero(t, code)
	require.JSONEq(t, `{"rules":[{"rule":"known","matches":true,"why":"it ignores the alert"}],"ignored":"known","outcomes":[]}`, out)
}
