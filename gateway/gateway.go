// Package gateway is Waybill's HTTP server: health, and the API of listeners. It holds no state, so any number of replicas may run.
package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/net/netutil"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/external"
	"github.com/waybill-io/waybill/gateway/access"
	"github.com/waybill-io/waybill/mail"
)

// checkTimeout bounds a readiness check.
const checkTimeout = 3 * time.Second

// Check tells whether something that the worker needs is there.
type Check func(context.Context) error

// Options of a Server.
type Options struct {
	Address string // host:port
	URL     string // under which browsers reach it, without a path that is ours; "": of the address, when that is of this machine
	Ready   Check
	Client  *client.Client
	// Namespace is that of the client; "": no external tasks are served.
	Namespace string
	Access    *access.Gate // who may call; nil: this machine
	Logger    *slog.Logger // is told of external tasks that are taken and answered; nil: nothing is told
	Key       *mail.Key    // seals passwords that applications send; nil: such are refused
	Secret    string       // names what applications' webhooks are signed with that bring no secret of their own; "": such are refused
	Version   string
	Metrics   *prometheus.Registry // of the worker, to which those of external tasks are added; nil: none are served

	// Receivers are the connectors of the worker by the names of the instances: a connectors.Receiver is called from outside at
	// /connectors/<instance>/...
	Receivers map[string]connectors.Connector

	// Connectors are the definitions of those that are built in, for models that are deployed here.
	Connectors []*connectors.Definition

	watch    *watch        // of external tasks
	sendWait time.Duration // how long an application waits for the mail server; 0: as is documented. Tests are in a hurry
}

// Server answers GET /healthz (the process is alive), GET /readyz (what it needs is there), /metrics (Prometheus), /api/listeners, /api/reports, /api/events, /oauth
// and /connectors.
type Server struct {
	listener net.Listener
	http     *http.Server
	access   *access.Gate
	broker   *external.Broker // of external tasks; nil: none are served
}

// Listen opens the address; Serve answers. The error names the address.
func Listen(o Options) (*Server, error) {
	listener, err := net.Listen("tcp", o.Address)
	if err != nil {
		return nil, fmt.Errorf("gateway: listen at %s: %w", o.Address, err)
	}
	if err := o.Access.Misplaced(listener.Addr().String()); err != nil {
		return nil, errors.Join(fmt.Errorf("gateway: %w", err), listener.Close())
	}
	if o.URL == "" && access.Local(listener.Addr().String()) {
		o.URL = "http://" + listener.Addr().String()
	}
	mux := http.NewServeMux()
	for pattern, handler := range routes(o) {
		mux.Handle(pattern, handler)
	}
	s := &Server{listener: listener, access: o.Access, http: &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: idleTimeout, MaxHeaderBytes: 64 << 10,
	}}
	if o.Namespace != "" {
		s.broker = serveExternal(mux, o)
	}
	return s, nil
}

// routes are all calls that are answered, each of which stands in openapi.json. Health is for everybody.
func routes(o Options) map[string]http.Handler {
	all := map[string]http.Handler{
		"GET /healthz": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w, nil) }),
		"GET /readyz": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), checkTimeout)
			defer cancel()
			answer(w, o.Ready(ctx))
		}),
	}
	if o.Metrics != nil {
		all["GET /metrics"] = o.guard(promhttp.HandlerFor(o.Metrics, promhttp.HandlerOpts{}))
	}
	for pattern, handler := range listenerRoutes(o) {
		all[pattern] = o.guard(handler)
	}
	for pattern, handler := range reportRoutes(o) {
		all[pattern] = o.guard(handler)
	}
	all["GET /api/health/alerts"] = o.guard(http.HandlerFunc(o.alertHealth))
	all["POST /api/events"] = o.guard(http.HandlerFunc((&receivers{Options: o}).emit))
	maps.Copy(all, consentRoutes(o))  // likewise: people come there with a browser
	maps.Copy(all, receiverRoutes(o)) // whom they let through, the connector says
	return all
}

// answer says "ok", or 503 without the cause: health is public, causes are in the log.
func answer(w http.ResponseWriter, err error) {
	status, code := "ok", http.StatusOK
	if err != nil {
		status, code = "unavailable", http.StatusServiceUnavailable
	}
	reply(w, code, map[string]string{"status": status})
}

func reply(w http.ResponseWriter, code int, content any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(content) // the client has gone
}

// problem answers as RFC 9457 has it.
func problem(w http.ResponseWriter, code int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{"status": code, "title": http.StatusText(code), "detail": detail})
}

// URL is where the server answers.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// Serve answers until ctx is done, then lets running requests end.
func (s *Server) Serve(ctx context.Context) error {
	stopped := make(chan error, 1)
	defer context.AfterFunc(ctx, func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTimeout)
		defer cancel()
		s.http.SetKeepAlivesEnabled(false) // who is answered asks another gateway next
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			if s.broker != nil {
				s.broker.Close() // has those who wait for external tasks answered
			}
		}()
		err := s.http.Shutdown(ending)
		select {
		case <-answered:
		case <-ending.Done(): // Temporal is away: what was given back to nobody is offered again by itself
		}
		stopped <- err
	})()
	go s.access.Begin(ctx)
	if err := s.http.Serve(netutil.LimitListener(s.listener, connectionsAtMost)); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("gateway: %w", err)
	}
	return <-stopped
}
