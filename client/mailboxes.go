package client

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/converter"

	"github.com/waybill-io/waybill/activities/contract"
)

// Mailbox is a mailbox with the state of its connection.
type Mailbox struct {
	contract.MailboxState
	Name       string               `json:"name"`
	Connection string               `json:"connection"`      // connected, stale, connecting, error, stopped, paused
	Cause      string               `json:"cause,omitempty"` // why it is not connected, or why mail waits
	Watch      contract.WatchStatus `json:"watch"`           // what the watcher last told
}

// staleAfter is how long a connection may go without a proof of life before it counts as stale: an IDLE is renewed, or
// the server is polled, and so proved. Heartbeats tell of it with a delay.
func (m *Mailbox) staleAfter() time.Duration {
	between := cmp.Or(m.Config.IdleMS, (4 * time.Minute).Milliseconds())
	switch {
	case !m.Watch.Idle:
		between = m.Config.PollMS
	case m.Config.Source == "ews":
		between = (5 * time.Minute).Milliseconds() // the longest that goes by without a look
	}
	return time.Duration(between+cmp.Or(m.Config.TimeoutMS, (30*time.Second).Milliseconds()))*time.Millisecond + 30*time.Second
}

// maxConfig bounds the settings of a mailbox in bytes: those of all that share a watcher must fit into one payload.
const maxConfig = 8 << 10

// ConfigureMailbox starts watching a mailbox, or changes how one is watched.
func (c *Client) ConfigureMailbox(ctx context.Context, config contract.MailboxConfig) error {
	if text, err := json.Marshal(config); err != nil || len(text) > maxConfig {
		return &Error{Type: "refused", Message: fmt.Sprintf("the settings of mailbox %q have %d bytes, at most %d are taken", config.Name, len(text), maxConfig)}
	}
	err := insist(ctx, func() error {
		return c.updateWithStart(ctx, contract.MailboxID(config.Name), contract.MailboxWorkflow, contract.ConfigureUpdate,
			contract.MailboxState{Config: config}, config, nil)
	})
	if err != nil {
		return fmt.Errorf("configure mailbox %q: %w", config.Name, err)
	}
	return nil
}

// Assign has a mailbox watched, or watched no more, by the watcher that it shares with others.
func (c *Client) Assign(ctx context.Context, a contract.Assignment) error {
	err := c.updateWithStart(ctx, contract.WatchersID(a.Mailbox), contract.WatchersWorkflow, contract.AssignUpdate,
		contract.WatchersState{}, a, nil)
	if err != nil {
		return fmt.Errorf("assign mailbox %q to %s: %w", a.Mailbox, contract.WatchersID(a.Mailbox), err)
	}
	return nil
}

// ChangeMailbox sends one of contract.PauseUpdate, ResumeUpdate and RemoveMailboxUpdate.
func (c *Client) ChangeMailbox(ctx context.Context, name, update string) error {
	if err := c.update(ctx, contract.MailboxID(name), update, nil, nil); err != nil {
		return fmt.Errorf("%s mailbox %q: %w", update, name, err)
	}
	if update != contract.RemoveMailboxUpdate {
		return nil
	}
	webhooks, err := c.Webhooks(ctx, name)
	if err != nil {
		return err
	}
	for _, w := range webhooks { // they would be told of the mail of another mailbox of this name
		if err := c.RemoveWebhook(ctx, name, w.ID); err != nil {
			return err
		}
	}
	return nil
}

// ReportMailbox tells a mailbox what its watcher found out about the account, and returns whether the watcher is to end.
func (c *Client) ReportMailbox(ctx context.Context, name string, report contract.MailboxReport) (ended bool, err error) {
	if err := c.update(ctx, contract.MailboxID(name), contract.ReportUpdate, report, &ended); err != nil {
		return false, fmt.Errorf("report about mailbox %q: %w", name, err)
	}
	return ended, nil
}

// Resync has a mailbox read again what arrived since a time; what was handled before is recognised.
func (c *Client) Resync(ctx context.Context, name string, since time.Time) error {
	if err := c.update(ctx, contract.MailboxID(name), contract.ResyncUpdate, since, nil); err != nil {
		return fmt.Errorf("read mailbox %q again: %w", name, err)
	}
	return nil
}

