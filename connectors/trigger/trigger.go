package trigger

import (
	"fmt"
	"maps"

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

var (
	accountEvents = []string{MailboxStopped, MailboxAvailable, TokenRefused}
	events        = append([]string{EmailReceived, EmailBounced, EmailAutoReply}, accountEvents...)
)

// Trigger is a trigger that has been read. It is immutable.
type Trigger struct {
	Name   string // unique and stable: duplicates of an event are recognised by it
	Source string // connector.<mailbox>.<event>

	account   bool // the event is of the account, not of a mail
	pattern   *pattern
	matchOn   string   // the output that the pattern is applied to
	filters   []filter // all must match
	condition *juel.Expr
	automatic bool // automatic mail is accepted
	payload   payload
}

// Process is the key of the process that the trigger starts, also if only when nobody waits for its message; "" when it starts none.
func (t *Trigger) Process() string { return t.payload.processDefinitionKey }

// matchable are the values of matchOn with the output that each stands for, of mail and of accounts.
var (
	matchable        = map[string]string{"subject": "emailSubject", "body": "emailBody", "from": "emailFrom"}
	accountMatchable = map[string]string{"message": "errorMessage", "class": "errorClass"}
)

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

// outputs are those of the trigger's event.
func (t *Trigger) outputs() []string {
	if t.account {
		return AccountOutputs()
	}
	return Outputs()
}

// Match reports whether an event fires the trigger, and with which named groups; a group that took no part is nil.
// The error is of the condition, which is the author's to mend, or of an event that lacks what a filter asks for.
func (t *Trigger) Match(event map[string]any) (groups map[string]any, ok bool, err error) {
	if automatic, _ := event["automatic"].(bool); automatic && !t.automatic {
		return nil, false, nil
	}
	for _, matches := range t.filters {
		if ok, err = matches(event); err != nil {
			return nil, false, fmt.Errorf("trigger %s: filters: %w", t.Name, err)
		} else if !ok {
			return nil, false, nil
		}
	}
	text, _ := event[t.matchOn].(string)
	if groups, ok = t.pattern.find(text); !ok || t.condition == nil {
		return groups, ok, nil
	}
	vars := environment(event, groups)
	vars["data"] = event // where the original system's conditions find the outputs
	if ok, err = juel.EvalBool(t.condition, vars); err != nil {
		return nil, false, fmt.Errorf("trigger %s: condition: %w", t.Name, err)
	}
	return groups, ok, nil
}

func environment(event, groups map[string]any) juel.Vars {
	vars := juel.Vars(maps.Clone(event))
	if vars == nil {
		vars = juel.Vars{}
	}
	vars["matchGroups"] = groups
	return vars
}
