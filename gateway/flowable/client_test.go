package flowable_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gocloud.dev/blob/memblob"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/definition"
	"github.com/waybill-io/waybill/external"
	"github.com/waybill-io/waybill/gateway/flowable"
	"github.com/waybill-io/waybill/testsuite/temporalserver/servertest"
	"github.com/waybill-io/waybill/worker/app"
)

var server servertest.Server

func TestMain(m *testing.M) { os.Exit(server.Run(m)) }

// place is Flowable's API over a worker of processes.
type place struct {
	t *testing.T
	*client.Client
	tasks *external.Tasks
	url   string
}

func startPlace(t *testing.T) *place {
	t.Helper()
	temporal := server.Client(t)
	bucket := memblob.OpenBucket(nil)
	a, err := app.New(t.Context(), app.Options{Temporal: temporal, Namespace: "default", Roles: []app.Role{app.Process}, Files: bucket})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended, started := make(chan error, 1), make(chan struct{})
	go func() { ended <- a.Run(ctx, func() { close(started) }) }()
	t.Cleanup(func() { cancel(); require.NoError(t, <-ended); require.NoError(t, bucket.Close()) })
	<-started
	p := &place{t: t, Client: client.New(temporal)}
	p.tasks = external.New(p.Client, "default")
	broker := external.NewBroker(p.tasks, 200)
	t.Cleanup(broker.Close)
	mux := http.NewServeMux()
	for pattern, h := range (&flowable.Server{Tasks: p.tasks, Broker: broker, Admit: admit}).Routes() {
		mux.Handle(pattern, h)
	}
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	p.url = s.URL
	return p
}

// admit lets kermit in, and limited for the topic mine alone.
func admit(r *http.Request) (external.Scope, error) {
	user, password, _ := r.BasicAuth()
	switch {
	case password != "secret":
		return external.Scope{}, external.ErrNoToken
	case user == "limited":
		return external.Scope{User: user, Topics: []string{"mine"}}, nil
	}
	return external.Scope{User: user}, nil
}

// deploy deploys a process of one external task, whose BPMN error BAD is caught.
func (p *place) deploy(topic string) {
	p.t.Helper()
	text := `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:flowable="http://flowable.org/bpmn" targetNamespace="t">
		<error id="err" errorCode="BAD"/><process id="` + topic + `" isExecutable="true"><startEvent id="s"/><sequenceFlow id="a" sourceRef="s" targetRef="work"/>
		<serviceTask id="work" name="Do it" flowable:type="external-worker" flowable:topic="` + topic + `"/><sequenceFlow id="b" sourceRef="work" targetRef="e"/><endEvent id="e"/>
		<boundaryEvent id="bad" attachedToRef="work"><errorEventDefinition errorRef="err"/></boundaryEvent><sequenceFlow id="c" sourceRef="bad" targetRef="rescued"/><endEvent id="rescued"/></process></definitions>`
	model, err := definition.Compress([]byte(text))
	require.NoError(p.t, err)
	d := contract.Definition{Key: topic, File: topic + ".bpmn", Model: model, MapDefault: string(bpmn.MapAll)}
	d.Digest, err = definition.Digest(d)
	require.NoError(p.t, err)
	_, err = p.Deploy(p.t.Context(), d)
	require.NoError(p.t, err)
}

func (p *place) begin(key string, variables map[string]any) string {
	p.t.Helper()
	id, _, err := p.Start(p.t.Context(), client.StartOptions{Key: key, Variables: variables})
	require.NoError(p.t, err)
	return id
}

func (p *place) ended(instance string) contract.ProcessResult {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	r, err := p.Wait(ctx, instance)
	require.NoError(p.t, err)
	require.Equal(p.t, contract.StateCompleted, r.State)
	return r
}

func (p *place) incident(instance string) contract.Incident {
	p.t.Helper()
	var found contract.Incident
	require.Eventually(p.t, func() bool {
		state, err := p.Get(p.t.Context(), instance)
		if err != nil || len(state.Incidents) == 0 {
			return false
		}
		found = state.Incidents[0]
		return true
	}, 30*time.Second, 20*time.Millisecond)
	return found
}

// worker runs Flowable's own client for JavaScript.
func (p *place) worker(topic, name string) *exec.Cmd {
	p.t.Helper()
	const dir = "testdata/client"
	missing := ""
	if _, err := exec.LookPath("node"); err != nil {
		missing = "Node.js is not installed"
	} else if _, err := os.Stat(dir + "/node_modules/@flowable-oss/external-worker-client"); err != nil {
		missing = "Flowable's client is not installed (npm ci --ignore-scripts in gateway/flowable/" + dir + ")"
	}
	if missing != "" && os.Getenv("CI") == "true" {
		p.t.Fatal(missing)
	} else if missing != "" {
		p.t.Skip(missing)
	}
	c := exec.Command("node", "worker.mjs", p.url, topic, name)
	c.Dir, c.Stdout, c.Stderr = dir, os.Stderr, os.Stderr
	require.NoError(p.t, c.Start())
	p.t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	return c
}

// Flowable's own client for JavaScript drives processes to their ends.
func TestFlowableClient(t *testing.T) {
	p := startPlace(t)
	p.deploy("orders")
	p.worker("orders", "js")
	order := map[string]any{"lines": []any{map[string]any{"price": 10}, map[string]any{"price": 20}}}
	for what, want := range map[string]map[string]any{
		"succeed": {
			"total": int64(30), "large": "9007199254740993", "when": "1970-01-01T00:00:00.000Z", "list": []any{int64(1), map[string]any{"a": "ä"}}, "done": true, "half": 0.5,
		},
		"say nothing": {},
		"error":       {"why": "none left"},
		"fail":        {"retries": int64(4)},
	} {
		r := p.ended(p.begin("orders", map[string]any{"what": what, "order": order, "large": "9007199254740993"}))
		for name, value := range want {
			require.Equal(t, value, r.Variables[name], "%s: %s of %v", what, name, r.Variables)
		}
		require.Equal(t, what == "error", r.Path[len(r.Path)-1] == "rescued", what)
	}
}

// A handler that throws fails its job, as often as there are retries: then it is an incident, and when that is retried, a job again.
func TestHandlerThrows(t *testing.T) {
	p := startPlace(t)
	p.deploy("throws")
	p.worker("throws", "js")
	instance := p.begin("throws", map[string]any{"what": "throw"})
	i := p.incident(instance)
	require.Equal(t, "never", i.Message)
	require.NoError(t, p.SetVariables(t.Context(), instance, map[string]any{"what": "succeed", "order": map[string]any{"lines": []any{}}}))
	_, err := p.AnswerIncident(t.Context(), instance, contract.IncidentAnswer{ID: i.ID, Action: "retry"})
	require.NoError(t, err)
	require.Equal(t, true, p.ended(instance).Variables["done"])
}

// A job whose worker is killed comes to another when the lock has run out.
func TestWorkerIsKilled(t *testing.T) {
	p := startPlace(t)
	p.deploy("kills")
	first := p.worker("kills", "first")
	instance := p.begin("kills", map[string]any{"what": "kill"})
	require.Error(t, first.Wait(), "it was killed with the job")
	p.worker("kills", "second")
	require.Equal(t, "second", p.ended(instance).Variables["by"])
}
