package mailserver

import (
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/stretchr/testify/require"
)

// Each test names the wire rule it holds the server to.

func exists(counts chan<- uint32) *imapclient.UnilateralDataHandler {
	return &imapclient.UnilateralDataHandler{Mailbox: func(data *imapclient.UnilateralDataMailbox) {
		if data.NumMessages != nil {
			counts <- *data.NumMessages
		}
	}}
}

func receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(20 * time.Second):
		require.FailNow(t, "nothing came")
		panic("unreachable")
	}
}

func TestIdleWakesOnDelivery(t *testing.T) {
	s := start(t, Options{})
	counts := make(chan uint32, 10)
	c := dial(t, s, support, exists(counts))
	require.Zero(t, selectBox(t, c, inbox).NumMessages)
	idle, err := c.Idle()
	require.NoError(t, err)
	for i := range 3 {
		send(t, s, mailText("x"), support)
		require.Equal(t, uint32(i+1), receive(t, counts))
	}
	require.NoError(t, idle.Close())
}

// The window between SELECT and IDLE is where a naive server loses a wake-up.
func TestIdleTellsWhatCameBefore(t *testing.T) {
	s := start(t, Options{})
	counts := make(chan uint32, 10)
	c := dial(t, s, support, exists(counts))
	selectBox(t, c, inbox)
	send(t, s, mailText("x"), support)
	_, err := c.Idle()
	require.NoError(t, err)
	require.Equal(t, uint32(1), receive(t, counts))
}

func TestIdleTellsFlagsAndExpunge(t *testing.T) {
	s := start(t, Options{})
	send(t, s, mailText("1"), support)
	send(t, s, mailText("2"), support)
	flags, expunged := make(chan []imap.Flag, 10), make(chan uint32, 10)
	watching := dial(t, s, support, &imapclient.UnilateralDataHandler{
		Fetch: func(m *imapclient.FetchMessageData) {
			if data, err := m.Collect(); err == nil {
				flags <- data.Flags
			}
		},
		Expunge: func(seq uint32) { expunged <- seq },
	})
	selectBox(t, watching, inbox)
	_, err := watching.Idle()
	require.NoError(t, err)

	acting := dial(t, s, support, nil)
	selectBox(t, acting, inbox)
	require.NoError(t, acting.Store(imap.UIDSetNum(1), &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close())
	require.Equal(t, []imap.Flag{imap.FlagDeleted}, receive(t, flags))
	require.NoError(t, acting.Expunge().Close())
	require.Equal(t, uint32(1), receive(t, expunged))
}

func TestSelectData(t *testing.T) {
	s := start(t, Options{})
	send(t, s, mailText("1"), support)
	c := dial(t, s, support, nil)
	data := selectBox(t, c, inbox)
	require.Equal(t, uint32(1), data.NumMessages)
	require.Equal(t, imap.UID(2), data.UIDNext)
	require.NotZero(t, data.UIDValidity)
	require.Contains(t, data.PermanentFlags, imap.FlagWildcard)

	stored, err := c.Store(imap.UIDSetNum(1), &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{"WaybillDone", imap.FlagSeen}}, nil).Collect()
	require.NoError(t, err)
	require.ElementsMatch(t, []imap.Flag{"WaybillDone", imap.FlagSeen}, stored[0].Flags)
	stored, err = c.Store(imap.UIDSetNum(1), &imap.StoreFlags{Op: imap.StoreFlagsDel, Flags: []imap.Flag{"waybilldone"}}, nil).Collect()
	require.NoError(t, err)
	require.Equal(t, []imap.Flag{imap.FlagSeen}, stored[0].Flags)
	stored, err = c.Store(imap.UIDSetNum(1), &imap.StoreFlags{Op: imap.StoreFlagsSet, Flags: []imap.Flag{"$Label1"}}, nil).Collect()
	require.NoError(t, err)
	require.Equal(t, []imap.Flag{"$Label1"}, stored[0].Flags)
	require.Contains(t, selectBox(t, c, inbox).Flags, imap.Flag("$Label1"))
}

