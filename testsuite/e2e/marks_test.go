package e2e_test

import (
	"testing"

	"github.com/waybill-io/waybill/activities/contract"
)

// TestNoMarks has mail handled by a worker that sets no marks: it is moved, and stays unread.
func TestNoMarks(t *testing.T) {
	t.Setenv("FeaturesMarkEmailsAsSynchronized", "false")
	i := install(t, options{})
	i.startWorker()
	i.deploy()
	i.watch(func(c *contract.MailboxConfig) { c.MarkSeen, c.Keyword, c.MoveTo = true, keyword, "Done" })
	all := letters(10)
	i.receive(all...)
	i.handled(all)
	i.folder("Done", 0, 10)
	i.folder("INBOX", 0, len(all)-10) // what machines sent
}
