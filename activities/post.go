package activities

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/webhook"
)

// postTimeout is how long a webhook may take to answer.
const postTimeout = 10 * time.Second

// slowPost is how long a post may take that a batch waits for: after a slower one the rest of the batch is posted apart from it.
const slowPost = 2 * time.Second

// subscriber is a webhook during one batch.
type subscriber struct {
	webhook.Subscription
	added   time.Time // what was offered before that was offered to another of its name, which is gone
	secrets []mail.Secret
	missing error       // a secret cannot be had: nothing is posted, and nothing unsigned
	behind  atomic.Bool // it failed, or mail waits for it already: the rest of the batch waits, too
}

// subscribers are the webhooks of a mailbox.
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
		one := &subscriber{Subscription: s, added: e.Added}
		one.behind.Store(slices.Contains(behind, s.Name))
		one.secrets, one.missing = secretsOf(s)
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

// tell posts a batch to the webhooks, each by itself: in order to those that want it, else some at a time. What one does not accept at
// once stays pending, so that one that is down or slow holds nobody up.
func (v *delivery) tell(ctx context.Context, letters []*letter, outcomes []contract.MailOutcome) {
	for _, s := range v.webhooks {
		failed := make([]error, len(letters))
		var group errgroup.Group
		group.SetLimit(deliveries)
		if s.Ordered {
			group.SetLimit(1)
		}
		for i, l := range letters {
			if l != nil {
				group.Go(func() error {
					failed[i] = v.post(ctx, s, l)
					return nil
				})
			}
		}
		_ = group.Wait() // its functions return nil
		for i, l := range letters {
			if l != nil && failed[i] != nil {
				outcomes[i].Pending = append(outcomes[i].Pending, s.Name)
			}
			if s.refused(failed[i]) {
				outcomes[i].Refused = append(outcomes[i].Refused, s.Name)
			}
			outcomes[i].Told = outcomes[i].Told || l != nil
		}
	}
}

// errBehind tells that a webhook was not tried.
var errBehind = errors.New("mail waits for it already")

// refused tells whether a webhook does not want one mail, and takes others all the same.
func (s *subscriber) refused(err error) bool {
	_, answered := errors.AsType[*webhook.Refusal](err)
	return answered && !s.Ordered
}

// post posts a mail unless the webhook is behind.
func (v *delivery) post(ctx context.Context, s *subscriber, l *letter) error {
	if s.behind.Load() {
		return errBehind
	}
	begun := time.Now()
	err := v.Deliverer.post(ctx, v.Mailbox, s, l)
	if err != nil && !s.refused(err) || time.Since(begun) > slowPost {
		s.behind.Store(true)
	}
	if err != nil {
		activity.GetLogger(ctx).Warn("a webhook did not accept a mail; it is tried again", "webhook", s.Name, "mailbox", v.Mailbox, "error", err)
	}
	return err
}

func (d *Deliverer) post(ctx context.Context, mailbox string, s *subscriber, l *letter) error {
	delivery, err := s.Delivery(l.told(s.Subscription, mailbox))
	if err != nil {
		return err
	}
	return d.send(ctx, s, delivery)
}

func (d *Deliverer) send(ctx context.Context, s *subscriber, delivery webhook.Delivery) error {
	if s.missing != nil {
		return s.missing
	}
	err := d.poster.Post(ctx, s.secrets, delivery, time.Now())
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

// Post offers mails to a webhook that has not accepted them yet, in order. It goes on behind one that is refused, unless the webhook wants
// order, and ends when the webhook does not answer. It fails, to be tried again later, when that was all it came to; what has waited for too
// long is given up.
func (d *Deliverer) Post(ctx context.Context, in contract.PostInput) (contract.PostResult, error) {
	defer keepAlive(ctx, nil)()
	var result contract.PostResult
	all, err := d.subscribers(ctx, in.Mailbox, nil)
	if err != nil {
		return result, err
	}
	i := slices.IndexFunc(all, func(s *subscriber) bool { return s.Name == in.Webhook })
	var failed error
	for n, p := range in.Pending {
		if i < 0 || p.Since.Before(all[i].added) { // removed: nobody wants to be told any more
			result.Settled = append(result.Settled, n)
			continue
		}
		var l *letter
		if p.Alert != nil {
			err = d.postAlert(ctx, in.Mailbox, all[i], *p.Alert)
		} else if l, err = read(ctx, d.files, p.Mail, measure); err == nil {
			err = d.post(ctx, in.Mailbox, all[i], l)
		}
		if ctx.Err() != nil {
			return result, ctx.Err()
		}
		given := err != nil && !in.Keep && time.Since(p.Since) > all[i].GiveUp
		if given {
			dead := contract.DeadLetter{
				Folder: p.Folder, ID: p.Mail.ID, Size: p.Mail.Size, Arrived: p.Mail.InternalDate, Blob: p.Mail.Blob, At: time.Now(), Webhook: in.Webhook,
				Reason: cut(fmt.Sprintf("webhook %s: %v (tried for %s)", in.Webhook, err, time.Since(p.Since).Round(time.Second)), maxCause),
			}
			l.describe(&dead)
			if p.Alert != nil {
				dead.Subject = p.Alert.Event
			}
			result.Dead = append(result.Dead, dead)
		}
		if err == nil || given {
			result.Settled = append(result.Settled, n)
			continue
		}
		if !all[i].refused(err) && !errors.Is(err, fs.ErrNotExist) {
			failed = err
			break
		}
		result.Refused = append(result.Refused, n)
		if refusal, ok := errors.AsType[*webhook.Refusal](err); ok {
			result.After = max(result.After, refusal.After)
		}
	}
	if len(result.Settled)+len(result.Refused) == 0 && failed != nil {
		return result, postError(in.Webhook, failed)
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
