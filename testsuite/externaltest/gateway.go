package externaltest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/external"
	"github.com/waybill-io/waybill/testsuite/process"
)

// Routes are those of a contract, by their patterns for http.ServeMux.
type Routes func(*external.Tasks, *external.Broker) map[string]http.Handler

// Gateway serves a contract at one address, by one server after another. What a server knows of tasks ends with it.
type Gateway struct {
	ReadTimeout time.Duration // how long a request may take to come, from the next Start on; 0: as long as it likes

	place   *Place
	routes  Routes
	address string
	server  *http.Server // nil: none
	broker  *external.Broker
	ended   chan error
}

// Gateway starts one, which ends with the test.
func (p *Place) Gateway(routes Routes) *Gateway {
	p.t.Helper()
	g := &Gateway{place: p, routes: routes, address: fmt.Sprint("127.0.0.1:", process.Ports(p.t, 1)[0])}
	g.Start()
	p.t.Cleanup(g.Kill)
	return g
}

// URL is that of the server, without a path.
func (g *Gateway) URL() string { return "http://" + g.address }

// Start starts a server.
func (g *Gateway) Start() {
	t := g.place.t
	t.Helper()
	listener, err := net.Listen("tcp", g.address)
	require.NoError(t, err)
	tasks := g.place.Over(g.place.Client).Tasks
	g.broker = external.NewBroker(tasks, 200)
	mux := http.NewServeMux()
	for pattern, h := range g.routes(tasks, g.broker) {
		mux.Handle(pattern, h)
	}
	g.server, g.ended = &http.Server{Handler: mux, ReadTimeout: g.ReadTimeout}, make(chan error, 1)
	go func(s *http.Server, ended chan<- error) { ended <- s.Serve(listener) }(g.server, g.ended)
}

// Stop ends the server as gateway.Server does when it is told to: whoever waits for tasks gets none, and other requests are answered.
func (g *Gateway) Stop() {
	g.place.t.Helper()
	g.broker.Close()
	require.NoError(g.place.t, g.server.Shutdown(context.Background()))
	g.gone()
}

// Kill ends the server, if there is one, with all its connections.
func (g *Gateway) Kill() {
	g.place.t.Helper()
	if g.server == nil {
		return
	}
	_ = g.server.Close()
	g.broker.Close()
	g.gone()
}

func (g *Gateway) gone() {
	g.place.t.Helper()
	require.ErrorIs(g.place.t, <-g.ended, http.ErrServerClosed)
	g.server = nil
}
