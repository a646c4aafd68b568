package workflows

import (
	"errors"
	"hash/fnv"
	"reflect"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
)

// credential looks after the tokens of one OAuth account. It sees sealed text alone; activities open and seal it. What changes tokens takes its
// turn, so that there is one refresh at a time over all workers, and a refresh token that replaces another is in the history before it is used.
type credential struct {
	contract.CredentialState
	turn    workflow.Mutex
	removed bool
	changes int                 // counts what the loop must hear of
	work    workflow.Context    // of what goes on beside the loop, until this run ends
	busy    int                 // how much does
	sending map[int]bool        // of the outbox
	poll    workflow.CancelFunc // of the device code that is waited for; nil: none
	revoker bool                // revokes what is to be discarded

	revokedOld bool // those of an earlier consent, and the present ones have not been tried since
}

// Credential is the workflow of a credential. It ends when the credential is removed.
func Credential(ctx workflow.Context, state contract.CredentialState) error {
	c := &credential{CredentialState: state, turn: workflow.NewMutex(ctx), sending: map[int]bool{}}
	var stopWork workflow.CancelFunc
	c.work, stopWork = workflow.WithCancel(ctx)
	if err := c.setHandlers(ctx); err != nil {
		return err
	}
	if c.Device != nil {
		c.awaitDevice()
	}
	for !c.leaving(ctx) {
		if err := c.step(ctx); err != nil {
			return err
		}
	}
	stopWork()
	if err := workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) && c.busy == 0 }); err != nil {
		return err
	}
	if c.removed {
		return nil
	}
	return workflow.NewContinueAsNewError(ctx, contract.CredentialWorkflow, c.CredentialState)
}

// leaving tells whether this run must end.
func (c *credential) leaving(ctx workflow.Context) bool {
	return c.removed || workflow.GetInfo(ctx).GetContinueAsNewSuggested()
}

// step does what is due, or waits until something is.
func (c *credential) step(ctx workflow.Context) error {
	now := workflow.Now(ctx)
	c.forget(now)
	due, refresh := c.due()
	if refresh && !due.After(now) {
		if err := c.turn.Lock(ctx); err != nil {
			return err
		}
		defer c.turn.Unlock()
		// Somebody may have been faster, or the credential was revoked meanwhile.
		if due, refresh = c.due(); refresh && !due.After(workflow.Now(ctx)) {
			return c.refresh(ctx)
		}
		return nil
	}
	c.warn(ctx)
	c.send(ctx)
	c.discard(ctx)
	seen := c.changes
	changed := func() bool { return c.changes != seen || c.leaving(ctx) }
	next := c.next(now)
	if next.IsZero() {
		return workflow.Await(ctx, changed)
	}
	_, err := workflow.AwaitWithTimeout(ctx, next.Sub(now), changed)
	return err
}

// next is when something is due, zero: nothing is.
func (c *credential) next(now time.Time) time.Time {
	var next time.Time
	earlier := func(t time.Time) {
		if t.After(now) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	if due, refresh := c.due(); refresh {
		earlier(due)
	}
	earlier(c.nextWarning(now))
	return next
}

func (c *credential) setHandlers(ctx workflow.Context) error {
	update := func(name string, handler any, description string) error {
		return workflow.SetUpdateHandlerWithOptions(ctx, name, handler, workflow.UpdateHandlerOptions{Description: description})
	}
	return errors.Join(
		workflow.SetQueryHandler(ctx, contract.CredentialQuery, c.status),
		workflow.SetQueryHandler(ctx, contract.AccessQuery, c.access),
		update(contract.ConfigureCredential, c.configure, "change how tokens are had"),
		update(contract.InviteUpdate, c.invite, "permit somebody to begin a consent"),
		// What anybody can send over HTTP is refused before it takes room in the history.
		workflow.SetUpdateHandlerWithOptions(ctx, contract.BeginConsentUpdate, c.begin,
			workflow.UpdateHandlerOptions{Description: "begin a consent with a browser", Validator: c.mayBegin}),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.ConsentUpdate, c.consent,
			workflow.UpdateHandlerOptions{Description: "what a browser brought back", Validator: c.isPending}),
		update(contract.DeviceUpdate, c.device, "begin a consent with a device code"),
		update(contract.RefreshUpdate, c.refreshNow, "get newer tokens"),
		update(contract.RevokeCredentialUpdate, c.revoke, "revoke the tokens"),
		update(contract.RemoveCredentialUpdate, c.remove, "forget the credential"),
	)
}

