package workflows

import (
	"errors"
	"strconv"
	"strings"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/engine"
	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/events/marker"
)

// sendMail is the action that sends a mail, of the connector email. It tells the Message-ID and who was refused; an empty Message-ID is a mail
// that was not sent.
const sendMail = "email.SEND"

// mail is what a call of sendMail was asked to send.
type mail struct {
	node       *bpmn.Node
	recipients int
}

// mailOf is the mail that a call sends; nil: none, or the instance records no events.
func (h *host) mailOf(c engine.CallConnector) *mail {
	if h.log == nil || c.Implementation != sendMail {
		return nil
	}
	m := &mail{node: h.process.Node(c.Element)}
	for _, field := range []string{"to", "cc", "bcc"} {
		text, _ := c.Inputs[field].(string)
		m.recipients += addresses(text)
	}
	return m
}

// addresses counts those of a list such as "Ann, Bob" <ann@example.com>, bob@example.com (RFC 5322, section 3.4).
func addresses(list string) (n int) {
	quoted, something := false, false
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted, something = !quoted, true
		case c == ',' && !quoted:
			if something {
				n++
			}
			something = false
		case !strings.ContainsRune(" \t\r\n", rune(c)):
			something = true
		}
	}
	if something {
		n++
	}
	return n
}

// mailed records the mail of a call, whose event takes the next sequence of the instance.
func (w *wait) mailed(r contract.ConnectorResult) {
	id, _ := r.Outputs["messageId"].(string)
	if w.mail == nil || id == "" {
		return
	}
	refused, _ := r.Outputs["refused"].([]any)
	h, node := w.h, w.mail.node
	e := mailSent(h.now(), id, max(w.mail.recipients-len(refused), 0))
	h.state.Logged++
	e.Sequence, e.Ref = h.state.Logged, strconv.FormatInt(h.state.Logged, 10)
	e.ActivityID, e.ActivityName, e.ActivityType, e.Implementation = node.ID, events.Cut(node.Name), node.Kind.String(), sendMail
	h.log.Add(marker.List{e})
}

// tried is how often a call was made that failed, when it is known: as often as it may be.
func (w *wait) tried(err error) int {
	if a, ok := errors.AsType[*temporal.ActivityError](err); ok && a.RetryState() == enums.RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED {
		return int(w.attempts)
	}
	return 0
}
