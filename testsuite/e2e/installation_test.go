package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflow/v1"
	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors/catalog"
	"github.com/waybill-io/waybill/project"
	"github.com/waybill-io/waybill/testsuite/dovecot"
	"github.com/waybill-io/waybill/testsuite/mailserver"
	"github.com/waybill-io/waybill/testsuite/process"
	"github.com/waybill-io/waybill/testsuite/temporalserver"
)

const (
	// patience bounds what has no bound of its own: the machine may be busy.
	patience = 180 * time.Second
	tick     = 50 * time.Millisecond

	mailbox     = "support" // of Waybill, and the user of Dovecot
	supportDesk = "support-desk"
	onCall      = "oncall@example.com"

	supportDeskFolder = "../../examples/support-desk"
)

// installation is Waybill with the servers that it needs, except for its workers.
type installation struct {
	t        *testing.T
	dir      string
	program  string // with a Temporal server
	options  options
	sink     *sink // nil: none
	temporal *temporalserver.Server
	client   *client.Client
	dovecot  *dovecot.Server

	environment        []string           // of workers, beside what all have
	outgoing           *mailserver.Server // has a mailbox for every customer
	smtpHost, smtpPort string
	attempts           atomic.Int64 // recipients that a worker named to the outgoing server
	refuse             atomic.Pointer[func(recipient string) error]
}

// options of an installation.
type options struct {
	temporalSettings []string
	capability       string   // what Dovecot offers; "": all that it can
	sink             bool     // a webhook is told of all mail
	mailboxes        []string // more of them, beside the one that all tests have
}

// install starts the servers. Nothing is deployed yet.
func install(t *testing.T, o options) *installation {
	t.Helper()
	i := installTemporal(t, o)
	users := map[string]string{mailbox: "secret"}
	for _, name := range o.mailboxes {
		users[name] = "secret"
	}
	i.dovecot = dovecot.Start(t, dovecot.Options{Users: users, Capability: o.capability})
	i.setPassword("secret")
	i.startOutgoing("")
	if o.sink {
		i.startSink()
	}
	return i
}