func (c *credential) status() (contract.CredentialStatus, error) {
	s := contract.CredentialStatus{
		Config: c.Config, User: c.user(), Authorised: c.Authorised, Refreshes: c.Refreshes, Refreshed: c.Refreshed, Problem: c.Problem,
		Revoked: c.Revoked, Consent: c.Consent, Unsent: c.unsent(), Undiscarded: c.Undiscarded,
	}
	if t := c.Tokens; t != nil {
		s.Version, s.Scopes, s.Expires = c.Version, t.Scopes, t.Expires
		s.RefreshIssued, s.RefreshExpires, s.RefreshAssumed = t.RefreshIssued, t.RefreshExpires, !t.RefreshTold && !t.RefreshExpires.IsZero()
	}
	if due, refresh := c.due(); refresh {
		s.Next = due
	}
	for _, p := range c.Pending {
		if p.Until.After(s.Waiting) {
			s.Waiting = p.Until
		}
	}
	if c.Device != nil && c.Device.Expires.After(s.Waiting) {
		s.Waiting = c.Device.Expires
	}
	return s, nil
}

func (c *credential) access() (contract.CredentialAccess, error) {
	a := contract.CredentialAccess{Version: c.Version}
	switch {
	case c.removed:
		a.Problem = "it was removed"
	case c.Problem != nil:
		a.Problem = c.Problem.Message
	case c.Revoked && c.Config.Own():
		a.Problem = "its tokens were revoked; `starter credential refresh " + c.Config.Name + "`"
	case c.Revoked:
		a.Problem = "its tokens were revoked; `starter credential authorize " + c.Config.Name + "`"
	case c.Tokens == nil && !c.Config.Own():
		a.Problem = "nobody has authorized it yet; `starter credential authorize " + c.Config.Name + "`"
	}
	from, ok := c.renewable()
	a.RenewFrom, a.Waits = from, !ok
	if c.Tokens != nil && !c.removed {
		a.Sealed, a.Issued, a.Expires = c.Tokens.Access, c.Tokens.Issued, c.Tokens.Expires
	}
	return a, nil
}

// configure takes other settings. Those of another client or account, or of other scopes, need a new consent; until it is given the access token
// stays in use to its end.
func (c *credential) configure(ctx workflow.Context, config contract.CredentialConfig) error {
	if c.removed {
		return temporal.NewNonRetryableApplicationError("the credential is being removed; try again in a moment", contract.Busy, nil)
	}
	if reflect.DeepEqual(c.Config, config) {
		return nil
	}
	c.Config = config
	c.changes++
	switch {
	case c.Tokens == nil && c.Problem == nil || c.Revoked:
	case c.Tokens == nil && !config.Own():
		c.Problem, c.Failures, c.RetryAt, c.Told = nil, 0, time.Time{}, "" // it is for a person to authorize now
	case c.unfit():
		c.refuseSettings(ctx)
	case config.Own() || c.Problem != nil:
		c.RetryAt = workflow.Now(ctx) // with other settings it may work, and with the earlier ones it does
	}
	return nil
}

// unfit tells whether the tokens are not those that the settings ask for, so that a person must consent anew. Those of the client itself are
// had anew at once.
func (c *credential) unfit() bool {
	t := c.Tokens
	switch {
	case t == nil || c.Config.Own():
		return false
	case t.ClientID != c.Config.ClientID || t.TokenURL != c.Config.TokenURL || t.Refresh == "":
		return true
	case len(t.Names) > 0 && !isUser(c.Config.User, t.Names):
		return true
	}
	asked, wanted := slices.Clone(t.Asked), slices.Clone(c.Config.Scopes)
	slices.Sort(asked)
	slices.Sort(wanted)
	return !slices.Equal(asked, wanted)
}

func (c *credential) refuseSettings(ctx workflow.Context) {
	c.trouble(ctx, contract.CredentialProblem{
		Kind: contract.ProblemConsent, Message: "the settings are of another client or user, or of other scopes, than what was authorized; authorize again",
	})
}

func (c *credential) remove(workflow.Context) error {
	c.removed = true
	c.Tokens = nil // the last run can be asked as long as its history is kept
	c.changes++
	return nil
}

// forget drops what has become too old to be used.
func (c *credential) forget(now time.Time) {
	c.Pending = slices.DeleteFunc(c.Pending, func(p contract.BeginConsent) bool { return !p.Until.After(now) })
	c.Invitations = slices.DeleteFunc(c.Invitations, func(i contract.Invitation) bool { return !i.Until.After(now) })
}

// spread is a number between 0 and below 1 that is the same in every replay and differs between credentials and tokens, so that those which
// were made together are not refreshed together.
func (c *credential) spread() float64 {
	h := fnv.New32a()
	_, _ = h.Write([]byte{byte(c.Version), byte(c.Version >> 8)})
	_, _ = h.Write([]byte(c.Config.Name))
	return float64(h.Sum32()%1000) / 1000
}
