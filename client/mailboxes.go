package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/converter"

	"github.com/waybill-io/waybill/activities/contract"
)

// Mailbox is a mailbox with the state of its connection.
type Mailbox struct {
	contract.MailboxState
	Name       string               `json:"name"`
	Connection string               `json:"connection"`      // connected, stale, connecting, error, paused
	Cause      string               `json:"cause,omitempty"` // why it is not connected, or why mail waits
	Watch      contract.WatchStatus `json:"watch"`           // what the watcher last told
}

// staleAfter is how long a connection may go without a proof of life before it counts as stale: an IDLE is renewed, or
// the server is polled, and so proved. Heartbeats tell of it with a delay.
func (m *Mailbox) staleAfter() time.Duration {
	between := cmp.Or(m.Config.IdleMS, (4 * time.Minute).Milliseconds())
	if !m.Watch.Idle {
		between = m.Config.PollMS
	}
	return time.Duration(between+cmp.Or(m.Config.TimeoutMS, (30*time.Second).Milliseconds()))*time.Millisecond + 30*time.Second
}

// ConfigureMailbox starts watching a mailbox, or changes how one is watched.
func (c *Client) ConfigureMailbox(ctx context.Context, config contract.MailboxConfig) error {
	err := c.updateWithStart(ctx, contract.MailboxID(config.Name), contract.MailboxWorkflow, contract.ConfigureUpdate,
		contract.MailboxState{Config: config}, config, nil)
	if err != nil {
		return fmt.Errorf("configure mailbox %q: %w", config.Name, err)
	}
	return nil
}

// ChangeMailbox sends one of contract.PauseUpdate, ResumeUpdate and RemoveMailboxUpdate.
func (c *Client) ChangeMailbox(ctx context.Context, name, update string) error {
	if err := c.update(ctx, contract.MailboxID(name), update, nil, nil); err != nil {
		return fmt.Errorf("%s mailbox %q: %w", update, name, err)
	}
	return nil
}

// Mailboxes returns the names of all mailboxes.
func (c *Client) Mailboxes(ctx context.Context) ([]string, error) {
	var names []string
	query := "WorkflowType = " + quote(contract.MailboxWorkflow) + " AND ExecutionStatus = 'Running'"
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
	m.Connection = "connecting"
	for _, a := range d.GetPendingActivities() {
		switch a.GetActivityType().GetName() {
		case contract.WatchActivity:
			if p := a.GetHeartbeatDetails().GetPayloads(); len(p) > 0 {
				if err := converter.GetDefaultDataConverter().FromPayload(p[0], &m.Watch); err != nil {
					return m, fmt.Errorf("read heartbeat of mailbox %q: %w", name, err)
				}
			}
		case contract.DeliverActivity:
			if f := a.GetLastFailure(); f != nil {
				m.Cause = "mail waits: " + f.GetMessage()
			}
		}
	}
	m.judge(time.Now())
	return m, nil
}

// judge derives the state of the connection from what the watcher told and how long ago.
func (m *Mailbox) judge(now time.Time) {
	switch {
	case m.Paused:
		m.Connection = "paused"
	case m.Watch.Connected && now.Sub(m.Watch.LastAlive) > m.staleAfter():
		m.Connection = "stale"
	case m.Watch.Connected:
		m.Connection = "connected"
	case m.Watch.Cause != "":
		m.Connection, m.Cause = "error", m.Watch.Cause
	}
}
