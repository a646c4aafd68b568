package testsuite

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/smtp"
	"testing"
	"time"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/testsuite/process"
	"github.com/waybill-io/waybill/testsuite/temporalserver"
	"github.com/waybill-io/waybill/worker/dev"
)

// Environment is Waybill in a test: a Temporal server of its own, a mail server, and a worker with all roles.
type Environment struct {
	*dev.Environment
	t testing.TB
}

// Start runs an environment until the test ends. Additional connectors, such as fakes of the systems a process talks to, may
// be given. A test is skipped where no Temporal server can be had without building one, and fails there when CI=true.
func Start(t testing.TB, more ...connectors.Connector) *Environment {
	t.Helper()
	return StartWith(t, dev.Options{Connectors: more})
}

// StartWith is Start with other options.
func StartWith(t testing.TB, o dev.Options) *Environment {
	t.Helper()
	if _, err := temporalserver.Find(t.Context(), temporalserver.FindOptions{NoBuild: true}); err != nil {
		process.Missing(t, "no Temporal server: "+err.Error())
	}
	o.Out, o.Logger = io.Discard, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	e, err := dev.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return &Environment{Environment: e, t: t}
}

// Deploy loads files and folders and deploys all that they hold.
func (e *Environment) Deploy(paths ...string) {
	e.t.Helper()
	if err := e.Environment.Deploy(e.t.Context(), paths...); err != nil {
		e.t.Fatal(err)
	}
}

// Watch has the mailbox of an address watched under a name and returns when it is connected.
func (e *Environment) Watch(name, address string) {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(e.t.Context(), 30*time.Second)
	defer cancel()
	if err := e.Environment.Watch(ctx, name, address); err != nil {
		e.t.Fatal(err)
	}
}

// Send drops a raw mail into the mail server over SMTP.
func (e *Environment) Send(from, to string, raw []byte) {
	e.t.Helper()
	if err := e.send(from, to, raw); err != nil {
		e.t.Fatalf("send mail to %s: %v", to, err)
	}
}

func (e *Environment) send(from, to string, raw []byte) error {
	conn, err := net.Dial("tcp", e.Mail.SMTPAddr())
	if err != nil {
		return err
	}
	c, err := smtp.NewClient(conn, "localhost")
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	defer c.Close()
	if err := errors.Join(c.Mail(from), c.Rcpt(to)); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(raw); err != nil {
		return err
	}
	return errors.Join(w.Close(), c.Quit())
}

// Task waits for the one open user task of an instance.
func (e *Environment) Task(instance string) contract.Task {
	e.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		tasks, err := e.Client.Tasks(e.t.Context(), client.TaskFilter{Instance: instance})
		if err == nil && len(tasks) == 1 {
			return tasks[0]
		}
		if time.Now().After(deadline) {
			e.t.Fatalf("instance %s has %d open tasks, not one (%v)", instance, len(tasks), err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