func TestExamineChangesNothing(t *testing.T) {
	s := start(t, Options{})
	send(t, s, mailText("1"), support)
	c := dial(t, s, support, nil)
	selectBox(t, c, inbox)
	require.NoError(t, c.Store(imap.UIDSetNum(1), &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close())
	data, err := c.Select(inbox, &imap.SelectOptions{ReadOnly: true}).Wait()
	require.NoError(t, err)
	require.Empty(t, data.PermanentFlags)

	require.ErrorContains(t, c.Store(imap.UIDSetNum(1), &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{imap.FlagSeen}}, nil).Close(), "EXAMINE")
	require.ErrorContains(t, c.Expunge().Close(), "EXAMINE")
	_, err = c.Move(imap.UIDSetNum(1), "INBOX").Wait()
	require.ErrorContains(t, err, "EXAMINE")
	_, err = c.Fetch(imap.UIDSetNum(1), &imap.FetchOptions{BodySection: []*imap.FetchItemBodySection{{}}}).Collect()
	require.NoError(t, err)
	require.NoError(t, c.UnselectAndExpunge().Wait())
	messages, err := s.Messages(support, inbox)
	require.NoError(t, err)
	require.Equal(t, []string{`\Deleted`}, messages[0].Flags)
}

func TestAppendCopyMove(t *testing.T) {
	s := start(t, Options{})
	c := dial(t, s, support, nil)
	date := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for range 3 {
		text := mailText("appended")
		command := c.Append(inbox, int64(len(text)), &imap.AppendOptions{Flags: []imap.Flag{imap.FlagSeen, "Key"}, Time: date})
		_, err := command.Write([]byte(text))
		require.NoError(t, err)
		require.NoError(t, command.Close())
		_, err = command.Wait()
		require.NoError(t, err)
	}
	selectBox(t, c, inbox)
	_, err := c.Copy(imap.UIDSetNum(1), "Archive/2026").Wait()
	require.ErrorContains(t, err, "No such mailbox")
	require.NoError(t, c.Create("Archive/2026", nil).Wait())
	copied, err := c.Copy(imap.UIDSetNum(1), "Archive/2026").Wait()
	require.NoError(t, err)
	require.Equal(t, imap.UIDSetNum(1), copied.DestUIDs)

	var all imap.UIDSet
	all.AddRange(2, 0)
	moved, err := c.Move(all, "Archive/2026").Wait()
	require.NoError(t, err)
	require.Equal(t, "2:3", moved.SourceUIDs.String())
	require.Equal(t, "2:3", moved.DestUIDs.String())
	status, err := c.Status(inbox, &imap.StatusOptions{NumMessages: true, UIDNext: true, UIDValidity: true, NumUnseen: true, Size: true}).Wait()
	require.NoError(t, err)
	require.Equal(t, uint32(1), *status.NumMessages)
	require.Equal(t, imap.UID(4), status.UIDNext)
	require.Zero(t, *status.NumUnseen)
	require.Equal(t, int64(len(mailText("appended"))), *status.Size)
	require.Equal(t, uint32(1), c.Mailbox().NumMessages, "EXPUNGE was told once for each")

	archived, err := s.Messages(support, "Archive/2026")
	require.NoError(t, err)
	require.Len(t, archived, 3)
	for _, m := range archived {
		require.Equal(t, []string{`\Seen`, "Key"}, m.Flags)
		require.True(t, date.Equal(m.Received), m.Received)
	}
	none, err := c.Copy(imap.UIDSetNum(99), "Archive/2026").Wait()
	require.NoError(t, err)
	require.Empty(t, none.SourceUIDs)
}

func TestMailboxes(t *testing.T) {
	s := start(t, Options{})
	c := dial(t, s, support, nil)
	require.NoError(t, c.Create("A/B", nil).Wait())
	require.ErrorContains(t, c.Create("A", nil).Wait(), "already exists")
	require.ErrorContains(t, c.Create("A//B", nil).Wait(), "empty part")
	require.ErrorContains(t, c.Delete("INBOX").Wait(), "cannot")
	require.ErrorContains(t, c.Delete("A").Wait(), "below")
	require.ErrorContains(t, c.Delete("Nothing").Wait(), "No such")
	require.NoError(t, c.Create("Grüße", nil).Wait())
	require.ErrorContains(t, c.Rename("A", "X", nil).Wait(), "not renamed")
	require.NoError(t, c.Create("A/B/C", nil).Wait())
	require.NoError(t, c.Subscribe("A/B").Wait())
	require.ErrorContains(t, c.Unsubscribe("A/B").Wait(), "Every mailbox")
	require.Equal(t, []string{"A", "A/B", "A/B/C", "Grüße", "INBOX"}, names(t, c, "*", nil))
	require.Equal(t, []string{"A", "Grüße", "INBOX"}, names(t, c, "%", nil))
	require.Equal(t, []string{"A/B", "A/B/C"}, names(t, c, "A/*", &imap.ListOptions{SelectSubscribed: true}))
	data, err := c.List("", "INBOX", &imap.ListOptions{ReturnStatus: &imap.StatusOptions{UIDNext: true}}).Collect()
	require.NoError(t, err)
	require.Equal(t, imap.UID(1), data[0].Status.UIDNext)
}

