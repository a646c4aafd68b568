package webhook

import (
	"encoding/json"
	"fmt"
	"time"
)

// Mail is what a delivery tells of.
type Mail struct {
	ID        string // of the delivery: the same for the same mail and webhook
	Mailbox   string
	Event     string // EMAIL_RECEIVED
	MessageID string
	Subject   string
	From      string
	To        string
	Cc        string
	Body      string // text
	HTML      string // as it came
	Cut       bool   // the body is longer than what is told of it
	Date      time.Time
	Arrived   time.Time
	Outputs   map[string]any // the outputs of the event, as triggers see them
}

// Delivery writes a mail in the format of the subscription.
func (s Subscription) Delivery(m Mail) (Delivery, error) {
	var content any
	contentType := "application/json"
	switch s.Format {
	case FullEmail:
		content = s.FullEmail(m)
	case NewEmail:
		content = map[string]any{
			"UniqueIds": []string{m.MessageID}, "EventTimeStamp": stamp(m.Arrived), "Id": s.ID, "SysAdminUnitName": s.SysAdminUnit,
		}
	default:
		contentType = "application/cloudevents+json"
		content = map[string]any{
			"specversion": "1.0", "id": m.ID, "source": "/mailboxes/" + m.Mailbox, "type": "io.waybill.mail." + m.Event,
			"time": stamp(m.Arrived), "subject": m.MessageID, "datacontenttype": "application/json", "data": m.Outputs,
		}
	}
	body, err := json.Marshal(content)
	if err != nil {
		return Delivery{}, fmt.Errorf("write a delivery for webhook %q: %w", s.Name, err)
	}
	return Delivery{ID: m.ID, URL: s.URL, ContentType: contentType, Body: body}, nil
}

// FullEmail is the body of ProcessFullEmail.
func (s Subscription) FullEmail(mails ...Mail) map[string]any {
	emails := []any{}
	for _, m := range mails {
		emails = append(emails, map[string]any{
			"MessageId": m.MessageID, "Subject": m.Subject, "Sender": m.From, "To": m.To, "Cc": m.Cc,
			"SendDateTimeStamp": stamp(m.Date), "ReceivedDateTimeStamp": stamp(m.Arrived),
			"Body": m.body(), "IsHtmlBody": m.HTML != "", "BodyTruncated": m.Cut, "InReplyTo": m.Outputs["inReplyTo"], "References": m.Outputs["references"],
			"Attachments": m.Outputs["attachments"],
		})
	}
	return map[string]any{
		"SubscriptionInfo": map[string]any{"Id": s.ID, "MailboxId": s.MailboxID, "SysAdminUnit": s.SysAdminUnit, "TimeZoneId": s.TimeZoneID},
		"Emails":           emails,
	}
}

func (m Mail) body() string {
	if m.HTML != "" {
		return m.HTML
	}
	return m.Body
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
