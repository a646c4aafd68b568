package activities

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gocloud.dev/blob/memblob"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/imap"
	"github.com/waybill-io/waybill/mail/webhook"
)

// account is a source with mails in folders, by Message-ID, some of which are refused.
type account struct {
	source
	folders map[string]map[string]error
	shut    map[string]error // folders that are refused
	cut     map[string]bool  // mails at which the connection breaks

	connections int
	broken      bool
}

var errBroken = &imap.Error{Kind: mail.KindNetwork, Op: "fetch", Err: io.ErrUnexpectedEOF}

func (a *account) open(context.Context) (source, error) {
	a.connections++
	a.broken = false
	return a, nil
}

func (a *account) Close() error { return nil }

func (a *account) Folders(context.Context) ([]string, error) {
	return slices.Sorted(maps.Keys(a.folders)), nil
}

func (a *account) Find(_ context.Context, folder, id string) ([]mail.Item, error) {
	if a.broken {
		return nil, errBroken
	}
	if err := a.shut[folder]; err != nil {
		return nil, err
	}
	if _, known := a.folders[folder]; !known {
		return nil, &imap.Error{Kind: mail.KindFolderMissing, Op: "open " + folder, Err: errors.New("no such folder")}
	}
	if _, there := a.folders[folder][id]; there {
		return []mail.Item{{ID: id}}, nil
	}
	return nil, nil
}

func (a *account) Fetch(_ context.Context, folder, id string, w io.Writer, _ int64) (int64, error) {
	if a.cut[id] {
		a.broken = true
		return 0, errBroken
	}
	if err := a.folders[folder][id]; err != nil {
		return 0, err
	}
	n, err := w.Write([]byte("Message-ID: " + id + "\r\nSubject: Hello\r\n\r\n"))
	return int64(n), err
}

// What the mail server refuses is told of by itself, and keeps nothing else from being fetched.
func TestFetchMailsOneByOne(t *testing.T) {
	bucket := memblob.OpenBucket(nil)
	refused := &imap.Error{Kind: mail.KindProtocol, Op: "fetch message 2", Err: errors.New("NO damaged")}
	a := &account{
		folders: map[string]map[string]error{
			"INBOX":   {"<1@x>": nil, "<2@x>": refused, "<3@x>": nil, "<4@x>": nil},
			"Archive": {"<2@x>": refused, "<5@x>": nil},
			"Private": {},
			"Shared":  {},
		},
		shut: map[string]error{
			"Private": &imap.Error{Kind: mail.KindFolderMissing, Op: "open Private", Err: errors.New("NO permission")},
			"Shared":  &imap.Error{Kind: mail.KindProtocol, Op: "search Shared", Err: errors.New("NO search")},
		},
		cut: map[string]bool{"<3@x>": true},
	}
	f := newFetching(NewFiles(bucket), contract.MailboxConfig{Name: "support", Folder: "INBOX", MoveTo: "Done"}, a.open)
	in := contract.FetchMails{Mailbox: "support", MessageIDs: []string{"<1@x>", "<2@x>", "<3@x>", "<4@x>", "<5@x>", "<6@x>"}}
	require.NoError(t, f.run(t.Context(), in.MessageIDs))
	result, err := f.answer(webhook.Subscription{}, in)
	require.NoError(t, err)
	var content struct {
		Emails []struct {
			MessageID string `json:"MessageId"`
		}
	}
	require.NoError(t, json.Unmarshal(result.Body, &content))
	var found []string
	for _, m := range content.Emails {
		found = append(found, m.MessageID)
	}
	require.Equal(t, []string{"<1@x>", "<4@x>", "<5@x>"}, found)
	require.Len(t, result.Missing, 3)
	require.Equal(t, []string{"<2@x>", "<3@x>", "<6@x>"}, []string{result.Missing[0].MessageID, result.Missing[1].MessageID, result.Missing[2].MessageID})
	require.Contains(t, result.Missing[0].Reason, "in folder Archive, but cannot be fetched: imap: fetch message 2: ")
	require.Contains(t, result.Missing[0].Reason, "NO damaged")
	require.Contains(t, result.Missing[1].Reason, "in folder INBOX, but cannot be fetched: ")
	require.Contains(t, result.Missing[2].Reason, "in no folder of the account that could be searched; not searched: Private, Shared (imap: open Private: ")
	require.Equal(t, 9, a.connections, "a new one for each failure, and none for a folder that cannot be opened")

	require.NoError(t, bucket.Close())
	f = newFetching(f.files, f.config, a.open)
	require.ErrorContains(t, f.run(t.Context(), in.MessageIDs[:1]), "store file", "the mail is good")
	gone := newFetching(f.files, f.config, func(context.Context) (source, error) { return nil, errBroken })
	require.ErrorIs(t, gone.run(t.Context(), in.MessageIDs), errBroken)
}
