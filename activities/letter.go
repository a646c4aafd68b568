package activities

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors/trigger"
	"github.com/waybill-io/waybill/connectors/trigger/mailevent"
	"github.com/waybill-io/waybill/mail/message"
	"github.com/waybill-io/waybill/mail/webhook"
)

// letter is a mail that has been read.
type letter struct {
	*message.Message
	ref    contract.MailRef
	event  string         // that it is beside EMAIL_RECEIVED: "" or a bounce or an answer of a machine
	values map[string]any // outputs of the event
}

// describe fills in what is known of a mail that is dead. What a stranger wrote is cut, since the dead letters of a mailbox are kept
// in one payload.
func (l *letter) describe(d *contract.DeadLetter) {
	if l != nil {
		d.MessageID, d.From, d.Subject = cut(l.MessageID, maxCause), cut(mailevent.Addresses(l.From), maxCause), cut(l.Subject, maxCause)
	}
}

// told is the mail as a webhook of a mailbox tells of it.
func (l *letter) told(s webhook.Subscription, mailbox string) webhook.Mail {
	return webhook.Mail{
		ID: hash(s.Name, mailbox, l.DedupKey), Mailbox: mailbox, Event: cmp.Or(l.event, trigger.EmailReceived), MessageID: l.MessageID, Subject: l.Subject,
		From: mailevent.Addresses(l.From), To: mailevent.Addresses(l.To), Cc: mailevent.Addresses(l.Cc), Body: l.Text, HTML: l.HTML, Date: cmp.Or(l.Date, l.ref.InternalDate),
		Cut:     l.HTMLTruncated || l.HTML == "" && l.TextTruncated,
		Arrived: l.ref.InternalDate, Outputs: l.values,
	}
}

// store writes a file into the blob store.
type store func(ctx context.Context, key, mediaType string, fill func(io.Writer) error) error

// measure is a store that keeps nothing, for mails whose attachments are stored already.
func measure(_ context.Context, _, _ string, fill func(io.Writer) error) error {
	return fill(io.Discard)
}

// read reads a mail, and what its event says of it, and stores its attachments beside it.
func read(ctx context.Context, files *Files, ref contract.MailRef, to store) (*letter, error) {
	m, attachments, err := parse(ctx, files, ref, to)
	if err != nil {
		return nil, err
	}
	return &letter{Message: m, ref: ref, event: mailevent.Name(message.Classify(m)), values: mailevent.Outputs(m, ref.InternalDate, ref.Blob, attachments)}, nil
}

func parse(ctx context.Context, files *Files, ref contract.MailRef, to store) (*message.Message, []any, error) {
	raw, err := files.Open(ctx, ref.Blob)
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
		key := path.Dir(ref.Blob) + "/" + a.Part + "-" + fileName(name)
		size := int64(0)
		err := to(ctx, key, a.ContentType, func(w io.Writer) (err error) {
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
