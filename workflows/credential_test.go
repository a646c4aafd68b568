package workflows_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/workflows"
)

// credentialRun is a run of a credential's workflow without a server. What a test does happens at given times after its start.
type credentialRun struct {
	*testsuite.TestWorkflowEnvironment
	t       *testing.T
	begun   time.Time
	asked   []contract.TokenRequest
	at      []time.Duration // when they were
	running int
	most    int // that ran at once
	token   func(contract.TokenRequest) (contract.TokenAnswer, error)
	notices []contract.Notice
	told    []time.Duration
	alerts  []contract.Alert
	revoked []contract.RevokeRequest
	notify  func() error
	became  contract.Notified   // of mails
	queues  map[string][]string // of the requests for tokens, by their grants
	updates int
}

func newCredentialRun(t *testing.T) *credentialRun {
	var suite testsuite.WorkflowTestSuite
	r := &credentialRun{TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(), t: t, queues: map[string][]string{}}
	r.begun = r.Now()
	r.token = func(in contract.TokenRequest) (contract.TokenAnswer, error) { return r.tokens(time.Hour), nil }
	register := func(name string, fn any) { r.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name}) }
	register(contract.TokenActivity, func(ctx context.Context, in contract.TokenRequest) (contract.TokenAnswer, error) {
		r.queues[in.By] = append(r.queues[in.By], activity.GetInfo(ctx).TaskQueue)
		r.asked, r.at = append(r.asked, in), append(r.at, r.Now().Sub(r.begun))
		r.running++
		r.most = max(r.most, r.running)
		defer func() { r.running-- }()
		return r.token(in)
	})
	register(contract.RevokeActivity, func(_ context.Context, in contract.RevokeRequest) error {
		r.revoked = append(r.revoked, in)
		return nil
	})
	register(contract.NotifyActivity, func(_ context.Context, n contract.Notice) (contract.Notified, error) {
		if r.notify != nil {
			if err := r.notify(); err != nil {
				return contract.Notified{}, err
			}
		}
		r.notices, r.told = append(r.notices, n), append(r.told, r.Now().Sub(r.begun))
		return r.became, nil
	})
	register(contract.AlertActivity, func(_ context.Context, a contract.Alert) (contract.AlertResult, error) {
		r.alerts = append(r.alerts, a)
		return contract.AlertResult{}, nil
	})
	r.SetTestTimeout(time.Minute)
	return r
}

// tokens are new ones, numbered by the requests.
func (r *credentialRun) tokens(life time.Duration) contract.TokenAnswer {
	n := len(r.asked)
	return contract.TokenAnswer{Tokens: &contract.CredentialTokens{
		Access: fmt.Sprintf("sealed:access-%d", n), Refresh: fmt.Sprintf("sealed:refresh-%d", n), Issued: r.Now(), Expires: r.Now().Add(life),
		RefreshIssued: r.Now(), User: "ann@example.com", Names: []string{"ann@example.com", "a.smith@example.com"},
	}}
}

func credentialConfig() contract.CredentialConfig {
	return contract.CredentialConfig{
		Name: "ann", AuthorizationURL: "https://login.example.com/authorize", TokenURL: "https://login.example.com/token",
		RevocationURL: "https://login.example.com/revoke", ClientID: "waybill", Notify: []string{"admin@example.com"}, Gateway: "https://waybill.example.com",
		RefreshDays: 90, Scopes: []string{"mail", "offline_access"},
	}
}

// holding is the state of a credential that was authorized now.
func (r *credentialRun) holding(life, refresh time.Duration) contract.CredentialState {
	now := r.Now()
	config := credentialConfig()
	s := contract.CredentialState{Config: config, Version: 1, Authorised: now, Tokens: &contract.CredentialTokens{
		Access: "sealed:access", Refresh: "sealed:refresh", Issued: now, Expires: now.Add(life), RefreshIssued: now, User: "ann@example.com", Names: []string{"ann@example.com", "a.smith@example.com"},
		ClientID: config.ClientID, TokenURL: config.TokenURL, Asked: config.Scopes,
	}}
	if refresh > 0 {
		s.Tokens.RefreshExpires = now.Add(refresh)
	}
	return s
}

