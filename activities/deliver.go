package activities

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors/trigger"
	"github.com/waybill-io/waybill/mail/message"
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
}

// NewDeliverer returns the deliver activity.
func NewDeliverer(c *client.Client, files *Files) *Deliverer {
	return &Deliverer{client: c, files: files}
}

// Deliver matches each mail with the triggers of its mailbox and starts processes or publishes messages. It may be
// repeated: a start is known by (trigger, mailbox, mail), so it happens once. A mail that can never be
// handled is dead; the others of its batch are not held up. While nothing is deployed for the mailbox the mail waits.
func (d *Deliverer) Deliver(ctx context.Context, in contract.DeliverInput) (contract.DeliverResult, error) {
	defer keepAlive(ctx, nil)()
	source := contract.EventSource(in.Mailbox)
	entries, err := d.client.Triggers(ctx, source)
	if err != nil {
		return contract.DeliverResult{}, err
	}
	if len(entries) == 0 {
		return contract.DeliverResult{}, temporal.NewApplicationError(
			fmt.Sprintf("no trigger is deployed for %q: deploy one with `starter deploy`", source), "no-trigger")
	}
	var triggers []*trigger.Trigger
	for _, e := range entries {
		t, err := trigger.Parse(e.ID, e.Value)
		if err != nil {
			return contract.DeliverResult{}, fmt.Errorf("read trigger %q: %w", e.ID, err)
		}
		triggers = append(triggers, t)
	}
	outcomes := make([]contract.MailOutcome, len(in.Mails))
	group, working := errgroup.WithContext(ctx)
	group.SetLimit(deliveries)
	for i, ref := range in.Mails {
		group.Go(func() (err error) {
			outcomes[i], err = d.deliver(working, in, ref, triggers)
			return err
		})
	}
	err = group.Wait()
	return contract.DeliverResult{Outcomes: outcomes}, err
}

// deliver handles one mail. Its error is a reason to try again.
func (d *Deliverer) deliver(ctx context.Context, in contract.DeliverInput, ref contract.MailRef, triggers []*trigger.Trigger) (contract.MailOutcome, error) {
	outcome := contract.MailOutcome{ID: ref.ID}
	folder := path.Dir(ref.Blob)
	m, attachments, err := d.read(ctx, ref, folder)
	dead := func(reason string) contract.MailOutcome {
		outcome.Dead = &contract.DeadLetter{Folder: in.Folder, ID: ref.ID, Size: ref.Size, Reason: reason, Blob: ref.Blob, At: activity.GetInfo(ctx).StartedTime}
		if m != nil {
			outcome.Dead.MessageID, outcome.Dead.From, outcome.Dead.Subject = m.MessageID, addresses(m.From), m.Subject
		}
		return outcome
	}
	// A store that is not mounted looks the same as a mail that is gone, so it gets its tries.
	if errors.Is(err, fs.ErrNotExist) && activity.GetInfo(ctx).Attempt >= triesPerMail {
		return dead("its raw message is gone from the blob store"), nil
	}
	if err != nil {
		return outcome, err
	}
	event := received(m, ref, attachments)
	for _, t := range triggers {
		id, started, err := d.fire(ctx, in.Mailbox, t, m, event)
		switch {
		case err == nil && id == "":
		case err == nil:
			outcome.Duplicate = !started && activity.GetInfo(ctx).Attempt == 1
			outcome.Started = append(outcome.Started, id)
		case client.Refused(err) || errors.Is(err, errAuthor):
			return dead(fmt.Sprintf("trigger %s: %v", t.Name, err)), nil
		case ctx.Err() == nil && !outage(err) && activity.GetInfo(ctx).Attempt >= triesPerMail:
			return dead(fmt.Sprintf("trigger %s: %v (%d tries)", t.Name, err, triesPerMail)), nil
		default:
			return outcome, fmt.Errorf("trigger %s: %w", t.Name, err)
		}
	}
	return outcome, nil
}

// errAuthor marks what the author of a trigger has to mend.
var errAuthor = errors.New("cannot be evaluated")

// fire does what a trigger says about a mail; the id is "" when it does not match.
func (d *Deliverer) fire(ctx context.Context, mailbox string, t *trigger.Trigger, m *message.Message, event map[string]any) (id string, started bool, err error) {
	groups, matches, err := t.Match(event)
	if err != nil {
		return "", false, fmt.Errorf("%w: %w", errAuthor, err)
	}
	if !matches {
		return "", false, nil
	}
	action, err := t.Action(event, groups)
	if err != nil {
		return "", false, fmt.Errorf("%w: %w", errAuthor, err)
	}
	key := hash(t.Name, mailbox, m.DedupKey)
	if action.PayloadType == trigger.StartProcess {
		return d.client.Start(ctx, client.StartOptions{
			Key: action.ProcessDefinitionKey, ID: action.ProcessDefinitionKey + "/mail-" + key,
			BusinessKey: action.BusinessKey, Variables: action.Variables,
		})
	}
	result, err := d.client.Publish(ctx, contract.Message{
		ID: key, Name: action.Name, Key: action.CorrelationKey, BusinessKey: action.BusinessKey, Variables: action.Variables,
	})
	if err != nil {
		return "", false, err
	}
	return result.Delivered + result.Started, !result.Duplicate, nil
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
