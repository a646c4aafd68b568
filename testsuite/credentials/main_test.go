// Package credentials_test has a running Waybill use an OAuth server of others: people consent with a browser or a device code, Dovecot
// and its submission service take the tokens, and attackers try what RFC 6819 and RFC 9700 tell of.
package credentials_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/gateway"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/testsuite"
	"github.com/waybill-io/waybill/testsuite/oauthserver"
	"github.com/waybill-io/waybill/testsuite/process"
	"github.com/waybill-io/waybill/testsuite/temporalserver"
	"github.com/waybill-io/waybill/worker/dev"
)

// record is for whoever releases a version: its histories are replayed by every later one.
var record = flag.String("record", "", "folder that the histories of these tests are written to, ../histories/engine-6")

func TestMain(m *testing.M) {
	for name, value := range map[string]string{
		"WAYBILL_SECRET_KEY": mail.NewKey(), "OAUTH_SECRET": oauthserver.ClientSecret, "ROBOT_SECRET": oauthserver.RobotSecret, "BOX_SECRET": oauthserver.BoxSecret,
	} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// house is everything that runs in a test.
type house struct {
	*dev.Environment
	t     *testing.T
	oauth *oauthserver.Server
	gate  *oauthserver.Gate
	log   *process.Output // what the worker says
	web   string          // the gateway
}

// start runs a worker with everything, and an OAuth server behind a gate.
func start(t *testing.T, o oauthserver.Options) *house {
	t.Helper()
	if _, err := temporalserver.Find(t.Context(), temporalserver.FindOptions{NoBuild: true}); err != nil {
		process.Missing(t, "no Temporal server: "+err.Error())
	}
	port := process.Ports(t, 1)[0]
	h := &house{t: t, log: &process.Output{}, web: fmt.Sprintf("http://127.0.0.1:%d", port)}
	o.Redirect = h.web + "/oauth/callback"
	h.oauth = oauthserver.Start(t, o)
	h.gate = oauthserver.NewGate(t, h.oauth)
	key, err := mail.ParseKey(os.Getenv("WAYBILL_SECRET_KEY"))
	require.NoError(t, err)
	h.Environment, err = dev.Start(t.Context(), dev.Options{
		GatewayPort: port, Gateway: gateway.Options{Key: key}, Out: io.Discard, Logger: slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		replayed := testsuite.ReplayServer(context.WithoutCancel(t.Context()), h.Client, *record)
		require.NoError(t, h.Close())
		require.NoError(t, replayed, "what has run must run the same again")
	})
	return h
}

// config is that of a credential of a person.
func (h *house) config() contract.CredentialConfig {
	return contract.CredentialConfig{
		AuthorizationURL: h.oauth.AuthorizationURL(), TokenURL: h.gate.URL + "/token", RevocationURL: h.oauth.RevocationURL(),
		ClientID: oauthserver.Client, ClientSecret: "env:OAUTH_SECRET", Scopes: []string{"openid", "email", "offline_access", "mail"},
		Extra: map[string]string{"prompt": "consent"}, Gateway: h.web,
	}
}

// add makes a credential and waits for nothing.
func (h *house) add(name string, config contract.CredentialConfig) {
	h.t.Helper()
	require.NoError(h.t, h.Client.PutCredential(h.t.Context(), name, config))
}

// link is where a person begins, who is at this machine and so needs no invitation.
func (h *house) link(name string) string { return h.web + "/oauth/" + name + "/authorize" }

// authorize has a person consent.
func (h *house) authorize(name, user string) {
	h.t.Helper()
	p := oauthserver.NewBrowser(h.t, user).Open(h.link(name))
	require.Equal(h.t, http.StatusOK, p.Status, p.Body)
	require.Contains(h.t, p.Body, "is authorized for "+user)
}

func (h *house) credential(name string) client.Credential {
	h.t.Helper()
	c, err := h.Client.Credential(h.t.Context(), name)
	require.NoError(h.t, err)
	return c
}

// eventually waits until a credential is as it should be.
func (h *house) eventually(name, what string, is func(client.Credential) bool) {
	h.t.Helper()
	var last client.Credential
	require.Eventually(h.t, func() bool {
		var err error
		last, err = h.Client.Credential(h.t.Context(), name)
		return err == nil && is(last)
	}, time.Minute, 100*time.Millisecond, "%s", what)
}

// secretsNowhere looks for everything that the OAuth server gave, and for the codes of browsers, in all histories and in the log.
func (h *house) secretsNowhere(more ...string) {
	h.t.Helper()
	secrets := append(h.gate.Secrets(), more...)
	require.NotEmpty(h.t, secrets)
	secrets = append(secrets, oauthserver.ClientSecret, oauthserver.RobotSecret, oauthserver.BoxSecret, os.Getenv("WAYBILL_SECRET_KEY"))
	text := h.log.String()
	for _, e := range h.histories() {
		text += e
	}
	require.Contains(h.t, text, "sealed:", "what is looked through is what was meant")
	for _, secret := range secrets {
		require.False(h.t, strings.Contains(text, secret), "%q is in a history or in the log", secret)
	}
}

// histories are the whole histories of all workflows there are, decoded.
func (h *house) histories() (all []string) {
	h.t.Helper()
	ctx := context.Background()
	list, err := h.Client.Temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{PageSize: 500})
	require.NoError(h.t, err)
	require.NotEmpty(h.t, list.GetExecutions())
	for _, e := range list.GetExecutions() {
		history, err := h.Client.History(ctx, e.GetExecution().GetWorkflowId(), e.GetExecution().GetRunId())
		require.NoError(h.t, err)
		var text strings.Builder
		for _, event := range history.GetEvents() {
			text.WriteString(event.String()) // payloads are JSON in it, with quotes escaped
		}
		all = append(all, text.String())
	}
	return all
}

// updates counts those of a kind in the history of a credential.
func (h *house) updates(name, update string) (n int) {
	h.t.Helper()
	history, err := h.Client.History(h.t.Context(), contract.CredentialID(name), "")
	require.NoError(h.t, err)
	for _, event := range history.GetEvents() {
		if event.GetWorkflowExecutionUpdateAcceptedEventAttributes().GetAcceptedRequest().GetInput().GetName() == update {
			n++
		}
	}
	return n
}
