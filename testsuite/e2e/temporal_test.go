package e2e_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
)

// TestTemporalRestarted takes Temporal away from a worker that is at work, and gives it back.
func TestTemporalRestarted(t *testing.T) {
	t.Parallel()
	i := install(t, options{sink: true})
	all := letters(60)
	i.startWorker()
	i.deploy()
	i.watch(func(c *contract.MailboxConfig) { c.MoveTo = "Handled" })
	i.receive(all[:len(all)/2]...)
	i.eventually(func() string { return "no answer goes out" }, func() bool { return i.attempts.Load() > 5 })

	address := i.temporal.Address
	require.NoError(t, i.temporal.Stop())
	i.receive(all[len(all)/2:]...)
	i.startTemporal(address)
	i.handled(all)
	i.folder("INBOX", 0, 0)
	i.folder("Handled", len(all), 0)
}
