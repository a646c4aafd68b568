package activities

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors/trigger"
	"github.com/waybill-io/waybill/mail/message"
	"github.com/waybill-io/waybill/mail/webhook"
)

const (
	// deliveries is how many mails of a batch are turned into work at a time.
	deliveries = 8
	// triesPerMail is how often a mail may fail for a reason that is not understood before it is dead.
	triesPerMail = 30
)

// Deliverer turns mail into work.
type Deliverer struct {
	client *client.Client
	files  *Files
	poster *webhook.Poster
	*Metrics
}

// NewDeliverer returns the activities that deliver mail.
func NewDeliverer(c *client.Client, files *Files, m *Metrics) *Deliverer {
	return &Deliverer{client: c, files: files, poster: webhook.NewPoster(postTimeout), Metrics: m}
}

// delivery is one run of Deliver.
type delivery struct {
	*Deliverer
	contract.DeliverInput
	triggers []*trigger.Trigger // of EMAIL_RECEIVED
	webhooks []*subscriber
}

// Deliver hands each mail to the process whose mail it answers, or else to the triggers of its mailbox, which start processes or
// publish messages; and webhooks are told. It may be repeated: a start is known by (trigger, mailbox, mail), so it happens once, and
// a webhook gets the same delivery id again. A mail that can never be handled is dead; the others of its batch are not held up. While
// nothing is deployed for the mailbox the mail waits.
func (d *Deliverer) Deliver(ctx context.Context, in contract.DeliverInput) (contract.DeliverResult, error) {
	defer keepAlive(ctx, nil)()
	defer since(d.delivered, time.Now())
	v := &delivery{Deliverer: d, DeliverInput: in}
	var err error
	if v.webhooks, err = d.subscribers(ctx, in.Mailbox, in.Behind); err != nil {
		return contract.DeliverResult{}, err
	}
	if v.triggers, err = d.readTriggers(ctx, in.Mailbox, trigger.EmailReceived); err != nil {
		return contract.DeliverResult{}, err
	}
	outcomes := make([]contract.MailOutcome, len(in.Mails))
	letters := make([]*letter, len(in.Mails))
	group, working := errgroup.WithContext(ctx)
	group.SetLimit(deliveries)
	for i, ref := range in.Mails {
		group.Go(func() error {
			l, outcome, err := v.deliver(working, ref)
			outcomes[i] = outcome
			if v.ordered() { // else its content need not be held until all are through
				letters[i] = l
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return contract.DeliverResult{}, err
	}
	v.postInOrder(ctx, letters, outcomes)
	v.count(outcomes)
	return contract.DeliverResult{Outcomes: outcomes}, nil
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
	entries, err := d.client.Triggers(ctx, contract.EventSource(mailbox, event))
	if err != nil {
		return nil, err
	}
	var triggers []*trigger.Trigger
	for _, e := range entries {
		t, err := trigger.Parse(e.ID, e.Value)
		if err != nil {
			return nil, fmt.Errorf("read trigger %q: %w", e.ID, err)
		}
		triggers = append(triggers, t)
	}
	return triggers, nil
}

// letter is a mail that has been read.
type letter struct {
	*message.Message
	ref    contract.MailRef
	event  string         // that it is beside EMAIL_RECEIVED: "" or a bounce or an answer of a machine
	values map[string]any // outputs of the event
}

// deliver handles one mail. Its error is a reason to try again. The letter is nil when the mail is dead.
func (v *delivery) deliver(ctx context.Context, ref contract.MailRef) (*letter, contract.MailOutcome, error) {
	outcome := contract.MailOutcome{ID: ref.ID}
	l, err := v.open(ctx, ref)
	dead := func(reason string) (*letter, contract.MailOutcome, error) {
		outcome.Dead = &contract.DeadLetter{Folder: v.Folder, ID: ref.ID, Size: ref.Size, Reason: reason, Blob: ref.Blob, At: activity.GetInfo(ctx).StartedTime}
		if l != nil {
			outcome.Dead.MessageID, outcome.Dead.From, outcome.Dead.Subject = l.MessageID, addresses(l.From), l.Subject
		}
		return nil, outcome, nil
	}
	// A store that is not mounted looks the same as a mail that is gone, so it gets its tries.
	if errors.Is(err, fs.ErrNotExist) && activity.GetInfo(ctx).Attempt >= triesPerMail {
		return dead("its raw message is gone from the blob store")
	}
	if err != nil {
		return nil, outcome, err
	}
	caught, err := v.answered(ctx, l)
	if err != nil {
		return nil, outcome, fmt.Errorf("hand the mail to the process that it answers: %w", err)
	}
	outcome.Started = caught
	if len(caught) == 0 {
		triggers, err := v.triggersOf(ctx, l)
		if err != nil {
			return nil, outcome, err
		}
		for _, t := range triggers {
			id, started, err := v.fire(ctx, t, l)
			switch {
			case err == nil && id == "":
			case err == nil:
				outcome.Duplicate = !started && activity.GetInfo(ctx).Attempt == 1
				outcome.Started = append(outcome.Started, id)
			case client.Refused(err) || errors.Is(err, errAuthor):
				return dead(fmt.Sprintf("trigger %s: %v", t.Name, err))
			case ctx.Err() == nil && !outage(err) && activity.GetInfo(ctx).Attempt >= triesPerMail:
				return dead(fmt.Sprintf("trigger %s: %v (%d tries)", t.Name, err, triesPerMail))
			default:
				return nil, outcome, fmt.Errorf("trigger %s: %w", t.Name, err)
			}
		}
	}
	if len(caught) == 0 && len(outcome.Started) == 0 && len(v.triggers) == 0 && len(v.webhooks) == 0 {
		return nil, outcome, temporal.NewApplicationError(fmt.Sprintf("no trigger is deployed for %q and no webhook is added: see `starter deploy` and `starter webhook add`",
			contract.EventSource(v.Mailbox, trigger.EmailReceived)), "no-trigger")
	}
	v.tell(ctx, l, &outcome)
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

// errAuthor marks what the author of a trigger has to mend.
var errAuthor = errors.New("cannot be evaluated")

// fire does what a trigger says about a mail; the id is "" when it does not match.
func (v *delivery) fire(ctx context.Context, t *trigger.Trigger, l *letter) (id string, started bool, err error) {
	groups, matches, err := t.Match(l.values)
	if err != nil {
		return "", false, fmt.Errorf("%w: %w", errAuthor, err)
	}
	if !matches {
		return "", false, nil
	}
	action, err := t.Action(l.values, groups)
	if err != nil {
		return "", false, fmt.Errorf("%w: %w", errAuthor, err)
	}
	key := hash(t.Name, v.Mailbox, l.DedupKey)
	if action.PayloadType == trigger.StartProcess {
		return v.client.Start(ctx, client.StartOptions{
			Key: action.ProcessDefinitionKey, ID: action.ProcessDefinitionKey + "/mail-" + key,
			BusinessKey: action.BusinessKey, Variables: action.Variables,
		})
	}
	result, err := v.client.Publish(ctx, contract.Message{
		ID: key, Name: action.Name, Key: action.CorrelationKey, BusinessKey: action.BusinessKey, Variables: action.Variables,
	})
	if err != nil {
		return "", false, err
	}
	return result.Delivered + result.Started, !result.Duplicate, nil
}

// open reads a mail and what its event says of it.
func (d *Deliverer) open(ctx context.Context, ref contract.MailRef) (*letter, error) {
	m, attachments, err := d.read(ctx, ref, path.Dir(ref.Blob))
	if err != nil {
		return nil, err
	}
	return &letter{Message: m, ref: ref, event: eventOf(message.Classify(m)), values: outputs(m, ref, attachments)}, nil
}

// read parses a mail and stores its attachments beside it.
func (d *Deliverer) read(ctx context.Context, ref contract.MailRef, folder string) (*message.Message, []any, error) {
	raw, err := d.files.Open(ctx, ref.Blob)
	if err != nil {
		return nil, nil, err
	}
	defer raw.Close()
	var stored []any
	m, err := message.Parse(raw, message.Limits{}, func(a message.Attachment, content io.Reader) error {
		name := a.Name
		if name == "" {
			name = "part-" + a.Part
		}
		key := folder + "/" + a.Part + "-" + fileName(name)
		size := int64(0)
		err := d.files.Write(ctx, key, a.ContentType, func(w io.Writer) (err error) {
			size, err = io.Copy(w, content)
			return err
		})
		stored = append(stored, map[string]any{"name": name, "mediaType": a.ContentType, "size": size, "uri": key})
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read mail %q: %w", ref.Blob, err)
	}
	return m, stored, nil
}

// fileName keeps a name that a stranger chose from meaning anything in a key, where "." and ".." would.
func fileName(name string) string {
	return strings.TrimLeft(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("._-", r):
			return r
		}
		return '_'
	}, name[max(len(name)-100, 0):]), ".")
}
