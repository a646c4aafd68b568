// Package dev starts everything that Waybill needs on one machine: a Temporal server with its Web UI (one that already listens,
// else its own), a mail server, a worker with all roles, and the support-desk example. It is for development: nothing
// listens beyond this machine.
package dev

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/gofrs/flock"
	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"gocloud.dev/blob"
	_ "gocloud.dev/blob/fileblob" // the folder that keeps mails and attachments

	"github.com/waybill-io/waybill/activities"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/catalog"
	"github.com/waybill-io/waybill/gateway"
	"github.com/waybill-io/waybill/mail/service"
	"github.com/waybill-io/waybill/testsuite/mailserver"
	"github.com/waybill-io/waybill/testsuite/temporalserver"
	"github.com/waybill-io/waybill/worker/app"
	"github.com/waybill-io/waybill/workflows"
)

// Options say where everything listens and what it keeps. Port 0 is a free port, and no Web UI.
type Options struct {
	Data         string // folder that keeps state over restarts; "": nothing is kept
	TemporalPort int
	UIPort       int
	SMTPPort     int
	IMAPPort     int
	GatewayPort  int
	Gateway      gateway.Options                   // its key, its URL, and who may call
	Example      bool                              // deploy the support-desk example and watch its mailbox
	Connectors   []connectors.Connector            // besides the built-in ones
	Definitions  []string                          // files and folders with instances of built-in connectors
	Variable     func(name string) (string, error) // settings of connectors; mail stays on this machine whatever they say; nil: none
	Email        service.Config                    // senders of tenants; mail stays on this machine whatever it says
	Groups       int                               // of mailboxes that the worker holds at most; 0: all
	Alerts       activities.AlertSettings          // without a Web UI: links lead to that of this environment
	Recording    workflows.Recording               // whether events are recorded
	Indexing     *app.Indexing                     // where they go; nil: nowhere
	Logger       *slog.Logger
	Out          io.Writer // told what is started, for people
}

// host is where everything listens.
const host = "127.0.0.1"

// Environment is everything that runs.
type Environment struct {
	Client     *client.Client
	Mail       *mailserver.Server
	Address    string // of Temporal, host:port
	UIURL      string // "" when a Temporal server was there already
	GatewayURL string

	options     Options
	ends        []func() error
	definitions []*connectors.Definition
	stopped     chan struct{} // closed when the worker has ended
	err         error         // how; read it after stopped
}

// Run starts everything, prints each address and then "ready", and stays until ctx is done. What it started then ends.
func Run(ctx context.Context, o Options) error {
	e, err := Start(ctx, o)
	if err != nil {
		return err
	}
	e.say("ready")
	select {
	case <-ctx.Done():
	case <-e.stopped:
	}
	return e.Close()
}

// Start starts everything and returns when it works. The error of a start that failed or was interrupted comes after all that had been
// started has ended.
func Start(ctx context.Context, o Options) (_ *Environment, err error) {
	e := &Environment{options: o, stopped: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Close())
		}
	}()
	for _, step := range []func(context.Context) error{e.prepareData, e.checkPorts, e.startMail, e.startTemporal, e.startWorker, e.deployExample} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// Close ends everything in reverse order of its start and returns when nothing is left.
func (e *Environment) Close() error {
	var errs []error
	for _, end := range slices.Backward(e.ends) {
		errs = append(errs, end())
	}
	e.ends = nil
	return errors.Join(errs...)
}

func (e *Environment) atEnd(fn func() error) { e.ends = append(e.ends, fn) }

func (e *Environment) say(format string, args ...any) {
	fmt.Fprintf(e.options.Out, format+"\n", args...)
}

// prepareData makes the data folder and keeps a second environment out of it.
func (e *Environment) prepareData(context.Context) error {
	if e.options.Data == "" {
		dir, err := os.MkdirTemp("", "waybill-dev-")
		if err != nil {
			return fmt.Errorf("make a folder for this run: %w", err)
		}
		e.atEnd(func() error { return os.RemoveAll(dir) })
		e.options.Data = dir
		return nil
	}
	dir, err := filepath.Abs(e.options.Data)
	if err != nil {
		return fmt.Errorf("data folder %s: %w", e.options.Data, err)
	}
	e.options.Data = dir
	if err := os.MkdirAll(e.options.Data, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	lock := flock.New(filepath.Join(e.options.Data, "lock"))
	held, err := lock.TryLock()
	if err != nil {
		return fmt.Errorf("lock the data folder: %w", err)
	}
	if !held {
		return fmt.Errorf("the data folder %s is in use by another `worker dev`: end that one, or choose another folder with --data", e.options.Data)
	}
	e.atEnd(lock.Unlock)
	return nil
}

// at is the address of a port; "" leaves the choice, or for the Web UI: none.
func at(port int) string {
	if port == 0 {
		return ""
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// checkPorts finds a taken port before anything has been started.
func (e *Environment) checkPorts(ctx context.Context) error {
	ports := []struct {
		flag string
		port int
	}{{"--smtp-port", e.options.SMTPPort}, {"--imap-port", e.options.IMAPPort}, {"--gateway-port", e.options.GatewayPort}}
	if address := at(e.options.TemporalPort); address == "" || !temporalserver.Listening(ctx, address) {
		ports = append(ports, struct {
			flag string
			port int
		}{"--temporal-port", e.options.TemporalPort}, struct {
			flag string
			port int
		}{"--ui-port", e.options.UIPort})
	}
	var errs []error
	for _, p := range ports {
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(p.port)))
		switch {
		case err == nil:
			errs = append(errs, l.Close())
		case errors.Is(err, syscall.EADDRINUSE):
			errs = append(errs, fmt.Errorf("port %d is taken: choose another one with %s", p.port, p.flag))
		default:
			errs = append(errs, fmt.Errorf("%s %d: %w", p.flag, p.port, err))
		}
	}
	return errors.Join(errs...)
}

func (e *Environment) startMail(context.Context) error {
	server, err := mailserver.Start(mailserver.Options{
		SMTPAddr: net.JoinHostPort(host, strconv.Itoa(e.options.SMTPPort)), IMAPAddr: net.JoinHostPort(host, strconv.Itoa(e.options.IMAPPort)),
		Dir: filepath.Join(e.options.Data, "mail"), OpenPassword: Password, Logger: e.options.Logger,
	})
	if err != nil {
		return fmt.Errorf("start the mail server: %w", err)
	}
	e.Mail = server
	e.atEnd(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		return server.Close(ctx)
	})
	// Before the worker starts: it may have mailboxes to watch from an earlier run.
	if err := os.Setenv(passwordVariable, Password); err != nil {
		return err
	}
	e.say("mail     SMTP %s, IMAP %s (any address, password %q)", server.SMTPAddr(), server.IMAPAddr(), Password)
	return nil
}

