// Package servertest shares one Temporal server among the tests of a package: started by the first test that wants it,
// in memory, on a free port, in half a second.
//
//	var server servertest.Server
//
//	func TestMain(m *testing.M) { os.Exit(server.Run(m)) }
//
//	func TestOrder(t *testing.T) { c := server.Client(t) ... }
//
// Tests share the namespace, so each uses workflow ids and task queues of its own. Nothing is built here, since a build
// outlasts the time limit of a test run: without a server program a test is skipped, and fails where CI=true is set.
package servertest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"github.com/waybill-io/waybill/testsuite/temporalserver"
)

// Server belongs in a package-level variable of a test; its zero value is ready. Safe for parallel tests.
type Server struct {
	start  sync.Once
	server *temporalserver.Server
	err    error
}

var errNone = errors.New("no Temporal server for tests")

// Run runs the tests and then stops the server, if one was started. It returns the exit code.
func (s *Server) Run(m *testing.M) int {
	code := m.Run()
	if s.server == nil {
		return code
	}
	if err := s.server.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(code, 1)
	}
	return code
}

// Address returns the server's host:port. A server program that does not start fails the test.
func (s *Server) Address(t testing.TB) string {
	t.Helper()
	s.start.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		program, err := temporalserver.Find(ctx, temporalserver.FindOptions{NoBuild: true})
		if err != nil {
			s.err = fmt.Errorf("%w: %w", errNone, err)
			return
		}
		s.server, s.err = temporalserver.Start(ctx, temporalserver.Options{Program: program})
	})
	switch {
	case s.err == nil:
		return s.server.Address
	case errors.Is(s.err, errNone) && os.Getenv("CI") != "true":
		t.Skip(s.err)
	default:
		t.Fatal(s.err)
	}
	return ""
}

// Client returns a client of the default namespace, closed at the end of the test.
func (s *Server) Client(t testing.TB) client.Client {
	t.Helper()
	c, err := client.DialContext(t.Context(), client.Options{HostPort: s.Address(t), Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}
