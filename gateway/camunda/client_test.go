package camunda_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gocloud.dev/blob/memblob"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/definition"
	"github.com/waybill-io/waybill/external"
	"github.com/waybill-io/waybill/gateway/camunda"
	"github.com/waybill-io/waybill/testsuite/temporalserver/servertest"
	"github.com/waybill-io/waybill/worker/app"
)

var server servertest.Server

func TestMain(m *testing.M) { os.Exit(server.Run(m)) }

// gateway is Camunda's API over a worker of processes.
func gateway(t *testing.T) (*client.Client, string) {
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
	c := client.New(temporal)
	tasks := external.New(c, "default")
	broker := external.NewBroker(tasks, 200)
	t.Cleanup(broker.Close)
	mux := http.NewServeMux()
	for pattern, h := range (&camunda.Server{Tasks: tasks, Broker: broker, Admit: func(*http.Request) (external.Scope, error) { return external.Scope{}, nil }, Processes: c}).Routes() {
		mux.Handle(pattern, h)
	}
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return c, s.URL + "/engine-rest"
}

// needsClient skips a test when what it runs is not installed.
func needsClient(t *testing.T) {
	t.Helper()
	const dir = "testdata/client"
	missing := ""
	if _, err := exec.LookPath("node"); err != nil {
		missing = "Node.js is not installed"
	} else if _, err := os.Stat(dir + "/node_modules/camunda-external-task-client-js"); err != nil {
		missing = "Camunda's client is not installed (npm ci --ignore-scripts in gateway/camunda/" + dir + ")"
	}
	if missing != "" && os.Getenv("CI") == "true" {
		t.Fatal(missing)
	} else if missing != "" {
		t.Skip(missing)
	}
}

// Camunda's own client for JavaScript drives processes to their ends.
func TestCamundaClient(t *testing.T) {
	needsClient(t)
	c, url := gateway(t)
	text := `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" targetNamespace="t">
		<error id="err" errorCode="BAD"/><process id="order" isExecutable="true"><startEvent id="s"/><sequenceFlow id="a" sourceRef="s" targetRef="work"/>
		<serviceTask id="work" name="Do it" camunda:type="external" camunda:topic="orders"/><sequenceFlow id="b" sourceRef="work" targetRef="e"/><endEvent id="e"/>
		<boundaryEvent id="bad" attachedToRef="work"><errorEventDefinition errorRef="err"/></boundaryEvent><sequenceFlow id="c" sourceRef="bad" targetRef="rescued"/><endEvent id="rescued"/></process></definitions>`
	model, err := definition.Compress([]byte(text))
	require.NoError(t, err)
	d := contract.Definition{Key: "order", File: "order.bpmn", Model: model, MapDefault: string(bpmn.MapAll)}
	d.Digest, err = definition.Digest(d)
	require.NoError(t, err)
	_, err = c.Deploy(t.Context(), d)
	require.NoError(t, err)

	dir, err := filepath.Abs("testdata/client")
	require.NoError(t, err)
	packageJSON, err := os.ReadFile("testdata/client/package.json")
	require.NoError(t, err)
	worker := exec.Command("node", "worker.mjs", url, "orders")
	worker.Dir, worker.Stdout, worker.Stderr = dir, os.Stderr, os.Stderr
	require.NoError(t, worker.Start())
	t.Cleanup(func() { _ = worker.Process.Kill(); _ = worker.Wait() })

	for what, want := range map[string]map[string]any{
		"succeed": {"total": int64(30), "done": true, "text": "ä", "list": []any{int64(1), int64(2)}},
		"error":   {"why": "none left"},
		"fail":    {"retries": int64(1)},
		"extend":  {"extended": true},
		"types": {
			"isDate": "1970-01-01T00:00:00.000Z", "text": "hello", "filename": "a.txt", "large": int64(9007199254740991), "when": "1970-01-01T00:00:00.001+0000",
			"copy": map[string]any{"name": "p.json", "mediaType": "application/json", "text": string(packageJSON)},
		},
	} {
		order := map[string]any{"lines": []any{map[string]any{"price": 10}, map[string]any{"price": 20}}}
		id, _, err := c.Start(t.Context(), client.StartOptions{Key: "order", Variables: map[string]any{
			"what": what, "order": order, "when": "1970-01-01T00:00:00.000+0000", "file": map[string]any{"name": "a.txt", "mediaType": "text/plain", "text": "hello"},
			"large": int64(9007199254740991),
		}})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		result, err := c.Wait(ctx, id)
		require.NoError(t, err, what)
		require.Equal(t, contract.StateCompleted, result.State)
		for name, value := range want {
			require.EqualValues(t, value, result.Variables[name], "%s: %s of %v", what, name, result.Variables)
		}
	}
}
