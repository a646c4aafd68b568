package workflows

import (
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
)

const (
	// shelfSize is how many pending mails are put away together. What is offered next is never put away.
	shelfSize = 2 * postAtOnce
	// shelveFrom is how many mails behind the last shelf are too many.
	shelveFrom = 2 * shelfSize
)

// shelve puts pending mails away into the blob store where a webhook has many, so that one that is down for days holds up neither the
// mailbox nor other webhooks. In Pending a shelf stands where its mails stood.
func (m *mailbox) shelve() {
	if m.shelving {
		return
	}
	m.shelving = true
	workflow.Go(m.work, func(ctx workflow.Context) {
		for _, name := range m.waiting(func(contract.Pending) bool { return true }) {
			for _, refused := range []bool{false, true} {
				for m.shelveOf(ctx, name, refused) {
				}
			}
		}
		m.shelving = false
	})
}

// shelveOf puts the first mails behind the last shelf of a webhook away, when there are too many. It reports whether it did.
func (m *mailbox) shelveOf(ctx workflow.Context, name string, refused bool) bool {
	var behind []int // the last shelf
	after := postAtOnce
	for i, p := range m.Pending {
		switch {
		case p.Webhook != name || p.Refused != refused:
		case p.Shelf != "":
			behind, after = nil, 0
		default:
			behind = append(behind, i)
		}
	}
	if len(behind)-after <= shelveFrom || workflow.GetVersion(ctx, "shelves", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return false
	}
	chosen := behind[after : after+shelfSize]
	mails := make([]contract.Pending, 0, shelfSize)
	for _, i := range chosen {
		mails = append(mails, m.Pending[i])
	}
	m.Shelves++
	// The first run, since a mailbox of the same name may have been removed.
	key := fmt.Sprintf("pending/%s/%s-%d.json", contract.Segment(m.Config.Name), workflow.GetInfo(ctx).FirstRunID, m.Shelves)
	m.Pending[chosen[0]] = contract.Pending{Webhook: name, Refused: refused, Since: mails[0].Since, Shelf: key, Mails: len(mails)}
	for _, i := range slices.Backward(chosen[1:]) {
		m.Pending = slices.Delete(m.Pending, i, i+1)
	}
	err := workflow.ExecuteActivity(keeping(ctx), contract.ShelveActivity, contract.Shelf{Key: key, Mails: mails}).Get(ctx, nil)
	if err != nil { // cancelled, when this run ends; or the store is away for long
		m.restock(key, mails)
	}
	return err == nil
}

// keptFor is how long a list that is not found is looked for: a store that is not mounted looks the same as one that has lost it.
const keptFor = 24 * time.Hour

// keeping is the context of what is tried until the blob store does it.
func keeping(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              contract.SteeringQueue,
		ScheduleToCloseTimeout: keptFor,
		StartToCloseTimeout:    time.Minute,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: 500 * time.Millisecond, MaximumInterval: time.Minute},
	})
}

// restock puts mails where their shelf stood.
func (m *mailbox) restock(key string, mails []contract.Pending) {
	i := slices.IndexFunc(m.Pending, func(p contract.Pending) bool { return p.Shelf == key })
	m.Pending = slices.Replace(m.Pending, i, i+1, mails...)
}

// unshelve fetches the mails of a shelf back. It reports whether to go on.
func (m *mailbox) unshelve(ctx workflow.Context, p contract.Pending) bool {
	if workflow.Await(ctx, func() bool { return !m.shelving }) != nil {
		return false
	}
	if !slices.ContainsFunc(m.Pending, func(q contract.Pending) bool { return q.Shelf == p.Shelf }) {
		return true // its mails are back
	}
	var found contract.Shelf
	err := workflow.ExecuteActivity(keeping(ctx), contract.UnshelveActivity, p.Shelf).Get(ctx, &found)
	if ctx.Err() != nil {
		return false
	}
	m.restock(p.Shelf, found.Mails)
	if err != nil {
		m.bury(contract.DeadLetter{
			Folder: m.Config.Folder, ID: p.Shelf, Webhook: p.Webhook, At: workflow.Now(ctx),
			Reason: fmt.Sprintf("the list of %d mails that wait for webhook %s since %s cannot be read from the blob store; "+
				"`starter mailbox resync --since` has them posted again", p.Mails, p.Webhook, p.Since.UTC().Format(time.RFC3339)),
		})
		return true
	}
	_ = workflow.ExecuteActivity(keeping(ctx), contract.ClearShelfActivity, p.Shelf).Get(ctx, nil) // litter at worst
	return true
}

// shelf is the shelf of a webhook that comes first, when no mail comes before it.
func (m *mailbox) shelf(name string, refused bool) (contract.Pending, bool) {
	i := slices.IndexFunc(m.Pending, func(p contract.Pending) bool { return p.Webhook == name && p.Refused == refused })
	if i < 0 || m.Pending[i].Shelf == "" {
		return contract.Pending{}, false
	}
	return m.Pending[i], true
}
