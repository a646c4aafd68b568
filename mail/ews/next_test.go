package ews_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/ews"
	"github.com/waybill-io/waybill/testsuite/ewsserver"
)

// all calls Next until there is no more.
func all(t *testing.T, a *ews.Account, p *mail.Position, max int) (items []mail.Item, lost bool) {
	t.Helper()
	for range 1000 {
		batch, err := a.Next(t.Context(), ews.Inbox, *p, max)
		require.NoError(t, err)
		require.LessOrEqual(t, len(batch.Items), max)
		items, lost = append(items, batch.Items...), lost || batch.Lost
		p.Cursor = batch.Cursor
		if !batch.More {
			return items, lost
		}
	}
	t.Fatal("Next always says that there is more")
	return nil, false
}

func ids(items []mail.Item) []string {
	list := make([]string, 0, len(items))
	for _, item := range items {
		list = append(list, item.ID)
	}
	return list
}

func TestNextBeginsWhenTheMailboxWasAdded(t *testing.T) {
	s := start(t, ewsserver.Options{})
	a := open(t, config(s))
	added := time.Now()
	for i := range 30 {
		s.Deliver(support, "inbox", ewsserver.Mail{Raw: raw("old"), Received: added.Add(-time.Hour - time.Duration(i)*time.Minute)})
	}
	recent := s.Deliver(support, "inbox", ewsserver.Mail{Raw: raw("recent"), Received: added.Add(-time.Minute)})
	for range 5 {
		s.Deliver(support, "inbox", ewsserver.Mail{Raw: raw("old"), Received: added.Add(-time.Hour)})
	}
	position := mail.Position{Since: added}
	items, lost := all(t, a, &position, 3)
	assert.Equal(t, []string{recent}, ids(items), "the clocks may differ by two minutes")
	assert.False(t, lost)

	// From now on what comes into the folder is new, however old it is.
	moved := s.Deliver(support, "Elsewhere", ewsserver.Mail{Raw: raw("moved here"), Received: added.Add(-48 * time.Hour)})
	s.Move(support, moved, "inbox")
	items, _ = all(t, a, &position, 3)
	require.Len(t, items, 1)
	assert.NotEqual(t, moved, items[0].ID)
	assert.Contains(t, fetch(t, a, items[0].ID), "moved here")

	everything := mail.Position{}
	items, _ = all(t, a, &everything, 7)
	assert.Len(t, items, 37)
}

func TestNextGivesInOrderOfArrival(t *testing.T) {
	s := start(t, ewsserver.Options{})
	a := open(t, config(s))
	now := time.Now().Truncate(time.Second)
	second := s.Deliver(support, "inbox", ewsserver.Mail{Raw: raw("second"), Received: now.Add(time.Second), Read: true, Categories: []string{"Red"}})
	first := s.Deliver(support, "inbox", ewsserver.Mail{Raw: raw("first"), Received: now})
	position := mail.Position{}
	items, _ := all(t, a, &position, 10)
	require.Equal(t, []string{first, second}, ids(items))
	assert.Equal(t, mail.Item{ID: second, Size: int64(len(raw("second"))), Arrived: now.Add(time.Second).UTC(), Flags: []string{`\Seen`, "Red"}}, items[1])
	assert.Empty(t, items[0].Flags)
}

func TestNextPassesOverWhatIsNoNewMail(t *testing.T) {
	s := start(t, ewsserver.Options{})
	a := open(t, config(s))
	flagged, deleted := deliver(s, "flagged"), deliver(s, "deleted")
	position := mail.Position{}
	items, _ := all(t, a, &position, 10)
	require.Len(t, items, 2)

	require.NoError(t, a.Acknowledge(t.Context(), ews.Inbox, []string{flagged}, mail.Ack{Seen: true, Keyword: "Done"}))
	s.Delete(support, deleted)
	for _, class := range []string{"IPM.Contact", "IPM.Appointment", "IPM.StickyNote"} {
		s.Deliver(support, "inbox", ewsserver.Mail{Raw: raw("no mail"), Class: class})
	}
	var want []string
	for _, class := range []string{"IPM.Note.SMIME", "REPORT.IPM.Note.NDR", "IPM.Schedule.Meeting.Request"} {
		want = append(want, s.Deliver(support, "inbox", ewsserver.Mail{Raw: raw("a mail"), Class: class}))
	}
	// Pages of one: those without anything are no end.
	items, _ = all(t, a, &position, 1)
	assert.Equal(t, want, ids(items))
	items, _ = all(t, a, &position, 10)
	assert.Empty(t, items)
}

func TestNextKeepsTheProgressOfALongFirstSync(t *testing.T) {
	s := start(t, ewsserver.Options{})
	a := open(t, config(s))
	added := time.Now()
	for range 45 {
		s.Deliver(support, "inbox", ewsserver.Mail{Raw: raw("old"), Received: added.Add(-time.Hour)})
	}
	position := mail.Position{Since: added}
	batch, err := a.Next(t.Context(), ews.Inbox, position, 1)
	require.NoError(t, err)
	assert.Empty(t, batch.Items)
	assert.True(t, batch.More)
	require.NotEmpty(t, batch.Cursor)

	// Another process goes on, with the cursor alone.
	asked := s.Asked("SyncFolderItems")
	position.Cursor = batch.Cursor
	items, _ := all(t, open(t, config(s)), &position, 1)
	assert.Empty(t, items)
	assert.Less(t, s.Asked("SyncFolderItems")-asked, 27)
}

