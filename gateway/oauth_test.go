package gateway

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
)

// What can be told without asking a worker: who may not begin, what is not set up, and what is no answer to anything. The flow itself is tested
// against an OAuth server, in testsuite/credentials.
func TestConsentsThatCannotBegin(t *testing.T) {
	key, err := mail.ParseKey(mail.NewKey())
	require.NoError(t, err)
	whole := Options{Key: key, URL: "https://waybill.example.com/way"}
	for name, test := range map[string]struct {
		o    Options
		path string
		from string
		code int
		text string
	}{
		"no invitation":          {whole, "/oauth/ann/authorize", "192.0.2.1:1", 401, "starter credential authorize ann"},
		"no key":                 {Options{URL: whole.URL}, "/oauth/ann/authorize?invitation=x", "192.0.2.1:1", 503, "WAYBILL_SECRET_KEY"},
		"no address":             {Options{Key: key}, "/oauth/ann/authorize?invitation=x", "192.0.2.1:1", 503, "WAYBILL_GATEWAY_URL"},
		"no name":                {whole, "/oauth/Ann/authorize?invitation=x", "192.0.2.1:1", 404, "no such credential"},
		"no state":               {whole, "/oauth/callback?code=c", "192.0.2.1:1", 403, "belongs to no authorization"},
		"a state twice":          {whole, "/oauth/callback?code=c&state=YW5u.x&state=YW5u.y", "192.0.2.1:1", 403, "belongs to no authorization"},
		"a state of no name":     {whole, "/oauth/callback?code=c&state=Jycn.x", "192.0.2.1:1", 403, "belongs to no authorization"},
		"a state that is long":   {whole, "/oauth/callback?code=c&state=YW5u." + strings.Repeat("x", 200), "192.0.2.1:1", 403, "belongs to no authorization"},
		"a code that is long":    {whole, "/oauth/callback?state=YW5u.x&code=" + strings.Repeat("x", maxCode+1), "192.0.2.1:1", 403, "belongs to no authorization"},
		"an answer without keys": {Options{URL: whole.URL}, "/oauth/callback?code=c&state=YW5u.x", "192.0.2.1:1", 403, "belongs to no authorization"},
	} {
		t.Run(name, func(t *testing.T) {
			mux := http.NewServeMux()
			for pattern, handler := range consentRoutes(test.o) {
				mux.Handle(pattern, handler)
			}
			r := httptest.NewRequest(http.MethodGet, test.path, nil)
			r.RemoteAddr = test.from
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			require.Equal(t, test.code, w.Code)
			require.Contains(t, w.Body.String(), test.text)
			require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
			require.Equal(t, "no-referrer", w.Header().Get("Referrer-Policy"))
			require.Contains(t, w.Header().Get("Content-Security-Policy"), "frame-ancestors 'none'")
		})
	}
}

// The page of a link says nothing of what there is, and its form leads back to it alone.
func TestPageOfAnInvitation(t *testing.T) {
	key, err := mail.ParseKey(mail.NewKey())
	require.NoError(t, err)
	mux := http.NewServeMux()
	for pattern, handler := range consentRoutes(Options{Key: key, URL: "https://waybill.example.com/way"}) { // there is no client: nothing is asked
		mux.Handle(pattern, handler)
	}
	ask := func(method, target, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, target, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.RemoteAddr = "192.0.2.1:1"
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w
	}
	shown := ask(http.MethodGet, `/oauth/ann/authorize?invitation=%22%3E%3Cscript%3E`, "")
	require.Equal(t, http.StatusOK, shown.Code)
	require.Contains(t, shown.Body.String(), `action="authorize"`)
	require.Contains(t, shown.Body.String(), `value="&#34;&gt;&lt;script&gt;"`)
	require.Contains(t, shown.Header().Get("Content-Security-Policy"), "default-src 'none'")
	require.Contains(t, shown.Header().Get("Content-Security-Policy"), "form-action 'self' https:", "browsers hold the redirect to the provider against it")
	require.Equal(t, http.StatusOK, ask(http.MethodHead, "/oauth/ann/authorize?invitation=x", "").Code)
	for _, body := range []string{"", "invitation=", "invitation=" + strings.Repeat("x", maxForm)} {
		require.Equal(t, http.StatusUnauthorized, ask(http.MethodPost, "/oauth/ann/authorize?invitation=x", body).Code)
	}
}

func TestCookieOfAConsent(t *testing.T) {
	c := &consents{Options{URL: "https://waybill.example.com/way/"}}
	require.Equal(t, "https://waybill.example.com/way/oauth/callback", c.redirectURL())
	state := stateOf("ann")
	require.Equal(t, "ann", nameIn(state))
	require.NotEqual(t, state, stateOf("ann"))
	cookie := c.cookie(state, "the session", 600e9)
	require.Equal(t, []any{true, true, http.SameSiteLaxMode, "/way/oauth/callback", 600}, []any{cookie.Secure, cookie.HttpOnly, cookie.SameSite, cookie.Path, cookie.MaxAge})
	require.NotContains(t, cookie.Name, state[5:])
	require.False(t, (&consents{Options{URL: "http://127.0.0.1:8080"}}).cookie(state, "s", 1e9).Secure, "a browser would not send it back")
}