func names(t *testing.T, c *imapclient.Client, pattern string, options *imap.ListOptions) (names []string) {
	t.Helper()
	list, err := c.List("", pattern, options).Collect()
	require.NoError(t, err)
	for _, data := range list {
		names = append(names, data.Mailbox)
	}
	return names
}

func TestDeletedMailboxEndsItsSessions(t *testing.T) {
	s := start(t, Options{})
	c := dial(t, s, support, nil)
	before := selectBox(t, c, inbox)
	_, err := c.Idle()
	require.NoError(t, err)
	send(t, s, mailText("old"), support)
	require.NoError(t, s.Recreate(support, inbox))
	receive(t, c.Closed())

	send(t, s, mailText("new"), support)
	after := selectBox(t, dial(t, s, support, nil), inbox)
	require.Greater(t, after.UIDValidity, before.UIDValidity)
	require.Equal(t, imap.UID(2), after.UIDNext)
}

// A message has no number for a client before EXISTS has told of it.
func TestFetchBeforeExists(t *testing.T) {
	s := start(t, Options{})
	c := dial(t, s, support, nil)
	selectBox(t, c, inbox)
	send(t, s, mailText("x"), support)
	for _, want := range []int{0, 1} {
		messages, err := c.Fetch(imap.UIDSetNum(1), &imap.FetchOptions{UID: true}).Collect()
		require.NoError(t, err)
		require.Len(t, messages, want)
	}
}

func TestFetchParts(t *testing.T) {
	s := start(t, Options{})
	const multipart = "Subject: parts\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
		"--b\r\nContent-Type: text/plain\r\n\r\nfirst\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\nc2Vjb25k\r\n--b--\r\n"
	send(t, s, multipart, support)
	send(t, s, "Content-Type: multipart/mixed; boundary=none\r\n\r\nno part at all\r\n", support)
	send(t, s, "Subject: ok\r\nthis line is no header\r\n\r\nbody\r\n", support)
	c := dial(t, s, support, nil)
	selectBox(t, c, inbox)

	fetch := func(uid imap.UID, item *imap.FetchItemBodySection) string {
		item.Peek = true
		messages, err := c.Fetch(imap.UIDSetNum(uid), &imap.FetchOptions{BodySection: []*imap.FetchItemBodySection{item}}).Collect()
		require.NoError(t, err)
		return string(messages[0].FindBodySection(item))
	}
	require.Equal(t, "first", fetch(1, &imap.FetchItemBodySection{Part: []int{1}}))
	require.Equal(t, "Subject: parts\r\n\r\n", fetch(1, &imap.FetchItemBodySection{Specifier: imap.PartSpecifierHeader, HeaderFields: []string{"Subject"}}))
	broken := fetch(3, &imap.FetchItemBodySection{})
	require.True(t, strings.HasSuffix(broken, "this line is no header\r\n\r\nbody\r\n"), broken)
	require.True(t, strings.HasSuffix(fetch(3, &imap.FetchItemBodySection{Specifier: imap.PartSpecifierHeader}), "no header\r\n\r\n"))
	require.Equal(t, "body\r\n", fetch(3, &imap.FetchItemBodySection{Specifier: imap.PartSpecifierText}))

	var all imap.UIDSet
	all.AddRange(1, 3)
	messages, err := c.Fetch(all, &imap.FetchOptions{Envelope: true, BodyStructure: &imap.FetchItemBodyStructure{Extended: true}}).Collect()
	require.NoError(t, err)
	require.Len(t, messages, 3)
	require.Equal(t, "parts", messages[0].Envelope.Subject)
	messages, err = c.Fetch(imap.UIDSetNum(1), &imap.FetchOptions{Flags: true, BodySection: []*imap.FetchItemBodySection{{}}}).Collect()
	require.NoError(t, err)
	require.Equal(t, []imap.Flag{imap.FlagSeen}, messages[0].Flags, "a fetch without PEEK marks the mail as read")
}
