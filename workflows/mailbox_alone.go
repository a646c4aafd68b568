package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
)

// watchFor bounds one watcher activity. It ends far earlier: with its worker, or when this run has grown long.
const watchFor = 365 * 24 * time.Hour

// watch runs a watcher of this mailbox alone until it returns or is out of date. Runs that began so go on so; the next run shares
// a watcher.
func (m *mailbox) watch(ctx workflow.Context) error {
	if err := workflow.Await(ctx, func() bool { return !m.Paused && m.Stopped == nil || m.leaving(ctx) }); err != nil || m.leaving(ctx) {
		return err
	}
	lease := milliseconds(m.Config.LeaseMS)
	watching, cancel := workflow.WithCancel(ctx)
	watcher := workflow.ExecuteActivity(workflow.WithActivityOptions(watching, workflow.ActivityOptions{
		TaskQueue:           contract.MailboxQueue,
		StartToCloseTimeout: watchFor,
		HeartbeatTimeout:    lease,
		WaitForCancellation: true, // two watchers of one mailbox would fetch the same mail
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 200 * time.Millisecond, MaximumInterval: 10 * time.Second},
		Summary:             m.Config.Name,
	}), contract.WatchActivity, contract.WatchInput{Mailbox: m.Config.Name, Config: m.Config})
	changes := m.Changes
	if err := workflow.Await(ctx, func() bool { return watcher.IsReady() || m.Changes != changes }); err != nil {
		return err
	}
	cancel()
	err := watcher.Get(ctx, nil)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil && m.Changes == changes { // else it was told to end, however it did
		m.fail(ctx, err)
		return workflow.Sleep(ctx, lease)
	}
	return nil
}