// do has an update come at a time.
func (r *credentialRun) do(after time.Duration, name string, arg any) *answer {
	a := &answer{}
	r.updates++
	id := fmt.Sprint(r.updates)
	r.RegisterDelayedCallback(func() {
		r.UpdateWorkflow(name, id, &testsuite.TestUpdateCallback{
			OnAccept: func() {}, OnReject: func(err error) { a.rejected = err },
			OnComplete: func(result any, err error) { a.result, a.err, a.done = result, err, true },
		}, arg)
	}, after)
	return a
}

// run runs the workflow for a time, and then removes it.
func (r *credentialRun) run(state contract.CredentialState, life time.Duration) {
	r.t.Helper()
	r.do(life, contract.RemoveCredentialUpdate, nil)
	r.ExecuteWorkflow(workflows.Credential, state)
	require.True(r.t, r.IsWorkflowCompleted())
	require.NoError(r.t, r.GetWorkflowError())
}

// status is what is told at a time.
func (r *credentialRun) status(after time.Duration) *contract.CredentialStatus {
	s := &contract.CredentialStatus{}
	r.RegisterDelayedCallback(func() {
		v, err := r.QueryWorkflow(contract.CredentialQuery)
		require.NoError(r.t, err)
		require.NoError(r.t, v.Get(s))
	}, after)
	return s
}

func problem(kind, message string) contract.TokenAnswer {
	return contract.TokenAnswer{Problem: &contract.CredentialProblem{Kind: kind, Message: message}}
}

func TestCredentialIsRefreshedAhead(t *testing.T) {
	r := newCredentialRun(t)
	r.run(r.holding(time.Hour, 0), 24*time.Hour)
	require.InDelta(t, 30, len(r.asked), 3)
	for i, at := range r.at {
		before := time.Duration(0)
		if i > 0 {
			before = r.at[i-1]
			require.Equal(t, fmt.Sprintf("sealed:refresh-%d", i), r.asked[i].Refresh, "each refresh token is replaced by the one that came with it")
		}
		require.GreaterOrEqual(t, at-before, 45*time.Minute)
		require.LessOrEqual(t, at-before, 51*time.Minute)
	}
	require.Empty(t, r.notices)
}

func TestCredentialKeepsARefreshTokenThatIsNotReplaced(t *testing.T) {
	r := newCredentialRun(t)
	r.token = func(contract.TokenRequest) (contract.TokenAnswer, error) {
		a := r.tokens(time.Hour)
		a.Tokens.Refresh, a.Tokens.RefreshIssued = "", time.Time{}
		return a, nil
	}
	state := r.holding(time.Hour, 40*24*time.Hour)
	after := r.status(5 * time.Hour)
	r.run(state, 6*time.Hour)
	for _, in := range r.asked {
		require.Equal(t, "sealed:refresh", in.Refresh)
	}
	require.True(t, state.Tokens.RefreshExpires.Equal(after.RefreshExpires), "its end is what it was")
}

func TestCredentialWarns(t *testing.T) {
	const days = 24 * time.Hour
	for name, test := range map[string]struct {
		life time.Duration
		want []time.Duration
	}{
		"at 14, 7 and 1 days": {90 * days, []time.Duration{76 * days, 83 * days, 89 * days}},
		"of a week":           {7 * days, []time.Duration{6 * days}},
		"of an hour: never":   {time.Hour, nil},
		"that is not known":   {0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := newCredentialRun(t)
			state := r.holding(365*days, test.life)
			state.Tokens.Expires = r.Now().Add(200 * days)
			r.run(state, 95*days)
			require.Equal(t, test.want, r.told)
			require.Len(t, r.alerts, len(test.want))
			keys := map[string]bool{}
			for i, n := range r.notices {
				keys[n.Key] = true
				left := []int{14, 7, 1}[3-len(test.want)+i]
				require.Equal(t, contract.TemplateCredential, n.Template)
				require.Equal(t, []string{"admin@example.com"}, n.To)
				require.EqualValues(t, left, n.Data["days"])
				require.NotContains(t, n.Data, "problem")
				require.Equal(t, []any{"ann", "ann@example.com", "starter credential authorize ann"}, []any{n.Data["credential"], n.Data["user"], n.Data["command"]})
				require.Equal(t, contract.AlertCredential, r.alerts[i].Source)
				require.Equal(t, "expiring", r.alerts[i].Status)
			}
			require.Len(t, keys, len(test.want), "each is a mail of its own")
		})
	}
}

