package camunda_test

import (
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/external"
	"github.com/waybill-io/waybill/gateway/camunda"
	"github.com/waybill-io/waybill/testsuite/externaltest"
	"github.com/waybill-io/waybill/testsuite/temporalserver/servertest"
	"github.com/waybill-io/waybill/worker/app"
)

var server servertest.Server

func TestMain(m *testing.M) { os.Exit(server.Run(m)) }

const (
	api         = "/engine-rest"
	clientDir   = "testdata/client"
	clientNeeds = "camunda-external-task-client-js"
)

// open is Camunda's API over a worker of processes.
func open(t *testing.T) (*externaltest.Place, *externaltest.Gateway) {
	t.Helper()
	p := externaltest.Open(t, app.Options{Temporal: server.Client(t)})
	return p, p.Gateway(func(tasks *external.Tasks, broker *external.Broker) map[string]http.Handler {
		return (&camunda.Server{Tasks: tasks, Broker: broker, Admit: anybody, Processes: p.Client}).Routes()
	})
}

func anybody(*http.Request) (external.Scope, error) { return external.Scope{}, nil }

// startClient runs a worker of Camunda's own client for JavaScript. Args are a topic, and what worker.mjs says.
func startClient(t *testing.T, g *externaltest.Gateway, args ...string) *externaltest.Node {
	t.Helper()
	return externaltest.StartNode(t, clientDir, clientNeeds, "worker.mjs", append([]string{g.URL() + api}, args...)...)
}

func deployTask(p *externaltest.Place, topic string) {
	p.Deploy(topic, externaltest.Model(topic, externaltest.Task(externaltest.Topic(topic))))
}

// Camunda's own client for JavaScript drives processes to their ends.
func TestCamundaClient(t *testing.T) {
	p, g := open(t)
	deployTask(p, "orders")
	startClient(t, g, "orders")
	packageJSON, err := os.ReadFile(clientDir + "/package.json")
	require.NoError(t, err)
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
		r := p.Ended(p.Begin(client.StartOptions{Key: "orders", Variables: map[string]any{
			"what": what, "order": order, "when": "1970-01-01T00:00:00.000+0000", "file": map[string]any{"name": "a.txt", "mediaType": "text/plain", "text": "hello"},
			"large": int64(9007199254740991),
		}}))
		for name, value := range want {
			require.EqualValues(t, value, r.Variables[name], "%s: %s of %v", what, name, r.Variables)
		}
	}
}

// slow begins an instance whose task takes as long as its worker was told.
func slow(p *externaltest.Place, topic string) (instance string) {
	return p.Begin(client.StartOptions{Key: topic, Variables: map[string]any{"what": "slow"}})
}

// A worker that dies with a task has it until its lock runs out: then another gets it.
func TestCamundaClientDies(t *testing.T) {
	p, g := open(t)
	deployTask(p, "dies")
	first := startClient(t, g, "dies", "first", "60000")
	id := slow(p, "dies")
	first.Says("busy with "+id, 1)
	first.Kill()
	startClient(t, g, "dies", "second")
	require.Equal(t, "second", p.Ended(id).Variables["by"])
}

// A gateway that is stopped and started again leaves workers what they have: one that polls polls on, one that is busy completes its task.
func TestCamundaClientOutlivesGateway(t *testing.T) {
	p, g := open(t)
	deployTask(p, "outlives")
	n := startClient(t, g, "outlives", "js", "1500")
	n.Says("ready", 1)
	busy := slow(p, "outlives")
	n.Says("busy with "+busy, 1)
	g.Stop()
	g.Start()
	require.Equal(t, "js", p.Ended(busy).Variables["by"])

	g.Stop()
	n.Says("poll:error", 1) // it polls while nobody is there
	later := slow(p, "outlives")
	g.Start()
	require.Equal(t, "js", p.Ended(later).Variables["by"])

	busy = slow(p, "outlives")
	n.Says("busy with "+busy, 1)
	g.Stop() // and its answer reaches nobody
	n.Says("complete:error", 1)
	g.Start()
	require.Equal(t, "js", p.Ended(busy).Variables["by"], "it comes again after its lock")
	n.Says("busy with "+busy, 2)
}
