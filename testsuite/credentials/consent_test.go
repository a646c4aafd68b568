package credentials_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/testsuite/oauthserver"
)

// A person consents; then what attackers do with links, states, codes and pages comes to nothing, and changes nothing.
func TestConsent(t *testing.T) {
	t.Parallel()
	h := start(t, oauthserver.Options{})
	h.add("support", h.config())
	h.add("other", h.config())
	require.Equal(t, client.CredentialNew, h.credential("support").State)

	// An invitation works once.
	invitation := "the text of an invitation"
	id := contract.InvitationHash(invitation)
	require.NoError(t, h.Client.InviteConsent(t.Context(), "support", id))
	link := h.link("support") + "?invitation=" + url.QueryEscape(invitation)
	for _, method := range []string{http.MethodHead, http.MethodGet, http.MethodOptions} { // previews and scanners of mail open links
		r, err := http.NewRequest(method, link, nil)
		require.NoError(t, err)
		answer, err := http.DefaultTransport.RoundTrip(r)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Empty(t, answer.Header.Get("Location"))
	}
	ann := oauthserver.NewBrowser(t, "ann@example.com")
	p := ann.Open(link)
	require.Equal(t, http.StatusOK, p.Status, p.Body)
	require.Contains(t, p.Body, "The credential support is authorized for ann@example.com")
	require.Equal(t, "no-store", p.Header.Get("Cache-Control"))
	require.Contains(t, p.Header.Get("Content-Security-Policy"), "default-src 'none'")
	first := h.credential("support")
	require.Equal(t, client.CredentialValid, first.State)
	require.Equal(t, []any{"ann@example.com", true, id}, []any{first.User, first.Consent.OK, first.Consent.ID})
	require.ElementsMatch(t, h.config().Scopes, first.Scopes)
	require.True(t, first.RefreshAssumed)
	require.InDelta(t, 90*24, first.RefreshExpires.Sub(first.Authorised).Hours(), 1)

	again := oauthserver.NewBrowser(t, "eve@example.com").Open(link)
	require.Equal(t, http.StatusForbidden, again.Status)
	require.Contains(t, again.Body, "used already")
	robot := h.config()
	robot.AuthorizationURL, robot.Grant = "", contract.ClientCredentials
	h.add("robot", robot)
	for _, name := range []string{"support", "nobody", "robot"} { // who was never invited sees nothing of what there is
		other := oauthserver.NewBrowser(t, "eve@example.com").Open(h.link(name) + "?invitation=guessed")
		require.Equal(t, []any{again.Status, again.Body}, []any{other.Status, other.Body}, name)
	}
	replayed := ann.Open(p.URL) // the callback as it was, in the browser that it came to
	require.Equal(t, http.StatusForbidden, replayed.Status)

	back := h.web + "/oauth/callback"
	begin := func(b *oauthserver.Browser, name string) url.Values {
		held := b.OpenUntil(h.link(name), back)
		u, err := url.Parse(held.URL)
		require.NoError(t, err)
		require.NotEmpty(t, u.Query().Get("code"), held.Body)
		return u.Query()
	}
	open := func(b *oauthserver.Browser, q url.Values) oauthserver.Page { return b.Open(back + "?" + q.Encode()) }
	eve := oauthserver.NewBrowser(t, "eve@example.com")
	var codes []string

	t.Run("a forged state", func(t *testing.T) {
		q := begin(eve, "support")
		codes = append(codes, q.Get("code"))
		name, _, _ := strings.Cut(q.Get("state"), ".")
		q.Set("state", name+".AAAAAAAAAAAAAAAAAAAAAAAAAA")
		require.Equal(t, http.StatusForbidden, open(eve, q).Status)
		q.Set("state", "nonsense")
		require.Equal(t, http.StatusForbidden, open(eve, q).Status)
		q.Del("state")
		require.Equal(t, http.StatusForbidden, open(eve, q).Status)
	})
	t.Run("a consent in another browser than the one that began", func(t *testing.T) {
		q := begin(eve, "support") // and Ann is lured to the end of it
		page := open(ann, q)
		require.Equal(t, http.StatusBadRequest, page.Status)
		require.Contains(t, page.Body, "another browser")
		require.Equal(t, http.StatusForbidden, open(eve, q).Status, "the state has been used up")
	})
	t.Run("the state of another credential", func(t *testing.T) {
		mine, others := begin(eve, "support"), begin(eve, "other")
		state := others.Get("state")
		name, _, _ := strings.Cut(mine.Get("state"), ".")
		_, random, _ := strings.Cut(state, ".")
		others.Set("state", name+"."+random)
		require.Equal(t, http.StatusForbidden, open(eve, others).Status)
	})
	t.Run("the code of another session", func(t *testing.T) {
		stolen := begin(oauthserver.NewBrowser(t, "ann@example.com"), "support")
		mine := begin(eve, "support")
		mine.Set("code", stolen.Get("code"))
		page := open(eve, mine)
		require.Equal(t, http.StatusBadRequest, page.Status)
		require.Contains(t, page.Body, "invalid_grant", "its verifier is another's (PKCE)")
	})
	t.Run("an open redirect", func(t *testing.T) {
		p := eve.OpenUntil(h.link("support")+"?redirect_uri=https://evil.example&invitation=", h.oauth.URL)
		require.True(t, strings.HasPrefix(p.URL, h.oauth.AuthorizationURL()+"?"), p.URL)
		u, err := url.Parse(p.URL)
		require.NoError(t, err)
		require.Equal(t, []string{back}, u.Query()["redirect_uri"])
		require.Equal(t, "S256", u.Query().Get("code_challenge_method"))
	})
	t.Run("markup in what the provider says", func(t *testing.T) {
		q := begin(eve, "support")
		page := open(eve, url.Values{"state": q["state"], "error": {"access_denied"}, "error_description": {`<script>alert(1)</script>AADSTS65004`}})
		require.Equal(t, http.StatusBadRequest, page.Status)
		require.NotContains(t, page.Body, "<script")
		require.Contains(t, page.Body, "the user declined to consent")
		q = begin(eve, "support")
		page = open(eve, url.Values{"state": q["state"], "error": {`<img src=x>`}})
		require.NotContains(t, page.Body, "<img")
		markup := oauthserver.NewBrowser(t, "<b>bob</b>@example.com").Open(h.link("other"))
		require.NotContains(t, markup.Body, "<b>")
		require.Contains(t, markup.Body, "&lt;b&gt;bob")
	})
	t.Run("who may not begin", func(t *testing.T) {
		r, err := http.NewRequest(http.MethodGet, h.link("support"), nil)
		require.NoError(t, err)
		r.Header.Set("Sec-Fetch-Site", "cross-site") // a link on a page of somebody else
		answer, err := http.DefaultTransport.RoundTrip(r)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, http.StatusUnauthorized, answer.StatusCode)
		require.Equal(t, http.StatusForbidden, eve.Open(h.link("nobody")).Status)
		require.Equal(t, http.StatusNotFound, eve.Open(h.web+"/oauth/No%3Cb%3E/authorize").Status)
	})

	now := h.credential("support")
	require.Equal(t, []any{first.User, first.Version, first.Authorised}, []any{now.User, now.Version, now.Authorised}, "nothing has changed")
	h.secretsNowhere(codes...)
}
