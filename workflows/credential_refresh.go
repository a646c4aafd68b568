package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
)

const (
	// assumedLife is that of an access token whose end the provider does not tell.
	assumedLife = time.Hour
	// shortestRefresh keeps a provider whose tokens end at once from being asked all the time.
	shortestRefresh = 5 * time.Second
	// refusedAgain is how old a token must be to be replaced because a server refuses it: one that refuses all would have it replaced for ever.
	refusedAgain = time.Minute
	// attemptFor is how long one refresh is tried; then the problem is noted, and it is tried again after a pause.
	attemptFor = 2 * time.Minute
	// longestPauseOfRefresh is that between refreshes which fail.
	longestPauseOfRefresh = 5 * time.Minute
	// settingsPause is how often is looked whether somebody has mended what an administrator must.
	settingsPause = 15 * time.Minute
)

// accounts are options of activities at the workers that have the secrets of accounts.
func accounts(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: contract.CredentialQueue, ScheduleToCloseTimeout: attemptFor, StartToCloseTimeout: time.Minute, HeartbeatTimeout: contract.CallHeartbeat,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: 30 * time.Second}, Summary: summary,
	})
}

// token asks for tokens, and notes with them what they were asked for with: the settings may change meanwhile.
func token(ctx workflow.Context, in contract.TokenRequest) (answer contract.TokenAnswer, err error) {
	err = workflow.ExecuteActivity(ctx, contract.TokenActivity, in).Get(ctx, &answer)
	if t := answer.Tokens; err == nil && t != nil {
		t.ClientID, t.TokenURL = in.Config.ClientID, in.Config.TokenURL
		if in.By != contract.ByRefresh {
			t.Asked = in.Config.Scopes
		}
	}
	return answer, err
}

// due is when the tokens are to be refreshed; false: they are not.
func (c *credential) due() (time.Time, bool) {
	t := c.Tokens
	switch {
	case c.Revoked || c.removed:
		return time.Time{}, false
	case !c.RetryAt.IsZero():
		return c.RetryAt, true
	case c.Problem != nil:
		return time.Time{}, false // a person must act
	case t == nil:
		return time.Time{}, c.Config.Own() // at once
	case t.Refresh == "" && !c.Config.Own():
		return time.Time{}, false
	}
	life := assumedLife
	if !t.Expires.IsZero() {
		life = t.Expires.Sub(t.Issued)
	}
	// Around 80 % of it.
	after := time.Duration(float64(life) * (0.75 + 0.1*c.spread()))
	return t.Issued.Add(max(after, shortestRefresh)), true
}

// refresh gets new tokens. The caller has the turn.
func (c *credential) refresh(ctx workflow.Context) error {
	request := contract.TokenRequest{Config: c.Config, By: contract.ByOwn}
	if !c.Config.Own() {
		if c.Tokens == nil || c.Tokens.Refresh == "" {
			c.RetryAt = time.Time{} // with nothing
			return nil
		}
		request.By, request.Refresh = contract.ByRefresh, c.Tokens.Refresh
	}
	answer, err := token(accounts(ctx, "refresh"), request)
	switch {
	case temporal.IsCanceledError(err):
		return err
	case err != nil:
		c.trouble(ctx, contract.CredentialProblem{Kind: contract.ProblemTemporary, Message: inWords(err)})
	case answer.Problem != nil:
		c.trouble(ctx, *answer.Problem)
	default:
		c.adopt(ctx, *answer.Tokens)
		c.Refreshes++
		c.Refreshed = workflow.Now(ctx)
	}
	return nil
}

// inWords says why an activity at an account has no result.
func inWords(err error) string {
	return inWordsOr(err, "no worker with the role mailbox answered in time")
}

// inWordsOr says why an activity has no result, and late when it took too long.
func inWordsOr(err error, late string) string {
	if application, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return application.Message()
	}
	if _, timedOut := errors.AsType[*temporal.TimeoutError](err); timedOut {
		return late
	}
	return err.Error()
}

// sameEnd is how far two answers about the same end of a refresh token may be apart: they tell how long it lasts from now on.
const sameEnd = time.Hour

// adopt takes tokens over. The refresh token that there is stays when there is no new one, and so does what was told of it.
func (c *credential) adopt(ctx workflow.Context, t contract.CredentialTokens) {
	if c.removed {
		return
	}
	now := workflow.Now(ctx)
	before := c.Tokens
	if before != nil {
		if t.User == "" {
			t.User, t.Names = before.User, before.Names
		}
		if t.Asked == nil {
			t.Asked = before.Asked
		}
		if t.Scopes == nil {
			t.Scopes = before.Scopes
		}
		if t.Refresh == "" || t.Refresh == before.Refresh {
			t.Refresh, t.RefreshIssued = before.Refresh, before.RefreshIssued
			if !t.RefreshTold {
				t.RefreshExpires, t.RefreshTold = before.RefreshExpires, before.RefreshTold
			}
		}
	}
	if t.Scopes == nil {
		t.Scopes = c.Config.Scopes // which an answer without them means (RFC 6749, section 5.1)
	}
	c.assume(&t, before == nil || t.Refresh != before.Refresh, now)
	if before == nil || t.RefreshExpires.Sub(c.WarnedEnd) > sameEnd { // also when it moves little by little
		c.Warned = 0
	}
	c.Tokens = &t
	c.Version++
	c.Problem, c.Failures, c.RetryAt, c.Revoked = nil, 0, time.Time{}, false
	c.changes++
	if c.unfit() {
		c.refuseSettings(ctx) // which have changed meanwhile
		return
	}
	c.Told = ""
	workflow.SetCurrentDetails(ctx, "")
}

