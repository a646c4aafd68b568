package e2e_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/mail/message"
)

// TestMalformedMail has everything that is wrong with mail come into one mailbox, and asks that each mail is handled or a dead letter with
// its reason, and that the mailbox goes on.
func TestMalformedMail(t *testing.T) {
	t.Parallel()
	const limit = 120 << 20
	i := install(t, options{sink: true})
	files, err := filepath.Glob("../../mail/message/testdata/malformed/*.eml")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 200)
	var all [][]byte
	for n, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		all = append(all, bytes.Replace(raw, []byte("<1@example.com>"), fmt.Appendf(nil, "<%d@example.com>", n), 1))
	}
	for name, raw := range map[string]string{
		"header":  strings.Repeat("X-Padding: "+strings.Repeat("x", 989)+"\r\n", 100<<10) + "Subject: a header of 100 MB\r\n\r\nbody\r\n",
		"parts":   deep(1000),
		"line":    "Subject: a line of 50 MB\r\n\r\n" + strings.Repeat("x", 50<<20),
		"nothing": "Subject: 10 MB of nothing\r\n\r\n" + strings.Repeat("\x00", 10<<20),
		"large":   "Subject: larger than the limit\r\n\r\n" + strings.Repeat(strings.Repeat("x", 998)+"\r\n", limit/1000+1),
	} {
		all = append(all, fmt.Appendf(nil, "From: ann@example.com\r\nMessage-ID: <%s@example.com>\r\n%s", name, raw))
	}
	distinct := map[string]bool{}
	for _, raw := range all {
		if len(raw) <= limit {
			m, err := message.Parse(bytes.NewReader(raw), message.Limits{}, nil)
			require.NoError(t, err)
			distinct[m.DedupKey] = true
		}
		i.dovecot.Deliver(mailbox, raw)
	}
	last := routine(1)

	w := i.startWorker()
	i.deploy()
	i.watch(func(c *contract.MailboxConfig) { c.MaxBytes = limit })
	i.receive(last)
	end := fmt.Sprint(":", len(all)+1)
	m := i.status("has read all", func(m client.Mailbox) bool {
		return len(m.Places) == 1 && strings.HasSuffix(m.Places[0].Cursor, end) && len(m.Pending) == 0 && m.Connection == "connected"
	})
	require.Equal(t, len(distinct)+1, i.sink.ids(), "mails that the webhook was told of")
	require.Len(t, m.DeadLetters, 1)
	require.Contains(t, m.DeadLetters[0].Reason, "larger than the limit of the mailbox")
	i.acknowledged(len(all), 1)
	i.eventually(func() string { return "the last mail is not answered" }, func() bool { return len(i.inbox(last.customer)) == 1 })
	t.Logf("%d mails: %d started, %d duplicates; at most %s of memory", len(all)+1, m.Started, m.Duplicates, w.mostMemory())
}

// deep are parts in parts.
func deep(n int) string {
	var raw strings.Builder
	for i := range n {
		fmt.Fprintf(&raw, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
	}
	return raw.String() + "\r\ninnermost\r\n"
}

// mostMemory is the most resident memory that the worker ever had, as Linux tells it.
func (w *worker) mostMemory() string {
	text, err := os.ReadFile(filepath.Join("/proc", strings.TrimSuffix(w.name(), "@"), "status"))
	if err != nil {
		return "an unknown amount"
	}
	for line := range strings.Lines(string(text)) {
		if most, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return strings.TrimSpace(most)
		}
	}
	return "an unknown amount"
}
