package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/api/enums/v1"
	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors/trigger"
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

// DiagnoseOptions say how a mailbox is diagnosed.
type DiagnoseOptions struct {
	// TestMessage has a mail sent from the mailbox to itself, and is how long it is waited for; 0: none is sent.
	TestMessage time.Duration
	// Listener is the id by which an application knows the mailbox that asks over HTTP: cures then name calls of the API of listeners
	// and not commands.
	Listener string
}

// Diagnose makes every check of a mailbox by itself, so that one which fails hides no other.
func (c *Client) Diagnose(ctx context.Context, name string, o DiagnoseOptions) []Finding {
	m, watched := c.Mailbox(ctx, name)
	r := remedies{name: name, listener: o.Listener}
	findings := []Finding{
		c.diagnoseTemporal(ctx),
		c.diagnoseWorkers(ctx, "workers for mailboxes", contract.AccountQueue, "mailbox"), // one that holds all it may asks for no more mailboxes
		c.diagnoseWorkers(ctx, "workers for processes", contract.SteeringQueue, "process"),
		r.watched(watched),
	}
	if watched != nil {
		return findings
	}
	webhooks, err := c.Webhooks(ctx, name)
	findings = append(findings, r.connection(m))
	// What workers answer may take them long, so they are asked at once.
	asked := []func() []Finding{
		func() []Finding {
			result, err := c.CheckMailbox(ctx, m.Config)
			return append([]Finding{r.logIn(m, result, err)}, r.token(m, result, err, time.Now())...)
		},
		func() []Finding { return []Finding{c.diagnoseConsumers(ctx, r, webhooks, err)} },
	}
	for _, w := range webhooks {
		asked = append(asked, func() []Finding {
			check, err := c.CheckWebhook(ctx, contract.CheckWebhook{Mailbox: name, Webhook: w.ID})
			return r.webhook(w.ID, check, err)
		})
	}
	asked = append(asked, func() []Finding { return []Finding{r.pending(m)} })
	if o.TestMessage > 0 {
		asked = append(asked, func() []Finding { return []Finding{c.diagnoseByTest(ctx, r, m, o.TestMessage)} })
	}
	return append(append(findings, together(asked)...), r.dead(m)...)
}

// askedAtOnce bounds what one diagnosis, or list, asks of workers at a time.
const askedAtOnce = 16

// together makes checks at the same time and returns what they found in their order.
func together(checks []func() []Finding) []Finding {
	found := make([][]Finding, len(checks))
	var group errgroup.Group
	group.SetLimit(askedAtOnce)
	for i, check := range checks {
		group.Go(func() error {
			found[i] = check()
			return nil
		})
	}
	_ = group.Wait() // its functions return nil
	return slices.Concat(found...)
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

func (c *Client) diagnoseConsumers(ctx context.Context, r remedies, webhooks []contract.RegistryEntry, failed error) Finding {
	triggers, err := c.Triggers(ctx, contract.EventSource(r.name, trigger.EmailReceived))
	err = errors.Join(err, failed)
	if err == nil && len(triggers)+len(webhooks) == 0 {
		err = errors.New("nobody wants its mail: no trigger is deployed, and no webhook is added")
	}
	f := finding("who gets its mail", err, r.either("`starter deploy`, or `starter webhook add`", "`PUT /api/listeners` with its credentials and a BpmEndpoint"))
	if f.OK {
		f.Cause = fmt.Sprintf("%d triggers, %d webhooks", len(triggers), len(webhooks))
	}
	return f
}

// diagnoseByTest sends a mail from the mailbox to itself. One that is polled may take as much longer.
func (c *Client) diagnoseByTest(ctx context.Context, r remedies, m Mailbox, wait time.Duration) Finding {
	const check = "test message"
	if m.Connection != "connected" {
		return Finding{Check: check, Cause: "cannot be made, because the mailbox is not connected: nobody would notice the mail", Cure: "see the check connection"}
	}
	if !m.Watch.Idle {
		wait += time.Duration(m.Config.PollMS) * time.Millisecond
	}
	result, err := c.TestMailbox(ctx, contract.TestMailbox{Mailbox: m.Name, Wait: wait})
	if err != nil {
		return finding(check, err, "see the other checks")
	}
	return r.testMessage(result, wait)
}
