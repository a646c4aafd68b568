package processengine_test

import (
	"fmt"
	"net/http"
	"os"
	"sync/atomic"
	"testing"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/external"
	"github.com/waybill-io/waybill/gateway/processengine"
	"github.com/waybill-io/waybill/testsuite/externaltest"
	"github.com/waybill-io/waybill/testsuite/temporalserver/servertest"
	"github.com/waybill-io/waybill/worker/app"
)

var server servertest.Server

func TestMain(m *testing.M) { os.Exit(server.Run(m)) }

// house is a worker of processes and a gateway before it.
type house struct {
	t *testing.T
	*externaltest.Place
	gateway *externaltest.Gateway
	waiting *atomic.Int32 // requests that are not answered yet
}

func open(t *testing.T) *house {
	t.Helper()
	return house{Place: externaltest.Open(t, app.Options{Temporal: server.Client(t)})}.another(t)
}

// in has what fails told to another test.
func (h house) in(t *testing.T) *house {
	h.t, h.Place = t, h.Place.In(t)
	return &h
}

// another is a gateway beside the first, over the same processes.
func (h house) another(t *testing.T) *house {
	t.Helper()
	g := h.in(t)
	g.waiting = new(atomic.Int32)
	g.gateway = g.Gateway(func(tasks *external.Tasks, broker *external.Broker) map[string]http.Handler {
		routes := (&processengine.Server{Tasks: tasks, Broker: broker, Admit: admit}).Routes()
		for pattern, handler := range routes {
			routes[pattern] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				g.waiting.Add(1)
				defer g.waiting.Add(-1)
				handler.ServeHTTP(w, r)
			})
		}
		return routes
	})
	return g
}

// admit knows one worker, by process-engine's way to name users: base64 of the name.
func admit(r *http.Request) (external.Scope, error) {
	switch r.Header.Get("Authorization") {
	case "":
		return external.Scope{}, external.ErrNoToken
	case "Bearer d29ya2Vy":
		return external.Scope{User: "worker"}, nil
	}
	return external.Scope{}, fmt.Errorf("no claim: %w", external.ErrForbidden)
}

func (h *house) start(key string, variables map[string]any) string {
	h.t.Helper()
	return h.Begin(client.StartOptions{Key: key, Initiator: "starter", Variables: variables})
}

// run starts a program that uses a published client; args follow the URL.
func (h *house) run(c published, args ...string) *externaltest.Node {
	h.t.Helper()
	p := externaltest.StartNode(h.t, "testdata/client", c.needs, c.program, append([]string{h.gateway.URL()}, args...)...)
	p.Await("ready")
	return p
}
