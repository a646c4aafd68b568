package webhook

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/waybill-io/waybill/mail"
)

// Alert is what a delivery tells of the account of a mailbox.
type Alert struct {
	ID      string // of the delivery
	Mailbox string
	Event   string
	Address string // of the mailbox
	Kind    mail.Kind
	Message string
	At      time.Time
	Outputs map[string]any // the outputs of the event, as triggers see them
}

// Events that applications are told of in ways of their own.
const (
	available    = "MAILBOX_AVAILABLE"
	tokenRefused = "MAILBOX_TOKEN_REFUSED"
)

// Methods of the applications that listener services told of mail: by format, and those beside them.
var methods = map[Format]string{NewEmail: "/NewEmail", FullEmail: "/ProcessFullEmail"}

const (
	methodMailboxState = "/ProcessMailboxState"
	methodRefreshToken = "/RefreshToken"
)

// MethodURL is where an application is told of mail in a format of the listener service. Webhooks that go there are told of alerts.
func MethodURL(endpoint string, f Format) string {
	return strings.TrimSuffix(endpoint, "/") + methods[f]
}

// defaultWorkspace is the one that applications have today.
const defaultWorkspace = "Default"

// Alert writes an alert in the format of the subscription. It is false when the subscription is not told: it has a format of the listener
// service, and its address is not that of a method of an application, so that there are no other methods beside it.
func (s Subscription) Alert(a Alert) (Delivery, bool, error) {
	d := Delivery{ID: a.ID, URL: s.URL, ContentType: "application/json"}
	var content any
	switch {
	case s.Format != FullEmail && s.Format != NewEmail:
		d.ContentType = "application/cloudevents+json"
		content = map[string]any{
			"specversion": "1.0", "id": a.ID, "source": "/mailboxes/" + a.Mailbox, "type": "io.waybill.mailbox." + a.Event,
			"time": stamp(a.At), "subject": a.Address, "datacontenttype": "application/json", "data": a.Outputs,
		}
	case s.endpoint() == "":
		return d, false, nil
	case a.Event == tokenRefused:
		d.URL = s.endpoint() + methodRefreshToken
		content = map[string]any{"MailboxId": cmp.Or(s.MailboxID, s.ID), "SenderEmailAddress": a.Address, "BpmUserName": s.SysAdminUnit}
	default:
		d.URL = s.endpoint() + methodMailboxState
		// The application reads the context from text. It counts errors itself unless the user requested the try; ours are counted
		// already, so the one that it hears of is the last.
		content = map[string]any{
			"SenderEmailAddress": a.Address, "Avaliable": a.Event == available, "ExceptionClassName": a.Kind.Class(), "ExceptionMessage": a.Message,
			"Context": `{"UserRequested":true}`, "BpmUserWorkspace": cmp.Or(s.Workspace, defaultWorkspace), "BpmUserName": s.SysAdminUnit,
		}
	}
	var err error
	if d.Body, err = json.Marshal(content); err != nil {
		return d, false, fmt.Errorf("write an alert for webhook %q: %w", s.Name, err)
	}
	return d, true, nil
}

// endpoint is where the methods of the application are; "" when the address is none of them.
func (s Subscription) endpoint() string {
	for _, method := range methods {
		if base, found := strings.CutSuffix(s.URL, method); found {
			return base
		}
	}
	return ""
}
