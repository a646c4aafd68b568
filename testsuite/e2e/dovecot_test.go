package e2e_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

// TestMailServerRestarted restarts Dovecot five times under a watcher, in order and as after a crash.
func TestMailServerRestarted(t *testing.T) {
	t.Parallel()
	i := install(t, options{sink: true})
	i.startWorker()
	i.deploy()
	i.watch()
	all := letters(100)
	i.receive(all[:20]...)
	for n := range 4 {
		i.dovecot.Restart()
		i.receive(all[20+15*n : 35+15*n]...)
		i.connected()
	}
	i.dovecot.Kill()
	i.receive(all[80:]...)
	m := i.status("tells that the server is away", func(m client.Mailbox) bool { return m.Connection == "error" })
	require.Contains(t, m.Cause, "connection")
	i.dovecot.Restart()
	i.handled(all)
	i.acknowledged(len(all), 0)
}

// TestMailboxRecreated deletes a mailbox under its watcher. Mail is numbered anew from then on: what is new is handled, and
// what somebody puts back is known.
func TestMailboxRecreated(t *testing.T) {
	t.Parallel()
	i := install(t, options{})
	w := i.startWorker()
	i.deploy()
	i.watch(func(c *contract.MailboxConfig) { c.IdleMS = 2_000 })
	all := letters(20)
	i.receive(all[:10]...)
	i.handled(all[:10])
	before := i.status("is known", func(client.Mailbox) bool { return true }).Places[0].Cursor

	i.dovecot.ResetMailbox(mailbox)
	i.receive(all[10:]...)
	i.handled(all)
	after := i.status("is numbered anew", func(m client.Mailbox) bool { return renumbered(m, before, "") })
	require.Zero(t, after.Duplicates)

	i.dovecot.ResetMailbox(mailbox)
	i.receive(all...)
	again := i.status("has read everything again", func(m client.Mailbox) bool {
		return renumbered(m, after.Places[0].Cursor, strconv.Itoa(len(all)))
	})
	require.EqualValues(t, after.Started, again.Started, "nothing is started twice")
	require.EqualValues(t, after.Started, again.Duplicates)
	require.Len(t, i.list(""), int(after.Started))
	i.acknowledged(int(after.Started), len(all)-int(after.Started))

	// Restored from a backup, with the dates that it had.
	w.stop()
	i.dovecot.ResetMailbox(mailbox)
	i.restore(time.Now().Add(-72*time.Hour), all...)
	i.startWorker()
	restored := i.status("has passed the old mail over", func(m client.Mailbox) bool {
		return renumbered(m, again.Places[0].Cursor, strconv.Itoa(len(all)))
	})
	require.EqualValues(t, len(all), restored.Skipped)
	i.receive(routine(1000))
	i.status("has started a case for the new mail alone", func(m client.Mailbox) bool { return m.Started == after.Started+1 })
	require.Len(t, i.list(""), int(after.Started)+1)
}

// renumbered tells whether the folder has another UIDVALIDITY than at a cursor, and has been read up to a UID, "" for any.
func renumbered(m client.Mailbox, before, uid string) bool {
	was, now := strings.Split(before, ":"), strings.Split(m.Places[0].Cursor, ":")
	return now[0] != was[0] && (uid == "" || now[1] == uid)
}

// restore puts mails into the mailbox over IMAP, with the date at which they had come.
func (i *installation) restore(came time.Time, all ...letter) {
	i.t.Helper()
	c, err := imapclient.DialInsecure(address(i.dovecot.Host, i.dovecot.Port), nil)
	require.NoError(i.t, err)
	defer c.Close()
	require.NoError(i.t, c.Login(mailbox, "secret").Wait())
	for _, l := range all {
		raw := l.raw()
		command := c.Append("INBOX", int64(len(raw)), &imap.AppendOptions{Time: came})
		_, err := command.Write(raw)
		require.NoError(i.t, err)
		require.NoError(i.t, command.Close())
		_, err = command.Wait()
		require.NoError(i.t, err)
	}
}

// TestServerWithoutIdle watches a mailbox of a server that does nothing but the least.
func TestServerWithoutIdle(t *testing.T) {
	t.Parallel()
	i := install(t, options{capability: "IMAP4rev1 UIDPLUS LITERAL+"})
	p := startProxy(t, address(i.dovecot.Host, i.dovecot.Port))
	i.startWorker()
	i.deploy()
	i.watch(func(c *contract.MailboxConfig) {
		c.Port, c.PollMS, c.TimeoutMS, c.MoveTo = p.port(), 1_000, 2_000, "Handled"
	})
	all := letters(20)
	i.receive(all[:10]...)
	i.handled(all[:10])
	require.False(t, i.status("is known", func(client.Mailbox) bool { return true }).Watch.Idle)
	p.silence(false)
	i.receive(all[10:]...)
	i.handled(all)
	i.folder("INBOX", 0, len(all)-20)
	i.folder("Handled", 20, 0)
}

// TestPasswordWrong changes the password on the server before the workers are told.
func TestPasswordWrong(t *testing.T) {
	t.Parallel()
	i := install(t, options{})
	p := startProxy(t, address(i.dovecot.Host, i.dovecot.Port))
	i.startWorker()
	i.deploy()
	i.watch(func(c *contract.MailboxConfig) { c.Port = p.port() })
	all := letters(10)
	i.receive(all[:5]...)
	i.dovecot.SetPassword(mailbox, "secret-2")
	i.dovecot.Restart()
	const cause = "the server refused the user name or the password"
	i.status("tells that the password is wrong", func(m client.Mailbox) bool { return strings.Contains(m.Cause, cause) })
	i.receive(all[5:]...)
	wrong, tries := time.Now(), p.connections()
	i.status("tells it as long as it lasts", func(m client.Mailbox) bool {
		require.Equal(t, "error", m.Connection)
		require.Contains(t, m.Cause, cause)
		require.NotContains(t, m.Cause, "secret")
		return time.Since(wrong) > 5*time.Second
	})
	require.LessOrEqual(t, p.connections(), tries+1, "log-ins that fail fast after each other lock accounts")
	i.setPassword("secret-2")
	i.connected()
	i.handled(all)
}

// TestConnectionSilent lets connections to the mail server fall silent without an end: only a watchdog finds out.
func TestConnectionSilent(t *testing.T) {
	t.Parallel()
	const idle, timeout = 3 * time.Second, 2 * time.Second
	i := install(t, options{})
	p := startProxy(t, address(i.dovecot.Host, i.dovecot.Port))
	i.startWorker()
	i.deploy()
	i.watch(func(c *contract.MailboxConfig) {
		c.Port, c.IdleMS, c.TimeoutMS = p.port(), idle.Milliseconds(), timeout.Milliseconds()
	})
	all := letters(30)
	i.receive(all[:10]...)
	i.handled(all[:10])

	p.silence(false)
	begun := time.Now()
	i.receive(all[10:20]...)
	i.handled(all[:20])
	t.Logf("mail behind a dead connection was handled after %s; the watchdog bites after %s at the latest", time.Since(begun).Round(100*time.Millisecond), idle+timeout)

	p.silence(true)
	i.receive(all[20:]...)
	m := i.status("tells that the server is silent", func(m client.Mailbox) bool { return m.Connection == "error" })
	require.Contains(t, m.Cause, fmt.Sprintf("no answer within %s", timeout))
	p.speak()
	i.connected()
	i.handled(all)
	i.acknowledged(30, len(all)-30)
}
