package e2e_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

// TestSinkDown takes the program away that a webhook tells of mail, for a minute in which mail comes. The processes that the mail
// starts do not wait for it.
func TestSinkDown(t *testing.T) {
	t.Parallel()
	i := install(t, options{sink: true})
	i.startWorker()
	i.deploy()
	i.watch()
	all := letters(400)
	i.receive(all[:20]...)
	i.eventually(func() string { return "the webhook is not told" }, func() bool { return i.sink.count() >= 10 })
	i.sink.down()
	back := time.After(time.Minute)
	i.receive(all[20:380]...)
	cases := 0
	for _, l := range all[:380] {
		if !l.isAutomatic() {
			cases++
		}
	}
	i.eventually(func() string { return "the mail waits for the webhook" }, func() bool { return len(i.list("")) == cases })
	m := i.status("has lists of mails that wait for the webhook", func(m client.Mailbox) bool {
		return slices.ContainsFunc(m.Pending, func(p contract.Pending) bool { return p.Shelf != "" })
	})
	require.Equal(t, "connected", m.Connection)
	<-back
	i.sink.up()
	i.receive(all[380:]...)
	i.handled(all)
	require.Empty(t, i.list(contract.StateSuspended))
}