func TestNextAfterTheServerForgotTheState(t *testing.T) {
	for name, test := range map[string]struct {
		since     time.Duration   // from now
		highWater time.Duration   // from now; 0 for none
		want      map[string]bool // subject to old
	}{
		"some handled":    {-72 * time.Hour, -time.Hour, map[string]bool{"before it was added": true, "long handled": true, "yesterday": false, "new": false}},
		"just added":      {-10 * time.Hour, -time.Hour, map[string]bool{"before it was added": true, "long handled": true, "yesterday": true, "new": false}},
		"nothing handled": {-72 * time.Hour, 0, map[string]bool{"long handled": false, "yesterday": false, "new": false}},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, ewsserver.Options{})
			a := open(t, config(s))
			now := time.Now()
			position := mail.Position{Since: now.Add(test.since)}
			for subject, age := range map[string]time.Duration{"before it was added": 100, "long handled": 48, "yesterday": 20} {
				s.Deliver(support, "inbox", ewsserver.Mail{Raw: raw(subject), Received: now.Add(-age * time.Hour)})
			}
			_, _ = all(t, a, &position, 10)
			if test.highWater != 0 {
				position.HighWater = now.Add(test.highWater)
			}
			s.ForgetSyncStates()
			deliver(s, "new")

			items, lost := all(t, a, &position, 1)
			assert.True(t, lost)
			got := map[string]bool{}
			for _, item := range items {
				for subject := range test.want {
					if fetch(t, a, item.ID) == string(raw(subject)) {
						got[subject] = item.Old
					}
				}
			}
			assert.Equal(t, test.want, got)
			assert.Len(t, items, len(test.want))

			later := deliver(s, "later")
			items, lost = all(t, a, &position, 10)
			assert.Equal(t, []string{later}, ids(items))
			assert.False(t, lost)
		})
	}
}

func TestNextAfterALongTimeWithoutListening(t *testing.T) {
	s := start(t, ewsserver.Options{})
	a := open(t, config(s))
	now := time.Now()
	position := mail.Position{}
	_, _ = all(t, a, &position, 10)
	position.HighWater = now.Add(-10 * 24 * time.Hour)
	s.ForgetSyncStates()
	for age := range 10 { // the newest first, as Exchange does
		s.Deliver(support, "inbox", ewsserver.Mail{Raw: raw("missed"), Received: now.Add(-time.Duration(age) * 24 * time.Hour)})
	}
	seen := map[string]bool{}
	for i, more := 0, true; more && i < 100; i++ {
		if i == 5 { // once more, in the middle
			s.ForgetSyncStates()
		}
		batch, err := a.Next(t.Context(), ews.Inbox, position, 1)
		require.NoError(t, err)
		assert.Equal(t, i == 0 || i == 5, batch.Lost)
		for _, item := range batch.Items {
			assert.False(t, item.Old, "%s was never handled", item.Arrived)
			seen[item.ID] = true
			if item.Arrived.After(position.HighWater) {
				position.HighWater = item.Arrived
			}
		}
		position.Cursor, more = batch.Cursor, batch.More
	}
	assert.Len(t, seen, 10)
}

func TestNextRefusesACursorThatItNeverGave(t *testing.T) {
	s := start(t, ewsserver.Options{})
	a := open(t, config(s))
	for _, cursor := range []string{"12/34", "r:x:state", "r:1", "q:state", ":"} {
		_, err := a.Next(t.Context(), ews.Inbox, mail.Position{Cursor: cursor}, 10)
		assert.Equal(t, mail.KindProtocol, kind(t, err), cursor)
	}
}

func TestNextObeysABusyServer(t *testing.T) {
	for name, busy := range map[string]func(*ewsserver.Server){
		"ErrorServerBusy": func(s *ewsserver.Server) { s.Busy(1, time.Second) },
		"503":             func(s *ewsserver.Server) { s.Throttle(1, 503, 1) },
		"429":             func(s *ewsserver.Server) { s.Throttle(1, 429, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, ewsserver.Options{})
			a := open(t, config(s))
			id := deliver(s, "one")
			busy(s)
			_, err := a.Next(t.Context(), ews.Inbox, mail.Position{}, 10)
			require.Equal(t, mail.KindUnavailable, kind(t, err))
			failure := new(ews.Error)
			require.ErrorAs(t, err, &failure)
			assert.Equal(t, time.Second, failure.RetryAfter)

			began := time.Now()
			batch, err := a.Next(t.Context(), ews.Inbox, mail.Position{}, 10)
			require.NoError(t, err)
			assert.Equal(t, []string{id}, ids(batch.Items))
			assert.Greater(t, time.Since(began), 800*time.Millisecond, "the server asked to be left alone for a second")
		})
	}
}

func TestNextTellsWhatTheServerRefused(t *testing.T) {
	for code, want := range map[string]mail.Kind{
		"ErrorMailboxStoreUnavailable": mail.KindUnavailable,
		"ErrorAccessDenied":            mail.KindAuth,
		"ErrorFolderNotFound":          mail.KindFolderMissing,
		"ErrorSchemaValidation":        mail.KindProtocol,
	} {
		s := start(t, ewsserver.Options{})
		a := open(t, config(s))
		s.Fail("SyncFolderItems", code)
		_, err := a.Next(t.Context(), ews.Inbox, mail.Position{}, 10)
		assert.Equal(t, want, kind(t, err))
		assert.ErrorContains(t, err, code)
		_, err = a.Next(t.Context(), ews.Inbox, mail.Position{}, 10)
		assert.NoError(t, err, fmt.Sprintf("usable after %s", code))
	}
}