// installTemporal starts a Temporal server alone.
func installTemporal(t *testing.T, o options) *installation {
	t.Helper()
	program, err := temporalserver.Find(t.Context(), temporalserver.FindOptions{NoBuild: true})
	if err != nil {
		process.Missing(t, "no Temporal server: "+err.Error())
	}
	i := &installation{t: t, dir: t.TempDir(), program: program, options: o}
	i.startTemporal(address("127.0.0.1", process.Ports(t, 1)[0])) // which is still free after a stop
	t.Cleanup(func() { require.NoError(t, i.temporal.Stop()) })
	c, err := temporal.DialContext(t.Context(), temporal.Options{
		HostPort: i.temporal.Address, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	i.client = client.New(c)
	return i
}

// startTemporal starts the server on what it had kept; address "" is a free one.
func (i *installation) startTemporal(address string) {
	i.t.Helper()
	var err error
	// What another test is starting holds a port that we have let go, from its fork to its exec.
	i.eventually(func() string { return err.Error() }, func() (free bool) {
		i.temporal, err = temporalserver.Start(i.t.Context(), temporalserver.Options{
			Program: i.program, Address: address, DBFile: filepath.Join(i.dir, "temporal.db"), Settings: i.options.temporalSettings,
		})
		_, taken := errors.AsType[*temporalserver.PortTakenError](err)
		return !taken
	})
	require.NoError(i.t, err)
}

// startOutgoing starts the server for the answers on what it had kept, which workers use from now on; address "" is a free one.
func (i *installation) startOutgoing(address string) {
	i.t.Helper()
	s, err := mailserver.Start(mailserver.Options{
		SMTPAddr: address, Dir: filepath.Join(i.dir, "outgoing"), Reject: func(recipient string) error {
			i.attempts.Add(1)
			if refuse := i.refuse.Load(); refuse != nil {
				return (*refuse)(recipient)
			}
			return nil
		},
	})
	require.NoError(i.t, err)
	i.outgoing = s
	i.smtpHost, i.smtpPort, err = net.SplitHostPort(s.SMTPAddr())
	require.NoError(i.t, err)
	i.t.Cleanup(func() { require.NoError(i.t, s.Close(context.Background())) })
}

func (i *installation) filesURL() string {
	files := url.URL{Scheme: "file", Path: filepath.Join(i.dir, "files"), RawQuery: "create_dir=1"}
	return files.String()
}

// setPassword changes what the workers take for the password of the mailbox.
func (i *installation) setPassword(password string) {
	i.t.Helper()
	require.NoError(i.t, os.WriteFile(i.passwordFile(), []byte(password+"\n"), 0o600))
}

func (i *installation) passwordFile() string { return filepath.Join(i.dir, "password") }

// deploy deploys the support desk. It takes a worker that runs.
func (i *installation) deploy() {
	i.t.Helper()
	i.deployProcess()
	i.deployTrigger()
}

// load reads the project of a folder.
func (i *installation) load(path string) *project.Project {
	i.t.Helper()
	p, err := project.Load([]string{path}, project.Options{BuiltIn: catalog.Definitions()})
	require.NoError(i.t, err)
	return p
}

func (i *installation) deployDefinitions(p *project.Project) {
	i.t.Helper()
	for _, d := range p.Definitions {
		_, err := i.client.Deploy(i.t.Context(), d)
		require.NoError(i.t, err)
	}
}

func (i *installation) deployTriggers(p *project.Project) {
	i.t.Helper()
	for _, tr := range p.Triggers {
		require.NoError(i.t, i.client.PutTrigger(i.t.Context(), tr.Source, tr.Name, tr.Raw))
	}
}

func (i *installation) deployProcess() {
	i.t.Helper()
	i.deployDefinitions(i.load(supportDeskFolder))
}

func (i *installation) deployTrigger() {
	i.t.Helper()
	i.deployTriggers(i.load(supportDeskFolder))
	if i.sink != nil {
		i.subscribe()
	}
}

// watch has the mailbox watched and returns when it is connected.
func (i *installation) watch(change ...func(*contract.MailboxConfig)) {
	i.t.Helper()
	config := i.config(mailbox)
	for _, c := range change {
		c(&config)
	}
	require.NoError(i.t, i.client.ConfigureMailbox(i.t.Context(), config))
	i.connected()
}

func (i *installation) config(name string) contract.MailboxConfig {
	return contract.MailboxConfig{
		Name: name, Host: i.dovecot.Host, Port: i.dovecot.Port, TLS: "none", Username: name, Password: "file:" + i.passwordFile(),
		Folder: "INBOX", MarkSeen: true, MaxBytes: 50 << 20, PollMS: 60_000, LeaseMS: 5_000,
	}
}

func (i *installation) connected() {
	i.t.Helper()
	i.status("is connected", func(m client.Mailbox) bool { return m.Connection == "connected" })
}

// status waits until the mailbox is in a state.
func (i *installation) status(what string, is func(client.Mailbox) bool) client.Mailbox {
	i.t.Helper()
	var m client.Mailbox
	var err error
	seen := func() string { return fmt.Sprintf("not seen: the mailbox %s; instead: %+v, %v", what, m, err) }
	i.eventually(seen, func() bool {
		m, err = i.client.Mailbox(i.t.Context(), mailbox)
		return err == nil && is(m)
	})
	return m
}

// eventually waits for a condition, which may fail the test, and tells what was seen when it does not come.
func (i *installation) eventually(seen func() string, condition func() bool) {
	i.t.Helper()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for late := time.After(patience); !condition(); {
		select {
		case <-ticker.C:
		case <-late:
			i.t.Fatal("it did not come to that: ", seen())
		}
	}
}

// list returns the cases in a state, "" for all.
func (i *installation) list(state string) []client.Instance {
	i.t.Helper()
	list, err := i.client.List(i.t.Context(), client.Filter{Key: supportDesk, State: state, Limit: 10_000})
	require.NoError(i.t, err)
	return list
}

// holder is the worker that watches the mailbox, as Temporal knows it; "" while it is changing.
func (i *installation) holder() string {
	i.t.Helper()
	return i.holding(contract.WatchersID(mailbox)).GetLastWorkerIdentity()
}

// holding is the watcher of a group that runs, nil for none.
func (i *installation) holding(group string) *workflow.PendingActivityInfo {
	i.t.Helper()
	d, err := i.client.Temporal.DescribeWorkflowExecution(i.t.Context(), group, "")
	require.NoError(i.t, err)
	for _, a := range d.GetPendingActivities() {
		if a.GetActivityType().GetName() == contract.WatchGroupActivity && a.GetState().String() == "Started" {
			return a
		}
	}
	return nil
}

// holds tells whether one of the workers watches the mailbox.
func (i *installation) holds(workers ...*worker) bool {
	holder := i.holder()
	return slices.ContainsFunc(workers, func(w *worker) bool { return strings.HasPrefix(holder, w.name()) })
}
