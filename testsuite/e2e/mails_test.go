package e2e_test

import (
	"bytes"
	"cmp"
	"fmt"
	netmail "net/mail"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/mail/imap"
)

// letter is a mail of a customer who writes no other one, so that the business key of a case tells its mail.
type letter struct {
	customer  string
	messageID string
	subject   string
	headers   string // more of them
	mediaType string // "": plain text
	body      string
}

func routine(n int) letter {
	return letter{
		customer: fmt.Sprintf("customer-%d@example.org", n), messageID: fmt.Sprintf("<%d.routine@example.org>", n),
		subject: fmt.Sprintf("Question %d", n), body: "How do I change my address?\r\n",
	}
}

func urgent(n int) letter {
	return letter{
		customer: fmt.Sprintf("urgent-%d@example.org", n), messageID: fmt.Sprintf("<%d.urgent@example.org>", n),
		subject: fmt.Sprintf("URGENT: case %d", n), body: "Nothing works.\r\n",
	}
}

// automatic is a mail that nobody wrote and nobody may answer.
func automatic(n int) letter {
	return letter{
		customer: fmt.Sprintf("automatic-%d@example.org", n), messageID: fmt.Sprintf("<%d.automatic@example.org>", n),
		subject: fmt.Sprintf("Out of office %d", n), headers: "Auto-Submitted: auto-replied\r\n", body: "I am away.\r\n",
	}
}

func (l letter) isUrgent() bool    { return strings.HasPrefix(l.subject, "URGENT") }
func (l letter) isAutomatic() bool { return l.headers != "" }

func (l letter) raw() []byte {
	return fmt.Appendf(nil, "From: A customer <%s>\r\nTo: support@example.com\r\nSubject: %s\r\nMessage-ID: %s\r\n"+
		"Date: Mon, 02 Mar 2026 09:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: %s\r\n%s\r\n%s",
		l.customer, l.subject, l.messageID, cmp.Or(l.mediaType, "text/plain; charset=utf-8"), l.headers, l.body)
}

// letters makes mails of all three kinds: of ten, one is urgent, and one automatic mail comes on top.
func letters(customers int) []letter {
	var all []letter
	for n := range customers {
		switch n % 10 {
		case 4:
			all = append(all, urgent(n))
		case 7:
			all = append(all, routine(n), automatic(n))
		default:
			all = append(all, routine(n))
		}
	}
	return all
}

func (i *installation) receive(all ...letter) {
	i.t.Helper()
	for _, l := range all {
		i.dovecot.Deliver(mailbox, l.raw())
	}
}

// inbox returns the heads of what an address got.
func (i *installation) inbox(address string) []netmail.Header {
	i.t.Helper()
	messages, err := i.outgoing.Messages(address, "INBOX")
	require.NoError(i.t, err)
	var heads []netmail.Header
	for _, m := range messages {
		parsed, err := netmail.ReadMessage(bytes.NewReader(m.Raw))
		require.NoError(i.t, err)
		heads = append(heads, parsed.Header)
	}
	return heads
}

