package e2e_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
)

// TestWorkerKilled kills the only worker five times while it works off 500 mails of customers: the mail that waits, mail
// that comes while no worker runs, and mail that comes while one works.
func TestWorkerKilled(t *testing.T) {
	i := install(t, options{temporalSettings: []string{"limit.historyCount.suggestContinueAsNew=60"}})
	all := letters(500)
	const kills = 5
	part := len(all) / (2*kills + 1)
	deliver := func(n int) { i.receive(all[n*part : min((n+1)*part, len(all))]...) }

	deliver(0)
	w := i.startWorker()
	i.deploy()
	i.watch()
	for n := range kills {
		deliver(2*n + 1)
		// Moments after an answer left is when a worker can have done something and not said so.
		due := int64((2*n + 1) * part / 2)
		i.eventually(func() string { return "the answers do not go out" }, func() bool { return i.attempts.Load() > due })
		w.kill()
		deliver(2*n + 2)
		w = i.startWorker()
	}
	i.receive(all[(2*kills+1)*part:]...)
	i.handled(all)
	i.acknowledged(500, len(all)-500)

	d, err := i.client.Temporal.DescribeWorkflowExecution(t.Context(), contract.MailboxID(mailbox), "")
	require.NoError(t, err)
	info := d.GetWorkflowExecutionInfo()
	require.NotEqual(t, info.GetFirstRunId(), info.GetExecution().GetRunId(), "the mailbox went on in new runs meanwhile")
}

// TestWorkerKilledOften kills the only worker every five seconds while a thousand mails come in. Its watcher's lease is shorter, or no
// worker would ever live to see its mailbox.
func TestWorkerKilledOften(t *testing.T) {
	i := install(t, options{sink: true})
	all := letters(1000)
	w := i.startWorker()
	i.deploy()
	i.watch(func(c *contract.MailboxConfig) { c.LeaseMS = 2_000 })
	const kills = 12
	for n := range kills {
		killed := time.After(5 * time.Second)
		i.receive(all[n*len(all)/kills : (n+1)*len(all)/kills]...)
		<-killed
		w.kill()
		t.Logf("kill %d: the webhook was told of %d mails", n+1, i.sink.count())
		w = i.startWorker()
	}
	i.handled(all)
	i.acknowledged(len(all), 0)
}
