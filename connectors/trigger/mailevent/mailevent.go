package mailevent

import (
	"strings"
	"time"
	"unicode"

	"github.com/waybill-io/waybill/connectors/trigger"
	"github.com/waybill-io/waybill/mail/message"
)

// maxBody bounds the text of a mail that goes into the variables of a process; the whole is in the blob store.
const maxBody = 32 << 10

// Name is the event that a mail is beside EMAIL_RECEIVED, which every mail is; "" for none.
func Name(kind message.Kind) string {
	switch kind {
	case message.DeliveryReport:
		return trigger.EmailBounced
	case message.AutoReply:
		return trigger.EmailAutoReply
	}
	return ""
}

// Outputs is a mail as the outputs of its event. arrived counts when the mail has no date, uri is where the whole mail is stored, and
// attachments are files.
func Outputs(m *message.Message, arrived time.Time, uri string, attachments []any) map[string]any {
	automatic, reason := message.Automatic(m.Headers)
	date := m.Date
	if date.IsZero() {
		date = arrived
	}
	body := m.Text
	if body == "" {
		body = message.PlainText(m.HTML)
	}
	if len(body) > maxBody {
		body = strings.ToValidUTF8(body[:maxBody], "")
	}
	if attachments == nil {
		attachments = []any{}
	}
	replyTo := Addresses(m.ReplyTo)
	if replyTo == "" {
		replyTo = Addresses(m.From)
	}
	references, headers, recipients := []any{}, []any{}, []any{}
	for _, r := range m.References {
		references = append(references, r)
	}
	for _, h := range m.Headers {
		headers = append(headers, map[string]any{"key": h.Key, "value": h.Value})
	}
	if b := message.BounceOf(m); b != nil {
		for _, r := range b.Recipients {
			recipients = append(recipients, map[string]any{"address": r.Address, "action": r.Action, "status": r.Status, "diagnostic": r.Diagnostic})
		}
	}
	return map[string]any{
		"emailSubject":      oneLine(m.Subject),
		"emailFrom":         Addresses(m.From),
		"emailTo":           Addresses(m.To),
		"emailCc":           Addresses(m.Cc),
		"emailReplyTo":      replyTo,
		"emailBody":         body,
		"messageId":         m.MessageID,
		"inReplyTo":         m.InReplyTo,
		"references":        references,
		"date":              date.UTC().Format(time.RFC3339),
		"automatic":         automatic,
		"automaticReason":   reason,
		"kind":              string(message.Classify(m)),
		"originalMessageId": message.Original(m),
		"recipients":        recipients,
		"headers":           headers,
		"size":              m.Size,
		"text":              m.Text,
		"html":              m.HTML,
		"htmlSafe":          message.Sanitize(m.HTML),
		"attachments":       attachments,
		"raw":               map[string]any{"name": "mail.eml", "mediaType": "message/rfc822", "size": m.Size, "uri": uri},
	}
}

// oneLine keeps line breaks, which an encoded subject may hold, out of the headers of an answer.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

// Addresses lists addresses without names, separated by commas, as the inputs of email.SEND take them.
func Addresses(list []message.Address) string {
	var all []string
	for _, a := range list {
		all = append(all, a.Address)
	}
	return strings.Join(all, ", ")
}
