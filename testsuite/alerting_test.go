package testsuite_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"gocloud.dev/blob/memblob"
	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/activities"
	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/alerts"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/testsuite"
	"github.com/waybill-io/waybill/worker/dev"
)

// pager is a connector that notes whom it pages.
type pager struct {
	mu    sync.Mutex
	calls []connectors.Call
}

var pagerDefinition = connectors.MustParseDefinition("pager.json", []byte(`{"name":"pager","actions":{"1":{"id":"1","name":"PAGE",
	"inputs":[{"id":"i","name":"text","type":"string"}]}}}`))

func (*pager) Definition() *connectors.Definition { return pagerDefinition }

func (p *pager) Call(_ context.Context, c connectors.Call) (map[string]any, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, c)
	return nil, nil
}

func (p *pager) all() []connectors.Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]connectors.Call(nil), p.calls...)
}

const brokenProcess = `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="http://example.com/t">
<process id="broken" name="Broken &amp; done" isExecutable="true"><startEvent id="start"/><sequenceFlow id="f1" sourceRef="start" targetRef="work"/>
<scriptTask id="work" name="Do the work" scriptFormat="javascript"><script>throw new Error("no paper")</script></scriptTask>
<sequenceFlow id="f2" sourceRef="work" targetRef="end"/><endEvent id="end"/></process></definitions>`

// putRule deploys a rule as the command line does.
func putRule(t *testing.T, c *client.Client, text string) *alerts.Rule {
	t.Helper()
	r, err := alerts.Parse("r.json", []byte(text), alerts.Options{
		Definition: func(name string) *connectors.Definition {
			if name == "pager" {
				return pagerDefinition
			}
			return nil
		},
		Processes: []string{"on-call", "broken"}, Templates: []string{contract.TemplateAlert},
	})
	require.NoError(t, err)
	stored, err := r.Stored(map[string]contract.Binding{"pager": {TaskQueue: contract.ConnectorQueue, TimeoutMS: 10_000, Retry: contract.Retry{Attempts: 3, IntervalMS: 100, Coefficient: 1}}})
	require.NoError(t, err)
	require.NoError(t, c.PutAlertRule(t.Context(), r.Name, stored))
	// The worker reads its rules anew for a test, else every few seconds.
	_, err = c.TryAlert(t.Context(), contract.Alert{ID: "none", Test: &contract.AlertTest{Rule: "none"}})
	require.NoError(t, err)
	return r
}

