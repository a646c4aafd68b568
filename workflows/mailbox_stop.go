package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
)

// report takes what the watcher tells of the account. What it tells of a state that is no more counts for nothing: somebody has
// resumed the mailbox, or changed its settings, and the errors are counted anew. It answers whether the watcher is to end.
func (m *mailbox) report(ctx workflow.Context, r contract.MailboxReport) (bool, error) {
	if m.Paused || m.removed || m.Stopped != nil {
		return true, nil
	}
	if r.Changes != m.Changes {
		return false, nil
	}
	stopped := r.Error
	stopped.At = workflow.Now(ctx)
	m.Stopped = &stopped
	m.Changes++
	workflow.SetCurrentDetails(ctx, "**stopped: "+stopped.Message+"**")
	return true, nil
}

// tryAgain has a mailbox watched that errors stopped.
func (m *mailbox) tryAgain(ctx workflow.Context) {
	if m.Stopped != nil {
		m.Stopped = nil
		workflow.SetCurrentDetails(ctx, "")
	}
}
