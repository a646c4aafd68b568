package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"

	"github.com/waybill-io/waybill/activities/contract"
)

// TestTwoWorkers has two workers share the work, and one take over what the other held, be it stopped or killed.
func TestTwoWorkers(t *testing.T) {
	t.Parallel()
	i := install(t, options{})
	// By its lease a mailbox would pass to another worker after half a minute; a worker that stops hands it over.
	const long, short = 30 * time.Second, 5 * time.Second
	lease := func(d time.Duration) func(*contract.MailboxConfig) {
		return func(c *contract.MailboxConfig) { c.LeaseMS = d.Milliseconds() }
	}
	all := letters(60)
	one := i.startWorker()
	i.deploy()
	i.watch(lease(long))
	two := i.startWorker()
	require.True(t, i.holds(one))
	i.pollers(2)

	i.receive(all[:40]...)
	i.handled(all[:40])
	tasks, calls := i.shares(one, two)
	t.Logf("workflow tasks of the two workers: %v, connector calls: %v", tasks, calls)
	for n := range 2 {
		require.NotZero(t, tasks[n], "worker %d ran no workflow task", n+1)
		require.NotZero(t, calls[n], "worker %d answered no call", n+1)
	}

	begun := time.Now()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		one.stop()
	}()
	i.eventually(i.holder, func() bool { return i.holds(two) })
	t.Logf("a worker that was stopped handed the mailbox over within %s", time.Since(begun).Round(10*time.Millisecond))
	require.Less(t, time.Since(begun), short)
	<-stopped
	i.receive(all[40:50]...)
	i.handled(all[:50])
	t.Logf("the mail that came then was handled within %s", time.Since(begun).Round(10*time.Millisecond))

	three := i.startWorker()
	i.pollers(2)
	i.watch(lease(short)) // which makes a new watcher, anywhere
	i.eventually(i.holder, func() bool {
		return i.holding(contract.WatchersID(mailbox)).GetActivityOptions().GetHeartbeatTimeout().AsDuration() == short && i.holds(two, three)
	})
	dies, lives := two, three
	if i.holds(three) {
		dies, lives = three, two
	}
	begun = time.Now()
	dies.kill()
	i.receive(all[50:]...)
	i.eventually(i.holder, func() bool { return i.holds(lives) })
	t.Logf("the mailbox of a worker that was killed passed over within %s, its lease is %s", time.Since(begun).Round(10*time.Millisecond), short)
	require.Less(t, time.Since(begun), short+3*time.Second)
	i.handled(all)
	t.Logf("the mail that came then was handled within %s", time.Since(begun).Round(10*time.Millisecond))
}

// pollers waits until so many workers are there for mailboxes.
func (i *installation) pollers(n int) {
	i.t.Helper()
	workers := map[string]bool{}
	i.eventually(func() string { return "workers that poll: " + fmt.Sprint(workers) }, func() bool {
		d, err := i.client.Temporal.DescribeTaskQueue(i.t.Context(), contract.MailboxQueue, enums.TASK_QUEUE_TYPE_ACTIVITY)
		require.NoError(i.t, err)
		clear(workers)
		for _, p := range d.GetPollers() {
			if time.Since(p.GetLastAccessTime().AsTime()) < time.Minute {
				workers[p.GetIdentity()] = true
			}
		}
		return len(workers) >= n
	})
}

// shares counts what each worker did for the cases that there are.
func (i *installation) shares(workers ...*worker) (tasks, calls []int) {
	i.t.Helper()
	tasks, calls = make([]int, len(workers)), make([]int, len(workers))
	for _, c := range i.list("") {
		h, err := i.client.History(i.t.Context(), c.ID, "")
		require.NoError(i.t, err)
		for _, e := range h.GetEvents() {
			for n, w := range workers {
				if strings.HasPrefix(e.GetWorkflowTaskStartedEventAttributes().GetIdentity(), w.name()) {
					tasks[n]++
				}
				if strings.HasPrefix(e.GetActivityTaskStartedEventAttributes().GetIdentity(), w.name()) {
					calls[n]++
				}
			}
		}
	}
	return tasks, calls
}
