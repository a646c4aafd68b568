package trigger

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/juel"
)

// Events of a mailbox. A bounce or an answer of a machine is a mail that has arrived, too.
const (
	EmailReceived  = "EMAIL_RECEIVED"
	EmailBounced   = "EMAIL_BOUNCED"    // a report of what became of a mail (RFC 3464)
	EmailAutoReply = "EMAIL_AUTO_REPLY" // a machine answered a mail (RFC 3834)
)

// Events of the account of a mailbox.
const (
	MailboxStopped   = "MAILBOX_STOPPED"       // errors stopped it: it is not watched any more
	MailboxAvailable = "MAILBOX_AVAILABLE"     // it is connected again
	TokenRefused     = "MAILBOX_TOKEN_REFUSED" // its access token is not taken
)

// TimerFired is the event of a timer.
const TimerFired = "TIMER_FIRED"

// EventFailed is the event of every instance that has them: one of its events is a dead letter.
const EventFailed = "EVENT_FAILED"

// FailedOutputs are the outputs of EVENT_FAILED: the name and id of the event, and why it failed.
func FailedOutputs() []string { return []string{"matchGroups", "event", "id", "message"} }

var (
	accountEvents = []string{MailboxStopped, MailboxAvailable, TokenRefused}
	mailEvents    = append([]string{EmailReceived, EmailBounced, EmailAutoReply}, accountEvents...)
)

// OfMailbox tells whether an event is one of mailboxes, which nobody else may tell of.
func OfMailbox(event string) bool { return slices.Contains(mailEvents, event) }

// kind is what an event is of.
type kind int

const (
	ofConnector kind = iota
	ofMail
	ofAccount
	ofTimer
)

// Trigger is a trigger that has been read. It is immutable.
type Trigger struct {
	Name     string // unique and stable: duplicates of an event are recognised by it
	Source   string // connector.<instance>.<event>, or timer.<name>.TIMER_FIRED
	Warnings []string

	kind      kind
	known     []string // outputs of an event of a connector; nil: they are not known
	answers   bool     // the inputs status and body are the answer to the caller
	deployed  Deployment
	pattern   *pattern // nil: none
	matchOn   []string // outputs that the pattern is applied to: the first that is there
	narrows   []narrow // all must hold
	filters   []filter // all must match
	condition *juel.Expr
	automatic bool // automatic mail is accepted
	status    int64
	body      value
	echo      value
	echoError value
	timer     Timer
	payload   payload
}

// Process is the key of the process that the trigger starts, also if only when nobody waits for its message; "" when it starts none.
func (t *Trigger) Process() string { return t.payload.processDefinitionKey }

// PayloadType is the type of the payload; "" when the trigger calls a connector.
func (t *Trigger) PayloadType() string { return t.payload.payloadType }

// Implementation is the action of a connector that the trigger calls, "rest.POST"; "" when it calls none.
func (t *Trigger) Implementation() string { return t.payload.implementation }

// Event is the name of the event that fires the trigger.
func (t *Trigger) Event() string { return t.Source[strings.LastIndexByte(t.Source, '.')+1:] }

// OfMail tells whether the trigger fires on mail.
func (t *Trigger) OfMail() bool { return t.kind == ofMail }

// matchable are the values of matchOn with the output that each stands for, of mail and of accounts.
var (
	matchable        = map[string]string{"subject": "emailSubject", "body": "emailBody", "from": "emailFrom"}
	accountMatchable = map[string]string{"message": "errorMessage", "class": "errorClass"}
)

// usualText are the outputs that the pattern of an event of a connector is searched in: the first that is there.
var usualText = []string{"originalMessage", "message", "body"}

// Outputs are the outputs of the event EMAIL_RECEIVED: what expressions may use. A map with all of them, less
// matchGroups, is what Match and Action take. Lists are []any of map[string]any: headers with key and value, attachments
// with name.
func Outputs() []string {
	return []string{
		"matchGroups", "emailSubject", "emailTo", "emailCc", "emailFrom", "emailReplyTo", "emailBody", "messageId",
		"inReplyTo", "references", "date", "automatic", "automaticReason", "attachments", "raw",
		"headers", "text", "html", "htmlSafe", "size",
		"kind", "originalMessageId", "recipients",
	}
}

// AccountOutputs are the outputs of the events of an account: which mailbox, its address, the kind of error, its text, how often it came
// in a row, and when. The errors are empty when it is available again.
func AccountOutputs() []string {
	return []string{"matchGroups", "mailbox", "address", "errorClass", "errorMessage", "count", "at"}
}

// TimerOutputs are the outputs of TIMER_FIRED: when it was due, RFC 3339 in UTC.
func TimerOutputs() []string { return []string{"scheduledTime"} }

// outputs are those of the trigger's event; nil when they are not known.
func (t *Trigger) outputs() []string {
	switch t.kind {
	case ofMail:
		return Outputs()
	case ofAccount:
		return AccountOutputs()
	case ofTimer:
		return TimerOutputs()
	}
	return t.known
}

// Match reports whether an event fires the trigger, and with which named groups; a group that took no part is nil.
// The error is of the condition, which is the author's to mend, or of an event that lacks what a filter asks for.
func (t *Trigger) Match(event map[string]any) (groups map[string]any, ok bool, err error) {
	groups, why, err := t.Explain(event)
	return groups, why == "" && err == nil, err
}

// Explain is Match with the reason, for people: why is "" when the event fires the trigger.
func (t *Trigger) Explain(event map[string]any) (groups map[string]any, why string, err error) {
	if automatic, _ := event["automatic"].(bool); t.kind == ofMail && automatic && !t.automatic {
		return nil, "the mail is automatic, and event.inputs.automaticMail is not accept", nil
	}
	for _, n := range t.narrows {
		if !n.holds(event) {
			return nil, fmt.Sprintf("event.inputs.%s: the event's %s is another", n.name, n.name), nil
		}
	}
	for _, f := range t.filters {
		if ok, err := f.matches(event); err != nil {
			return nil, "", fmt.Errorf("trigger %s: filters: %w", t.Name, err)
		} else if !ok {
			return nil, fmt.Sprintf("event.inputs.filters.%s does not match", f.name), nil
		}
	}
	if t.pattern != nil {
		text, output := t.text(event)
		var found bool
		if groups, found = t.pattern.find(text); !found {
			return nil, fmt.Sprintf("event.inputs.pattern is not found in %s", output), nil
		}
	} else {
		groups = map[string]any{}
	}
	if t.condition == nil {
		return groups, "", nil
	}
	vars := environment(event, groups)
	vars["data"] = event // where the original system's conditions find the outputs
	holds, err := juel.EvalBool(t.condition, vars)
	switch {
	case err != nil:
		return nil, "", fmt.Errorf("trigger %s: condition: %w", t.Name, err)
	case !holds:
		return groups, "event.inputs.condition is false", nil
	}
	return groups, "", nil
}

// text is what the pattern is searched in, and the name of the output.
func (t *Trigger) text(event map[string]any) (text, output string) {
	for _, output := range t.matchOn {
		if text, ok := event[output].(string); ok {
			return text, output
		}
	}
	return "", strings.Join(t.matchOn, ", ")
}

func environment(event, groups map[string]any) juel.Vars {
	vars := juel.Vars(maps.Clone(event))
	if vars == nil {
		vars = juel.Vars{}
	}
	vars["matchGroups"] = groups
	return vars
}
