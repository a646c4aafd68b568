package workflows

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
)

// watchFor bounds one watcher activity. It ends far earlier: with its worker, or when this run has grown long.
const watchFor = 365 * 24 * time.Hour

// mailbox watches one mailbox. Its watcher activity holds the connection and hands mail over by Update, batch by batch: the
// answer comes when the mail is handled, which is when the watcher may acknowledge it and read on. So at most one
// batch is in flight, and what has been handled is known here alone.
type mailbox struct {
	contract.MailboxState
	turn    workflow.Mutex // batches one at a time: a new watcher may come while the last batch of a dead one is handled
	removed bool
	changes int                 // counts what makes a running watcher out of date
	giveUp  workflow.CancelFunc // of the delivery that runs; nil: none
}

// Mailbox is the workflow of a mailbox. It ends when the mailbox is removed.
func Mailbox(ctx workflow.Context, state contract.MailboxState) error {
	m := &mailbox{MailboxState: state, turn: workflow.NewMutex(ctx)}
	if err := m.setHandlers(ctx); err != nil {
		return err
	}
	for {
		if err := workflow.Await(ctx, func() bool { return !m.Paused || m.leaving(ctx) }); err != nil {
			return err
		}
		if m.leaving(ctx) {
			break
		}
		if err := m.watch(ctx); err != nil {
			return err
		}
	}
	if err := workflow.Await(ctx, handlersFinished(ctx)); err != nil {
		return err
	}
	if m.removed {
		return nil
	}
	return workflow.NewContinueAsNewError(ctx, contract.MailboxWorkflow, m.MailboxState)
}

// leaving tells whether this run must end.
func (m *mailbox) leaving(ctx workflow.Context) bool {
	return m.removed || workflow.GetInfo(ctx).GetContinueAsNewSuggested()
}

// watch runs one watcher until it returns or is out of date.
func (m *mailbox) watch(ctx workflow.Context) error {
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
	changes := m.changes
	if err := workflow.Await(ctx, func() bool { return watcher.IsReady() || m.changes != changes }); err != nil {
		return err
	}
	cancel()
	err := watcher.Get(ctx, nil)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil && m.changes == changes { // else it was told to end, however it did
		m.fail(ctx, err)
		return workflow.Sleep(ctx, lease)
	}
	return nil
}

func (m *mailbox) fail(ctx workflow.Context, err error) {
	m.LastError, m.LastErrorAt = err.Error(), workflow.Now(ctx)
	if application, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		m.LastError = application.Message()
	}
	workflow.SetCurrentDetails(ctx, "**"+m.LastError+"**")
}

func (m *mailbox) setHandlers(ctx workflow.Context) error {
	return errors.Join(
		workflow.SetQueryHandler(ctx, contract.MailboxQuery, m.query),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.MailUpdate, m.mail,
			workflow.UpdateHandlerOptions{Description: "mail that the watcher found"}),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.ConfigureUpdate, m.configure,
			workflow.UpdateHandlerOptions{Description: "change how the mailbox is watched"}),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.PauseUpdate, m.pause, workflow.UpdateHandlerOptions{Description: "stop watching"}),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.ResumeUpdate, m.resume, workflow.UpdateHandlerOptions{Description: "watch again"}),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.RemoveMailboxUpdate, m.remove, workflow.UpdateHandlerOptions{Description: "stop watching for good"}),
	)
}

func (m *mailbox) query() (contract.MailboxState, error) { return m.MailboxState, nil }

func (m *mailbox) configure(_ workflow.Context, c contract.MailboxConfig) error {
	if c.Host == m.Config.Host && c.Username == m.Config.Username && c.Folder == m.Config.Folder {
		c.Since = m.Config.Since // the same place: the position holds
	} else {
		m.Cursor, m.Unconfirmed = contract.Cursor{}, nil
	}
	if c != m.Config {
		m.Config = c
		m.changes++
	}
	return nil
}

func (m *mailbox) pause(workflow.Context) error {
	if !m.Paused {
		m.Paused = true
		m.leave()
	}
	return nil
}

// leave ends the watcher, and a delivery that may be waiting for its tenth try. The mails of it stay above the cursor.
func (m *mailbox) leave() {
	m.changes++
	if m.giveUp != nil {
		m.giveUp()
	}
}

func (m *mailbox) resume(workflow.Context) error {
	m.Paused = false
	return nil
}

func (m *mailbox) remove(workflow.Context) error {
	m.removed = true
	m.leave()
	return nil
}

