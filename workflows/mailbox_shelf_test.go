package workflows_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
)

// mailsFrom are so many mails, numbered from a number on.
func mailsFrom(first, n int) (ids []string) {
	for i := range n {
		ids = append(ids, fmt.Sprint(first+i))
	}
	return ids
}

// shelves are files that lists of pending mails are put away in.
func (r *mailboxRun) shelves() map[string]contract.Shelf {
	files := map[string]contract.Shelf{}
	register := func(name string, fn any) { r.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name}) }
	register(contract.ShelveActivity, func(_ context.Context, s contract.Shelf) error {
		files[s.Key] = s
		return nil
	})
	register(contract.UnshelveActivity, func(_ context.Context, key string) (contract.Shelf, error) {
		s, there := files[key]
		if !there {
			return s, temporal.NewNonRetryableApplicationError("gone", "gone", nil)
		}
		return s, nil
	})
	register(contract.ClearShelfActivity, func(_ context.Context, key string) error {
		delete(files, key)
		return nil
	})
	return files
}

// downFor is a webhook that does not answer for a time, and then accepts all that it is offered.
func (r *mailboxRun) downFor(d time.Duration) (told map[string][]string) {
	told = map[string][]string{}
	var mu sync.Mutex // webhooks are posted to at the same time
	down := true
	r.RegisterDelayedCallback(func() {
		mu.Lock()
		defer mu.Unlock()
		down = false
	}, d)
	r.post = func(in contract.PostInput) (contract.PostResult, error) {
		mu.Lock()
		defer mu.Unlock()
		if down {
			return contract.PostResult{}, errors.New("down")
		}
		var all []int
		for n, p := range in.Pending {
			told[in.Webhook] = append(told[in.Webhook], p.Mail.ID)
			all = append(all, n)
		}
		return contract.PostResult{Settled: all}, nil
	}
	return told
}

func (r *mailboxRun) state() (s contract.MailboxState) {
	answer, err := r.QueryWorkflow(contract.MailboxQuery)
	require.NoError(r.t, err)
	require.NoError(r.t, answer.Get(&s))
	return s
}

// A webhook that is down for long holds the mailbox up for no mail: what waits is put away, and offered in order when it is back.
func TestMailboxShelves(t *testing.T) {
	const mails = 5000
	r := newMailboxRun(t)
	files := r.shelves()
	r.deliver = func(in contract.DeliverInput) (contract.DeliverResult, error) { return outcomesOf(in, "crm"), nil }
	told := r.downFor(10 * time.Minute)
	var last *answer
	for n := 0; n < mails; n += 50 {
		last = r.at(time.Duration(n+1)*time.Millisecond*100, contract.MailUpdate, batch(fmt.Sprint("7:", n), fmt.Sprint("7:", n+50), mailsFrom(n, 50)...))
	}
	r.RegisterDelayedCallback(func() {
		require.True(t, last.done)
		require.NotEmpty(t, files)
		pending, waiting := r.state().Pending, 0
		for _, p := range pending {
			waiting += p.Count()
		}
		require.Equal(t, mails, waiting)
		require.Less(t, len(pending), 600)
	}, 9*time.Minute)
	r.run(contract.MailboxState{Places: []contract.Place{{Folder: "INBOX", Cursor: "7:0"}}})
	require.Equal(t, mailsFrom(0, mails), told["crm"])
	require.Empty(t, files)
}

// A webhook that is back and refuses everything for a time does not have all that was put away come back at once.
func TestMailboxShelvesRefused(t *testing.T) {
	const mails = 5000
	r := newMailboxRun(t)
	files := r.shelves()
	r.deliver = func(in contract.DeliverInput) (contract.DeliverResult, error) { return outcomesOf(in, "crm"), nil }
	told := r.downFor(10 * time.Minute)
	accepting, refusing := r.post, false
	r.post = func(in contract.PostInput) (result contract.PostResult, err error) {
		if !refusing {
			return accepting(in)
		}
		for n := range in.Pending {
			result.Refused = append(result.Refused, n)
		}
		return result, nil
	}
	for n := 0; n < mails; n += 50 {
		r.at(time.Duration(n+1)*time.Millisecond*100, contract.MailUpdate, batch(fmt.Sprint("7:", n), fmt.Sprint("7:", n+50), mailsFrom(n, 50)...))
	}
	r.RegisterDelayedCallback(func() { refusing = true }, 9*time.Minute)
	for _, at := range []time.Duration{15, 25, 29} {
		r.RegisterDelayedCallback(func() {
			require.Empty(t, told)
			require.Less(t, len(r.state().Pending), 1000)
		}, at*time.Minute)
	}
	r.RegisterDelayedCallback(func() { refusing = false }, 30*time.Minute)
	r.run(contract.MailboxState{Places: []contract.Place{{Folder: "INBOX", Cursor: "7:0"}}})
	require.ElementsMatch(t, mailsFrom(0, mails), told["crm"])
	require.Empty(t, files)
}

// A list of mails that is gone is told, and holds nobody up.
func TestMailboxShelfGone(t *testing.T) {
	r := newMailboxRun(t)
	files := r.shelves()
	r.deliver = func(in contract.DeliverInput) (contract.DeliverResult, error) { return outcomesOf(in, "crm"), nil }
	told := r.downFor(10 * time.Minute)
	r.at(time.Second, contract.MailUpdate, batch("", "7:1", mailsFrom(0, 400)...))
	var dead []contract.DeadLetter
	r.RegisterDelayedCallback(func() {
		require.Len(t, files, 2)
		maps.DeleteFunc(files, func(_ string, s contract.Shelf) bool { return s.Mails[0].Mail.ID == "50" })
	}, time.Minute)
	r.RegisterDelayedCallback(func() { dead = r.state().DeadLetters }, 50*time.Minute)
	r.run(contract.MailboxState{})
	require.Equal(t, append(mailsFrom(0, 50), mailsFrom(150, 250)...), told["crm"])
	require.Len(t, dead, 1)
	require.Contains(t, dead[0].Reason, "the list of 100 mails that wait for webhook crm")
}

// What many webhooks have not accepted is bounded: beyond it mail stays in the mailbox until there is room.
func TestMailboxPendingIsBounded(t *testing.T) {
	r := newMailboxRun(t)
	r.shelves()
	var webhooks []string
	for n := range 20 {
		webhooks = append(webhooks, fmt.Sprint("hook-", n))
	}
	r.deliver = func(in contract.DeliverInput) (contract.DeliverResult, error) {
		return outcomesOf(in, webhooks...), nil
	}
	told := r.downFor(time.Minute)
	full := r.at(time.Second, contract.MailUpdate, batch("", "7:1", mailsFrom(0, contract.PendingLimit/20)...))
	beyond := r.at(2*time.Second, contract.MailUpdate, batch("7:1", "7:2", "x"))
	r.RegisterDelayedCallback(func() {
		require.True(t, full.done)
		require.False(t, beyond.done, "it waits")
	}, time.Minute-time.Second)
	r.run(contract.MailboxState{})
	require.Equal(t, "7:2", beyond.mail().Place.Cursor)
	require.Len(t, told["hook-19"], contract.PendingLimit/20+1)
}