// handled waits until nothing is left to do, and fails the test unless there is exactly one case for each mail that a
// person wrote, every routine one is answered, every urgent one waits for a person, no other mail was answered, and the webhook,
// if there is one, was told of all.
func (i *installation) handled(all []letter) {
	i.t.Helper()
	var routines, urgents, automatics int
	for _, l := range all {
		switch {
		case l.isUrgent():
			urgents++
		case l.isAutomatic():
			automatics++
		default:
			routines++
		}
	}
	var m client.Mailbox
	seen := func() string {
		var err error
		if m, err = i.client.Mailbox(i.t.Context(), mailbox); err != nil {
			return err.Error()
		}
		return fmt.Sprintf("%d started, %d duplicates, %d ignored, %d dead; %d cases, %d completed; %s: %s", m.Started, m.Duplicates, m.Ignored, m.Dead,
			len(i.list("")), len(i.list(contract.StateCompleted)), m.Connection, m.Cause)
	}
	i.eventually(seen, func() bool {
		return len(i.list(contract.StateCompleted)) >= routines && len(i.list("")) >= routines+urgents && len(i.inbox(onCall)) >= urgents
	})
	cases := map[string]int{}
	for _, c := range i.list("") {
		cases[c.BusinessKey]++
	}
	require.Len(i.t, cases, routines+urgents, seen())
	twice := 0
	for _, l := range all {
		answers := i.inbox(l.customer)
		if l.isAutomatic() {
			require.Zero(i.t, cases[l.customer], "automatic mail %s", l.messageID)
			require.Empty(i.t, answers, "automatic mail %s", l.messageID)
			continue
		}
		require.Equal(i.t, 1, cases[l.customer], "cases of mail %s", l.messageID)
		if l.isUrgent() {
			require.Empty(i.t, answers, "urgent mail %s", l.messageID)
			continue
		}
		require.NotEmpty(i.t, answers, "routine mail %s", l.messageID)
		for _, a := range answers {
			require.Equal(i.t, l.messageID, a.Get("In-Reply-To"))
			require.Equal(i.t, answers[0].Get("Message-ID"), a.Get("Message-ID"), "an answer that is sent again must be recognisable")
		}
		twice += len(answers) - 1
	}
	notices := map[string]bool{}
	for _, n := range i.inbox(onCall) {
		notices[n.Get("Message-ID")] = true
	}
	require.Len(i.t, notices, urgents)
	twice += len(i.inbox(onCall)) - urgents
	for _, c := range i.list(contract.StateActive) {
		result, err := i.client.Get(i.t.Context(), c.ID)
		require.NoError(i.t, err)
		require.Equal(i.t, []string{"answer-customer"}, result.Active)
	}
	require.Len(i.t, i.list(contract.StateActive), urgents)
	if i.sink == nil {
		m = i.status("has caught up", func(m client.Mailbox) bool { return int(m.Started+m.Duplicates+m.Ignored) >= len(all) })
		require.EqualValues(i.t, automatics, m.Ignored)
	} else {
		i.toldOf(all)
		m = i.status("has caught up", func(m client.Mailbox) bool {
			return len(m.Pending) == 0 && int(m.Started+m.Duplicates) >= routines+urgents
		})
	}
	require.EqualValues(i.t, routines+urgents, m.Started+m.Duplicates)
	require.Zero(i.t, m.Dead)
	i.t.Logf("%d mails: %d cases, %d of them urgent and open, %d mails automatic; %d mails sent twice, with the same Message-ID; found again %d",
		len(all), len(cases), urgents, automatics, twice, m.Duplicates)
}

// acknowledged waits until exactly so many mails of the INBOX are marked as seen, and so many are not.
func (i *installation) acknowledged(seen, unseen int) {
	i.t.Helper()
	i.folder("INBOX", seen, unseen)
}

// keyword is what tests mark handled mail with beside the flag.
const keyword = "Handled"

// folder waits until a folder of the mailbox holds so many mails that are marked, and so many that are not.
func (i *installation) folder(name string, seen, unseen int) {
	i.t.Helper()
	var flagged, plain int
	i.eventually(func() string { return fmt.Sprintf("%s: %d mails are marked, %d are not", name, flagged, plain) }, func() bool {
		flagged, plain = i.count(name)
		return flagged == seen && plain == unseen
	})
}

func (i *installation) count(folder string) (seen, unseen int) {
	i.t.Helper()
	s, err := imap.Dial(i.t.Context(), imap.Config{
		Host: i.dovecot.Host, Port: i.dovecot.Port, TLS: imap.TLSNone, Username: mailbox, Password: "secret", Folder: folder,
	})
	require.NoError(i.t, err)
	defer s.Close()
	_, err = s.Select(i.t.Context())
	require.NoError(i.t, err)
	for last := imap.UID(0); ; {
		found, err := s.Next(i.t.Context(), last, 1000)
		require.NoError(i.t, err)
		if len(found) == 0 {
			return seen, unseen
		}
		for _, e := range found {
			last = e.UID
			if slices.Contains(e.Flags, `\Seen`) || slices.Contains(e.Flags, keyword) {
				seen++
			} else {
				unseen++
			}
		}
	}
}
