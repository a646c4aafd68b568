package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/policy"
)

// tooMany counts an error, and is the report of it when the policy of the mailbox allows no more of them. A connection that holds for a
// while clears the counts; so does a new watcher, which only has the mailbox stop later. What is no fault of the account, such as an
// outage of Temporal, has no kind and is not counted.
func (v *watch) tooMany(err error) *contract.MailboxReport {
	kind := mail.KindOf(err)
	if kind == "" || kind == mail.KindReconnect {
		return nil
	}
	if v.errors == nil {
		v.errors = map[int]int{}
	}
	n, rule := rules(v.Config).For(kind, err.Error())
	v.errors[n]++
	if !rule.Ends(v.errors[n]) {
		return nil
	}
	return v.reportOf(contract.MailboxStopped, err, v.errors[n])
}

func (v *watch) reportOf(event string, err error, count int) *contract.MailboxReport {
	return &contract.MailboxReport{
		Event: event, Error: contract.MailboxError{Class: string(mail.KindOf(err)), Message: cut(err.Error(), maxCause), Count: count}, Changes: v.state,
	}
}

// refused tells that the token of the mailbox is refused, once until it is connected again. When it cannot, the next refusal tells.
func (v *watch) refused(ctx context.Context, err error) {
	if v.toldOfToken || mail.KindOf(err) != mail.KindAuth || !v.Config.OAuth() {
		return
	}
	if _, failed := v.client.ReportMailbox(ctx, v.Mailbox, *v.reportOf(contract.TokenRefused, err, 1)); failed != nil {
		activity.GetLogger(ctx).Warn("nobody is told yet that a token is refused", "mailbox", v.Mailbox, "error", failed)
		return
	}
	v.toldOfToken = true
}

// works tells that the account does again, if an alarm was raised. A folder has been read then: to be logged in is not enough.
func (v *watch) works(ctx context.Context) error {
	if !v.alarm {
		return nil
	}
	ended, err := v.client.ReportMailbox(ctx, v.Mailbox, contract.MailboxReport{Event: contract.MailboxAvailable, Changes: v.state})
	if err == nil && ended {
		return errStop
	}
	v.alarm = err != nil
	return err
}

// rules are the error policy of a mailbox. It was checked when it was set; one that this version cannot read is as good as none.
func rules(c contract.MailboxConfig) policy.Rules {
	if c.ErrorPolicy != nil {
		if own, err := policy.Parse(c.ErrorPolicy); err == nil {
			return own
		}
	}
	return policy.Default(c.OAuth())
}

// stop has the mailbox stopped, and reports whether it is. Until its workflow has answered there is no further log-in, so that an outage
// of Temporal makes no more of them than the policy allows.
func (v *watch) stop(ctx context.Context, report contract.MailboxReport) bool {
	for {
		ended, err := v.client.ReportMailbox(ctx, v.Mailbox, report)
		switch {
		case errors.Is(err, client.ErrNotFound), errors.Is(err, client.ErrNotRunning):
			return true // removed
		case err == nil:
			v.errors = nil
			return ended
		}
		activity.GetLogger(ctx).Warn("a mailbox cannot be stopped yet", "mailbox", v.Mailbox, "error", err, "again", longestPause)
		select {
		case <-ctx.Done():
			return true
		case <-time.After(longestPause):
		}
	}
}

// rest is what a watcher does for a mailbox that is stopped: it counts it.
func (v *watch) rest(ctx context.Context) {
	v.stopped.Inc()
	defer v.stopped.Dec()
	<-ctx.Done()
}
