package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors/trigger"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/webhook"
)

// postTimeout is how long a webhook may take to answer.
const postTimeout = 10 * time.Second

// subscriber is a webhook during one batch.
type subscriber struct {
	webhook.Subscription
	secrets []mail.Secret
	behind  atomic.Bool // it failed, or mail waits for it already: the rest of the batch waits, too
}

// subscribers are the webhooks of a mailbox. One whose secret is missing is behind until the secret is there.
func (d *Deliverer) subscribers(ctx context.Context, mailbox string, behind []string) ([]*subscriber, error) {
	entries, err := d.client.Webhooks(ctx, mailbox)
	if err != nil {
		return nil, err
	}
	var list []*subscriber
	for _, e := range entries {
		s, err := webhook.Parse(e.Value)
		if err != nil {
			return nil, err
		}
		one := &subscriber{Subscription: s}
		one.behind.Store(slices.Contains(behind, s.Name))
		if one.secrets, err = secretsOf(s); err != nil {
			activity.GetLogger(ctx).Warn("a webhook cannot be told of mail", "webhook", s.Name, "mailbox", mailbox, "error", err)
			one.behind.Store(true)
		}
		list = append(list, one)
	}
	return list, nil
}

func secretsOf(s webhook.Subscription) (secrets []mail.Secret, err error) {
	for _, reference := range s.Secrets {
		secret, err := Secret(reference)
		if err != nil {
			return nil, fmt.Errorf("webhook %q: %w", s.Name, err)
		}
		secrets = append(secrets, secret)
	}
	return secrets, nil
}

// tell posts a mail to the webhooks that need no order. What they do not accept at once stays pending, so that one that is down holds
// nobody up.
func (v *delivery) tell(ctx context.Context, l *letter, outcome *contract.MailOutcome) {
	outcome.Told = len(v.webhooks) > 0
	for _, s := range v.webhooks {
		if !s.Ordered && !v.post(ctx, s, l) {
			outcome.Pending = append(outcome.Pending, s.Name)
		}
	}
}

// ordered tells whether a webhook wants order.
func (v *delivery) ordered() bool {
	return slices.ContainsFunc(v.webhooks, func(s *subscriber) bool { return s.Ordered })
}

// postInOrder posts a batch to the webhooks that want order.
func (v *delivery) postInOrder(ctx context.Context, letters []*letter, outcomes []contract.MailOutcome) {
	for _, s := range v.webhooks {
		for i, l := range letters {
			if s.Ordered && l != nil && !v.post(ctx, s, l) {
				outcomes[i].Pending = append(outcomes[i].Pending, s.Name)
			}
		}
	}
}

// post reports whether a webhook accepted a mail.
func (v *delivery) post(ctx context.Context, s *subscriber, l *letter) bool {
	if s.behind.Load() {
		return false
	}
	err := v.Deliverer.post(ctx, v.Mailbox, s, l)
	if err != nil {
		s.behind.Store(true)
		activity.GetLogger(ctx).Warn("a webhook did not accept a mail; it is tried again", "webhook", s.Name, "mailbox", v.Mailbox, "error", err)
	}
	return err == nil
}

func (d *Deliverer) post(ctx context.Context, mailbox string, s *subscriber, l *letter) error {
	delivery, err := s.Delivery(webhook.Mail{
		ID: hash(s.Name, mailbox, l.DedupKey), Mailbox: mailbox, Event: cmp.Or(l.event, trigger.EmailReceived), MessageID: l.MessageID, Subject: l.Subject,
		From: addresses(l.From), To: addresses(l.To), Cc: addresses(l.Cc), Body: l.Text, HTML: l.HTML, Date: l.Date,
		Arrived: l.ref.InternalDate, Outputs: l.values,
	})
	if err != nil {
		return err
	}
	err = d.poster.Post(ctx, s.URL, s.secrets, delivery, time.Now())
	d.posts.WithLabelValues(postResult(err)).Inc()
	return err
}

func postResult(err error) string {
	if err == nil {
		return "accepted"
	}
	if _, answered := errors.AsType[*webhook.Refusal](err); answered {
		return "refused"
	}
	return "failed"
}

// Post offers mails to a webhook that has not accepted them yet, in order, until it refuses one. It fails, to be tried again later,
// when that is the first; what has waited for too long is given up.
func (d *Deliverer) Post(ctx context.Context, in contract.PostInput) (contract.PostResult, error) {
	defer keepAlive(ctx, nil)()
	var result contract.PostResult
	all, err := d.subscribers(ctx, in.Mailbox, nil)
	if err != nil {
		return result, err
	}
	i := slices.IndexFunc(all, func(s *subscriber) bool { return s.Name == in.Webhook })
	if i < 0 { // removed: nobody wants to be told any more
		return contract.PostResult{Settled: len(in.Pending)}, nil
	}
	s := all[i]
	for _, p := range in.Pending {
		l, err := d.open(ctx, p.Mail)
		if err == nil {
			err = d.post(ctx, in.Mailbox, s, l)
		}
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return result, ctx.Err()
		case time.Since(p.Since) > s.GiveUp || errors.Is(err, fs.ErrNotExist) && activity.GetInfo(ctx).Attempt >= triesPerMail:
			dead := contract.DeadLetter{
				Folder: p.Folder, ID: p.Mail.ID, Size: p.Mail.Size, Blob: p.Mail.Blob, At: time.Now(), Webhook: s.Name,
				Reason: fmt.Sprintf("webhook %s: %v (tried for %s)", s.Name, err, time.Since(p.Since).Round(time.Second)),
			}
			if l != nil {
				dead.MessageID, dead.From, dead.Subject = l.MessageID, addresses(l.From), l.Subject
			}
			result.Dead = append(result.Dead, dead)
		case result.Settled > 0:
			return result, nil
		default:
			return result, postError(s.Name, err)
		}
		result.Settled++
	}
	return result, nil
}

// postError has the next try wait for as long as the webhook asks.
func postError(name string, err error) error {
	var options temporal.ApplicationErrorOptions
	if refusal, ok := errors.AsType[*webhook.Refusal](err); ok {
		options.NextRetryDelay = refusal.After
	}
	return temporal.NewApplicationErrorWithOptions(fmt.Sprintf("webhook %s: %v", name, err), "webhook", options)
}
