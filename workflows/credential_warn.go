package workflows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
)

const day = 24 * time.Hour

// What is told of a credential.
const (
	expiring = "expiring"
	broken   = contract.AlertBroken
)

// tellFor is how long a warning is tried.
const tellFor = day

// maxOutbox bounds the warnings on their way; the oldest give way.
const maxOutbox = 16

// warningAt is when people are warned of the end of the refresh token, so many days before; zero: never, since it never lasted longer, or
// not so much longer that the next refresh, which may move the end, comes before.
func (c *credential) warningAt(days int) time.Time {
	t := c.Tokens
	if t == nil || t.RefreshExpires.IsZero() {
		return time.Time{}
	}
	next := min(max(t.Expires.Sub(t.Issued), sameEnd), day)
	if t.RefreshExpires.Sub(t.RefreshIssued) <= time.Duration(days)*day+next {
		return time.Time{}
	}
	return t.RefreshExpires.Add(-time.Duration(days) * day)
}

// nextWarning is when the next warning is due.
func (c *credential) nextWarning(now time.Time) (next time.Time) {
	for _, days := range contract.CredentialWarnings {
		at := c.warningAt(days)
		if at.After(now) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next
}

// warn tells people that the refresh token ends soon, once for each of the warnings. When several are due only the last is told. A token that
// does not work any more was told of.
func (c *credential) warn(ctx workflow.Context) {
	now := workflow.Now(ctx)
	if c.Told != "" || c.Tokens == nil || !now.Before(c.Tokens.RefreshExpires) {
		return
	}
	due := 0
	for _, days := range contract.CredentialWarnings {
		if at := c.warningAt(days); !at.IsZero() && !at.After(now) {
			due = days
		}
	}
	if due == 0 || c.Warned != 0 && c.Warned <= due {
		return
	}
	expires := c.Tokens.RefreshExpires
	c.Warned, c.WarnedEnd = due, expires
	text := fmt.Sprintf("its refresh token ends at %s, in %d days; authorize again", expires.UTC().Format(time.RFC3339), due)
	c.tell(now, fmt.Sprintf("ends-%s-%d", expires.UTC().Format("20060102T150405"), due), expiring, due, text)
}

// tellBroken tells people that there are no new tokens.
func (c *credential) tellBroken(now time.Time) {
	c.Broken++
	c.tell(now, fmt.Sprintf("broken-%d-%s", c.Broken, now.UTC().Format("20060102T150405")), broken, 0, c.Problem.Message)
}

// tell puts a warning into the outbox, by both ways: as a mail to those whom the credential names, and as an alert for the rules.
func (c *credential) tell(now time.Time, key, status string, days int, problem string) {
	name := c.Config.Name
	data := contract.Variables{"credential": name, "user": c.user(), "days": days}
	if status == broken {
		data["problem"] = problem // without one the mail speaks of the days that are left
	}
	if status == expiring || c.Problem.Kind == contract.ProblemConsent {
		data["command"] = "starter credential authorize " + name // no link: one lets in whoever opens it first, for an hour
	}
	if c.Tokens != nil && !c.Tokens.RefreshExpires.IsZero() {
		data["expires"] = c.Tokens.RefreshExpires.UTC().Format(time.RFC3339)
	}
	id := contract.CredentialID(name) + "/" + key
	if len(c.Config.Notify)+len(c.Config.NotifyUsers) > 0 {
		c.put(now, contract.CredentialMail{Notice: &contract.Notice{
			Key: id, Tenant: c.Config.MailTenant, Template: contract.TemplateCredential, To: c.Config.Notify, Users: c.Config.NotifyUsers, Data: data,
		}})
	}
	c.put(now, contract.CredentialMail{Alert: &contract.Alert{
		ID: id, Source: contract.AlertCredential, At: now, Tenant: c.Config.MailTenant, ProcessID: contract.CredentialID(name), ProcessName: name,
		Status: status, FaultName: "credential-" + status, FaultDetails: contract.FaultDetails{Reason: problem}, Initiator: c.user(),
	}})
}

func (c *credential) user() string {
	if c.Tokens != nil && c.Tokens.User != "" {
		return c.Tokens.User
	}
	return c.Config.User
}

func (c *credential) put(now time.Time, m contract.CredentialMail) {
	m.Until = now.Add(tellFor)
	for _, other := range c.Outbox {
		m.ID = max(m.ID, other.ID)
	}
	m.ID++
	c.Outbox = appendAtMost(c.Outbox, m, maxOutbox)
	c.changes++
}

// send has every warning delivered, beside everything else: nothing waits for a mail server that is down, or for a queue that nobody polls.
func (c *credential) send(ctx workflow.Context) {
	for _, m := range c.Outbox {
		if c.sending[m.ID] {
			continue
		}
		c.sending[m.ID] = true
		c.busy++
		workflow.Go(c.work, func(ctx workflow.Context) { c.deliver(ctx, m) })
	}
}

// deliver sends one warning. One that this run has no time for is left to the next.
func (c *credential) deliver(ctx workflow.Context, m contract.CredentialMail) {
	defer func() { c.busy--; delete(c.sending, m.ID) }()
	queue, name, input := contract.NoticeQueue, contract.NotifyActivity, any(m.Notice)
	if m.Alert != nil {
		queue, name, input = contract.AlertQueue, contract.AlertActivity, m.Alert
	}
	var err error
	var what contract.Notified // of an alert: nothing, the rules have it
	if left := m.Until.Sub(workflow.Now(ctx)); left > 0 {
		err = workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			TaskQueue: queue, ScheduleToCloseTimeout: left, StartToCloseTimeout: 5 * time.Minute,
			RetryPolicy: &temporal.RetryPolicy{InitialInterval: 5 * time.Second, MaximumInterval: 10 * time.Minute},
		}), name, input).Get(ctx, &what)
	}
	if temporal.IsCanceledError(err) {
		return
	}
	if c.Unsent == nil {
		c.Unsent = map[string]string{}
	}
	c.Unsent[queue] = undelivered(what)
	if err != nil {
		c.Unsent[queue] = fmt.Sprintf("a warning by %s did not go out: %s", queue, inWordsOr(err, "no worker took it in time"))
	}
	c.Outbox = slices.DeleteFunc(c.Outbox, func(other contract.CredentialMail) bool { return other.ID == m.ID })
}

// undelivered says whom a mail did not reach, and why; "": everybody got it.
func undelivered(n contract.Notified) string {
	var why []string
	if n.Suppressed != "" {
		why = append(why, n.Suppressed)
	}
	if len(n.Unknown) > 0 {
		why = append(why, "no address is known of "+strings.Join(n.Unknown, ", "))
	}
	if len(n.Refused) > 0 {
		why = append(why, "the mail server takes none for "+strings.Join(n.Refused, ", "))
	}
	if len(why) == 0 {
		return ""
	}
	return "a warning by mail did not reach everybody: " + strings.Join(why, "; ")
}

// unsent is what is told of warnings that did not arrive.
func (c *credential) unsent() string {
	var all []string
	for _, queue := range []string{contract.NoticeQueue, contract.AlertQueue} {
		if c.Unsent[queue] != "" {
			all = append(all, c.Unsent[queue])
		}
	}
	return strings.Join(all, "; ")
}
