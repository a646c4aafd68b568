package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
)

const testDay = 24 * time.Hour

// Providers tell how long a refresh token lasts from now on, so that the same end differs a little in each answer.
func TestCredentialWarnsOnceOfAnEnd(t *testing.T) {
	for name, test := range map[string]struct {
		life   time.Duration // of the refresh token
		access time.Duration
		moves  bool // with each refresh
		want   []time.Duration
	}{
		"that is told anew at each refresh": {30 * testDay, time.Hour, false, []time.Duration{16 * testDay, 23 * testDay, 29 * testDay}},
		"of just a day":                     {testDay, time.Hour, false, nil},
		"of just a week":                    {7 * testDay, time.Hour, false, []time.Duration{6 * testDay}},
		"of just two weeks":                 {14 * testDay, time.Hour, false, []time.Duration{7 * testDay, 13 * testDay}},
		"that each refresh moves":           {15 * testDay, time.Hour, true, nil},
		"that the next refresh moves":       {25 * time.Hour, 2 * time.Hour, true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := newCredentialRun(t)
			state := r.holding(test.access, test.life)
			state.Tokens.RefreshTold = true
			end := state.Tokens.RefreshExpires
			r.token = func(contract.TokenRequest) (contract.TokenAnswer, error) {
				a := r.tokens(test.access)
				jitter := time.Duration(len(r.asked)*7919%1000) * time.Millisecond
				a.Tokens.RefreshExpires, a.Tokens.RefreshTold = end.Add(jitter), true
				if test.moves {
					a.Tokens.RefreshExpires = r.Now().Add(test.life + jitter)
				} else {
					a.Tokens.Refresh = ""
				}
				return a, nil
			}
			r.run(state, min(test.life, 31*testDay))
			require.Len(t, r.told, len(test.want))
			for i, at := range test.want {
				require.InDelta(t, at.Hours(), r.told[i].Hours(), 1)
			}
		})
	}
}

// Renewals do not come through for long, people are warned, and then one does: the next time that happens they are warned again.
func TestCredentialWarnsAgainOfALaterEnd(t *testing.T) {
	r := newCredentialRun(t)
	r.token = func(contract.TokenRequest) (contract.TokenAnswer, error) { return r.tokens(200 * testDay), nil }
	state := r.holding(200*testDay, 90*testDay) // no refresh by itself
	r.do(85*testDay, contract.RefreshUpdate, contract.RefreshCredential{Force: true})
	r.run(state, 165*testDay)
	require.Len(t, r.notices, 3, "two before, and one after")
	require.InDelta(t, (85+76)*24, r.told[2].Hours(), 1)
}

// People hear again when it becomes another thing that they have to do.
func TestCredentialTellsWhatHasChanged(t *testing.T) {
	r := newCredentialRun(t)
	answers := map[int]contract.TokenAnswer{
		1: problem(contract.ProblemTemporary, "it is down"), 2: problem(contract.ProblemSettings, "the secret has expired"), 3: problem(contract.ProblemTemporary, "it is down"),
		4: problem(contract.ProblemSettings, "the secret has expired"), 5: problem(contract.ProblemConsent, "consent was withdrawn"),
	}
	r.token = func(contract.TokenRequest) (contract.TokenAnswer, error) { return answers[len(r.asked)], nil }
	state := r.holding(time.Hour, 0)
	state.Tokens.Issued, state.Tokens.Expires = r.Now().Add(-time.Hour), r.Now() // it has ended
	r.run(state, 5*time.Hour)
	var told []any
	for _, n := range r.notices {
		told = append(told, n.Data["problem"])
	}
	require.Equal(t, []any{"it is down", "the secret has expired", "consent was withdrawn"}, told)
}

