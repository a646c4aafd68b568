package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/waybill-io/waybill/activities/contract"
)

// desk is an installation with many mailboxes, in which mail comes in all the time.
type desk struct {
	*installation
	names  []string // of the mailboxes
	groups []string // that they are in
	sent   int
}

// TestWorkersBalance has a worker share its mailboxes with one that joins, and take them back: when the other was killed after the
// lease, when it was stopped at once.
func TestWorkersBalance(t *testing.T) {
	t.Parallel()
	const lease = 15 * time.Second
	d := startDesk(t)
	half := (len(d.groups) + 1) / 2

	one := d.startWorker()
	d.watchAll(lease)
	d.spread("the only worker holds all groups", func(held map[string]int) bool { return held[one.name()] == len(d.groups) })

	two := d.startWorker()
	shared := func(a, b *worker) func(map[string]int) bool {
		return func(held map[string]int) bool {
			return held[a.name()] <= half && held[b.name()] <= half && held[a.name()]+held[b.name()] == len(d.groups)
		}
	}
	d.spread("a worker that joins gets its share", shared(one, two))

	two.kill()
	all := func(w *worker) func(map[string]int) bool {
		return func(held map[string]int) bool { return held[w.name()] == len(d.groups) }
	}
	d.spread("a worker that is killed loses its groups", all(one))
	// Temporal still knows the worker that was killed.
	d.rest()

	// A worker that is seen and gone costs one group some seconds, and no other.
	before := d.attempts()
	d.appear("ghost")
	d.eventually(func() string { return "nothing is given away" }, func() bool { return !maps.Equal(before, d.attempts()) })
	last, since := d.attempts(), time.Now()
	d.spread("what nobody takes is kept", func(held map[string]int) bool {
		if now := d.attempts(); !maps.Equal(last, now) {
			last, since = now, time.Now()
		}
		return all(one)(held) && time.Since(since) > 2*time.Second // it is offered several times a second until then
	})
	moved := 0
	for group, n := range last {
		if n != before[group] {
			moved++
		}
	}
	require.Equal(t, 1, moved, "groups that were given away")
	d.rest()

	three := d.startWorker()
	d.spread("another one joins", shared(one, three))
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		one.stop()
	}()
	d.spread("a worker that is stopped hands over at once", all(three))
	<-stopped

	d.allHandled()
}

// TestWorkerBounded has a worker hold no more than it may, and another one the rest.
func TestWorkerBounded(t *testing.T) {
	t.Parallel()
	d := startDesk(t)
	const most = 5
	one := d.startWorker("--mailbox-groups", strconv.Itoa(most))
	d.watchAll(15 * time.Second)
	d.spread("a worker takes what it may", func(held map[string]int) bool { return held[one.name()] == most })
	two := d.startWorker()
	d.spread("another one takes the rest", func(held map[string]int) bool { return held[two.name()] == len(d.groups)-most })
	require.Equal(t, most, d.held()[one.name()])
	d.rest()
	d.allHandled()
}

func startDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{}
	for n := range 24 {
		name := fmt.Sprintf("desk-%02d", n)
		d.names = append(d.names, name)
		if group := contract.WatchersID(name); !slices.Contains(d.groups, group) {
			d.groups = append(d.groups, group)
		}
	}
	d.installation = install(t, options{mailboxes: d.names})
	return d
}

// watchAll has all mailboxes watched, and a process started for each mail.
func (d *desk) watchAll(lease time.Duration) {
	d.t.Helper()
	d.deployProcess()
	for _, name := range d.names {
		for _, tr := range d.load(supportDeskFolder).Triggers {
			require.NoError(d.t, d.client.PutTrigger(d.t.Context(), strings.ReplaceAll(tr.Source, mailbox, name), tr.Name,
				bytes.ReplaceAll(tr.Raw, []byte("connector."+mailbox), []byte("connector."+name))))
		}
		config := d.config(name)
		config.LeaseMS = lease.Milliseconds()
		require.NoError(d.t, d.client.ConfigureMailbox(d.t.Context(), config))
	}
}

// allHandled waits until there is exactly one case for each mail.
func (d *desk) allHandled() {
	d.t.Helper()
	cases := map[string]int{}
	d.eventually(func() string { return fmt.Sprintf("%d mails, cases of %d customers", d.sent, len(cases)) }, func() bool {
		clear(cases)
		for _, c := range d.list("") {
			cases[c.BusinessKey]++
		}
		return len(cases) == d.sent
	})
	for customer, n := range cases {
		require.Equal(d.t, 1, n, "cases of %s", customer)
	}
	d.t.Logf("%d mails came meanwhile", d.sent)
}

// mail has a mail of a customer of its own come into one of the mailboxes.
func (d *desk) mail() {
	d.t.Helper()
	d.dovecot.Deliver(d.names[d.sent%len(d.names)], routine(d.sent).raw())
	d.sent++
}

// held counts the groups of each worker, by its name.
func (d *desk) held() map[string]int {
	d.t.Helper()
	held := map[string]int{}
	for _, group := range d.groups {
		if pid, _, ok := strings.Cut(d.holding(group).GetLastWorkerIdentity(), "@"); ok {
			held[pid+"@"]++
		}
	}
	return held
}

// attempts counts how often each group was offered.
func (d *desk) attempts() map[string]int32 {
	d.t.Helper()
	offered := map[string]int32{}
	for _, group := range d.groups {
		about, err := d.client.Temporal.DescribeWorkflowExecution(d.t.Context(), group, "")
		require.NoError(d.t, err)
		for _, a := range about.GetPendingActivities() {
			offered[group] += a.GetAttempt()
		}
	}
	return offered
}

// rest sees that no group moves for longer than a worker takes to look at its share.
func (d *desk) rest() {
	d.t.Helper()
	begun, before := time.Now(), d.attempts()
	d.eventually(func() string { return "no end" }, func() bool {
		d.mail()
		require.Equal(d.t, before, d.attempts(), "a group moves for nobody's sake")
		return time.Since(begun) > 7*time.Second
	})
}

// appear has Temporal see a worker that waits for groups and has gone at once.
func (d *desk) appear(identity string) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), time.Minute)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = d.client.Temporal.WorkflowService().PollActivityTaskQueue(ctx, &workflowservice.PollActivityTaskQueueRequest{
			Namespace: "default", TaskQueue: &taskqueue.TaskQueue{Name: contract.MailboxQueue}, Identity: identity,
		})
	}()
	d.eventually(func() string { return identity + " is not seen" }, func() bool {
		queue, err := d.client.Temporal.DescribeTaskQueue(d.t.Context(), contract.MailboxQueue, enums.TASK_QUEUE_TYPE_ACTIVITY)
		require.NoError(d.t, err)
		return slices.ContainsFunc(queue.GetPollers(), func(p *taskqueue.PollerInfo) bool { return p.GetIdentity() == identity })
	})
	cancel()
	<-gone
}

// spread waits until the groups are spread over the workers in a way, while mail comes in.
func (d *desk) spread(how string, is func(held map[string]int) bool) {
	d.t.Helper()
	begun := time.Now()
	var held map[string]int
	d.eventually(func() string { return fmt.Sprintf("%s; instead: %v of %d groups", how, held, len(d.groups)) }, func() bool {
		d.mail()
		held = d.held()
		return is(held)
	})
	d.t.Logf("%s: after %s, %v", how, time.Since(begun).Round(100*time.Millisecond), held)
}
