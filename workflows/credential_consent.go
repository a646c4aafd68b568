package workflows

import (
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
)

// maxPending bounds the consents that are waited for, and the invitations; the oldest give way.
const maxPending = 5

// appendAtMost appends to what holds no more than most; the oldest give way.
func appendAtMost[T any](all []T, one T, most int) []T {
	all = append(all, one)
	return all[max(0, len(all)-most):]
}

func declined(text string) error {
	return temporal.NewNonRetryableApplicationError(text, "refused", nil)
}

func (c *credential) invite(ctx workflow.Context, i contract.Invitation) error {
	if c.Config.Own() {
		return declined("nobody has to authorize it: its tokens are those of the client itself (client credentials)")
	}
	if c.Config.AuthorizationURL == "" {
		return declined("it has no authorization URL: authorize it with --device")
	}
	i.Until = workflow.Now(ctx).Add(contract.InvitationLife)
	c.Invitations = appendAtMost(c.Invitations, i, maxPending)
	return nil
}

// mayBegin refuses whoever was not let in. The time of an invitation is for begin to see, since a validator knows none.
func (c *credential) mayBegin(b contract.BeginConsent) error {
	if c.Config.AuthorizationURL == "" || c.Config.Own() {
		return declined("it has no authorization URL")
	}
	if b.Invited != "" && !slices.ContainsFunc(c.Invitations, func(i contract.Invitation) bool { return i.Hash == b.Invited }) {
		return declined("the link was used already, or it is too old: `starter credential authorize " + c.Config.Name + "` makes a new one")
	}
	return nil
}

// begin notes a consent that a browser is sent for.
func (c *credential) begin(ctx workflow.Context, b contract.BeginConsent) error {
	c.forget(workflow.Now(ctx))
	if err := c.mayBegin(b); err != nil {
		return err
	}
	c.Invitations = slices.DeleteFunc(c.Invitations, func(i contract.Invitation) bool { return i.Hash == b.Invited })
	b.Until = workflow.Now(ctx).Add(contract.ConsentLife)
	c.Pending = appendAtMost(c.Pending, b, maxPending)
	return nil
}

// isPending refuses what nobody has begun. One answer serves for all reasons.
func (c *credential) isPending(in contract.Consent) error {
	if !slices.ContainsFunc(c.Pending, func(p contract.BeginConsent) bool { return p.State == in.State }) {
		return declined(contract.NotBegun)
	}
	return nil
}

// consent takes what a browser brought back. A state counts once, whatever comes of it.
func (c *credential) consent(ctx workflow.Context, in contract.Consent) (contract.ConsentOutcome, error) {
	now := workflow.Now(ctx)
	i := slices.IndexFunc(c.Pending, func(p contract.BeginConsent) bool { return p.State == in.State })
	if i < 0 {
		return contract.ConsentOutcome{}, declined(contract.NotBegun)
	}
	begun := c.Pending[i]
	c.Pending = slices.Delete(c.Pending, i, i+1)
	c.changes++
	switch {
	case !begun.Until.After(now):
		return c.settle(ctx, begun.ID, "it took longer than 10 minutes; begin again")
	case begun.Session != in.Session:
		return c.settle(ctx, begun.ID, "another browser brought the answer than the one that began; begin again, and finish in the same browser")
	case in.Refusal != "":
		return c.settle(ctx, begun.ID, in.Refusal)
	case in.Code == "":
		return c.settle(ctx, begun.ID, "the provider sent no code")
	}
	answer, err := token(accounts(ctx, "exchange the code"), contract.TokenRequest{
		Config: c.Config, By: contract.ByCode, Code: in.Code, Verifier: begun.Verifier, Redirect: begun.Redirect,
	})
	return c.accept(ctx, begun.ID, answer, err)
}

// settle notes that a consent came to nothing, and why; "" is a success.
func (c *credential) settle(ctx workflow.Context, id, problem string) (contract.ConsentOutcome, error) {
	o := contract.ConsentOutcome{ID: id, OK: problem == "", Message: problem, At: workflow.Now(ctx)}
	if o.OK {
		o.Message = "authorized"
		o.User = c.Tokens.User
	} else if c.Tokens != nil {
		o.Message += " (the tokens that there were stay in use)"
	}
	c.Consent = &o
	c.changes++
	return o, nil
}

// isUser tells whether a user is called so, as providers compare: any of the names will do, since at Microsoft the name to sign in with and the
// address may differ. "" is anybody.
func isUser(user string, names []string) bool {
	return user == "" || slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(user, name) })
}