// Settings of another client, user or scopes need a new consent; the earlier ones do with the tokens that there are.
func TestCredentialSettingsThatAreCorrected(t *testing.T) {
	for name, change := range map[string]func(*contract.CredentialConfig){
		"client":    func(c *contract.CredentialConfig) { c.ClientID = "waybil" },
		"token URL": func(c *contract.CredentialConfig) { c.TokenURL = "https://login.example.com/tokens" },
		"user":      func(c *contract.CredentialConfig) { c.User = "bob@example.com" },
		"scopes":    func(c *contract.CredentialConfig) { c.Scopes = []string{"mail", "calendar", "offline_access"} },
	} {
		t.Run(name, func(t *testing.T) {
			r := newCredentialRun(t)
			wrong := credentialConfig()
			change(&wrong)
			r.do(time.Minute, contract.ConfigureCredential, wrong)
			broken := r.status(2 * time.Minute)
			wrong.Notify = nil
			r.do(3*time.Minute, contract.ConfigureCredential, wrong) // something else
			still := r.status(4 * time.Minute)
			tries := 0
			r.RegisterDelayedCallback(func() { tries = len(r.asked) }, 5*time.Minute-time.Second)
			r.do(5*time.Minute, contract.ConfigureCredential, credentialConfig())
			mended := r.status(6 * time.Minute)
			r.run(r.holding(time.Hour, 0), 7*time.Minute)
			for _, s := range []*contract.CredentialStatus{broken, still} {
				require.NotNil(t, s.Problem)
				require.Equal(t, contract.ProblemConsent, s.Problem.Kind)
			}
			require.Zero(t, tries, "no refresh would change it")
			require.Nil(t, mended.Problem)
			require.Equal(t, 2, mended.Version)
		})
	}
	t.Run("in another order, or another name of the user", func(t *testing.T) {
		r := newCredentialRun(t)
		other := credentialConfig()
		other.Scopes, other.User = []string{"offline_access", "mail"}, "A.Smith@example.com"
		r.do(time.Minute, contract.ConfigureCredential, other)
		s := r.status(2 * time.Minute)
		r.run(r.holding(time.Hour, 0), 3*time.Minute)
		require.Nil(t, s.Problem)
		require.Empty(t, r.asked)
	})
	t.Run("while a refresh is under way", func(t *testing.T) {
		r := newCredentialRun(t)
		r.token = func(contract.TokenRequest) (contract.TokenAnswer, error) {
			if len(r.asked) == 1 {
				return contract.TokenAnswer{}, temporal.NewApplicationErrorWithOptions("later", contract.ProblemTemporary, temporal.ApplicationErrorOptions{NextRetryDelay: 30 * time.Second})
			}
			return r.tokens(time.Hour), nil
		}
		r.do(10*time.Minute, contract.RefreshUpdate, contract.RefreshCredential{Force: true})
		wrong := credentialConfig()
		wrong.ClientID = "waybil"
		r.do(10*time.Minute+10*time.Second, contract.ConfigureCredential, wrong)
		s := r.status(11 * time.Minute)
		r.run(r.holding(time.Hour, 0), 12*time.Minute)
		require.Equal(t, 2, s.Version)
		require.NotNil(t, s.Problem)
		require.Equal(t, contract.ProblemConsent, s.Problem.Kind)
	})
	t.Run("from a client that never got in to a person", func(t *testing.T) {
		r := newCredentialRun(t)
		r.token = func(contract.TokenRequest) (contract.TokenAnswer, error) {
			return problem(contract.ProblemSettings, "wrong"), nil
		}
		own := credentialConfig()
		own.AuthorizationURL, own.ClientSecret = "", "env:S"
		r.do(time.Minute, contract.ConfigureCredential, credentialConfig())
		s := r.status(2 * time.Minute)
		r.run(contract.CredentialState{Config: own}, 3*time.Minute)
		require.Nil(t, s.Problem)
		require.Len(t, r.asked, 1)
	})
}

// Whoever is to consent is compared by every name that the provider tells, and no other way of writing lets anybody else in.
func TestCredentialOfAUser(t *testing.T) {
	for user, names := range map[string]map[bool][]string{
		"ann@example.com": {true: {"a.smith@example.com", "Ann@Example.com"}, false: {"eve"}},
		"ann":             {true: {"ann@example.com", "ann"}, false: {"eve@example.com"}},
		"":                {true: {"eve"}},
	} {
		for ok, names := range names {
			r := newCredentialRun(t)
			r.token = func(contract.TokenRequest) (contract.TokenAnswer, error) {
				a := r.tokens(time.Hour)
				a.Tokens.User, a.Tokens.Names = names[0], names
				return a, nil
			}
			config := credentialConfig()
			config.User = user
			r.begin(time.Second, "s", "b", "")
			got := r.do(2*time.Second, contract.ConsentUpdate, contract.Consent{State: "s", Session: "b", Code: "sealed:code"})
			r.run(contract.CredentialState{Config: config}, time.Minute)
			outcome := got.result.(contract.ConsentOutcome)
			require.Equal(t, ok, outcome.OK, "%s %v: %s", user, names, outcome.Message)
			if !ok {
				require.Contains(t, outcome.Message, "somebody else consented than "+user)
			}
		}
	}
}