func (e *Environment) startTemporal(ctx context.Context) error {
	address := at(e.options.TemporalPort)
	if address != "" && temporalserver.Listening(ctx, address) {
		e.say("temporal %s (was running)", address)
		e.Address = address
	} else {
		program, err := temporalserver.Find(ctx, temporalserver.FindOptions{Progress: e.options.Out})
		if err != nil {
			return fmt.Errorf("find a Temporal server: %w", err)
		}
		server, err := temporalserver.Start(ctx, temporalserver.Options{
			Program: program, Address: address, UIAddress: at(e.options.UIPort),
			DBFile: filepath.Join(e.options.Data, "temporal.db"),
		})
		if err != nil {
			return fmt.Errorf("start Temporal: %w", err)
		}
		e.atEnd(server.Stop)
		address = server.Address
		e.Address, e.UIURL = server.Address, server.UIURL
		e.say("temporal %s", address)
		if server.UIURL != "" {
			e.say("web ui   %s", server.UIURL)
		}
	}
	connection, err := temporal.DialContext(ctx, temporal.Options{HostPort: address, Logger: log.NewStructuredLogger(e.options.Logger)})
	if err != nil {
		return fmt.Errorf("connect to Temporal at %s: %w", address, err)
	}
	e.atEnd(func() error { connection.Close(); return nil })
	e.Client = client.New(connection)
	return nil
}

// startWorker runs a worker with all roles.
func (e *Environment) startWorker(ctx context.Context) error {
	files := url.URL{Scheme: "file", Path: filepath.ToSlash(filepath.Join(e.options.Data, "files")), RawQuery: "create_dir=1&no_tmp_dir=1&metadata=skip"}
	bucket, err := blob.OpenBucket(ctx, files.String())
	if err != nil {
		return fmt.Errorf("open the folder for files: %w", err)
	}
	e.atEnd(bucket.Close)
	deps, err := e.deps()
	if err != nil {
		return err
	}
	e.atEnd(deps.Mail.Close)
	deps.Files = activities.NewFiles(bucket)
	list, err := catalog.BuiltIn(deps)
	if err != nil {
		return fmt.Errorf("set up the connectors: %w", err)
	}
	instances, err := catalog.Instances(e.options.Definitions, deps)
	if err != nil {
		return fmt.Errorf("set up the connectors: %w", err)
	}
	list = append(list, e.options.Connectors...)
	for _, c := range list {
		e.definitions = append(e.definitions, c.Definition())
	}
	alerts := e.options.Alerts
	alerts.UIURL = cmp.Or(alerts.UIURL, e.UIURL)
	a, err := app.New(ctx, app.Options{
		Temporal: e.Client.Temporal, Namespace: temporal.DefaultNamespace, Files: bucket, Connectors: list, Instances: instances, Logger: e.options.Logger, MailboxGroups: e.options.Groups, Mail: deps.Mail, Alerts: alerts,
		Recording: e.options.Recording, Indexing: e.options.Indexing,
		Gateway: gateway.Options{
			Address: net.JoinHostPort(host, strconv.Itoa(e.options.GatewayPort)), Version: "dev", Key: e.options.Gateway.Key, URL: e.options.Gateway.URL, Access: e.options.Gateway.Access,
		},
	})
	if err != nil {
		return err
	}
	e.GatewayURL = a.GatewayURL()
	e.say("gateway  %s", e.GatewayURL)
	working, cancel := context.WithCancel(context.WithoutCancel(ctx))
	started := make(chan struct{})
	go func() {
		defer close(e.stopped)
		e.err = a.Run(working, func() { close(started) })
	}()
	e.atEnd(func() error {
		cancel()
		<-e.stopped
		return e.err
	})
	select {
	case <-started:
		return nil
	case <-e.stopped:
		return e.err
	}
}

func split(address string) (string, int, error) {
	h, p, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	port, err := strconv.Atoi(p)
	return h, port, err
}
