package oauthserver

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/oauth"
)

// The package mail/oauth against a server of others: every grant, rotation, and what a second use of a refresh token does.
func TestGrants(t *testing.T) {
	t.Parallel()
	const redirect = "http://127.0.0.1:9/oauth/callback"
	s := Start(t, Options{Redirect: redirect, Access: 100 * time.Second})
	config := oauth.Config{
		AuthorizationURL: s.AuthorizationURL(), TokenURL: s.TokenURL(), RevocationURL: s.RevocationURL(), ClientID: Client, ClientSecret: ClientSecret,
		Scopes: []string{"openid", "email", "offline_access", "mail"}, Extra: map[string]string{"prompt": "consent"}, RedirectURL: redirect,
	}
	authorize := func() (oauth.Grant, error) {
		verifier := oauth.NewVerifier()
		to, err := config.AuthorizeURL("the state", verifier, "")
		require.NoError(t, err)
		p := NewBrowser(t, "ann@example.com").OpenUntil(to, redirect)
		back, err := url.Parse(p.URL)
		require.NoError(t, err)
		require.Equal(t, "the state", back.Query().Get("state"), p.Body)
		return config.Exchange(t.Context(), mail.Secret(back.Query().Get("code")), verifier)
	}
	begun := time.Now()
	one, err := authorize()
	require.NoError(t, err)
	require.Equal(t, "ann@example.com", one.Names[0])
	require.ElementsMatch(t, config.Scopes, one.Scopes)
	require.WithinDuration(t, begun.Add(100*time.Second), one.Expires, 10*time.Second)
	two, err := config.Refresh(t.Context(), one.Refresh)
	require.NoError(t, err)
	require.NotEqual(t, one.Access, two.Access)
	require.NotEmpty(t, two.Refresh)
	_, err = config.Refresh(t.Context(), one.Refresh)
	require.ErrorContains(t, err, "authorize again")
	_, err = config.Refresh(t.Context(), two.Refresh)
	require.ErrorContains(t, err, "invalid_grant", "the second use of the first revoked all")

	three, err := authorize()
	require.NoError(t, err)
	require.NoError(t, config.Revoke(t.Context(), three.Refresh, "refresh_token"))
	_, err = config.Refresh(t.Context(), three.Refresh)
	require.ErrorContains(t, err, "invalid_grant")

	wrong := config
	wrong.ClientSecret = "another"
	_, err = wrong.Refresh(t.Context(), three.Refresh)
	require.ErrorContains(t, err, "invalid_client")
	require.NotContains(t, err.Error(), three.Refresh.Reveal())

	robot := oauth.Config{TokenURL: s.TokenURL(), ClientID: Robot, ClientSecret: RobotSecret, Scopes: []string{"mail"}}
	own, err := robot.ClientCredentials(t.Context())
	require.NoError(t, err)
	require.Empty(t, own.Refresh)
	box := oauth.Config{TokenURL: s.TokenURL(), ClientID: Box, ClientSecret: BoxSecret}
	_, err = box.ClientCredentials(t.Context())
	require.ErrorContains(t, err, "invalid_request", "this client may not")
}

func TestDeviceCode(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{})
	config := oauth.Config{
		TokenURL: s.TokenURL(), DeviceURL: s.DeviceURL(), ClientID: Box, ClientSecret: BoxSecret, Scopes: []string{"openid", "email", "offline_access"},
	}
	d, err := config.Device(t.Context())
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(d.URL, s.URL))
	d.Interval = 1
	p := NewBrowser(t, "bob@example.com").Open(d.Complete)
	require.Equal(t, 200, p.Status, p.Body)
	g, err := config.Await(t.Context(), d)
	require.NoError(t, err)
	require.Equal(t, "bob@example.com", g.Names[0])
	require.NotEmpty(t, g.Refresh)
}
