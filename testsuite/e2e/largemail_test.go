package e2e_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

// large is a letter of some bytes with an attachment, of which it tells the size.
func large(n, size int) (l letter, attachment int64) {
	l = routine(n)
	const begin = "--cut\r\nContent-Type: text/plain\r\n\r\nSee the attachment.\r\n--cut\r\nContent-Type: application/octet-stream\r\n" +
		"Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"plan.bin\"\r\n\r\n"
	line := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("waybill", 9)[:57])) + "\r\n"
	lines := size / len(line)
	l.body = begin + strings.Repeat(line, lines) + "--cut--\r\n"
	l.mediaType = `multipart/mixed; boundary="cut"`
	return l, int64(57 * lines)
}

// TestLargeMail sends a mail of 25 MB, and one that is larger than the mailbox takes.
func TestLargeMail(t *testing.T) {
	t.Parallel()
	i := install(t, options{})
	i.startWorker()
	i.deploy()
	i.watch(func(c *contract.MailboxConfig) { c.MaxBytes = 26 << 20 })
	fits, size := large(1, 25<<20)
	tooLarge, _ := large(2, 27<<20)
	behind := routine(3)
	i.receive(fits, tooLarge, behind)

	m := i.status("has handled all three", func(m client.Mailbox) bool { return m.Started+m.Dead == 3 })
	require.EqualValues(t, 1, m.Dead)
	dead := m.DeadLetters[0]
	require.True(t, strings.HasSuffix(dead.ID, "-2"), dead.ID)
	require.EqualValues(t, len(tooLarge.raw()), dead.Size)
	require.Contains(t, dead.Reason, fmt.Sprintf("%d bytes, at most %d are taken", len(tooLarge.raw()), 26<<20))
	i.eventually(func() string { return "the answers did not come" }, func() bool {
		return len(i.inbox(fits.customer)) == 1 && len(i.inbox(behind.customer)) == 1
	})
	require.Empty(t, i.inbox(tooLarge.customer))

	var found client.Instance
	for _, c := range i.list("") {
		if c.BusinessKey == fits.customer {
			found = c
		}
	}
	result, err := i.client.Get(t.Context(), found.ID)
	require.NoError(t, err)
	file := result.Variables["attachments"].([]any)[0].(map[string]any)
	require.Equal(t, "plan.bin", file["name"])
	require.EqualValues(t, size, file["size"])
	attachment := filepath.Join(i.dir, "files", filepath.FromSlash(file["uri"].(string)))
	stored, err := os.Stat(attachment)
	require.NoError(t, err)
	require.Equal(t, size, stored.Size())
	raw, err := os.ReadFile(filepath.Join(filepath.Dir(attachment), "raw.eml"))
	require.NoError(t, err)
	require.True(t, string(raw) == string(fits.raw()), "the stored mail is not the one that came")
	history, err := i.client.History(t.Context(), found.ID, "")
	require.NoError(t, err)
	require.Less(t, history.Size(), 100<<10, "the mail must not be in the history")
}
