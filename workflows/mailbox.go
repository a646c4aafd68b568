package workflows

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
)

// mailbox looks after one mailbox. A watcher, which it shares with others, holds the connection and hands mail over by
// Update, batch by batch: the answer comes when the mail is handled, which is when the watcher may acknowledge it and read
// on. So at most one batch a folder is in flight, and what has been handled is known here alone.
type mailbox struct {
	contract.MailboxState
	turn     workflow.Mutex // batches one at a time: a new watcher may come while the last batch of a dead one is handled
	removed  bool
	alone    bool                // a run that began when every mailbox had a watcher of its own
	giveUp   workflow.CancelFunc // of the delivery that runs; nil: none
	inHand   map[string]bool     // folders of which a batch is
	posting  map[string]bool     // webhooks that pending mail is being offered to
	refused  map[string]*refusal // webhooks that refused single mails
	shelving bool                // pending mail is being put away
	raising  bool                // alerts
	work     workflow.Context    // of what goes on beside the batches, until this run ends
	diary    *diary              // nil: a run that began before mailboxes recorded events
}

// Run is the workflow of a mailbox. It ends when the mailbox is removed.
func (w *Mailboxes) Run(ctx workflow.Context, state contract.MailboxState) error {
	m := &mailbox{MailboxState: state, turn: workflow.NewMutex(ctx), posting: map[string]bool{}, inHand: map[string]bool{}, refused: map[string]*refusal{}}
	m.Adopt()
	var stopWork workflow.CancelFunc
	m.work, stopWork = workflow.WithCancel(ctx)
	err := m.setHandlers(ctx)
	if err != nil {
		return err
	}
	// 1: mailboxes share watchers; 2: they record events.
	version := workflow.GetVersion(ctx, "shared-watchers", workflow.DefaultVersion, 2)
	m.alone = version == workflow.DefaultVersion
	if version >= 2 {
		if m.diary, err = w.recording.diary(ctx, &m.Diary); err != nil {
			return err
		}
	}
	step := m.tell
	if m.alone {
		step = m.watch
	} else if m.Changes == 0 {
		m.Changes = 1 // the watchers have not heard of it at all
	}
	m.offer()
	m.raise()
	for _, a := range m.Unruled {
		m.rule(a)
	}
	m.shelve()
	for !m.leaving(ctx) {
		if err := step(ctx); err != nil {
			return err
		}
	}
	stopWork()
	if m.removed && !m.alone {
		if err := m.tell(ctx); err != nil {
			return err
		}
	}
	if err := workflow.Await(ctx, func() bool {
		return workflow.AllHandlersFinished(ctx) && len(m.posting) == 0 && !m.raising && !m.shelving
	}); err != nil {
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

// tell waits for a change that the watchers have not heard of, and tells them.
func (m *mailbox) tell(ctx workflow.Context) error {
	if err := workflow.Await(ctx, func() bool { return m.Changes != m.Told || m.leaving(ctx) }); err != nil {
		return err
	}
	if m.Changes == m.Told {
		return nil
	}
	change := m.Changes
	err := workflow.ExecuteActivity(steering(ctx), contract.AssignActivity, contract.Assignment{
		Mailbox: m.Config.Name, Config: m.Config, At: workflow.Now(ctx), Watch: !m.Paused && !m.removed, Stopped: m.Stopped,
	}).Get(ctx, nil)
	if err == nil {
		m.Told = change
	}
	return err
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
			workflow.UpdateHandlerOptions{Description: "mail that the watcher found", Validator: m.free}),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.ReportUpdate, m.report,
			workflow.UpdateHandlerOptions{Description: "what the watcher tells of the account"}),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.ConfigureUpdate, m.configure,
			workflow.UpdateHandlerOptions{Description: "change how the mailbox is watched"}),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.PauseUpdate, m.pause, workflow.UpdateHandlerOptions{Description: "stop watching"}),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.ResumeUpdate, m.resume, workflow.UpdateHandlerOptions{Description: "watch again"}),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.ResyncUpdate, m.resync, workflow.UpdateHandlerOptions{Description: "read again what arrived since a time"}),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.RetryDeadUpdate, m.retryDead, workflow.UpdateHandlerOptions{Description: "try dead letters again"}),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.DropDeadUpdate, m.dropDead, workflow.UpdateHandlerOptions{Description: "forget dead letters"}),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.RemoveMailboxUpdate, m.remove, workflow.UpdateHandlerOptions{Description: "stop watching for good"}),
	)
}