// What comes after the removal leaves no token, and nothing that is still told has one.
func TestCredentialRemovedWhileItIsRefreshed(t *testing.T) {
	r := newCredentialRun(t)
	r.token = func(contract.TokenRequest) (contract.TokenAnswer, error) {
		if len(r.asked) < 3 {
			return contract.TokenAnswer{}, temporal.NewApplicationErrorWithOptions("later", contract.ProblemTemporary, temporal.ApplicationErrorOptions{NextRetryDelay: 30 * time.Second})
		}
		return r.tokens(time.Hour), nil
	}
	refreshed := r.do(10*time.Minute, contract.RefreshUpdate, contract.RefreshCredential{Force: true})
	r.run(r.holding(time.Hour, 0), 10*time.Minute+10*time.Second)
	require.Len(t, r.asked, 3)
	require.True(t, refreshed.done)
	v, err := r.QueryWorkflow(contract.AccessQuery)
	require.NoError(t, err)
	var access contract.CredentialAccess
	require.NoError(t, v.Get(&access))
	for _, a := range []contract.CredentialAccess{access, refreshed.result.(contract.CredentialAccess)} {
		require.Empty(t, a.Sealed)
		require.Equal(t, "it was removed", a.Problem)
		require.True(t, a.Waits)
	}
}

// What asks for tokens in a log-in is told when that makes sense.
func TestCredentialSaysWhenItIsRenewed(t *testing.T) {
	now := time.Now().UTC()
	young := contract.CredentialTokens{Access: "sealed:a", Refresh: "sealed:r", Issued: now, Expires: now.Add(time.Hour), ClientID: "waybill", TokenURL: "https://login.example.com/token"}
	short := young
	short.Expires = now.Add(10 * time.Second)
	for name, test := range map[string]struct {
		state contract.CredentialState
		from  time.Time
		waits bool
	}{
		"young":           {contract.CredentialState{Tokens: &young}, now.Add(time.Minute), false},
		"of a short life": {contract.CredentialState{Tokens: &short}, now.Add(10 * time.Second), false},
		"tried just now":  {contract.CredentialState{Tokens: &short, Problem: &contract.CredentialProblem{Kind: contract.ProblemTemporary, At: now}, RetryAt: now.Add(time.Hour)}, now.Add(time.Minute), false},
		"for a person":    {contract.CredentialState{Tokens: &young, Problem: &contract.CredentialProblem{Kind: contract.ProblemConsent, At: now}}, time.Time{}, true},
		"revoked":         {contract.CredentialState{Revoked: true}, time.Time{}, true},
		"nobody has ever": {contract.CredentialState{}, time.Time{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newCredentialRun(t)
			r.SetStartTime(now)
			test.state.Config = credentialConfig()
			test.state.Config.Scopes = nil
			var access contract.CredentialAccess
			r.RegisterDelayedCallback(func() {
				v, err := r.QueryWorkflow(contract.AccessQuery)
				require.NoError(t, err)
				require.NoError(t, v.Get(&access))
			}, time.Second)
			r.run(test.state, 2*time.Second)
			require.Equal(t, []any{true, test.waits}, []any{test.from.Equal(access.RenewFrom), access.Waits}, access.RenewFrom)
		})
	}
}

// A mail that reached nobody is told of, until one arrives.
func TestCredentialTellsOfWarningsThatDidNotArrive(t *testing.T) {
	r := newCredentialRun(t)
	r.became = contract.Notified{Suppressed: "email.enabled is false"}
	first := r.status(77 * testDay)
	r.RegisterDelayedCallback(func() {
		r.became = contract.Notified{Unknown: []string{"user bob"}, Refused: []string{"admin@example.com: 550 no such user"}}
	}, 78*testDay)
	second := r.status(84 * testDay)
	r.RegisterDelayedCallback(func() { r.became = contract.Notified{} }, 85*testDay)
	third := r.status(89*testDay + time.Hour)
	state := r.holding(365*testDay, 90*testDay)
	r.run(state, 89*testDay+2*time.Hour)
	require.Contains(t, first.Unsent, "email.enabled is false")
	require.Contains(t, second.Unsent, "user bob")
	require.Contains(t, second.Unsent, "550 no such user")
	require.Empty(t, third.Unsent)
}

// Whoever waits for a token, or for a person, holds no place of those who get tokens.
func TestQueuesOfACredential(t *testing.T) {
	r := newCredentialRun(t)
	state := contract.CredentialState{Config: credentialConfig(), Device: &contract.PendingDevice{DeviceCode: contract.DeviceCode{ID: "d", Expires: r.Now().Add(time.Minute)}}}
	r.begin(10*time.Second, "s", "b", "")
	r.do(20*time.Second, contract.ConsentUpdate, contract.Consent{State: "s", Session: "b", Code: "sealed:code"})
	r.run(state, 30*time.Second)
	require.Equal(t, map[string][]string{
		contract.ByDevice: {contract.AccountQueue}, contract.ByCode: {contract.CredentialQueue}, contract.ByRefresh: {contract.CredentialQueue, contract.CredentialQueue, contract.CredentialQueue},
	}, r.queues)
}
