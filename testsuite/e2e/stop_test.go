package e2e_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

// TestStoppedByErrors has a server refuse the password more often than the mailbox allows: it stops, and stays so over the death of its
// worker, without another log-in, until somebody resumes it.
func TestStoppedByErrors(t *testing.T) {
	t.Parallel()
	i := install(t, options{})
	p := startProxy(t, address(i.dovecot.Host, i.dovecot.Port))
	w := i.startWorker()
	i.deploy()
	i.watch(func(c *contract.MailboxConfig) {
		c.Port, c.ErrorPolicy = p.port(), json.RawMessage(`[{"class":"auth","message":"refused","retryCount":0,"stop":true}]`)
	})
	all := letters(10)
	i.receive(all[:5]...)
	i.handled(all[:5])
	i.dovecot.SetPassword(mailbox, "secret-2")
	i.dovecot.Restart()
	stopped := func(m client.Mailbox) bool { return m.Connection == "stopped" }
	m := i.status("stops", stopped)
	require.Equal(t, "auth", m.Stopped.Class)
	require.Equal(t, 1, m.Stopped.Count)
	require.Contains(t, m.Cause, "starter mailbox resume "+mailbox)
	require.NotContains(t, m.Cause, "secret")
	w.kill()
	i.receive(all[5:]...)
	tries := p.connections()

	i.startWorker()
	i.status("is taken over as it is", func(m client.Mailbox) bool {
		return stopped(m) && m.Watch.Worker != "" && !strings.HasPrefix(m.Watch.Worker, w.name())
	})
	require.Equal(t, tries, p.connections())
	listed, err := i.client.Watched(t.Context())
	require.NoError(t, err)
	require.Len(t, listed, 1)
	require.Equal(t, "stopped", listed[0].Connection, "lists show it, too")

	var said map[string]string
	// Resumed too early it stops again, with another date.
	i.starter(&said, "mailbox", "resume", mailbox)
	i.status("stops again", func(again client.Mailbox) bool { return stopped(again) && again.Stopped.At.After(m.Stopped.At) })
	i.setPassword("secret-2")
	resumed := time.Now()
	i.starter(&said, "mailbox", "resume", mailbox)
	i.status("is connected", func(m client.Mailbox) bool { return m.Connection == "connected" && m.Watch.LastAlive.After(resumed) })
	i.handled(all)
}
