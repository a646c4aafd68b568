package e2e_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/waybill-io/waybill/client"
)

// TestBlobStoreFull leaves no room for mails for half a minute: the worker can begin files and not end them.
func TestBlobStoreFull(t *testing.T) {
	t.Parallel()
	i := install(t, options{sink: true})
	w := i.startWorker()
	i.deploy()
	i.watch()
	all := letters(30)
	for n := range all {
		all[n].body = strings.Repeat(all[n].body, 200)
	}
	i.receive(all[:10]...)
	i.handled(all[:10])

	var room unix.Rlimit
	require.NoError(t, unix.Prlimit(w.cmd.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 1024, Max: unix.RLIM_INFINITY}, &room))
	again := time.After(30 * time.Second)
	i.receive(all[10:]...)
	m := i.status("tells why mail is not read", func(m client.Mailbox) bool { return m.Connection == "error" })
	require.Contains(t, m.Cause, "file too large") // as the limit is told, which stands for a full disk
	<-again
	require.NoError(t, unix.Prlimit(w.cmd.Process.Pid, unix.RLIMIT_FSIZE, &room, nil))
	i.handled(all)
}
