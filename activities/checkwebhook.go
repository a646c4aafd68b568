package activities

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/mail/webhook"
)

// noWebhook is the error type of a webhook that was removed meanwhile.
const noWebhook = "no-webhook"

// CheckWebhook looks at the settings of a webhook of a mailbox, and calls it by the way that mail goes, without a delivery. What is wrong
// is in the result.
func (d *Deliverer) CheckWebhook(ctx context.Context, in contract.CheckWebhook) (check contract.WebhookCheck, err error) {
	entries, err := d.client.Webhooks(ctx, in.Mailbox)
	if err != nil {
		return check, err
	}
	i := slices.IndexFunc(entries, func(e contract.RegistryEntry) bool { return e.ID == in.Webhook })
	if i < 0 {
		return check, temporal.NewNonRetryableApplicationError("it is no webhook of the mailbox any more", noWebhook, nil)
	}
	s, err := webhook.Parse(entries[i].Value)
	if err != nil {
		return contract.WebhookCheck{Settings: contract.Verdict{Cause: err.Error(), Cure: "add the webhook again"}}, nil
	}
	if err := s.Validate(); err != nil { // it was checked when it was stored, by the rules of then
		return contract.WebhookCheck{Settings: contract.Verdict{Cause: err.Error(), Cure: "add the webhook again, as it says"}}, nil
	}
	secrets, missing := secretsOf(s)
	check.Settings = settingsOf(s, missing)
	v := d.poster.Check(ctx, secrets, "check-"+rand.Text(), s.URL, time.Now())
	check.Call = &contract.Verdict{OK: v.OK, Cause: v.Cause, Cure: v.Cure}
	if missing != nil && !v.OK {
		check.Call.Cause += " (called without a signature, since a secret is missing)"
	}
	return check, nil
}

func settingsOf(s webhook.Subscription, missing error) contract.Verdict {
	if missing != nil {
		cause := missing
		if inner := errors.Unwrap(missing); inner != nil {
			cause = inner
		}
		return contract.Verdict{Cause: "nothing is delivered: " + cause.Error(), Cure: "give the workers with the role process that secret, or name another one"}
	}
	signed := fmt.Sprintf("signed with %d secrets", len(s.Secrets))
	switch {
	case s.Unsigned:
		signed = "unsigned"
	case len(s.Secrets) == 1:
		signed = "signed"
	}
	return contract.Verdict{OK: true, Cause: string(s.Format) + ", " + signed}
}
