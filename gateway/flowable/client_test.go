package flowable_test

import (
	"net/http"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/external"
	"github.com/waybill-io/waybill/gateway/flowable"
	"github.com/waybill-io/waybill/testsuite/externaltest"
	"github.com/waybill-io/waybill/testsuite/temporalserver/servertest"
	"github.com/waybill-io/waybill/worker/app"
)

var server servertest.Server

func TestMain(m *testing.M) { os.Exit(server.Run(m)) }

// place is Flowable's API over a worker of processes.
type place struct {
	t *testing.T
	*externaltest.Place
	gateway *externaltest.Gateway
}

func startPlace(t *testing.T) *place {
	t.Helper()
	p := externaltest.Open(t, app.Options{Temporal: server.Client(t)})
	return &place{t, p, p.Gateway(func(tasks *external.Tasks, broker *external.Broker) map[string]http.Handler {
		return (&flowable.Server{Tasks: tasks, Broker: broker, Admit: admit}).Routes()
	})}
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
	p.Deploy(topic, externaltest.Model(topic, externaltest.Task(`flowable:type="external-worker" flowable:topic="`+topic+`"`)))
}

func (p *place) begin(key string, variables map[string]any) string {
	p.t.Helper()
	return p.Begin(client.StartOptions{Key: key, Variables: variables})
}

// worker runs Flowable's own client for JavaScript.
func (p *place) worker(topic, name string) *externaltest.Node {
	p.t.Helper()
	return externaltest.StartNode(p.t, "testdata/client", "@flowable-oss/external-worker-client", "worker.mjs", p.gateway.URL(), topic, name)
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
		r := p.Ended(p.begin("orders", map[string]any{"what": what, "order": order, "large": "9007199254740993"}))
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
	i := p.Incident(instance)
	require.Equal(t, "never", i.Message)
	require.NoError(t, p.SetVariables(t.Context(), instance, map[string]any{"what": "succeed", "order": map[string]any{"lines": []any{}}}))
	_, err := p.AnswerIncident(t.Context(), instance, contract.IncidentAnswer{ID: i.ID, Action: "retry"})
	require.NoError(t, err)
	require.Equal(t, true, p.Ended(instance).Variables["done"])
}

// A job whose worker is killed comes to another when the lock has run out.
func TestWorkerIsKilled(t *testing.T) {
	p := startPlace(t)
	p.deploy("kills")
	first := p.worker("kills", "first")
	instance := p.begin("kills", map[string]any{"what": "kill"})
	require.Error(t, first.Ended(), "it was killed with the job")
	p.worker("kills", "second")
	require.Equal(t, "second", p.Ended(instance).Variables["by"])
}

// A gateway that is stopped while a handler is busy, and started again before that ends, has missed nothing.
func TestClientOutlivesGateway(t *testing.T) {
	p := startPlace(t)
	p.deploy("outlives")
	w := p.worker("outlives", "js")
	instance := p.begin("outlives", map[string]any{"what": "wait"})
	w.Says("busy with "+instance, 1)
	p.gateway.Stop()
	p.gateway.Start()
	w.Say("the gateway has closed what you keep open") // which it has seen when it has heard this
	w.Says("heard the gateway", 1)
	w.Say("go on")
	require.Equal(t, "js", p.Ended(instance).Variables["by"])

	instance = p.begin("outlives", map[string]any{"what": "wait"})
	w.Says("busy with "+instance, 1)
	w.Say("go on")
	require.Equal(t, "js", p.Ended(instance).Variables["by"])
}

// The client ends with the first request that is not answered, and is started again by who supervises it. A job that it has then comes again
// when its lock has run out.
func TestClientEndsWithoutGateway(t *testing.T) {
	p := startPlace(t)
	p.deploy("supervised")
	ends := func(w *externaltest.Node) {
		t.Helper()
		var exit *exec.ExitError
		require.ErrorAs(t, w.Ended(), &exit)
		require.Equal(t, 1, exit.ExitCode())
	}
	first := p.worker("supervised", "first")
	p.Ended(p.begin("supervised", map[string]any{"what": "say nothing"}))
	p.gateway.Stop() // while it polls
	ends(first)
	instance := p.begin("supervised", map[string]any{"what": "wait"})
	p.gateway.Start()
	second := p.worker("supervised", "second")
	second.Says("busy with "+instance, 1)
	p.gateway.Stop() // while it is busy
	second.Say("go on")
	ends(second)
	p.gateway.Start()
	third := p.worker("supervised", "third")
	third.Says("busy with "+instance, 1)
	third.Say("go on")
	require.Equal(t, "third", p.Ended(instance).Variables["by"])
}
