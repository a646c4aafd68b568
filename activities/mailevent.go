package activities

import (
	"strings"
	"time"
	"unicode"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors/trigger"
	"github.com/waybill-io/waybill/mail/message"
)

// maxBody bounds the text of a mail that goes into the variables of a process; the whole is in the blob store.
const maxBody = 32 << 10

// eventOf is the event that a mail is beside EMAIL_RECEIVED, which every mail is; "" for none.
func eventOf(kind message.Kind) string {
	switch kind {
	case message.DeliveryReport:
		return trigger.EmailBounced
	case message.AutoReply:
		return trigger.EmailAutoReply
	}
	return ""
}

// outputs is a mail as the outputs of its event.
func outputs(m *message.Message, ref contract.MailRef, attachments []any) map[string]any {
	automatic, reason := message.Automatic(m.Headers)
	date := m.Date
	if date.IsZero() {
		date = ref.InternalDate
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
	replyTo := addresses(m.ReplyTo)
	if replyTo == "" {
		replyTo = addresses(m.From)
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
		"emailFrom":         addresses(m.From),
		"emailTo":           addresses(m.To),
		"emailCc":           addresses(m.Cc),
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
		"raw":               map[string]any{"name": "mail.eml", "mediaType": "message/rfc822", "size": m.Size, "uri": ref.Blob},
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

// addresses lists addresses without names, separated by commas, as the inputs of email.SEND take them.
func addresses(list []message.Address) string {
	var all []string
	for _, a := range list {
		all = append(all, a.Address)
	}
	return strings.Join(all, ", ")
}
