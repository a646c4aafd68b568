package activities

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/mail"
)

// Without a key, with another one, or without the secret of the client nothing is asked, and the words say what to do.
func TestNothingIsAskedThatCannotBeKept(t *testing.T) {
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token":"hunter2-access","token_type":"Bearer","expires_in":60,"refresh_token":"hunter2-refresh"}`))
	}))
	t.Cleanup(s.Close)
	key := mail.NewKey()
	parsed, err := mail.ParseKey(key)
	require.NoError(t, err)
	other, err := mail.ParseKey(mail.NewKey())
	require.NoError(t, err)
	t.Setenv("OAUTH_TEST_SECRET", "hunter2-secret")
	config := contract.CredentialConfig{Name: "c", TokenURL: s.URL, ClientID: "i", ClientSecret: "env:OAUTH_TEST_SECRET", AuthorizationURL: s.URL}
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	o := &OAuth{}
	env.RegisterActivity(o.Token)
	token := func(in contract.TokenRequest) contract.TokenAnswer {
		t.Helper()
		v, err := env.ExecuteActivity(o.Token, in)
		require.NoError(t, err)
		var answer contract.TokenAnswer
		require.NoError(t, v.Get(&answer))
		return answer
	}
	refresh := contract.TokenRequest{Config: config, By: contract.ByRefresh, Refresh: parsed.Seal("hunter2-old")}

	for name, wrong := range map[string]string{"": "WAYBILL_SECRET_KEY", "hunter2": "starter secret key"} {
		t.Setenv("WAYBILL_SECRET_KEY", name)
		problem := token(refresh).Problem
		require.Equal(t, contract.ProblemSettings, problem.Kind)
		require.Contains(t, problem.Message, wrong)
		require.NotContains(t, problem.Message, "hunter2")
	}
	t.Setenv("WAYBILL_SECRET_KEY", key)
	require.Contains(t, token(contract.TokenRequest{Config: config, By: contract.ByRefresh, Refresh: other.Seal("hunter2-old")}).Problem.Message, "another key")
	missing := refresh
	missing.Config.ClientSecret = "env:NO_SUCH_SECRET"
	require.Contains(t, token(missing).Problem.Message, "the client secret: ")
	require.Zero(t, asked.Load())

	tokens := token(refresh).Tokens
	require.EqualValues(t, 1, asked.Load())
	access, err := parsed.Open(tokens.Access)
	require.NoError(t, err)
	require.Equal(t, mail.Secret("hunter2-access"), access)
	require.NotContains(t, tokens.Access+tokens.Refresh, "hunter2")
	_, err = env.ExecuteActivity(o.Token, contract.TokenRequest{Config: config, By: "magic"})
	require.ErrorContains(t, err, "magic")
}

func TestACredentialIsNoPassword(t *testing.T) {
	_, err := Secret("credential:ann")
	require.ErrorContains(t, err, "log-ins with OAuth take alone")
	require.Equal(t, "ann", CredentialOf("credential:ann"))
	require.Empty(t, CredentialOf("env:ann"))
}
