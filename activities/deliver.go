package activities

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors/trigger"
	"github.com/waybill-io/waybill/mail/webhook"
)

const (
	// deliveries is how many mails of a batch are turned into work at a time.
	deliveries = 8
	// triesPerMail is how often a mail may fail for a reason that is not understood before it is dead.
	triesPerMail = 30
)

// Deliverer turns mail, alerts and other events into work.
type Deliverer struct {
	client   *client.Client
	files    *Files
	poster   *webhook.Poster
	answers  map[string]Answerer // by template
	triggers trigger.Cache
	*Metrics
}

// NewDeliverer returns the activities that deliver mail and other events. By answers, by the name of a template, the echo of a trigger answers
// its events; mail is answered by trigger.MailAnswerer.
func NewDeliverer(c *client.Client, files *Files, m *Metrics, answers map[string]Answerer) *Deliverer {
	return &Deliverer{client: c, files: files, poster: webhook.NewPoster(postTimeout), answers: answers, Metrics: m}
}

// delivery is one run of Deliver.
type delivery struct {
	*Deliverer
	contract.DeliverInput
	triggers []*trigger.Trigger // of EMAIL_RECEIVED
	webhooks []*subscriber
	tries    int // that failed before this one
}

// Deliver hands each mail to the process whose mail it answers, or else to the triggers of its mailbox, which start processes or
// publish messages; and webhooks are told. It may be repeated: a start is known by (trigger, mailbox, mail), so it happens once, and
// a webhook gets the same delivery id again. A mail that can never be handled is dead; the others of its batch are not held up. While
// nothing is deployed for the mailbox the mail waits.
func (d *Deliverer) Deliver(ctx context.Context, in contract.DeliverInput) (contract.DeliverResult, error) {
	v := &delivery{Deliverer: d, DeliverInput: in}
	if activity.HasHeartbeatDetails(ctx) {
		if err := activity.GetHeartbeatDetails(ctx, &v.tries); err != nil {
			return contract.DeliverResult{}, fmt.Errorf("read the tries of a delivery: %w", err)
		}
	}
	defer keepAlive(ctx, func() any { return v.tries })()
	defer since(d.delivered, time.Now())
	var err error
	if v.webhooks, err = d.subscribers(ctx, in.Mailbox, in.Behind); err != nil {
		return contract.DeliverResult{}, err
	}
	if v.triggers, err = d.readTriggers(ctx, in.Mailbox, trigger.EmailReceived); err != nil {
		return contract.DeliverResult{}, err
	}
	outcomes := make([]contract.MailOutcome, len(in.Mails))
	letters := make([]*letter, len(in.Mails))
	var group errgroup.Group // a mail that fails does not cancel the others, which are then known when the batch comes again
	group.SetLimit(deliveries)
	for i, ref := range in.Mails {
		group.Go(func() error {
			l, outcome, err := v.deliver(ctx, ref)
			outcomes[i] = outcome
			if len(v.webhooks) > 0 {
				letters[i] = l
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		v.failed(ctx, err)
		return contract.DeliverResult{}, err
	}
	v.tell(ctx, letters, outcomes) // once the batch is through, or its mails would be posted at every try
	v.count(outcomes)
	return contract.DeliverResult{Outcomes: outcomes}, nil
}

// failed counts a try that failed. Those that only waited for a trigger do not count, nor those whose worker died.
func (v *delivery) failed(ctx context.Context, err error) {
	if application, ok := errors.AsType[*temporal.ApplicationError](err); ok && application.Type() == noTrigger {
		return
	}
	activity.RecordHeartbeat(ctx, v.tries+1)
}

// noTrigger is the error type of mail that nobody wants because nothing is deployed yet.
const noTrigger = "no-trigger"

// last tells whether this is the last try that a mail may have.
func (v *delivery) last() bool { return v.tries+1 >= triesPerMail }

// hopeless tells whether a trigger can never be fired, however often it is tried.
func hopeless(err error) bool { return client.Refused(err) || errors.Is(err, errAuthor) }

// gaveUp tells whether a trigger has failed so often that its mail is dead: but while a server is away mail waits.
func (v *delivery) gaveUp(ctx context.Context, err error) bool {
	return v.last() && ctx.Err() == nil && (!outage(err) || errors.Is(err, context.DeadlineExceeded))
}

// count takes a batch into the metrics.
func (v *delivery) count(outcomes []contract.MailOutcome) {
	for i, o := range outcomes {
		outcome := mailIgnored
		switch {
		case o.Dead != nil:
			outcome = mailDead
		case o.Duplicate:
			outcome = mailDuplicate
		case len(o.Started) > 0 || o.Told:
			outcome = mailDelivered
			if at := v.Mails[i].InternalDate; !at.IsZero() {
				since(v.lag, at)
			}
		}
		v.mails.WithLabelValues(outcome).Inc()
	}
}

func (d *Deliverer) readTriggers(ctx context.Context, mailbox, event string) ([]*trigger.Trigger, error) {
	return d.triggersAt(ctx, contract.EventSource(mailbox, event))
}

func (d *Deliverer) triggersAt(ctx context.Context, source string) ([]*trigger.Trigger, error) {
	entries, err := d.client.Triggers(ctx, source)
	if err != nil {
		return nil, err
	}
	var triggers []*trigger.Trigger
	for _, e := range entries {
		t, err := d.triggers.Read(e.ID, e.Value)
		if err != nil {
			return nil, fmt.Errorf("read trigger %q: %w", e.ID, err)
		}
		triggers = append(triggers, t)
	}
	return triggers, nil
}

// callTimeout bounds what one mail asks of a workflow, so that one which is stuck does not hold the mailbox.
const callTimeout = 30 * time.Second

// deliver handles one mail. Its error is a reason to try again. The letter is nil when the mail cannot be read.
func (v *delivery) deliver(ctx context.Context, ref contract.MailRef) (*letter, contract.MailOutcome, error) {
	outcome := contract.MailOutcome{ID: ref.ID}
	l, err := read(ctx, v.files, ref, v.files.Write)
	bury := func(reason string) {
		outcome.Dead = &contract.DeadLetter{
			Folder: v.Folder, ID: ref.ID, Size: ref.Size, Arrived: ref.InternalDate, Reason: cut(reason, maxCause), Blob: ref.Blob, At: activity.GetInfo(ctx).StartedTime,
		}
		l.describe(outcome.Dead)
	}
	// A store that is not mounted looks the same as a mail that is gone, so it gets its tries.
	if errors.Is(err, fs.ErrNotExist) && v.last() {
		bury("its raw message is gone from the blob store")
		return nil, outcome, nil
	}
	if err != nil {
		return nil, outcome, err
	}
	outcome.MessageID = cut(l.MessageID, maxCause)
	caught, err := v.answered(ctx, l)
	switch {
	case err == nil:
	case v.last() && ctx.Err() == nil:
		bury(fmt.Sprintf("the process that it answers does not take it: %v (%d tries)", err, triesPerMail))
		return l, outcome, nil
	default:
		return nil, outcome, fmt.Errorf("hand the mail to the process that it answers: %w", err)
	}
	if outcome.Started, outcome.Continued = caught, len(caught) > 0; outcome.Continued {
		return l, outcome, nil
	}
	triggers, err := v.triggersOf(ctx, l)
	if err != nil {
		return nil, outcome, err
	}
	if len(triggers) == 0 && len(v.webhooks) == 0 {
		return nil, outcome, temporal.NewApplicationError(fmt.Sprintf("no trigger is deployed for %q and no webhook is added: see `starter deploy` and `starter webhook add`, or give it a BpmEndpoint by `PUT /api/listeners`",
			contract.EventSource(v.Mailbox, trigger.EmailReceived)), noTrigger)
	}
	again, fresh := v.Again || activity.GetInfo(ctx).Attempt > 1, false
	for _, t := range triggers {
		id, started, err := v.fireMail(ctx, t, l)
		switch {
		case err == nil && id == "":
		case err == nil:
			fresh = fresh || started
			outcome.Duplicate = !fresh && !again
			outcome.Started = append(outcome.Started, id)
		case hopeless(err): // the other triggers and webhooks have it all the same
			bury(fmt.Sprintf("trigger %s: %v", t.Name, err))
		case v.gaveUp(ctx, err):
			bury(fmt.Sprintf("trigger %s: %v (%d tries)", t.Name, err, triesPerMail))
		default:
			return nil, outcome, fmt.Errorf("trigger %s: %w", t.Name, err)
		}
	}
	return l, outcome, nil
}

// triggersOf are the triggers that may fire on a mail: those of mail that came, and of what else it is.
func (v *delivery) triggersOf(ctx context.Context, l *letter) ([]*trigger.Trigger, error) {
	if l.event == "" {
		return v.triggers, nil
	}
	special, err := v.readTriggers(ctx, v.Mailbox, l.event)
	return append(special, v.triggers...), err
}