// A token that slides never comes near its end, and nobody is warned.
func TestCredentialThatSlides(t *testing.T) {
	r := newCredentialRun(t)
	r.token = func(contract.TokenRequest) (contract.TokenAnswer, error) { return r.tokens(10 * 24 * time.Hour), nil }
	r.run(r.holding(10*24*time.Hour, 90*24*time.Hour), 300*24*time.Hour)
	require.Empty(t, r.notices, "each refresh gives a token that lasts 90 days")
	r = newCredentialRun(t)
	r.token = func(contract.TokenRequest) (contract.TokenAnswer, error) {
		a := r.tokens(10 * 24 * time.Hour)
		a.Tokens.Refresh = ""
		return a, nil
	}
	state := r.holding(10*24*time.Hour, 90*24*time.Hour)
	state.Config.Slides, state.Config.RefreshDays = true, 180
	r.run(state, 300*24*time.Hour)
	require.Empty(t, r.notices, "each use counts")
}

// Warnings hold nothing up: neither a queue that nobody polls nor a mail server that is down.
func TestCredentialDoesNotWaitForWarnings(t *testing.T) {
	r := newCredentialRun(t)
	r.notify = func() error { return errors.New("the mail server is down") }
	state := r.holding(time.Hour, 15*24*time.Hour)
	r.token = func(contract.TokenRequest) (contract.TokenAnswer, error) {
		a := r.tokens(time.Hour)
		a.Tokens.Refresh = ""
		return a, nil
	}
	during, after := r.status(25*time.Hour+time.Hour), r.status(4*24*time.Hour)
	r.run(state, 5*24*time.Hour)
	require.Greater(t, during.Refreshes, 20, "it is refreshed meanwhile")
	require.Contains(t, after.Unsent, "the mail server is down")
	require.Len(t, r.alerts, 1, "the other way works")
}

func TestCredentialRefreshesOneAtATime(t *testing.T) {
	r := newCredentialRun(t)
	r.token = func(contract.TokenRequest) (contract.TokenAnswer, error) { return r.tokens(time.Hour), nil }
	state := r.holding(time.Hour, 0)
	var answers []*answer
	for range 8 {
		answers = append(answers, r.do(10*time.Minute, contract.RefreshUpdate, contract.RefreshCredential{Version: 1}))
	}
	late := r.do(11*time.Minute, contract.RefreshUpdate, contract.RefreshCredential{Version: 1})
	young := r.do(10*time.Minute+30*time.Second, contract.RefreshUpdate, contract.RefreshCredential{Version: 2})
	forced := r.do(12*time.Minute, contract.RefreshUpdate, contract.RefreshCredential{Force: true})
	r.run(state, 13*time.Minute)
	require.Len(t, r.asked, 2, "one for all that were refused, one by force")
	require.Equal(t, 1, r.most)
	for _, a := range append(answers, late, young) {
		require.NoError(t, a.err)
		require.Equal(t, 2, a.result.(contract.CredentialAccess).Version)
	}
	require.Equal(t, 3, forced.result.(contract.CredentialAccess).Version)
}

