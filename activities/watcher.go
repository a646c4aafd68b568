package activities

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/imap"
	"github.com/waybill-io/waybill/mail/smtp"
)

// askEvery is how often a watcher asks whom it has to watch.
const askEvery = 5 * time.Second

// Watcher holds the connections to mailboxes.
type Watcher struct {
	client *client.Client
	files  *Files
	worker string

	unmarked bool // handled mail gets neither flag nor keyword

	authorities mail.Authorities
	credentials *Credentials // of mailboxes and accounts whose secret is "credential:NAME"
	limiter     imap.Limiter // of new connections, for all mailboxes of this worker
	outgoing    *smtp.Pool   // connections to mail servers, for all accounts of this worker; nil: each its own
	held        holdings
	*Metrics
}

// NewWatcher returns the watcher activities. outgoing is the worker's pool of connections to mail servers.
func NewWatcher(c *client.Client, files *Files, outgoing *smtp.Pool, m *Metrics) *Watcher {
	host, _ := os.Hostname()
	return &Watcher{client: c, files: files, outgoing: outgoing, Metrics: m, credentials: NewCredentials(c), worker: fmt.Sprintf("%d@%s", os.Getpid(), host)}
}

// Worker is the name of this worker, by which Temporal must know it, too.
func (w *Watcher) Worker() string { return w.worker }

// WithoutMarks leaves flags and keywords of handled mail alone, whatever its mailbox says; moving and deleting it is no mark.
func (w *Watcher) WithoutMarks() *Watcher {
	w.unmarked = true
	return w
}

// Why a watcher is handed over.
var (
	errStops   = errors.New("the worker stops; another takes over")
	errSurplus = errors.New("the worker holds more than its share; another takes over")
)

// handedOver is the error that has another worker take over after a time.
func handedOver(why error, after time.Duration) error {
	return temporal.NewApplicationErrorWithOptions(why.Error(), "hand-over", temporal.ApplicationErrorOptions{
		NextRetryDelay: after, Category: temporal.ApplicationErrorCategoryBenign,
	})
}

// handOver runs a watcher until it ends, and hands it over at once when the worker stops or the watcher is surplus (nil: never).
func handOver(ctx context.Context, surplus <-chan struct{}, run func(context.Context) error) error {
	working, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stopping := activity.GetWorkerStopChannel(ctx)
	go func() {
		select {
		case <-stopping:
			cancel(errStops)
		case <-surplus:
			cancel(errSurplus)
		case <-working.Done():
		}
	}()
	err := run(working)
	if why := context.Cause(working); why == errStops || why == errSurplus {
		return handedOver(why, time.Millisecond) // at once
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil // it was told to end; an error would be logged as one
	}
	return err
}

// Watch follows one mailbox: it fetches new mail into the blob store, hands it to the mailbox's workflow, waits until it is
// handled, and acknowledges it. A lost connection is made anew here, with the cause in the heartbeat; the activity ends
// when the workflow says so, when it is cancelled, or when its worker stops, and then hands over at once.
func (w *Watcher) Watch(ctx context.Context, in contract.WatchInput) error {
	v := w.watch(in)
	tell := func() any { return v.tell() }
	defer keepAlive(ctx, tell)()
	changed := func() { activity.RecordHeartbeat(ctx, tell()) }
	return handOver(ctx, nil, func(ctx context.Context) error { return v.run(ctx, changed) })
}

// Check logs in and reads the list of folders, and when the token ends that it logs in with. What is wrong is in the result.
func (w *Watcher) Check(ctx context.Context, c contract.MailboxConfig) (contract.CheckResult, error) {
	result := contract.CheckResult{Token: w.tokenOf(ctx, c)}
	account, err := w.open(ctx, c)
	if err == nil {
		defer account.Close()
		result.Folders, err = account.Folders(ctx)
	}
	if err != nil {
		result.Message = err.Error()
		return result, nil
	}
	for _, name := range c.Folders() {
		if !contains(result.Folders, name) {
			result.Message = fmt.Sprintf("the account has no folder %q", name)
			return result, nil
		}
	}
	result.OK = true
	return result, nil
}

