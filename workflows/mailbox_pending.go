package workflows

import (
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
)

// postAtOnce bounds the mails that one activity offers to a webhook.
const postAtOnce = 50

// behind are the webhooks that mail waits for and that are not tried meanwhile, in order of their first mail. Those that only refused some
// mail take others.
func (m *mailbox) behind() []string {
	return m.waiting(func(p contract.Pending) bool { return !p.Refused })
}

// waiting are the webhooks of which some pending mail fits.
func (m *mailbox) waiting(fits func(contract.Pending) bool) []string {
	var names []string
	for _, p := range m.Pending {
		if fits(p) && !slices.Contains(names, p.Webhook) {
			names = append(names, p.Webhook)
		}
	}
	return names
}

// pendingOf are the oldest mails that wait for a webhook: those that it refused, or the others.
func (m *mailbox) pendingOf(name string, refused bool) (list []contract.Pending) {
	for _, p := range m.Pending {
		if p.Webhook != name || p.Refused != refused {
			continue
		}
		if p.Shelf != "" || len(list) == postAtOnce {
			break
		}
		list = append(list, p)
	}
	return list
}

// refusal says when a webhook is asked again about mails that it refused.
type refusal struct {
	due   time.Time
	pause time.Duration
	all   bool // it took none of those that it was offered last
}

// The pause before mails that were refused are offered again: a quarter longer each time.
const firstRefusal, longestRefusal = time.Second, 2 * time.Minute

// offer offers what is pending to each webhook until nothing is, each at its own pace.
func (m *mailbox) offer() {
	for _, name := range m.waiting(func(contract.Pending) bool { return true }) {
		if m.posting[name] {
			continue
		}
		m.posting[name] = true
		workflow.Go(m.work, func(ctx workflow.Context) {
			for ctx.Err() == nil && m.post(ctx, name) {
			}
			delete(m.posting, name)
		})
	}
}

// post offers the oldest mails of a webhook, or waits until it is time for those that it refused. It reports whether there were any.
func (m *mailbox) post(ctx workflow.Context, name string) bool {
	r := m.refused[name]
	if r == nil {
		r = &refusal{}
		m.refused[name] = r
	}
	list, again := m.pendingOf(name, false), false
	shelf, shelved := m.shelf(name, false)
	// While it refuses everything no shelf is fetched for it but of mails that it refused before.
	if len(list) == 0 && (!shelved || r.all) {
		list, again = m.pendingOf(name, true), true
		if shelf, shelved = m.shelf(name, true); !shelved && len(list) == 0 {
			delete(m.refused, name)
			return len(m.waiting(func(p contract.Pending) bool { return p.Webhook == name })) > 0
		}
	}
	if shelved {
		return m.unshelve(ctx, shelf)
	}
	if wait := r.due.Sub(workflow.Now(ctx)); again && wait > 0 {
		_, err := workflow.AwaitWithTimeout(ctx, wait, func() bool { return len(m.pendingOf(name, false)) > 0 })
		return err == nil
	}
	in := contract.PostInput{
		Mailbox: m.Config.Name, Webhook: name, Pending: list, Keep: len(m.DeadLetters)+postAtOnce > contract.DeadLetterLimit,
	}
	var result contract.PostResult
	err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           contract.WebhookQueue,
		StartToCloseTimeout: 30 * time.Minute,
		HeartbeatTimeout:    contract.CallHeartbeat,
		// The pause is a quarter of the time that the webhook has been away, so it is back in work soon after it is back.
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 1.25, MaximumInterval: 2 * time.Minute},
		Summary:     clip(name),
	}), contract.PostActivity, in).Get(ctx, &result)
	if err != nil {
		return workflow.Sleep(ctx, time.Minute) == nil // cancelled, when this run ends; no retry ends otherwise
	}
	m.settle(list, result)
	r.all = len(result.Settled) == 0
	if len(result.Refused) > 0 {
		m.shelve()
		r.pause = min(max(r.pause*5/4, firstRefusal), longestRefusal)
		r.due = workflow.Now(ctx).Add(max(r.pause, result.After))
	}
	return true
}

// settle takes out what was accepted or given up, and notes what was refused.
func (m *mailbox) settle(list []contract.Pending, result contract.PostResult) {
	is := func(p contract.Pending, chosen []int) bool {
		return p.Shelf == "" && slices.ContainsFunc(chosen, func(n int) bool {
			return list[n].Webhook == p.Webhook && list[n].Folder == p.Folder && list[n].Mail.ID == p.Mail.ID
		})
	}
	m.Pending = slices.DeleteFunc(m.Pending, func(p contract.Pending) bool { return is(p, result.Settled) })
	for i := range m.Pending {
		m.Pending[i].Refused = m.Pending[i].Refused || is(m.Pending[i], result.Refused)
	}
	for _, d := range result.Dead {
		m.bury(d)
	}
}
