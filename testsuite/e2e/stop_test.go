package e2e_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/mail/webhook"
)

// TestStoppedByErrors has a server refuse the password more often than the mailbox allows: it stops, and stays so over the death of its
// worker, without another log-in, until somebody resumes it. Who is to hear of it hears of it, after the death, too.
func TestStoppedByErrors(t *testing.T) {
	t.Parallel()
	i := install(t, options{})
	p := startProxy(t, address(i.dovecot.Host, i.dovecot.Port))
	w := i.startWorker()
	i.deploy()
	crm := i.hook()
	i.watch(func(c *contract.MailboxConfig) {
		c.Port, c.ErrorPolicy = p.port(), json.RawMessage(`[{"class":"auth","message":"refused","retryCount":0,"stop":true}]`)
	})
	all := letters(7) // none of a machine, which the webhook would take
	i.receive(all[:4]...)
	i.handled(all[:4])
	i.dovecot.SetPassword(mailbox, "secret-2")
	i.dovecot.Restart()
	stopped := func(m client.Mailbox) bool { return m.Connection == "stopped" }
	m := i.status("stops", stopped)
	require.Equal(t, "auth", m.Stopped.Class)
	require.Equal(t, 1, m.Stopped.Count)
	require.Contains(t, m.Cause, "starter mailbox resume "+mailbox)
	require.NotContains(t, m.Cause, "secret")
	i.eventually(func() string { return "the alert is not offered" }, func() bool { return len(crm.tries()) > 0 })
	w.kill()
	crm.up.Store(true)
	i.receive(all[4:]...)
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

	i.eventually(func() string { return "the alert is not told" }, func() bool { return len(crm.told()) > 0 })
	require.Equal(t, []string{"io.waybill.mailbox.MAILBOX_STOPPED"}, crm.told())
	require.Len(t, slices.Compact(crm.tries()), 1, "one delivery, whoever tries it")
	require.Equal(t, tries, p.connections(), "it is left alone")
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

// hook is a webhook that hears of the mailbox. It begins down.
type hook struct {
	up    atomic.Bool
	mu    sync.Mutex
	ids   []string // of deliveries of alerts, at every try
	types []string // of those that were accepted
}

// hook adds a webhook to the mailbox.
func (i *installation) hook() *hook {
	i.t.Helper()
	h := &hook{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var event struct{ Type string }
		_ = json.NewDecoder(r.Body).Decode(&event)
		alert := strings.HasPrefix(event.Type, "io.waybill.mailbox.")
		h.mu.Lock()
		defer h.mu.Unlock()
		switch {
		case alert && !h.up.Load():
			w.WriteHeader(http.StatusServiceUnavailable)
		case alert:
			h.types = append(h.types, event.Type)
		}
		if alert {
			h.ids = append(h.ids, r.Header.Get(webhook.HeaderID))
		}
	}))
	i.t.Cleanup(server.Close)
	document, err := json.Marshal(webhook.Subscription{Name: "crm", URL: server.URL, Unsigned: true})
	require.NoError(i.t, err)
	require.NoError(i.t, i.client.PutWebhook(i.t.Context(), mailbox, "crm", document))
	return h
}

func (h *hook) tries() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.ids)
}

func (h *hook) told() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.types)
}