func (w *Watcher) watch(in contract.WatchInput) *watch {
	return &watch{Watcher: w, WatchInput: in, status: contract.WatchStatus{Mailbox: in.Mailbox, Worker: w.worker}}
}

// WatchGroup follows a group of mailboxes as Watch follows one. Their workflows stay apart: this activity is their connections and
// one heartbeat for all of them.
func (w *Watcher) WatchGroup(ctx context.Context, in contract.WatchGroupInput) error {
	held := w.held.take(in.Group, activity.GetInfo(ctx).StartedTime)
	if held == nil {
		return handedOver(errSurplus, passPause)
	}
	defer w.held.leave(held)
	w.groups.Inc()
	defer w.groups.Dec()
	g := &group{Watcher: w, id: in.Group, running: map[string]*member{}}
	// Not with the context of a member: a heartbeat that fails because that has ended would cancel the activity.
	g.changed = func() { activity.RecordHeartbeat(ctx, g.tell()) }
	defer keepAlive(ctx, g.tell)()
	return handOver(ctx, held.surplus, g.run)
}

// group is a run of WatchGroup.
type group struct {
	*Watcher
	id      string
	changed func() // tells of the state of the mailboxes
	mu      sync.Mutex
	running map[string]*member
}

// member is a mailbox that is followed.
type member struct {
	*watch
	at     time.Time // of the assignment
	cancel context.CancelFunc
	done   chan struct{}
}

// tell is what a heartbeat says: the state of every mailbox.
func (g *group) tell() any {
	g.mu.Lock()
	defer g.mu.Unlock()
	list := make([]contract.WatchStatus, 0, len(g.running))
	for _, name := range slices.Sorted(maps.Keys(g.running)) {
		list = append(list, g.running[name].tell())
	}
	return list
}

func (g *group) run(ctx context.Context) error {
	defer g.follow(ctx, nil)
	ticks := time.NewTicker(askEvery)
	defer ticks.Stop()
	known := 0
	for {
		var members contract.Members
		answer, err := g.client.Temporal.QueryWorkflow(ctx, g.id, "", contract.MembersQuery, known)
		if err == nil {
			err = answer.Get(&members)
		}
		if err == nil {
			if members.Revision != known {
				g.follow(ctx, members.List)
				known = members.Revision
			}
		} else if ctx.Err() == nil {
			// The mailboxes that are known go on; whether the lease still holds is for the heartbeat to find out.
			activity.GetLogger(ctx).Warn("the members of a watcher cannot be read", "group", g.id, "error", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticks.C:
		}
	}
}

// follow stops and starts what differs between what runs and the members.
func (g *group) follow(ctx context.Context, members []contract.Assignment) {
	outdated := g.outdated(members)
	for _, m := range outdated {
		m.cancel()
	}
	for _, m := range outdated {
		<-m.done
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, a := range members {
		if g.running[a.Mailbox] != nil {
			continue
		}
		following, cancel := context.WithCancel(ctx)
		m := &member{watch: g.watch(contract.WatchInput{Mailbox: a.Mailbox, Config: a.Config}), at: a.At, cancel: cancel, done: make(chan struct{})}
		g.running[a.Mailbox] = m
		go func() {
			defer close(m.done)
			defer cancel()
			if a.Stopped != nil {
				m.rest(following)
				return
			}
			_ = m.run(following, g.changed) // it ends when it is told to, and not otherwise
		}()
	}
}

// outdated takes out what runs and is no member any more, or another one.
func (g *group) outdated(members []contract.Assignment) (list []*member) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for name, m := range g.running {
		wanted := slices.ContainsFunc(members, func(a contract.Assignment) bool { return a.Mailbox == name && a.At.Equal(m.at) })
		if !wanted {
			list = append(list, m)
			delete(g.running, name)
		}
	}
	return list
}