// accept takes the tokens of a new consent, when they work. Until then those of an earlier one stay.
func (c *credential) accept(ctx workflow.Context, id string, answer contract.TokenAnswer, err error) (contract.ConsentOutcome, error) {
	switch {
	case err != nil:
		return c.settle(ctx, id, inWords(err))
	case answer.Problem != nil:
		return c.settle(ctx, id, answer.Problem.Message)
	case answer.Tokens.Refresh == "":
		return c.settle(ctx, id, "the provider gave no refresh token, so it would end within the hour: ask for one, "+
			"with the scope offline_access (Microsoft, OpenID Connect), or access_type=offline and prompt=consent (Google)")
	case len(answer.Tokens.Names) > 0 && !isUser(c.Config.User, answer.Tokens.Names):
		return c.settle(ctx, id, "somebody else consented than "+c.Config.User+": "+strings.Join(answer.Tokens.Names, ", "))
	}
	if err := c.turn.Lock(ctx); err != nil {
		return contract.ConsentOutcome{}, err
	}
	defer c.turn.Unlock()
	fresh := *answer.Tokens
	// A refresh proves that they last.
	tried, err := token(accounts(ctx, "try the new refresh token"), contract.TokenRequest{Config: c.Config, By: contract.ByRefresh, Refresh: fresh.Refresh})
	switch {
	case c.removed:
		return c.settle(ctx, id, "the credential was removed")
	case err != nil:
		return c.settle(ctx, id, "the new refresh token could not be tried: "+inWords(err))
	case tried.Problem != nil:
		return c.settle(ctx, id, "the new refresh token does not work: "+tried.Problem.Message)
	}
	old := c.Tokens
	c.Tokens = nil // nothing of the earlier consent is taken over
	c.adopt(ctx, fresh)
	c.adopt(ctx, *tried.Tokens)
	c.Authorised = workflow.Now(ctx)
	c.Refreshed = c.Authorised
	c.Refreshes++
	if old != nil && old.Refresh != "" && old.Refresh != c.Tokens.Refresh && old.Refresh != fresh.Refresh && c.Config.RevocationURL != "" && c.Config.RevokeOld {
		c.Discard = appendAtMost(c.Discard, old.Refresh, maxPending)
	}
	return c.settle(ctx, id, "")
}

// discard has refresh tokens of earlier consents revoked, beside everything else. Afterwards the present ones are refreshed: some providers
// take all consent of a user back with one token, and that is to be known at once.
func (c *credential) discard(ctx workflow.Context) {
	if len(c.Discard) == 0 || c.revoker {
		return
	}
	c.revoker = true
	c.busy++
	workflow.Go(c.work, func(ctx workflow.Context) {
		defer func() { c.revoker = false; c.busy--; c.changes++ }()
		sealed := c.Discard[0]
		err := workflow.ExecuteActivity(accounts(ctx, "revoke the tokens of an earlier consent"), contract.RevokeActivity,
			contract.RevokeRequest{Config: c.Config, Sealed: sealed, Kind: "refresh_token"}).Get(ctx, nil)
		if temporal.IsCanceledError(err) {
			return // the next run does it
		}
		c.Discard = slices.DeleteFunc(c.Discard, func(s string) bool { return s == sealed })
		c.Undiscarded = ""
		if err != nil {
			c.Undiscarded = inWords(err)
			return
		}
		if c.Tokens != nil && c.Problem == nil {
			c.revokedOld = true
			c.RetryAt = workflow.Now(ctx)
		}
	})
}

// device begins a consent on another machine. A code that is waited for already gives way.
func (c *credential) device(ctx workflow.Context, id string) (contract.DeviceCode, error) {
	if c.Config.Own() || c.Config.DeviceURL == "" {
		return contract.DeviceCode{}, declined("it has no URL for device codes: authorize it with a browser (Google permits no device codes for mail)")
	}
	var answer contract.DeviceAnswer
	err := workflow.ExecuteActivity(accounts(ctx, "get a device code"), contract.DeviceActivity, c.Config).Get(ctx, &answer)
	switch {
	case err != nil:
		return contract.DeviceCode{}, declined(inWords(err))
	case answer.Problem != nil:
		return contract.DeviceCode{}, declined(answer.Problem.Message)
	}
	c.stopDevice()
	c.Device = answer.Device
	c.Device.ID = id
	c.awaitDevice()
	c.changes++
	return c.Device.DeviceCode, nil
}

func (c *credential) stopDevice() {
	if c.poll != nil {
		c.poll()
	}
	c.Device = nil
}

// awaitDevice waits for the consent, beside everything else.
func (c *credential) awaitDevice() {
	waiting, cancel := workflow.WithCancel(c.work)
	c.poll = cancel
	device := c.Device
	c.busy++
	workflow.Go(waiting, func(ctx workflow.Context) {
		defer func() { c.busy-- }()
		left := max(device.Expires.Sub(workflow.Now(ctx)), 0) + time.Minute
		// It holds a slot until the code ends, which those who refresh must not wait for.
		answer, err := token(workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			TaskQueue: contract.AccountQueue, ScheduleToCloseTimeout: left, HeartbeatTimeout: contract.CallHeartbeat,
			RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: 30 * time.Second}, Summary: "wait for consent with a device code",
		}), contract.TokenRequest{Config: c.Config, By: contract.ByDevice, Device: device})
		if temporal.IsCanceledError(err) || c.Device != device {
			return
		}
		c.Device = nil
		// A code works once, so that this run finishes what it began.
		ctx, done := workflow.NewDisconnectedContext(ctx)
		defer done()
		_, _ = c.accept(ctx, device.ID, answer, err) // it is noted
	})
}
