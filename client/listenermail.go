package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	temporal "go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
)

const (
	// fetchTimeout bounds the search for mails of one account.
	fetchTimeout = 3 * time.Minute
	// sendFor is how long a mail is tried that the server does not take yet, which outlasts greylisting.
	sendFor = 4 * time.Hour
	// sendTimeout bounds one try.
	sendTimeout = 10 * time.Minute
	// lostWorker is after what time the work of a worker that died is begun anew.
	lostWorker = 30 * time.Second
)

// FetchMails has a worker look for mails of a mailbox by their Message-IDs.
func (c *Client) FetchMails(ctx context.Context, in contract.FetchMails) (contract.FetchedMails, error) {
	var result contract.FetchedMails
	err := c.ask(ctx, temporal.StartActivityOptions{
		ID: "fetch-mails/" + rand.Text(), TaskQueue: contract.AccountQueue, ScheduleToCloseTimeout: fetchTimeout, HeartbeatTimeout: lostWorker,
		RetryPolicy: &sdk.RetryPolicy{MaximumAttempts: 3},
	}, contract.FetchMailsActivity, &result, in)
	if err != nil {
		return result, fmt.Errorf("fetch mails of mailbox %q (is a worker with the role mailbox running?): %w", in.Mailbox, err)
	}
	return result, nil
}

// Sending is a mail that is sent, or is still to be.
type Sending struct {
	contract.SentMail
	Pending bool   // the server has not taken it yet; it is tried again
	Cause   string // why not, as far as it is known
}

var errAnother = &Error{Type: "refused", Message: "another mail with this MessageId was sent before: give each mail one of its own"}

// another tells whether it was another mail that was sent.
func (s Sending) another(in contract.SendMail) bool { return s.Digest != in.Digest() }

// SendMail has a worker send a mail, and waits so long for the result. The same id sends nothing twice while Temporal remembers it: it
// waits for the mail that was begun, or tells what became of it. One that the server refused for good is sent again by the same id; one
// that was given up is not, since whoever asks what became of it does not ask for four hours more.
func (c *Client) SendMail(ctx context.Context, id string, in contract.SendMail, wait time.Duration) (s Sending, err error) {
	id = "send-mail/" + contract.Segment(id)
	h, ended, err := c.beginSending(ctx, id, in, enums.ACTIVITY_ID_REUSE_POLICY_REJECT_DUPLICATE)
	if ended { // what became of it is known
		if err := h.Get(ctx, &s.SentMail); !mayBeSentAgain(err) {
			if err == nil && s.another(in) {
				return s, errAnother
			}
			return s, unsent(err)
		}
		h, _, err = c.beginSending(ctx, id, in, enums.ACTIVITY_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY)
	}
	if err != nil {
		return s, fmt.Errorf("send mail: %w", readable(err))
	}
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	err = h.Get(waiting, &s.SentMail)
	if err == nil && s.another(in) {
		return s, errAnother
	}
	if err == nil || ctx.Err() != nil || !late(err) && waiting.Err() == nil {
		return s, unsent(err)
	}
	s.Pending = true
	if d, err := h.Describe(ctx, temporal.DescribeActivityOptions{IncludeLastFailure: true}); err == nil && d.HasLastFailure() {
		s.Cause = readable(d.GetLastFailure()).Error()
	}
	return s, nil
}

// late tells of a wait that was over a moment before our clock says so.
func late(err error) bool {
	_, exceeded := errors.AsType[*serviceerror.DeadlineExceeded](err)
	_, canceled := errors.AsType[*serviceerror.Canceled](err)
	return exceeded || canceled
}

// beginSending begins to send a mail, or joins those who wait for it. ended: it was sent, or was not, before.
func (c *Client) beginSending(ctx context.Context, id string, in contract.SendMail, reuse enums.ActivityIdReusePolicy) (h temporal.ActivityHandle, ended bool, err error) {
	h, err = c.Temporal.ExecuteActivity(ctx, temporal.StartActivityOptions{
		ID: id, TaskQueue: contract.AccountQueue, ScheduleToCloseTimeout: sendFor, StartToCloseTimeout: sendTimeout, HeartbeatTimeout: lostWorker,
		ActivityIDConflictPolicy: enums.ACTIVITY_ID_CONFLICT_POLICY_USE_EXISTING,
		ActivityIDReusePolicy:    reuse,
		RetryPolicy:              &sdk.RetryPolicy{InitialInterval: 2 * time.Second, MaximumInterval: 15 * time.Minute},
	}, contract.SendMailActivity, in)
	if _, ended = errors.AsType[*serviceerror.ActivityExecutionAlreadyStarted](err); ended {
		return c.Temporal.GetActivityHandle(temporal.GetActivityHandleOptions{ActivityID: id}), true, nil
	}
	return h, false, err
}

// mayBeSentAgain tells of a mail that was refused for good, or that somebody ended by hand.
func mayBeSentAgain(err error) bool {
	if refusal, ok := errors.AsType[*sdk.ApplicationError](err); ok {
		return refusal.NonRetryable()
	}
	_, canceled := errors.AsType[*sdk.CanceledError](err)
	return canceled || sdk.IsTerminatedError(err)
}

// GivenUp is the error type of a mail that was tried for as long as one is, and not taken as far as is known.
const GivenUp = "given-up"

// unsent is the error of a mail that was not sent.
func unsent(err error) error {
	cause := readable(err)
	if timeout, ok := errors.AsType[*sdk.TimeoutError](err); ok {
		if timeout.TimeoutType() == enums.TIMEOUT_TYPE_SCHEDULE_TO_START {
			cause = errors.New("nobody took it up; is a worker with the role mailbox running?")
		}
	} else if failure, ok := errors.AsType[*sdk.ApplicationError](err); !ok || failure.NonRetryable() {
		return cause
	}
	return &Error{Type: GivenUp, Message: fmt.Sprintf("the mail was given up after %s: %v. To have it tried again, send it with another MessageId", sendFor, cause)}
}
