package activities

import (
	"context"
	"fmt"
	"time"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/webhook"
)

// Raise fires the triggers of an alert and names the webhooks that are to be told. It may be repeated: what a trigger starts is known by
// (trigger, mailbox, alert).
func (d *Deliverer) Raise(ctx context.Context, in contract.RaiseInput) (contract.RaiseResult, error) {
	defer keepAlive(ctx, nil)()
	var result contract.RaiseResult
	triggers, err := d.readTriggers(ctx, in.Mailbox, in.Alert.Event)
	if err != nil {
		return result, err
	}
	for _, t := range triggers {
		key := hash(t.Name, in.Mailbox, in.Alert.ID)
		f, err := d.fire(ctx, t, occurrence{outputs: alertOutputs(in.Mailbox, in.Alert), prefix: "alert-", key: key})
		if err == nil && f.Call != nil {
			_, err = d.client.Handle(ctx, t.Source, key, f.Firing)
		}
		switch {
		case err == nil:
		case hopeless(err): // the others are told all the same
			result.Failed = append(result.Failed, cut(fmt.Sprintf("%s: trigger %s: %v", in.Alert.Event, t.Name, err), maxCause))
		default:
			return result, fmt.Errorf("trigger %s: %w", t.Name, err)
		}
	}
	webhooks, err := d.client.Webhooks(ctx, in.Mailbox)
	for _, w := range webhooks {
		result.Webhooks = append(result.Webhooks, w.ID)
	}
	return result, err
}

// alertOutputs is an alert as the outputs of its event.
func alertOutputs(mailbox string, a contract.MailboxAlert) map[string]any {
	return map[string]any{
		"mailbox": mailbox, "address": a.Address, "errorClass": a.Error.Class, "errorMessage": a.Error.Message, "count": int64(a.Error.Count),
		"at": a.At.UTC().Format(time.RFC3339),
	}
}

// postAlert posts an alert, if the webhook is one that is told of alerts.
func (d *Deliverer) postAlert(ctx context.Context, mailbox string, s *subscriber, a contract.MailboxAlert) error {
	delivery, told, err := s.Alert(webhook.Alert{
		ID: hash(s.Name, mailbox, a.ID), Mailbox: mailbox, Event: a.Event, Address: a.Address, Kind: mail.Kind(a.Error.Class), Message: a.Error.Message,
		At: a.At, Outputs: alertOutputs(mailbox, a),
	})
	if err != nil || !told {
		return err
	}
	return d.send(ctx, s, delivery)
}