func (m *mailbox) query() (contract.MailboxState, error) { return m.MailboxState, nil }

func (m *mailbox) configure(ctx workflow.Context, c contract.MailboxConfig) error {
	if m.removed {
		return temporal.NewNonRetryableApplicationError("the mailbox is being removed; try again in a moment", contract.Busy, nil)
	}
	same := sameAccount(c, m.Config)
	if same {
		c.Since = m.Config.Since // the positions hold
	}
	if !reflect.DeepEqual(c, m.Config) {
		m.Config = c
		m.tryAgain(ctx) // with other settings it may work
		m.Changes++
	}
	if !same {
		m.begin()
	}
	return nil
}

// sameAccount tells whether two configurations read the same mailbox.
func sameAccount(a, b contract.MailboxConfig) bool {
	source := func(c contract.MailboxConfig) string { return cmp.Or(c.Source, "imap") }
	return source(a) == source(b) && a.Host == b.Host && a.URL == b.URL && a.Username == b.Username && a.Of == b.Of && a.As == b.As
}

// begin gives the positions up. What is read and in hand from before counts for nothing any more.
func (m *mailbox) begin() {
	m.Places = nil
	m.Epoch++
	m.leave()
}

// place is how far a folder has been read.
func (m *mailbox) place(folder string) *contract.Place {
	for i := range m.Places {
		if m.Places[i].Folder == folder {
			return &m.Places[i]
		}
	}
	m.Places = append(m.Places, contract.Place{Folder: folder})
	return &m.Places[len(m.Places)-1]
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
	m.Changes++
	if m.giveUp != nil {
		m.giveUp()
	}
}

func (m *mailbox) resume(ctx workflow.Context) error {
	if m.Paused || m.Stopped != nil {
		m.Paused = false
		m.tryAgain(ctx)
		m.Changes++
	}
	return nil
}

// resync has the folders read again from a time on. What was handled before is recognised.
func (m *mailbox) resync(_ workflow.Context, since time.Time) error {
	m.Config.Since = since
	m.begin()
	return nil
}

func (m *mailbox) remove(workflow.Context) error {
	m.removed = true
	m.leave()
	return nil
}

// mail handles a batch: its mails are turned into work, then the folder's cursor moves.
func (m *mailbox) mail(ctx workflow.Context, b contract.MailBatch) (contract.MailBatchResult, error) {
	m.inHand[b.Folder] = true
	defer delete(m.inHand, b.Folder)
	if err := m.turn.Lock(ctx); err != nil {
		return contract.MailBatchResult{}, err
	}
	defer m.turn.Unlock()
	// With so much pending the mail is safer in the mailbox.
	err := workflow.Await(ctx, func() bool { return len(m.Pending)+len(b.Mails) <= contract.PendingLimit || m.Paused || m.leaving(ctx) })
	if err != nil {
		return contract.MailBatchResult{}, err
	}
	if m.Paused || m.removed {
		return contract.MailBatchResult{Place: *m.place(b.Folder), Stop: true}, nil
	}
	if b.Epoch != m.Epoch {
		return contract.MailBatchResult{Moved: true}, nil
	}
	if place := m.place(b.Folder); b.From != place.Cursor && !m.alone {
		// An earlier watcher handed these mails over, too, and is not there to hear of it.
		return contract.MailBatchResult{Place: *place, Handled: place.Unconfirmed}, nil
	}
	var handled, unwanted []string
	if len(b.Mails) > 0 {
		handled, unwanted, err = m.handle(ctx, b)
		switch {
		case err != nil && (m.Paused || m.removed):
			return contract.MailBatchResult{Stop: true}, nil // given up
		case b.Epoch != m.Epoch:
			return contract.MailBatchResult{Moved: true}, nil
		case err != nil:
			return contract.MailBatchResult{}, err
		}
		m.LastMail = workflow.Now(ctx)
	}
	place := m.place(b.Folder)
	for _, r := range b.Mails {
		if r.InternalDate.After(place.HighWater) && !r.InternalDate.After(workflow.Now(ctx)) {
			place.HighWater = r.InternalDate
		}
	}
	place.Cursor, place.Unconfirmed = b.Cursor, handled
	return contract.MailBatchResult{Place: *place, Handled: handled, Unwanted: unwanted, Stop: m.Paused || m.Stopped != nil || m.removed || m.alone && m.leaving(ctx)}, nil
}