// mail handles a batch: the mails above the cursor are turned into work, then the cursor moves.
func (m *mailbox) mail(ctx workflow.Context, b contract.MailBatch) (contract.MailBatchResult, error) {
	if err := m.turn.Lock(ctx); err != nil {
		return contract.MailBatchResult{}, err
	}
	defer m.turn.Unlock()
	if m.Paused || m.removed {
		return contract.MailBatchResult{Cursor: m.Cursor, Stop: true}, nil
	}
	if b.Reset != nil && b.Reset.UIDValidity != m.Cursor.UIDValidity {
		m.Cursor = contract.Cursor{
			UIDValidity: b.Reset.UIDValidity, UID: b.Reset.UID, RescanTo: b.Reset.RescanTo, HighWater: m.Cursor.HighWater,
		}
		m.Unconfirmed = nil
	}
	if len(b.Mails) > 0 && b.UIDValidity != m.Cursor.UIDValidity {
		return contract.MailBatchResult{}, temporal.NewNonRetryableApplicationError(
			fmt.Sprintf("mail of UIDVALIDITY %d came, the folder has %d", b.UIDValidity, m.Cursor.UIDValidity), "renumbered", nil)
	}
	mails := slices.DeleteFunc(b.Mails, func(r contract.MailRef) bool { return r.UID <= m.Cursor.UID })
	result := contract.MailBatchResult{Cursor: m.Cursor}
	if len(mails) < len(b.Mails) {
		result.Handled = m.Unconfirmed // handed over by an earlier watcher, too, which is not there to hear of it
	}
	if len(mails) > 0 {
		handled, unwanted, err := m.handle(ctx, b.UIDValidity, mails)
		if m.Paused || m.removed {
			err = nil // given up
		}
		if err != nil {
			return result, err
		}
		m.Unconfirmed = slices.Concat(result.Handled, handled)
		result.Cursor, result.Handled, result.Unwanted = m.Cursor, m.Unconfirmed, unwanted
	}
	result.Stop = m.leaving(ctx) || m.Paused
	return result, nil
}

// handle has mails delivered and takes stock. It returns the UIDs to acknowledge, and those that no trigger wanted.
func (m *mailbox) handle(ctx workflow.Context, uidValidity uint32, mails []contract.MailRef) (handled, unwanted []uint32, err error) {
	var outcomes []contract.MailOutcome
	if good := deliverable(mails); len(good) > 0 {
		var delivered contract.DeliverResult
		delivery, giveUp := workflow.WithCancel(ctx)
		m.giveUp = giveUp
		err := workflow.ExecuteActivity(workflow.WithActivityOptions(delivery, workflow.ActivityOptions{
			TaskQueue:           contract.SteeringQueue,
			StartToCloseTimeout: 10 * time.Minute,
			HeartbeatTimeout:    callHeartbeat,
			RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 500 * time.Millisecond, MaximumInterval: 10 * time.Second},
			Summary:             fmt.Sprintf("%d mails", len(good)),
		}), contract.DeliverActivity, contract.DeliverInput{Mailbox: m.Config.Name, UIDValidity: uidValidity, Mails: good}).Get(ctx, &delivered)
		m.giveUp = nil
		if err != nil {
			m.fail(ctx, err)
			return nil, nil, err
		}
		outcomes = delivered.Outcomes
	}
	for _, r := range mails {
		if r.Skip {
			m.Skipped++
		}
		if r.Reason != "" {
			m.bury(contract.DeadLetter{UIDValidity: uidValidity, UID: r.UID, Size: r.Size, Reason: r.Reason, At: workflow.Now(ctx)})
		}
		if r.InternalDate.After(m.Cursor.HighWater) {
			m.Cursor.HighWater = r.InternalDate
		}
	}
	for _, o := range outcomes {
		switch {
		case o.Dead != nil:
			m.bury(*o.Dead)
		case o.Duplicate:
			m.Duplicates++
			handled = append(handled, o.UID)
		case len(o.Started) > 0:
			m.Started += int64(len(o.Started))
			handled = append(handled, o.UID)
		default:
			m.Ignored++
			unwanted = append(unwanted, o.UID)
		}
	}
	m.Cursor.UID = mails[len(mails)-1].UID
	m.LastMail = workflow.Now(ctx)
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("%d started, %d duplicates, %d ignored, %d dead letters", m.Started, m.Duplicates, m.Ignored, m.Dead))
	return handled, unwanted, nil
}

// deliverable leaves out what is dead or done before anything is tried.
func deliverable(mails []contract.MailRef) []contract.MailRef {
	var good []contract.MailRef
	for _, r := range mails {
		if r.Reason == "" && !r.Skip {
			good = append(good, r)
		}
	}
	return good
}

func (m *mailbox) bury(d contract.DeadLetter) {
	m.Dead++
	m.DeadLetters = append(m.DeadLetters, d)
	m.DeadLetters = slices.Clone(m.DeadLetters[max(len(m.DeadLetters)-contract.DeadLetterLimit, 0):])
}
