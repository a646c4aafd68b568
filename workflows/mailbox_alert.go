package workflows

import (
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
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
	switch r.Event {
	case contract.MailboxStopped:
		stopped := r.Error
		stopped.At = workflow.Now(ctx)
		m.Stopped = &stopped
		m.Changes++
		workflow.SetCurrentDetails(ctx, "**stopped: "+stopped.Message+"**")
		m.alarm(ctx, r)
		return true, nil
	case contract.TokenRefused:
		// A watcher that took over from another tells it again.
		if m.Alarm == nil || m.Alarm.Event != r.Event || m.Alarm.Changes != m.Changes {
			m.alarm(ctx, r)
		}
	case contract.MailboxAvailable:
		if m.Alarm != nil {
			m.Alarm = nil
			m.alert(ctx, r)
		}
	}
	return false, nil
}

// tryAgain has a mailbox watched that errors stopped.
func (m *mailbox) tryAgain(ctx workflow.Context) {
	if m.Stopped != nil {
		m.Stopped = nil
		workflow.SetCurrentDetails(ctx, "")
	}
}

// alarm alerts, and has the watcher tell when the account works again.
func (m *mailbox) alarm(ctx workflow.Context, r contract.MailboxReport) {
	m.Alarm = &contract.MailboxAlarm{Event: r.Event, Changes: m.Changes}
	m.alert(ctx, r)
}

// alert has triggers and webhooks told. Its id names the run, since a mailbox of the same name may have been removed.
func (m *mailbox) alert(ctx workflow.Context, r contract.MailboxReport) {
	m.Alerted++
	a := contract.MailboxAlert{
		ID:    fmt.Sprintf("%s/%d", workflow.GetInfo(ctx).WorkflowExecution.RunID, m.Alerted),
		Event: r.Event, Address: m.Config.Address(), Error: r.Error, At: workflow.Now(ctx),
	}
	m.Alerts = append(m.Alerts, a)
	m.raise()
	// Each alert has a version of its own: a run that had one before there were rules has those of later ones asked.
	if r.Event != contract.MailboxAvailable && workflow.GetVersion(ctx, fmt.Sprintf("alert-rules-%d", m.Alerted), workflow.DefaultVersion, 1) == 1 {
		m.Unruled = append(m.Unruled, m.asAlert(a))
		m.rule(m.Unruled[len(m.Unruled)-1])
	}
}

// asAlert is what stops the mailbox as rules see it.
func (m *mailbox) asAlert(a contract.MailboxAlert) contract.Alert {
	status := "stopped"
	if a.Event == contract.TokenRefused {
		status = "refused"
	}
	return contract.Alert{
		ID: "mailbox/" + a.ID, Source: contract.AlertMailbox, At: a.At, ProcessID: contract.MailboxID(m.Config.Name), ProcessName: "mailbox " + m.Config.Name,
		Status: status, FaultName: a.Error.Class, FaultDetails: contract.FaultDetails{Code: a.Event, Reason: a.Error.Message, Details: a.Address},
	}
}

// ruleFor is how long the rules are asked about an alert.
const ruleFor = 24 * time.Hour

// rule has the rules of alerts take one, beside everything else: without a worker for them, or when they cannot be read, the mailbox's triggers
// and webhooks are told all the same. The next run asks again what this one has no time for.
func (m *mailbox) rule(a contract.Alert) {
	workflow.Go(m.work, func(ctx workflow.Context) {
		err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			TaskQueue:              contract.AlertQueue,
			ScheduleToCloseTimeout: ruleFor,
			StartToCloseTimeout:    time.Minute,
			RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: time.Minute},
			Summary:                "alert: " + a.FaultDetails.Code,
		}), contract.AlertActivity, a).Get(ctx, nil)
		if temporal.IsCanceledError(err) {
			return
		}
		if err != nil {
			workflow.GetLogger(ctx).Error("the rules were not asked about an alert", "mailbox", m.Config.Name, "alert", a.ID, "error", err)
		}
		m.Unruled = slices.DeleteFunc(m.Unruled, func(other contract.Alert) bool { return other.ID == a.ID })
	})
}

// raise raises the alerts one after the other.
func (m *mailbox) raise() {
	if m.raising || len(m.Alerts) == 0 {
		return
	}
	m.raising = true
	workflow.Go(m.work, func(ctx workflow.Context) {
		for ctx.Err() == nil && len(m.Alerts) > 0 && m.raiseFirst(ctx) {
		}
		m.raising = false
	})
}

// raiseFirst tells the triggers of an alert, and leaves the webhooks to the queue of what is pending: it is retried and given up like
// mail. It reports whether to go on.
func (m *mailbox) raiseFirst(ctx workflow.Context) bool {
	a := m.Alerts[0]
	var result contract.RaiseResult
	err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           contract.SteeringQueue,
		StartToCloseTimeout: 5 * time.Minute,
		HeartbeatTimeout:    contract.CallHeartbeat,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: time.Minute},
		Summary:             a.Event,
	}), contract.RaiseActivity, contract.RaiseInput{Mailbox: m.Config.Name, Alert: a}).Get(ctx, &result)
	if err != nil {
		return workflow.Sleep(ctx, time.Minute) == nil // cancelled, when this run ends; no retry ends otherwise
	}
	m.Alerts = m.Alerts[1:]
	for _, name := range result.Webhooks {
		m.Pending = append(m.Pending, contract.Pending{Webhook: name, Mail: contract.MailRef{ID: a.ID}, Alert: &a, Since: workflow.Now(ctx)})
	}
	for _, reason := range result.Failed {
		m.bury(contract.DeadLetter{ID: a.ID, Subject: a.Event, Reason: reason, At: workflow.Now(ctx)})
	}
	m.offer()
	return true
}
