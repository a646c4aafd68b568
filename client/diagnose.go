package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"

	"github.com/waybill-io/waybill/activities/contract"
)

// Finding is the outcome of one check of a mailbox. A check that cannot be made is not OK.
type Finding struct {
	Check string `json:"check"`
	OK    bool   `json:"ok"`
	Cause string `json:"cause,omitempty"` // what was found
	Cure  string `json:"cure,omitempty"`  // what to do, when it is not OK
}

// recentPoll is how long ago a worker that is there may have asked for work: it does so every minute.
const recentPoll = 90 * time.Second

// Diagnose makes every check of a mailbox by itself, so that one which fails hides no other.
func (c *Client) Diagnose(ctx context.Context, name string) []Finding {
	m, watched := c.Mailbox(ctx, name)
	findings := []Finding{
		c.diagnoseTemporal(ctx),
		c.diagnoseWorkers(ctx, "workers for mailboxes", contract.AccountQueue, "mailbox"), // one that holds all it may asks for no more mailboxes
		c.diagnoseWorkers(ctx, "workers for processes", contract.SteeringQueue, "process"),
		finding("watched", watched, "add it with `starter mailbox add "+name+"`"),
	}
	if watched != nil {
		return findings
	}
	findings = append(findings, c.diagnoseConnection(m), c.diagnoseLogIn(ctx, m), c.diagnoseConsumers(ctx, name), diagnosePending(m))
	if len(m.DeadLetters) > 0 {
		findings = append(findings, Finding{
			Check: "dead letters", Cause: fmt.Sprintf("%d, the last: %s", len(m.DeadLetters), m.DeadLetters[len(m.DeadLetters)-1].Reason),
			Cure: "see `starter deadletter list " + name + "`; mend the cause, then `starter deadletter retry " + name + " --all`",
		})
	}
	return findings
}

func finding(check string, err error, cure string) Finding {
	if err != nil {
		return Finding{Check: check, Cause: err.Error(), Cure: cure}
	}
	return Finding{Check: check, OK: true}
}

func (c *Client) diagnoseTemporal(ctx context.Context) Finding {
	_, err := c.Temporal.CheckHealth(ctx, nil)
	return finding("Temporal answers", err, "is the server up, and is its address right?")
}

func (c *Client) diagnoseWorkers(ctx context.Context, check, queue, role string) Finding {
	d, err := c.Temporal.DescribeTaskQueue(ctx, queue, enums.TASK_QUEUE_TYPE_ACTIVITY)
	count := 0
	for _, p := range d.GetPollers() {
		if time.Since(p.GetLastAccessTime().AsTime()) < recentPoll {
			count++
		}
	}
	if err == nil && count == 0 {
		err = errors.New("none has asked for work of late")
	}
	f := finding(check, err, "start a worker with the role "+role)
	if f.OK {
		f.Cause = fmt.Sprintf("%d", count)
	}
	return f
}

func (c *Client) diagnoseConnection(m Mailbox) Finding {
	f := Finding{Check: "connection", OK: m.Connection == "connected", Cause: m.Connection}
	if m.Cause != "" {
		f.Cause += ": " + m.Cause
	}
	switch m.Connection {
	case "stopped":
		f.Cure = "mend what the cause says, then `starter mailbox resume " + m.Name + "`"
	case "paused":
		f.Cure = "`starter mailbox resume " + m.Name + "`"
	case "connected":
	case "connecting", "stale":
		f.Cure = "see the other checks; if they are OK, no worker has room: start one more with the role mailbox, or with a higher --mailbox-groups"
	default:
		f.Cure = "see the other checks; it is tried again all the time"
	}
	return f
}

func (c *Client) diagnoseLogIn(ctx context.Context, m Mailbox) Finding {
	result, err := c.CheckMailbox(ctx, m.Config)
	return judgeLogIn(m, result, err)
}

func judgeLogIn(m Mailbox, result contract.CheckResult, err error) Finding {
	if err == nil && !result.OK {
		err = errors.New(result.Message)
	}
	cure := "mend the secret " + reference(m.Config.Password) + ", the user or the server, as the cause says"
	if len(result.Folders) > 0 { // it has logged in
		cure = fmt.Sprintf("`starter mailbox add %s` with the flags that it has, and --folder for each of its folders; the account has %s", m.Name, some(result.Folders))
	}
	return finding("log-in from a worker", err, cure)
}

// some lists the first of many.
func some(names []string) string {
	const limit = 20
	if len(names) > limit {
		return fmt.Sprintf("%s and %d others", strings.Join(names[:limit], ", "), len(names)-limit)
	}
	return strings.Join(names, ", ")
}

// reference names a secret, as far as it is a name.
func reference(secret string) string {
	if strings.HasPrefix(secret, "sealed:") {
		return "(sealed)"
	}
	return secret
}

func (c *Client) diagnoseConsumers(ctx context.Context, name string) Finding {
	triggers, err := c.Triggers(ctx, contract.EventSource(name, "EMAIL_RECEIVED"))
	webhooks, failed := c.Webhooks(ctx, name)
	err = errors.Join(err, failed)
	if err == nil && len(triggers)+len(webhooks) == 0 {
		err = errors.New("nobody wants its mail: no trigger is deployed, and no webhook is added")
	}
	f := finding("who gets its mail", err, "`starter deploy`, or `starter webhook add`")
	if f.OK {
		f.Cause = fmt.Sprintf("%d triggers, %d webhooks", len(triggers), len(webhooks))
	}
	return f
}

func diagnosePending(m Mailbox) Finding {
	if len(m.Pending) == 0 {
		return Finding{Check: "webhooks accept", OK: true}
	}
	p, waiting := m.Pending[0], 0
	for _, p := range m.Pending {
		waiting += p.Count()
	}
	return Finding{
		Check: "webhooks accept", Cause: fmt.Sprintf("%d deliveries wait, the first for %s since %s", waiting, p.Webhook, p.Since.UTC().Format(time.RFC3339)),
		Cure: "is the receiver up? It is tried again all the time",
	}
}
