package e2e_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/testsuite/oauthserver"
)

// TestWorkerKilledWhileItRefreshes kills the only worker while the token endpoint has its question, which has not come to the server yet; and
// again while the answer is on its way. Refresh tokens work once at first, so that one which was given and not kept is lost for good.
func TestWorkerKilledWhileItRefreshes(t *testing.T) {
	t.Parallel()
	i := installTemporal(t, options{})
	i.environment = []string{"WAYBILL_SECRET_KEY=" + mail.NewKey(), "BOX_SECRET=" + oauthserver.BoxSecret}
	server := oauthserver.Start(t, oauthserver.Options{Access: 15 * time.Second})
	gate := oauthserver.NewGate(t, server)
	w := i.startWorker("--roles", "process,mailbox")
	require.NoError(t, i.client.PutCredential(t.Context(), "box", contract.CredentialConfig{
		TokenURL: gate.URL + "/token", DeviceURL: server.DeviceURL(), ClientID: oauthserver.Box, ClientSecret: "env:BOX_SECRET",
		Scopes: []string{"openid", "email", "offline_access"},
	}))
	code, err := i.client.DeviceConsent(t.Context(), "box", "first")
	require.NoError(t, err)
	oauthserver.NewBrowser(t, "ann@example.com").Open(code.Complete)
	var last client.Credential
	var problem error
	credential := func(is func() bool) {
		t.Helper()
		i.eventually(func() string { return last.State + ": " + last.Cause }, func() bool {
			last, problem = i.client.Credential(t.Context(), "box")
			return problem == nil && is()
		})
	}
	credential(func() bool { return last.State == client.CredentialValid })

	// hold returns when a refresh is held, and what lets it go: nothing of it gets through then.
	hold := func(answered bool) (held chan struct{}, release func()) {
		held, released := make(chan struct{}, 100), make(chan struct{})
		stop := func(grant string) bool {
			if grant == "refresh_token" {
				held <- struct{}{}
				<-released
				return true
			}
			return false
		}
		if answered {
			gate.Set(nil, stop)
		} else {
			gate.Set(func(grant string) int {
				if stop(grant) {
					return 503
				}
				return 0
			}, nil)
		}
		return held, func() {
			gate.Set(nil, nil)
			close(released)
		}
	}
	for _, answered := range []bool{false, true} {
		if answered {
			server.SetKeep(true) // of a server that gives each token once no client could save this one
			version := last.Version
			credential(func() bool { return last.Version > version })
		}
		version := last.Version
		held, release := hold(answered)
		<-held
		w.kill()
		release()
		w = i.startWorker("--roles", "process,mailbox")
		credential(func() bool {
			return last.State == client.CredentialValid && last.Version > version && time.Until(last.Expires) > 0
		})
	}
}