// Some hundred instances fail at once: one mail, one process, one call; the group counts the rest.
func TestIncidentsAreToldOnce(t *testing.T) {
	p := &pager{}
	e := testsuite.StartWith(t, dev.Options{
		Connectors: []connectors.Connector{p}, Alerts: activities.AlertSettings{UIURL: "https://temporal.example.com", BaseURL: "https://waybill.example.com"},
	})
	e.Deploy(writeFile(t, "on-call.bpmn", onCall), writeFile(t, "broken.bpmn", brokenProcess))
	putRule(t, e.Client, `{"name":"broken","match":{"field":"processKey","equals":"broken"},"severity":"critical","actions":[
		{"mail":{"to":["ops@example.com"],"subject":"${processName}: ${faultDetails.reason}"}},
		{"start":{"process":"on-call","businessKey":"${processId}","variables":{"fault":"${faultName}","path":"${locationPath}"}}},
		{"call":{"action":"pager.PAGE","inputs":{"text":"${processName} ${severity}"}}}]}`)
	putRule(t, e.Client, `{"name":"ignored","match":{"field":"businessKey","equals":"known"},"actions":[{"ignore":true}]}`)
	const instances = 300
	begun := time.Now()
	var group errgroup.Group
	group.SetLimit(20)
	for i := range instances {
		group.Go(func() error {
			_, _, err := e.Client.Start(t.Context(), client.StartOptions{Key: "broken", Initiator: "ada", Variables: map[string]any{"n": i, "card": "4111"}})
			return err
		})
	}
	require.NoError(t, group.Wait())
	t.Logf("%d instances started within %s", instances, time.Since(begun).Round(time.Millisecond))
	_, _, err := e.Client.Start(t.Context(), client.StartOptions{Key: "broken", BusinessKey: "known"})
	require.NoError(t, err)

	var state contract.AlertsState
	require.Eventually(t, func() bool {
		state, err = e.Client.AlertGroups(t.Context(), "broken")
		return err == nil && len(state.Groups) == 1 && state.Groups[0].Count == instances && state.Groups[0].Sending == nil && state.Told == 1
	}, 60*time.Second, 50*time.Millisecond)
	t.Logf("all told within %s", time.Since(begun).Round(time.Millisecond))
	mails := mailsTo(t, e, "ops@example.com")
	require.Len(t, mails, 1)
	text := string(mails[0].Raw)
	require.Contains(t, text, "Subject: Broken & done: script: Error: no paper")
	for _, want := range []string{
		"https://temporal.example.com/namespaces/default/workflows/broken%2F", "https://waybill.example.com/incidents/broken%2F", "starter incident retry broken/",
	} {
		require.Contains(t, strings.ReplaceAll(strings.ReplaceAll(text, "=\r\n", ""), "=3D", "="), want)
	}
	require.NotContains(t, text, "4111", "an alert has no variables")
	require.Eventually(t, func() bool { return len(p.all()) == 1 }, 30*time.Second, 50*time.Millisecond)
	require.Equal(t, map[string]any{"text": "Broken & done critical"}, p.all()[0].Inputs)
	var started []client.Instance
	require.Eventually(t, func() bool {
		started, err = e.Client.List(t.Context(), client.Filter{Key: "on-call"})
		return err == nil && len(started) == 1
	}, 30*time.Second, 50*time.Millisecond)
	got, err := e.Client.Get(t.Context(), started[0].ID)
	require.NoError(t, err)
	require.Equal(t, contract.Variables{"fault": "script", "path": "work"}, got.Variables)
	require.Contains(t, got.BusinessKey, "broken/")

	h, err := e.Client.History(t.Context(), contract.AlertsID("broken"), "")
	require.NoError(t, err)
	t.Logf("%d incidents: events in the history of their rule: %d", instances, len(h.GetEvents()))
	require.Less(t, len(h.GetEvents()), instances, "many alerts come with one signal")
	require.Equal(t, "ok", e.Client.AlertHealth(t.Context()).Status)
	require.NoError(t, testsuite.ReplayServer(t.Context(), e.Client, *record))
}

// What is mended before people are told is not told; what no rule takes is counted, and a test is told apart from all that.
func TestAlertsThatNobodyIsToldOf(t *testing.T) {
	e := testsuite.Start(t)
	e.Deploy(writeFile(t, "broken.bpmn", brokenProcess))
	id, _, err := e.Client.Start(t.Context(), client.StartOptions{Key: "broken"})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		state, err := e.Client.AlertGroups(t.Context(), alerts.Unrouted)
		return err == nil && len(state.Groups) == 1 && state.Groups[0].Count == 1
	}, 30*time.Second, 50*time.Millisecond)

	state, err := e.Client.Get(t.Context(), id)
	require.NoError(t, err)
	sample := contract.AlertSample{Source: contract.AlertProcess, ProcessID: id, Incident: state.Incidents[0].ID}
	require.True(t, e.Client.Stands(t.Context(), sample))
	require.NoError(t, e.Client.Cancel(t.Context(), id))
	require.False(t, e.Client.Stands(t.Context(), sample))

	putRule(t, e.Client, `{"name":"all","quietHours":[{"timeZone":"UTC","from":"00:00","to":"12:00"},{"timeZone":"UTC","from":"12:00","to":"00:00","days":["mon","tue","wed","thu","fri","sat"]}],
		"actions":[{"mail":{"to":["ops@example.com"]}}]}`)
	result, err := e.Client.TryAlert(t.Context(), contract.Alert{
		ID: "test/1", Source: contract.AlertProcess, At: time.Now(), ProcessName: "Sample", FaultName: "F", Test: &contract.AlertTest{},
	})
	require.NoError(t, err)
	require.Equal(t, []string{"all"}, result.Rules)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	mails, err := e.Mail.WaitFor(ctx, "ops@example.com", 1)
	require.NoError(t, err, "a test comes in quiet hours, too")
	require.Contains(t, string(mails[0].Raw), "Subject: [test] alert: Sample: F")
	require.Contains(t, string(mails[0].Raw), "This is a test")
	require.NoError(t, testsuite.ReplayServer(t.Context(), e.Client, *record))
}

