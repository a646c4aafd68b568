package credentials_test

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/activities"
	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/testsuite/oauthserver"
	"github.com/waybill-io/waybill/testsuite/process"
)

func port(t *testing.T, address string) int {
	t.Helper()
	_, text, err := net.SplitHostPort(address)
	require.NoError(t, err)
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

const byRefresh = "refresh_token"

// A thousand log-ins on three workers whose token is refused at once cause one refresh.
func TestOneRefreshForAll(t *testing.T) {
	t.Parallel()
	h := start(t, oauthserver.Options{Access: 62 * time.Second}) // less than a minute is too young to be replaced
	h.add("ann", h.config())
	h.authorize("ann", ann)
	workers := []*activities.Credentials{activities.NewCredentials(h.Client), activities.NewCredentials(h.Client), activities.NewCredentials(h.Client)}
	refused, err := workers[0].Tokens("ann").Token(t.Context(), "")
	require.NoError(t, err)
	before := h.gate.Count(byRefresh)

	all := func() (tokens map[mail.Secret]int) {
		var mu sync.Mutex
		var group errgroup.Group
		tokens = map[mail.Secret]int{}
		for i := range 1000 {
			group.Go(func() error {
				token, err := workers[i%3].Tokens("ann").Token(t.Context(), refused)
				if err != nil {
					return err
				}
				mu.Lock()
				defer mu.Unlock()
				tokens[token]++
				return nil
			})
		}
		require.NoError(t, group.Wait())
		return tokens
	}
	tokens := all()
	require.Equal(t, map[mail.Secret]int{refused: 1000}, tokens, "it was given a moment ago: whoever refuses it would refuse all")
	require.Equal(t, before, h.gate.Count(byRefresh))
	require.Zero(t, h.updates("ann", contract.RefreshUpdate), "its history holds nothing of it")

	_, err = h.Client.RefreshCredential(t.Context(), "ann", contract.RefreshCredential{Force: true})
	require.NoError(t, err)
	tokens = all()
	require.Len(t, tokens, 1)
	require.NotContains(t, tokens, refused)
	require.Equal(t, before+1, h.gate.Count(byRefresh), "one refresh is enough for all")

	_, err = h.Client.RevokeCredential(t.Context(), "ann")
	require.NoError(t, err)
	asked := h.updates("ann", contract.RefreshUpdate)
	for _, w := range workers {
		for range 20 {
			_, err = activities.NewCredentials(h.Client).Tokens("ann").Token(t.Context(), "")
			require.ErrorContains(t, err, "starter credential authorize ann")
			_, _ = w.Tokens("ann").Token(t.Context(), refused)
		}
	}
	require.Equal(t, asked, h.updates("ann", contract.RefreshUpdate), "a person must act")
	h.secretsNowhere()
}

// The token endpoint is down for a while, answers slowly, and comes back: nothing is lost, and nobody need act.
func TestTokenEndpointDown(t *testing.T) {
	t.Parallel()
	h := start(t, oauthserver.Options{Access: 10 * time.Second})
	h.add("ann", h.config())
	h.authorize("ann", ann)
	var asked atomic.Int64
	h.gate.Set(func(string) int { asked.Add(1); return http.StatusServiceUnavailable }, nil)
	require.Eventually(t, func() bool { return asked.Load() >= 3 }, time.Minute, 50*time.Millisecond, "it is tried again")
	version := h.credential("ann").Version
	h.gate.Set(nil, nil)
	h.eventually("ann", "it goes on", func(c client.Credential) bool { return c.Version > version && c.State == client.CredentialValid })
}

// The answer to a refresh is lost after the server gave it. One that takes refresh tokens again gives another; one that takes the second use for
// theft revokes all, which is told, and a new consent mends it.
func TestAnswerLost(t *testing.T) {
	t.Parallel()
	h := start(t, oauthserver.Options{Keep: true})
	h.add("ann", h.config())
	h.authorize("ann", ann)
	loseOne := func() {
		var lost atomic.Bool
		h.gate.Set(nil, func(grant string) bool { return grant == byRefresh && lost.CompareAndSwap(false, true) })
	}
	refresh := func() {
		t.Helper()
		_, err := h.Client.RefreshCredential(t.Context(), "ann", contract.RefreshCredential{Force: true})
		require.NoError(t, err)
	}
	newer := func(than int) func(client.Credential) bool {
		return func(c client.Credential) bool { return c.Version > than && c.Problem == nil }
	}
	version := h.credential("ann").Version
	loseOne()
	refresh()
	h.eventually("ann", "it is tried again", newer(version))

	h.oauth.SetKeep(false)
	version = h.credential("ann").Version
	refresh() // the token is of those that work once from here
	h.eventually("ann", "it is refreshed", newer(version))
	loseOne()
	refresh()
	h.eventually("ann", "the second use was taken for theft", func(c client.Credential) bool { return c.State == client.CredentialBroken })
	broken := h.credential("ann")
	require.Contains(t, broken.Cause, "for theft")
	require.Contains(t, broken.Cause, "starter credential authorize ann")
	h.authorize("ann", ann)
	require.Equal(t, client.CredentialValid, h.credential("ann").State)
	h.secretsNowhere()
}

// A new consent that comes to nothing leaves the tokens alone; one that works replaces them, and those of the earlier one are revoked.
func TestConsentAgain(t *testing.T) {
	t.Parallel()
	h := start(t, oauthserver.Options{})
	config := h.config()
	config.User, config.RevokeOld = ann, true
	h.add("ann", config)
	h.authorize("ann", ann)
	before := h.credential("ann")
	p := oauthserver.NewBrowser(t, "eve@example.com").Open(h.link("ann"))
	require.Equal(t, http.StatusBadRequest, p.Status)
	require.Contains(t, p.Body, "somebody else consented than ann@example.com: eve@example.com")
	h.gate.Set(func(grant string) int {
		if grant == byRefresh {
			return http.StatusBadRequest
		}
		return 0
	}, nil)
	p = oauthserver.NewBrowser(t, ann).Open(h.link("ann"))
	require.Equal(t, http.StatusBadRequest, p.Status)
	require.Contains(t, p.Body, "the new refresh token does not work")
	require.Contains(t, p.Body, "stay in use")
	h.gate.Set(nil, nil)
	now := h.credential("ann")
	require.Equal(t, []any{before.Version, before.Authorised, client.CredentialValid}, []any{now.Version, now.Authorised, now.State})

	h.authorize("ann", ann)
	h.eventually("ann", "it is refreshed once more after the earlier tokens were revoked", func(c client.Credential) bool {
		return c.Authorised.After(before.Authorised) && c.Refreshes == 3 && c.Undiscarded == "" && c.State == client.CredentialValid
	})
	h.secretsNowhere()
}

// Whoever consents again in the same browser does so within the same session at the provider, which revokes all of it with one token.
func TestConsentAgainInTheSameBrowser(t *testing.T) {
	t.Parallel()
	h := start(t, oauthserver.Options{})
	for name, revoke := range map[string]bool{"kept": false, "revoked": true} {
		config := h.config()
		config.RevokeOld = revoke
		h.add(name, config)
		browser := oauthserver.NewBrowser(t, ann)
		for range 2 {
			require.Contains(t, browser.Open(h.link(name)).Body, "is authorized for")
		}
	}
	version := h.credential("kept").Version
	_, err := h.Client.RefreshCredential(t.Context(), "kept", contract.RefreshCredential{Force: true})
	require.NoError(t, err)
	kept := h.credential("kept")
	require.Equal(t, client.CredentialValid, kept.State, kept.Cause)
	require.Greater(t, kept.Version, version)
	h.eventually("revoked", "it is broken, and says why", func(c client.Credential) bool { return c.State == client.CredentialBroken })
	require.Contains(t, h.credential("revoked").Cause, "without --revoke-old")
}

// Nobody listens at the token endpoint: whoever looks, and whoever asks for a token, hears of it at once.
func TestTokenEndpointUnreachable(t *testing.T) {
	t.Parallel()
	h := start(t, oauthserver.Options{})
	port := process.Ports(t, 1)[0]
	h.add("robot", contract.CredentialConfig{TokenURL: fmt.Sprintf("http://127.0.0.1:%d/token", port), ClientID: oauthserver.Robot, ClientSecret: "env:ROBOT_SECRET"})
	h.eventually("robot", "it says why it has no token", func(c client.Credential) bool { return c.State == client.CredentialBroken })
	require.Contains(t, h.credential("robot").Cause, "connection refused")
	access, err := h.Client.RefreshCredential(t.Context(), "robot", contract.RefreshCredential{Force: true})
	require.NoError(t, err)
	require.Contains(t, access.Problem, "connection refused")
}

// A device code, and the credentials of the client alone.
func TestOtherGrants(t *testing.T) {
	t.Parallel()
	h := start(t, oauthserver.Options{})
	box := h.config()
	box.AuthorizationURL, box.DeviceURL, box.ClientID, box.ClientSecret = "", h.oauth.DeviceURL(), oauthserver.Box, "env:BOX_SECRET"
	h.add("box", box)
	code, err := h.Client.DeviceConsent(t.Context(), "box", "first")
	require.NoError(t, err)
	require.Equal(t, client.CredentialWaiting, h.credential("box").State)
	oauthserver.NewBrowser(t, ann).Open(code.Complete)
	h.eventually("box", "it is authorized", func(c client.Credential) bool { return c.Consent != nil && c.Consent.ID == "first" })
	require.Equal(t, []any{client.CredentialValid, ann}, []any{h.credential("box").State, h.credential("box").User})

	robot := contract.CredentialConfig{TokenURL: h.gate.URL + "/token", ClientID: oauthserver.Robot, ClientSecret: "env:NO_SUCH_SECRET", Scopes: []string{"mail"}}
	h.add("robot", robot)
	h.eventually("robot", "its secret is missed", func(c client.Credential) bool { return c.State == client.CredentialBroken })
	require.Contains(t, h.credential("robot").Cause, "NO_SUCH_SECRET")
	robot.ClientSecret = "env:ROBOT_SECRET"
	h.add("robot", robot)
	h.eventually("robot", "it has a token", func(c client.Credential) bool { return c.State == client.CredentialValid })
	version := h.credential("robot").Version
	h.add("robot", robot)
	require.Equal(t, version, h.credential("robot").Version, "the same settings change nothing")
	_, err = activities.NewCredentials(h.Client).Tokens("robot").Token(t.Context(), "")
	require.NoError(t, err)
	require.ErrorContains(t, h.Client.InviteConsent(t.Context(), "robot", "x"), "nobody has to authorize it")
	require.NoError(t, h.Client.RemoveCredential(t.Context(), "robot"))
	require.Eventually(t, func() bool { _, err := h.Client.Credential(t.Context(), "robot"); return err != nil }, 30*time.Second, 50*time.Millisecond)
	_, err = activities.NewCredentials(h.Client).Tokens("robot").Token(t.Context(), "")
	require.Error(t, err)
	h.secretsNowhere()
}