// free refuses a batch of a folder of which another is in hand: a new watcher asks again, instead of waiting behind one that may wait
// for a trigger, since Temporal lets but few updates wait.
func (m *mailbox) free(b contract.MailBatch) error {
	if m.inHand[b.Folder] {
		return temporal.NewNonRetryableApplicationError("an earlier batch of the folder is in hand", contract.Busy, nil)
	}
	return nil
}

// handle has mails delivered and takes stock. It returns the ids of those to acknowledge, and of those that no trigger wanted.
func (m *mailbox) handle(ctx workflow.Context, b contract.MailBatch) (handled, unwanted []string, err error) {
	var outcomes []contract.MailOutcome
	good := deliverable(b.Mails)
	if len(good) > 0 {
		var delivered contract.DeliverResult
		delivery, giveUp := workflow.WithCancel(ctx)
		m.giveUp = giveUp
		err := workflow.ExecuteActivity(workflow.WithActivityOptions(delivery, workflow.ActivityOptions{
			TaskQueue:           contract.SteeringQueue,
			StartToCloseTimeout: 10 * time.Minute,
			HeartbeatTimeout:    contract.CallHeartbeat,
			RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 500 * time.Millisecond, MaximumInterval: 10 * time.Second},
			Summary:             fmt.Sprintf("%d mails", len(good)),
		}), contract.DeliverActivity, contract.DeliverInput{Mailbox: m.Config.Name, Folder: b.Folder, Mails: good, Behind: m.behind(), Address: m.Config.Address(), Again: m.place(b.Folder).Again}).Get(ctx, &delivered)
		m.giveUp = nil
		if b.Epoch == m.Epoch {
			m.place(b.Folder).Again = err != nil
		}
		if err != nil {
			m.fail(ctx, err)
			return nil, nil, err
		}
		outcomes = delivered.Outcomes
	}
	for _, r := range b.Mails {
		if r.Skip {
			m.Skipped++
		}
		if r.Reason != "" {
			m.bury(contract.DeadLetter{Folder: b.Folder, ID: r.ID, Size: r.Size, Arrived: r.InternalDate, Reason: r.Reason, At: workflow.Now(ctx)})
		}
	}
	for i, o := range outcomes {
		for _, name := range o.Pending {
			m.Pending = append(m.Pending, contract.Pending{Webhook: name, Folder: b.Folder, Mail: good[i], Since: workflow.Now(ctx), Refused: slices.Contains(o.Refused, name)})
		}
		switch {
		case o.Dead != nil:
			m.bury(*o.Dead)
		case o.Duplicate:
			m.Duplicates++
			handled = append(handled, o.ID)
		case len(o.Started) > 0:
			m.Started += int64(len(o.Started))
			handled = append(handled, o.ID)
		case o.Told:
			handled = append(handled, o.ID)
		default:
			m.Ignored++
			unwanted = append(unwanted, o.ID)
		}
	}
	m.received(ctx, b, outcomes)
	m.offer()
	m.shelve()
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