// A process that a rule starts, and that fails itself, is told of and not started for its own fault: that would never end.
func TestProcessOfARuleThatFailsStartsNoOther(t *testing.T) {
	e := testsuite.Start(t)
	e.Deploy(writeFile(t, "broken.bpmn", brokenProcess), writeFile(t, "on-call.bpmn", strings.ReplaceAll(brokenProcess, `"broken"`, `"on-call"`)))
	putRule(t, e.Client, `{"name":"loop","match":{"field":"source","equals":"process"},"group":["id"],"actions":[
		{"start":{"process":"on-call"}},{"mail":{"to":["ops@example.com"]}}]}`)
	_, _, err := e.Client.Start(t.Context(), client.StartOptions{Key: "broken"})
	require.NoError(t, err)
	var groups []*contract.AlertGroup
	require.Eventually(t, func() bool {
		state, err := e.Client.AlertGroups(t.Context(), "loop")
		groups = state.Groups
		return err == nil && len(groups) >= 2 && groups[0].Result != "" && groups[1].Result != ""
	}, 60*time.Second, 50*time.Millisecond)
	require.Equal(t, "alert/loop", groups[1].Alert.Initiator)
	require.Equal(t, "mails sent: 1; done: process on-call not started, since rule loop started what has failed", groups[1].Result)
	require.False(t, groups[1].Failed)
	require.Len(t, groups, 2)
	require.Len(t, mailsTo(t, e, "ops@example.com"), 2)
}

// TestAlertBurst hands over ten thousand alerts by the way that all take, but for Temporal's own hand-over to a worker.
func TestAlertBurst(t *testing.T) {
	e := testsuite.Start(t)
	rule := putRule(t, e.Client, `{"name":"burst","match":{"field":"processKey","equals":"burst"},"actions":[{"mail":{"to":["ops@example.com"]}}]}`)
	bucket := memblob.OpenBucket(nil)
	defer bucket.Close()
	registry := prometheus.NewRegistry()
	deliverer := activities.NewDeliverer(e.Client, activities.NewFiles(bucket), activities.NewMetrics(registry), nil)
	alerter := activities.NewAlerter(deliverer, activities.AlertSettings{}, registry, slog.New(slog.DiscardHandler))
	const count, slots = 10_000, 200
	var next atomic.Int64
	var group errgroup.Group
	for range slots {
		group.Go(func() error {
			for n := next.Add(1); n <= count; n = next.Add(1) {
				_, err := alerter.Alert(t.Context(), contract.Alert{
					ID: fmt.Sprintf("burst/%d/1", n), Source: contract.AlertProcess, At: time.Now(), ProcessID: fmt.Sprintf("burst/%d", n), ProcessName: "Burst",
					ProcessKey: "burst", FaultName: fmt.Sprintf("FAULT_%d", n%3), FaultDetails: contract.FaultDetails{Reason: strings.Repeat("x", 5000)},
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	require.Eventually(t, func() bool {
		state, err := e.Client.AlertGroups(t.Context(), rule.Name)
		if err != nil || len(state.Groups) != 3 {
			return false
		}
		total := int64(0)
		for _, g := range state.Groups {
			total += g.Count
		}
		return total == count
	}, 60*time.Second, 100*time.Millisecond)
	h, err := e.Client.History(t.Context(), contract.AlertsID(rule.Name), "")
	require.NoError(t, err)
	size := 0
	for _, event := range h.GetEvents() {
		size += event.Size()
	}
	signals := counter(t, registry, "waybill_alerts_signals_total")
	t.Logf("%d alerts: signals %v, events %d, bytes of history %d", count, signals, len(h.GetEvents()), size)
	require.LessOrEqual(t, signals, 300.0)
	require.Less(t, len(h.GetEvents()), 2000)
	require.Less(t, size, 5<<20)
	require.LessOrEqual(t, len(mailsTo(t, e, "ops@example.com")), 3, "one a group")
	require.NoError(t, testsuite.ReplayServer(t.Context(), e.Client, ""))
}

func counter(t *testing.T, g prometheus.Gatherer, name string) float64 {
	t.Helper()
	families, err := g.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}
