package ews_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/ews"
	"github.com/waybill-io/waybill/testsuite/ewsserver"
)

func TestAcknowledge(t *testing.T) {
	type state struct {
		read       bool
		categories []string
	}
	for name, test := range map[string]struct {
		ack  mail.Ack
		in   string // where the mails are afterwards
		want state
	}{
		"nothing":             {mail.Ack{}, "inbox", state{false, []string{"Red"}}},
		"seen":                {mail.Ack{Seen: true}, "inbox", state{true, []string{"Red"}}},
		"keyword":             {mail.Ack{Keyword: "Done"}, "inbox", state{false, []string{"Red", "Done"}}},
		"keyword it has":      {mail.Ack{Keyword: "Red"}, "inbox", state{false, []string{"Red"}}},
		"move":                {mail.Ack{Seen: true, MoveTo: "Done"}, "Done", state{true, []string{"Red"}}},
		"move, nested":        {mail.Ack{MoveTo: "Done/2026/November"}, "Done/2026/November", state{false, []string{"Red"}}},
		"move into the inbox": {mail.Ack{MoveTo: "INBOX/Done"}, "Inbox/Done", state{false, []string{"Red"}}},
		"move where they are": {mail.Ack{MoveTo: "Inbox"}, "inbox", state{false, []string{"Red"}}},
		"delete":              {mail.Ack{Keyword: "Done", Delete: true}, "deleteditems", state{false, []string{"Red", "Done"}}},
		"move wins":           {mail.Ack{MoveTo: "Done", Delete: true}, "Done", state{false, []string{"Red"}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, ewsserver.Options{})
			a := open(t, config(s))
			var list []string
			for range 120 { // more than one request
				list = append(list, s.Deliver(support, "inbox", ewsserver.Mail{Raw: raw("one"), Categories: []string{"Red"}}))
			}
			gone := deliver(s, "gone")
			s.Delete(support, gone)
			list = append(list[:60], append([]string{gone}, list[60:]...)...)

			for range 2 { // a call that was cut off is repeated
				require.NoError(t, a.Acknowledge(t.Context(), ews.Inbox, list, test.ack))
				mails := s.Mails(support, test.in)
				require.Len(t, mails, 120)
				for _, m := range mails {
					assert.Equal(t, test.want, state{m.Read, m.Categories})
				}
			}
			if test.in == "inbox" {
				for i, m := range s.Mails(support, "inbox") {
					assert.Equal(t, append(list[:60:60], list[61:]...)[i], m.ID, "a mail with another id is a new one")
				}
			} else {
				assert.Empty(t, s.Mails(support, "inbox"))
			}
		})
	}
}

func TestAcknowledgeChangesOnlyWhatIsNotSoYet(t *testing.T) {
	s := start(t, ewsserver.Options{})
	a := open(t, config(s))
	id := deliver(s, "one")
	for range 3 {
		require.NoError(t, a.Acknowledge(t.Context(), ews.Inbox, []string{id}, mail.Ack{Seen: true, Keyword: "Done"}))
	}
	assert.Equal(t, 1, s.Asked("UpdateItem"))
	require.NoError(t, a.Acknowledge(t.Context(), ews.Inbox, nil, mail.Ack{Seen: true}))
}

func TestAcknowledgeWhatIsSentAboutMeetings(t *testing.T) {
	s := start(t, ewsserver.Options{})
	a := open(t, config(s))
	id := s.Deliver(support, "inbox", ewsserver.Mail{Raw: raw("a meeting"), Class: "IPM.Schedule.Meeting.Request"})
	require.NoError(t, a.Acknowledge(t.Context(), ews.Inbox, []string{id}, mail.Ack{Seen: true, Keyword: "Done"}))
	got := s.Mails(support, "inbox")[0]
	assert.True(t, got.Read)
	assert.Equal(t, []string{"Done"}, got.Categories)
}

func TestAcknowledgeTellsWhatFails(t *testing.T) {
	s := start(t, ewsserver.Options{})
	a := open(t, config(s))
	id := deliver(s, "one")
	s.Fail("MoveItem", "ErrorAccessDenied")
	err := a.Acknowledge(t.Context(), ews.Inbox, []string{id}, mail.Ack{MoveTo: "Done"})
	assert.Equal(t, mail.KindAuth, kind(t, err))
	require.NoError(t, a.Acknowledge(t.Context(), ews.Inbox, []string{id}, mail.Ack{MoveTo: "Done"}))
}
