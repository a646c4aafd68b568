package activities

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/message"
)

// shelves are a source with folders that hold mails of the same Message-ID.
type shelves struct {
	source
	mails map[string][]mail.Item
	batch mail.Batch // behind every position
}

func (s shelves) Find(_ context.Context, folder, _ string) ([]mail.Item, error) {
	items, there := s.mails[folder]
	if !there {
		return nil, noFolder{}
	}
	return items, nil
}

func (s shelves) Next(context.Context, string, mail.Position, int) (mail.Batch, error) {
	return s.batch, nil
}

func (s shelves) Folders(context.Context) (list []string, err error) {
	for name := range s.mails {
		list = append(list, name)
	}
	return list, nil
}

type noFolder struct{}

func (noFolder) Error() string       { return "no such folder" }
func (noFolder) MailKind() mail.Kind { return mail.KindFolderMissing }

func TestTestMessageIsFollowed(t *testing.T) {
	it, other := mail.Item{ID: "7:12"}, mail.Item{ID: "7:13"}
	at := []contract.Place{{Folder: "INBOX", Cursor: "7:11"}}
	in := map[string][]mail.Item{"INBOX": {it}}
	for name, test := range map[string]struct {
		source  shelves
		places  []contract.Place
		folder  string
		handled bool
		problem string
	}{
		"it is handled":                {shelves{mails: in, batch: mail.Batch{Items: []mail.Item{other}}}, at, "INBOX", true, ""},
		"it waits":                     {shelves{mails: in, batch: mail.Batch{Items: []mail.Item{other, it}}}, at, "INBOX", false, "mail waits"},
		"much waits":                   {shelves{mails: in, batch: mail.Batch{Items: []mail.Item{other}, More: true}}, at, "INBOX", false, "mail waits"},
		"the folder was renumbered":    {shelves{mails: in, batch: mail.Batch{Lost: true}}, at, "INBOX", false, "mail waits"},
		"the mailbox has not begun":    {shelves{mails: in}, nil, "INBOX", false, "mail waits"},
		"it was moved when handled":    {shelves{mails: map[string][]mail.Item{"INBOX": nil, "Done": {it}}}, at, "Done", true, ""},
		"it has not come":              {shelves{mails: map[string][]mail.Item{"INBOX": nil, "Junk": nil}}, at, "", false, ""},
		"it was filtered":              {shelves{mails: map[string][]mail.Item{"INBOX": nil, "Junk": {it}}}, at, "", false, "it is in the folder Junk, which is not watched"},
		"a watched folder is missing":  {shelves{mails: map[string][]mail.Item{"Done": nil}}, at, "", false, "no such folder"},
		"the folder for it is not yet": {shelves{mails: map[string][]mail.Item{"INBOX": nil}}, at, "", false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			m := client.Mailbox{Cause: "mail waits"}
			m.Config = contract.MailboxConfig{Name: "support", Username: "support@example.com", Folder: "INBOX", MoveTo: "Done"}
			m.Places = test.places
			run := &mailboxTest{source: test.source, config: m.Config, mail: testMail(m.Config), begun: time.Now()}
			var result contract.TestedMailbox
			ctx, cancel := context.WithTimeout(t.Context(), testLook/2)
			defer cancel()
			run.follow(ctx, func() (client.Mailbox, error) { return m, nil }, &result)
			if result.Folder == "" {
				run.elsewhere(t.Context(), &result)
			}
			require.Equal(t, test.folder, result.Folder)
			require.Equal(t, test.handled, result.Handled)
			require.Equal(t, test.problem, result.Problem)
		})
	}
}

func TestTestMessageIsOfAMachine(t *testing.T) {
	for username, domain := range map[string]string{"ann@example.com": "@example.com>", "ann": "@localhost>"} {
		m := testMail(contract.MailboxConfig{Name: "support", Username: username})
		raw, err := m.Raw()
		require.NoError(t, err)
		read, err := message.Parse(bytes.NewReader(raw), message.Limits{}, nil)
		require.NoError(t, err)
		require.Equal(t, message.Bulk, message.Classify(read), "no person, and no answer")
		require.Contains(t, read.MessageID, domain)
		require.NotEqual(t, m.MessageID, testMail(contract.MailboxConfig{Name: "support", Username: username}).MessageID)
	}
	m := testMail(contract.MailboxConfig{Name: "support", Username: "ann@bücher.example"})
	require.Regexp(t, `^<waybill-test-[a-z0-9]+@xn--bcher-kva\.example>$`, m.MessageID, "as it stands in the mail that is looked for")
	_, err := testMail(contract.MailboxConfig{Name: "support", Username: "ann\r\nBcc: x@example.com"}).Raw()
	require.Error(t, err)
}
