package workflows

import (
	"errors"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
)

// watchers has a group of mailboxes watched by one activity, whose heartbeats they share. The activity asks for the members
// from time to time, so that a mailbox comes and goes without the others losing their connections.
type watchers struct {
	contract.WatchersState
	heard bool // of a mailbox
}

// Watchers is the workflow of a group of mailboxes. It ends when the last one has left.
func Watchers(ctx workflow.Context, state contract.WatchersState) error {
	w := &watchers{WatchersState: state}
	err := errors.Join(
		workflow.SetQueryHandler(ctx, contract.MembersQuery, w.query),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.AssignUpdate, w.assign,
			workflow.UpdateHandlerOptions{Description: "watch a mailbox, or watch it no more"}),
	)
	if err != nil {
		return err
	}
	// A run that nobody was handed on to begins with an update, which is handled in this first wait.
	if err := workflow.Await(ctx, func() bool { return w.watched() > 0 || w.heard }); err != nil {
		return err
	}
	for w.watched() > 0 {
		if err := w.watch(ctx); err != nil {
			return err
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			break
		}
	}
	if err := workflow.Await(ctx, handlersFinished(ctx)); err != nil {
		return err
	}
	if w.watched() > 0 {
		return workflow.NewContinueAsNewError(ctx, contract.WatchersWorkflow, w.WatchersState)
	}
	return nil
}

func (w *watchers) watched() int { return len(w.Members) }

// watch runs the watcher until it fails, the last member has left, the lease is another, or this run has grown long.
func (w *watchers) watch(ctx workflow.Context) error {
	watching, cancel := workflow.WithCancel(ctx)
	lease := w.lease()
	watcher := workflow.ExecuteActivity(workflow.WithActivityOptions(watching, workflow.ActivityOptions{
		TaskQueue:           contract.MailboxQueue,
		StartToCloseTimeout: watchFor,
		HeartbeatTimeout:    lease,
		WaitForCancellation: true, // two watchers of one mailbox would fetch the same mail
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 200 * time.Millisecond, MaximumInterval: 10 * time.Second},
	}), contract.WatchGroupActivity, contract.WatchGroupInput{Group: workflow.GetInfo(ctx).WorkflowExecution.ID})
	err := workflow.Await(ctx, func() bool {
		return watcher.IsReady() || w.watched() == 0 || w.lease() != lease || workflow.GetInfo(ctx).GetContinueAsNewSuggested()
	})
	told := !watcher.IsReady()
	cancel()
	if err != nil {
		return err
	}
	failed := watcher.Get(ctx, nil)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if failed != nil && !told { // else it ended as it was told to, however it did
		return workflow.Sleep(ctx, lease)
	}
	return nil
}

// lease is how long a dead worker keeps the group: as long as its most impatient member allows.
func (w *watchers) lease() time.Duration {
	shortest := w.Members[0].Config.LeaseMS
	for _, m := range w.Members[1:] {
		shortest = min(shortest, m.Config.LeaseMS)
	}
	return milliseconds(shortest)
}

func (w *watchers) query(known int) (contract.Members, error) {
	m := contract.Members{Revision: w.Revision}
	if known != w.Revision {
		m.List = w.Members
	}
	return m, nil
}

// assign takes a change of a mailbox. One that comes late, after a newer one, is passed over.
func (w *watchers) assign(_ workflow.Context, a contract.Assignment) error {
	w.heard = true
	w.Revision++
	i, found := slices.BinarySearchFunc(w.Members, a.Mailbox, func(m contract.Assignment, name string) int { return strings.Compare(m.Mailbox, name) })
	switch {
	case found && a.At.Before(w.Members[i].At):
	case found && a.Watch:
		w.Members[i] = a
	case found:
		w.Members = slices.Delete(w.Members, i, i+1)
	case a.Watch:
		w.Members = slices.Insert(w.Members, i, a)
	}
	return nil
}
