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

// behind are the webhooks that mail waits for, in order of their first mail.
func (m *mailbox) behind() []string {
	var names []string
	for _, p := range m.Pending {
		if !slices.Contains(names, p.Webhook) {
			names = append(names, p.Webhook)
		}
	}
	return names
}

// postPending offers what is pending to each webhook until nothing is, each at its own pace.
func (m *mailbox) postPending(ctx workflow.Context) {
	for _, name := range m.behind() {
		if m.posting[name] {
			continue
		}
		m.posting[name] = true
		workflow.Go(ctx, func(ctx workflow.Context) {
			for ctx.Err() == nil && m.post(ctx, name) {
			}
			delete(m.posting, name)
		})
	}
}

// post offers the oldest mails of a webhook and reports whether there were any.
func (m *mailbox) post(ctx workflow.Context, name string) bool {
	in := contract.PostInput{Mailbox: m.Config.Name, Webhook: name, Keep: len(m.DeadLetters)+postAtOnce > contract.DeadLetterLimit}
	for _, p := range m.Pending {
		if p.Webhook == name && len(in.Pending) < postAtOnce {
			in.Pending = append(in.Pending, p)
		}
	}
	if len(in.Pending) == 0 {
		return false
	}
	var result contract.PostResult
	err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           contract.WebhookQueue,
		StartToCloseTimeout: 30 * time.Minute,
		HeartbeatTimeout:    callHeartbeat,
		// The pause is a quarter of the time that the webhook has been away, so it is back in work soon after it is back.
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 1.25, MaximumInterval: 2 * time.Minute},
		Summary:     clip(name),
	}), contract.PostActivity, in).Get(ctx, &result)
	if err != nil {
		return workflow.Sleep(ctx, time.Minute) == nil // cancelled, when this run ends; no retry ends otherwise
	}
	var settled []contract.Pending
	for _, i := range result.Settled {
		settled = append(settled, in.Pending[i])
	}
	m.Pending = slices.DeleteFunc(m.Pending, func(p contract.Pending) bool {
		return p.Webhook == name && slices.ContainsFunc(settled, func(s contract.Pending) bool { return s.Folder == p.Folder && s.Mail.ID == p.Mail.ID })
	})
	for _, d := range result.Dead {
		m.bury(d)
	}
	return true
}