// DeadLetters retries or drops dead letters of a mailbox: update is contract.RetryDeadUpdate or DropDeadUpdate.
func (c *Client) DeadLetters(ctx context.Context, name, update string, choice contract.DeadLetterChoice) (contract.DeadLetterAnswer, error) {
	var answer contract.DeadLetterAnswer
	if err := c.update(ctx, contract.MailboxID(name), update, choice, &answer); err != nil {
		return answer, fmt.Errorf("%s of mailbox %q: %w", update, name, err)
	}
	return answer, nil
}

// Mailboxes returns the names of all mailboxes.
func (c *Client) Mailboxes(ctx context.Context) ([]string, error) {
	var names []string
	query := "WorkflowType = " + Literal(contract.MailboxWorkflow) + " AND ExecutionStatus = 'Running'"
	err := c.visit(ctx, query, 100_000, func(e *execution) bool {
		names = append(names, e.GetExecution().GetWorkflowId()[len(contract.MailboxID("")):])
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("list mailboxes: %w", err)
	}
	return names, nil
}

// Mailbox returns a mailbox and what its watcher last told of its connection.
func (c *Client) Mailbox(ctx context.Context, name string) (Mailbox, error) {
	m := Mailbox{Name: name}
	id := contract.MailboxID(name)
	if err := c.query(ctx, id, contract.MailboxQuery, &m.MailboxState); err != nil {
		if errors.Is(err, ErrNotFound) {
			err = fmt.Errorf("%w (add it with `starter mailbox add %s --host ...`)", ErrNotFound, name)
		}
		return m, fmt.Errorf("read mailbox %q: %w", name, err)
	}
	d, err := c.Temporal.DescribeWorkflowExecution(ctx, id, "")
	if err != nil {
		return m, fmt.Errorf("read watcher of mailbox %q: %w", name, readable(err))
	}
	if d.GetWorkflowExecutionInfo().GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return m, fmt.Errorf("mailbox %q was removed: %w", name, ErrNotFound)
	}
	for _, a := range d.GetPendingActivities() {
		switch a.GetActivityType().GetName() {
		case contract.WatchActivity: // of a run from before mailboxes shared watchers
			if err := heartbeat(a, &m.Watch); err != nil {
				return m, fmt.Errorf("read heartbeat of mailbox %q: %w", name, err)
			}
		case contract.DeliverActivity:
			if f := a.GetLastFailure(); f != nil {
				m.Cause = "mail waits: " + f.GetMessage()
			}
		}
	}
	watched, err := c.watched(ctx, contract.WatchersID(name))
	if err != nil {
		return m, err
	}
	for _, w := range watched {
		if w.Mailbox == name {
			m.Watch = w
		}
	}
	m.judge(time.Now())
	return m, nil
}

// watched is what the watcher of a group last told of its mailboxes.
func (c *Client) watched(ctx context.Context, group string) (list []contract.WatchStatus, err error) {
	d, err := c.Temporal.DescribeWorkflowExecution(ctx, group, "")
	if err = readable(err); errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", group, err)
	}
	for _, a := range d.GetPendingActivities() {
		if err := heartbeat(a, &list); err != nil {
			return nil, fmt.Errorf("read heartbeat of %s: %w", group, err)
		}
	}
	return list, nil
}

// heartbeat reads what an activity last told; to stays as it is when it told nothing.
func heartbeat(a *workflow.PendingActivityInfo, to any) error {
	p := a.GetHeartbeatDetails().GetPayloads()
	if len(p) == 0 {
		return nil
	}
	return converter.GetDefaultDataConverter().FromPayload(p[0], to)
}

// judge derives the state of the connection from what the watcher told and how long ago.
func (m *Mailbox) judge(now time.Time) {
	m.Connection = "connecting"
	switch {
	case m.Paused:
		m.Connection = "paused"
	case m.Stopped != nil:
		m.Connection = "stopped"
		again := remedies{name: m.Name}.resume()
		if l := m.Config.Listener; l != nil { // both read it: applications, and operators of theirs
			again = remedies{listener: l.ID}.resume() + ", or " + again
		}
		m.Cause = words(m.Stopped) + "; mend it, then " + again
	case m.Watch.Connected && now.Sub(m.Watch.LastAlive) > m.staleAfter():
		m.Connection = "stale"
	case m.Watch.Connected:
		m.Connection, m.Cause = "connected", cmp.Or(m.Cause, m.Watch.Cause)
	case m.Watch.Cause != "":
		m.Connection, m.Cause = "error", m.Watch.Cause
	}
}