func TestCredentialBrokenAndMended(t *testing.T) {
	for name, test := range map[string]struct {
		answer contract.TokenAnswer
		tries  int // within four hours
	}{
		"by a person":         {problem(contract.ProblemConsent, "consent was withdrawn"), 1},
		"by an administrator": {problem(contract.ProblemSettings, "the secret has expired"), 13},
	} {
		t.Run(name, func(t *testing.T) {
			r := newCredentialRun(t)
			r.token = func(contract.TokenRequest) (contract.TokenAnswer, error) { return test.answer, nil }
			status := r.status(3 * time.Hour)
			mended := r.do(4*time.Hour, contract.RefreshUpdate, contract.RefreshCredential{Force: true})
			tries := 0
			r.RegisterDelayedCallback(func() {
				tries = len(r.asked)
				r.token = func(contract.TokenRequest) (contract.TokenAnswer, error) { return r.tokens(time.Hour), nil }
			}, 4*time.Hour-time.Second)
			after := r.status(4*time.Hour + time.Minute)
			r.run(r.holding(time.Hour, 0), 5*time.Hour)
			require.Equal(t, test.answer.Problem.Message, status.Problem.Message)
			require.InDelta(t, test.tries, tries, 1)
			require.Len(t, r.notices, 1, "people are told once")
			require.Equal(t, test.answer.Problem.Message, r.notices[0].Data["problem"])
			require.Equal(t, test.answer.Problem.Kind == contract.ProblemConsent, r.notices[0].Data["command"] != nil, "it would mend nothing else")
			require.Len(t, r.alerts, 1)
			require.Equal(t, "broken", r.alerts[0].Status)
			require.NoError(t, mended.err)
			require.Nil(t, after.Problem)
		})
	}
}

// An endpoint that is down is tried again and again. People hear of it when the last token has ended.
func TestCredentialEndpointDown(t *testing.T) {
	r := newCredentialRun(t)
	down := true
	r.token = func(contract.TokenRequest) (contract.TokenAnswer, error) {
		if down {
			return contract.TokenAnswer{}, temporal.NewApplicationError("the provider cannot answer now", contract.ProblemTemporary)
		}
		return r.tokens(time.Hour), nil
	}
	early, late := r.status(55*time.Minute), r.status(2*time.Hour)
	earlyNotices := 0
	r.RegisterDelayedCallback(func() { earlyNotices = len(r.notices) }, 55*time.Minute)
	r.RegisterDelayedCallback(func() { down = false }, 3*time.Hour)
	after := r.status(3*time.Hour + 10*time.Minute)
	r.run(r.holding(time.Hour, 0), 4*time.Hour)
	require.Equal(t, "the provider cannot answer now", early.Problem.Message)
	require.Zero(t, earlyNotices)
	require.NotNil(t, late.Problem)
	require.Len(t, r.notices, 1)
	require.Nil(t, after.Problem)
}

func (r *credentialRun) begin(after time.Duration, state, session, invited string) *answer {
	return r.do(after, contract.BeginConsentUpdate, contract.BeginConsent{ID: state, State: state, Session: session, Invited: invited, Verifier: "sealed:verifier", Redirect: "https://waybill.example.com/oauth/callback"})
}

func TestCredentialConsent(t *testing.T) {
	r := newCredentialRun(t)
	consent := func(after time.Duration, in contract.Consent) *answer { return r.do(after, contract.ConsentUpdate, in) }
	uninvited := r.begin(time.Second, "s0", "b", "nobody")
	r.do(time.Second, contract.InviteUpdate, contract.Invitation{Hash: "i"})
	r.begin(2*time.Second, "s1", "b", "i")
	again := r.begin(3*time.Second, "s2", "b", "i")
	forged := consent(4*time.Second, contract.Consent{State: "s9", Session: "b", Code: "sealed:code"})
	other := consent(5*time.Second, contract.Consent{State: "s1", Session: "another", Code: "sealed:code"})
	replayed := consent(6*time.Second, contract.Consent{State: "s1", Session: "b", Code: "sealed:code"})
	r.begin(10*time.Second, "s3", "b", "")
	late := consent(11*time.Minute, contract.Consent{State: "s3", Session: "b", Code: "sealed:code"})
	r.begin(20*time.Minute, "s4", "b", "")
	good := consent(21*time.Minute, contract.Consent{State: "s4", Session: "b", Code: "sealed:code"})
	r.do(30*time.Minute, contract.InviteUpdate, contract.Invitation{Hash: "old"})
	old := r.begin(100*time.Minute, "s5", "b", "old")
	status := r.status(22 * time.Minute)
	r.run(contract.CredentialState{Config: credentialConfig()}, 2*time.Hour)
	require.ErrorContains(t, uninvited.rejected, "used already")
	require.ErrorContains(t, again.rejected, "used already")
	require.ErrorContains(t, forged.rejected, "belongs to no authorization")
	require.Contains(t, other.result.(contract.ConsentOutcome).Message, "another browser")
	require.ErrorContains(t, replayed.rejected, "belongs to no authorization")
	if late.rejected == nil { // the loop may have forgotten it already
		require.Contains(t, late.result.(contract.ConsentOutcome).Message, "longer than 10 minutes")
	}
	require.True(t, good.result.(contract.ConsentOutcome).OK)
	require.True(t, old.rejected != nil || old.err != nil, "an invitation lasts an hour")
	require.Equal(t, "ann@example.com", status.User)
	require.Equal(t, []string{contract.ByCode, contract.ByRefresh}, []string{r.asked[0].By, r.asked[1].By}, "the new refresh token is tried")
	require.Equal(t, "sealed:refresh-1", r.asked[1].Refresh)
}

