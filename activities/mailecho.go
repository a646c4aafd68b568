package activities

import (
	"context"
	"maps"
	"strings"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/trigger"
	"github.com/waybill-io/waybill/connectors/trigger/mailevent"
)

// fireMail does what a trigger says about a mail, and answers the sender when it has an echo. What it calls of a connector, the answer
// too, a workflow of its own looks after, so that the mailbox does not wait for it. The id is "" when the trigger does not match.
func (v *delivery) fireMail(ctx context.Context, t *trigger.Trigger, l *letter) (id string, started bool, err error) {
	key := hash(t.Name, v.Mailbox, l.DedupKey)
	f, err := v.fire(ctx, t, occurrence{outputs: l.values, prefix: "mail-", key: key})
	switch {
	case err != nil && (hopeless(err) || v.gaveUp(ctx, err)): // it is a dead letter
		if echo := v.mailEcho(t, l, f.groups, key, true); echo != nil {
			if _, err := v.client.Handle(ctx, t.Source, key+"-error", contract.Firing{Trigger: t.Name, Echo: echo}); err != nil {
				return "", false, err
			}
		}
		return "", false, err
	case err != nil || !f.matches:
		return "", false, err
	}
	if f.Echo = v.mailEcho(t, l, f.groups, key, false); f.Echo == nil && f.Call == nil {
		return f.Done, f.started, nil
	}
	if f.Call != nil {
		f.EchoError = v.mailEcho(t, l, f.groups, key, true)
		f.Done = contract.EventID(v.Mailbox, t.Event(), key)
	}
	new, err := v.client.Handle(ctx, t.Source, key, f.Firing)
	if f.Call != nil {
		f.started = new
	}
	return f.Done, f.started, err
}

// mailEcho is the answer to a mail; nil when there is none, or none may be sent (RFC 3834, section 2).
func (v *delivery) mailEcho(t *trigger.Trigger, l *letter, groups map[string]any, key string, failed bool) *contract.Echo {
	answer := v.answers[trigger.MailAnswerer]
	to := mailevent.AnswerTo(l.Message)
	if answer == nil || to == "" || strings.EqualFold(to, v.Address) || strings.EqualFold(l.From[0].Address, v.Address) {
		return nil
	}
	e := connectors.Event{Name: t.Event(), Outputs: maps.Clone(l.values)}
	e.Outputs["answerTo"] = to
	if strings.Contains(v.Address, "@") {
		e.Outputs["answerFrom"] = v.Address
	}
	a := answering{answer: answer, connector: trigger.MailAnswerer, shared: true, to: hash(strings.ToLower(to)), key: key}
	return a.echo(t, e, groups, failed)
}