// assume sets when the refresh token ends if the provider never said.
func (c *credential) assume(t *contract.CredentialTokens, anew bool, now time.Time) {
	if t.Refresh == "" || t.RefreshTold || c.Config.RefreshDays == 0 || !anew && !c.Config.Slides {
		return
	}
	t.RefreshExpires = now.Add(time.Duration(c.Config.RefreshDays) * day)
	if !anew {
		t.RefreshIssued = now // it counts from here
	}
}

// trouble notes why there are no new tokens, and when it is tried again.
func (c *credential) trouble(ctx workflow.Context, p contract.CredentialProblem) {
	now := workflow.Now(ctx)
	p.At = now
	if p.Kind == contract.ProblemConsent && c.Config.Own() {
		p.Kind = contract.ProblemSettings // an administrator consents, at the provider, of which nobody hears here
	}
	c.Problem = &p
	c.Failures++
	switch p.Kind {
	case contract.ProblemTemporary:
		c.RetryAt = now.Add(min(30*time.Second<<min(c.Failures-1, 8), longestPauseOfRefresh))
	case contract.ProblemSettings:
		c.RetryAt = now.Add(settingsPause)
	default:
		c.RetryAt = time.Time{}
	}
	c.changes++
	workflow.SetCurrentDetails(ctx, "**"+p.Message+"**")
	tell := c.Told != p.Kind // what a person has to do now is another thing
	if p.Kind == contract.ProblemTemporary {
		tell = c.Told == "" && (c.Tokens == nil || !c.Tokens.Expires.IsZero() && !now.Before(c.Tokens.Expires))
	}
	if tell {
		c.Told = p.Kind
		c.tellBroken(now)
	}
}

// refreshNow gets tokens that are newer than those of a version. Many may ask at once: the first has them got, and the others find them.
func (c *credential) refreshNow(ctx workflow.Context, in contract.RefreshCredential) (contract.CredentialAccess, error) {
	if err := c.turn.Lock(ctx); err != nil {
		return contract.CredentialAccess{}, err
	}
	defer c.turn.Unlock()
	if c.wants(workflow.Now(ctx), in) {
		if err := c.refresh(ctx); err != nil {
			return contract.CredentialAccess{}, err
		}
	}
	return c.access()
}

// wants tells whether a refresh that somebody asks for makes sense.
func (c *credential) wants(now time.Time, in contract.RefreshCredential) bool {
	if in.Force {
		if c.Revoked && c.Config.Own() {
			c.Revoked = false
		}
		return !c.Revoked && !c.removed
	}
	from, ok := c.renewable()
	return ok && c.Version <= in.Version && !now.Before(from)
}

// renewable is from when on tokens are replaced because somebody wants newer ones; false: a person must act before.
func (c *credential) renewable() (from time.Time, ok bool) {
	t := c.Tokens
	if c.Revoked || c.removed || c.Problem != nil && c.RetryAt.IsZero() || t == nil && !c.Config.Own() {
		return from, false
	}
	if t != nil {
		from = t.Issued.Add(refusedAgain)
		if !t.Expires.IsZero() && t.Expires.Before(from) {
			from = t.Expires
		}
	}
	if c.Problem != nil && from.Before(c.Problem.At.Add(refusedAgain)) {
		from = c.Problem.At.Add(refusedAgain) // it was tried just now
	}
	return from, true
}

// revoke has the provider take the tokens back, and forgets them.
func (c *credential) revoke(ctx workflow.Context) (contract.RevokeOutcome, error) {
	if err := c.turn.Lock(ctx); err != nil {
		return contract.RevokeOutcome{}, err
	}
	defer c.turn.Unlock()
	outcome := contract.RevokeOutcome{Message: "there were none"}
	if t := c.Tokens; t != nil {
		request := contract.RevokeRequest{Config: c.Config, Sealed: t.Refresh, Kind: "refresh_token"}
		if t.Refresh == "" {
			request.Sealed, request.Kind = t.Access, "access_token"
		}
		outcome.Message = "the provider has no URL for revocation: withdraw the consent there"
		if c.Config.RevocationURL != "" {
			err := workflow.ExecuteActivity(accounts(ctx, "revoke"), contract.RevokeActivity, request).Get(ctx, nil)
			outcome = contract.RevokeOutcome{AtProvider: err == nil}
			if err != nil {
				outcome.Message = "the provider did not revoke them: " + inWords(err)
			}
		}
	}
	c.Tokens, c.Revoked, c.Problem, c.RetryAt, c.Told, c.Failures = nil, true, nil, time.Time{}, "", 0
	c.Pending, c.Discard = nil, nil
	c.stopDevice()
	c.changes++
	return outcome, nil
}