func TestCredentialConsentAgain(t *testing.T) {
	r := newCredentialRun(t)
	bad := true
	r.token = func(in contract.TokenRequest) (contract.TokenAnswer, error) {
		if in.By == contract.ByRefresh && bad {
			return problem(contract.ProblemConsent, "it does not work"), nil
		}
		return r.tokens(time.Hour), nil
	}
	r.begin(time.Minute, "s1", "b", "")
	failed := r.do(2*time.Minute, contract.ConsentUpdate, contract.Consent{State: "s1", Session: "b", Code: "sealed:code"})
	kept := r.status(3 * time.Minute)
	revokedBefore := 0
	r.RegisterDelayedCallback(func() { bad, revokedBefore = false, len(r.revoked) }, 4*time.Minute)
	r.begin(5*time.Minute, "s2", "b", "")
	good := r.do(6*time.Minute, contract.ConsentUpdate, contract.Consent{State: "s2", Session: "b", Code: "sealed:code"})
	r.run(r.holding(time.Hour, 0), 10*time.Minute)
	require.Contains(t, failed.result.(contract.ConsentOutcome).Message, "stay in use")
	require.Equal(t, 1, kept.Version)
	require.Nil(t, kept.Problem)
	require.Zero(t, revokedBefore)
	require.True(t, good.result.(contract.ConsentOutcome).OK)
	require.Len(t, r.revoked, 1)
	require.Equal(t, "sealed:refresh", r.revoked[0].Sealed)
	require.Len(t, r.asked, 5, "after the revocation the new tokens are tried once more")
}

// A run that has become long begins anew with all that it knows, and warnings that are not sent yet go along.
func TestCredentialBeginsANewRun(t *testing.T) {
	r := newCredentialRun(t)
	r.notify = func() error { return errors.New("the mail server is down") }
	r.token = func(contract.TokenRequest) (contract.TokenAnswer, error) {
		return problem(contract.ProblemConsent, "withdrawn"), nil
	}
	r.RegisterDelayedCallback(func() { r.SetContinueAsNewSuggested(true) }, 55*time.Minute) // before the tenth try, which is the last in such a test
	r.do(54*time.Minute, contract.InviteUpdate, contract.Invitation{Hash: "i"})
	r.begin(54*time.Minute, "s1", "b", "")
	r.do(55*time.Minute+time.Second, contract.ConfigureCredential, credentialConfig())
	r.ExecuteWorkflow(workflows.Credential, r.holding(time.Hour, 0))
	require.True(t, r.IsWorkflowCompleted())
	var anew *workflow.ContinueAsNewError
	require.ErrorAs(t, r.GetWorkflowError(), &anew)
	require.Equal(t, contract.CredentialWorkflow, anew.WorkflowType.Name)
	var next contract.CredentialState
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(anew.Input, &next))
	require.Equal(t, "sealed:refresh", next.Tokens.Refresh)
	require.Equal(t, "withdrawn", next.Problem.Message)
	require.Equal(t, contract.ProblemConsent, next.Told)
	require.Len(t, next.Pending, 1)
	require.Len(t, next.Invitations, 1)
	require.Len(t, next.Outbox, 1, "the alert was sent, the mail was not")

	r = newCredentialRun(t)
	r.run(next, time.Minute)
	require.Len(t, r.notices, 1)
	require.Empty(t, r.alerts)
	require.Empty(t, r.asked, "a person must act")
}
