package oauth

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// answering is a token endpoint that gives one answer, and a client of it.
func answering(t *testing.T, status int, body string, header ...string) (Config, func() []url.Values) {
	t.Helper()
	var asked []url.Values
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(text))
		asked = append(asked, form)
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return Config{TokenURL: s.URL, RevocationURL: s.URL, DeviceURL: s.URL, ClientID: "waybill", ClientSecret: "hunter2-secret", ClientAuth: AuthPost}, func() []url.Values { return asked }
}

func TestRefusalsInWords(t *testing.T) {
	microsoft := func(code, aadsts string) string {
		return fmt.Sprintf(`{"error":%q,"error_description":"%s: The text.\r\nTrace ID: 1 hunter2-refresh","error_codes":[1]}`, code, aadsts)
	}
	for name, test := range map[string]struct {
		status int
		body   string
		kind   Kind
		words  []string
	}{
		"consent withdrawn":       {400, `{"error":"invalid_grant","error_description":"Token hunter2-refresh has been expired or revoked."}`, Consent, []string{"withdrawn", "authorize again", "invalid_grant"}},
		"secret wrong":            {401, `{"error":"invalid_client"}`, Settings, []string{"its secret is wrong", "HTTP status 401"}},
		"secret expired":          {401, microsoft("invalid_client", "AADSTS7000222"), Settings, []string{"client secret has expired", "Certificates & secrets", "AADSTS7000222"}},
		"no consent of the admin": {400, microsoft("invalid_grant", "AADSTS65001"), Consent, []string{"has not consented", "AADSTS65001"}},
		"second factor":           {400, microsoft("interaction_required", "AADSTS50076"), Consent, []string{"multi-factor"}},
		"password changed":        {400, microsoft("invalid_grant", "AADSTS50173"), Consent, []string{"password was changed"}},
		"not used for long":       {400, microsoft("invalid_grant", "AADSTS700082"), Consent, []string{"not used for long"}},
		"code that is not known":  {400, microsoft("invalid_grant", "AADSTS999999"), Consent, []string{"consent does not hold", "AADSTS999999"}},
		"grant not permitted":     {400, `{"error":"unauthorized_client"}`, Settings, []string{"does not permit this client"}},
		"scope":                   {400, `{"error":"invalid_scope"}`, Settings, []string{"--scope"}},
		"overloaded":              {503, `{"error":"temporarily_unavailable"}`, Temporary, []string{"cannot answer now"}},
		"too often":               {429, `{}`, Temporary, []string{"HTTP status 429"}},
		"a proxy":                 {502, `<html>hunter2-refresh</html>`, Temporary, []string{"HTTP status 502"}},
		"gateway timeout":         {504, ``, Temporary, []string{"HTTP status 504"}},
		"a code of its own":       {400, `{"error":"<b>hunter2-refresh</b>"}`, Settings, []string{"refused", "HTTP status 400"}},
		"a page":                  {200, `<html>hunter2-refresh</html>`, Settings, []string{"something else than a token"}},
		"no token":                {200, `{"hunter2-refresh":1}`, Settings, []string{"something else than a token"}},
		"a redirect":              {302, ``, Settings, []string{"redirect"}},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := answering(t, test.status, test.body, "Location", "/elsewhere")
			_, err := c.Refresh(t.Context(), "hunter2-refresh")
			var failure *Error
			require.ErrorAs(t, err, &failure)
			require.Equal(t, test.kind, failure.Kind, err)
			for _, word := range test.words {
				require.ErrorContains(t, err, word)
			}
			require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, failure), "hunter2", "neither the request nor what was written beside the code")
		})
	}
}

func TestEveryCodeHasWordsAndAKind(t *testing.T) {
	for code, m := range codes {
		e := Refusal(code, "")
		require.Equal(t, m.kind, e.Kind, code)
		require.Contains(t, e.Error(), code)
		require.Contains(t, []Kind{Temporary, Consent, Settings}, m.kind)
	}
	for code := range vendorCodes {
		require.Regexp(t, `^AADSTS[0-9]+$`, code)
		require.Contains(t, Refusal("invalid_grant", code+": text").Error(), code)
	}
}

func TestUnreachable(t *testing.T) {
	c, _ := answering(t, 200, "")
	c.TokenURL = "http://127.0.0.1:1/token"
	_, err := c.Refresh(t.Context(), "hunter2-refresh")
	var failure *Error
	require.ErrorAs(t, err, &failure)
	require.Equal(t, Temporary, failure.Kind)
	require.ErrorContains(t, err, "cannot be reached")
	require.NotContains(t, err.Error(), "hunter2")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.ClientCredentials(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

// An answer that is cut off is no token, but nobody has to change a setting either.
func TestAnswerThatIsCutOff(t *testing.T) {
	const body = `{"access_token":"hunter2-access","token_type":"Bearer","expires_in":60}`
	for name, head := range map[string]string{
		"of a known length": fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", len(body)),
		"in chunks":         fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n", len(body)),
		"of no length":      "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				connection, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					panic(err)
				}
				_, _ = io.WriteString(connection, head+body[:40])
				_ = connection.Close()
			}))
			t.Cleanup(s.Close)
			_, err := Config{TokenURL: s.URL, ClientID: "waybill"}.Refresh(t.Context(), "hunter2-refresh")
			var failure *Error
			require.ErrorAs(t, err, &failure)
			require.Equal(t, Temporary, failure.Kind, err)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

func TestRetryAfter(t *testing.T) {
	c, _ := answering(t, 429, `{}`, "Retry-After", "17")
	_, err := c.ClientCredentials(t.Context())
	var failure *Error
	require.ErrorAs(t, err, &failure)
	require.Equal(t, 17*time.Second, failure.After)
}

func TestWhatAnAnswerTells(t *testing.T) {
	id := "e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"1","email":"ann@example.com","upn":"a@example.com","preferred_username":"ann@example.com"}`)) + ".x"
	for name, test := range map[string]struct {
		body            string
		access, refresh time.Duration // 0: not told
		scopes          []string
		names           []string
	}{
		"all":              {`{"access_token":"a","token_type":"Bearer","expires_in":3600,"refresh_token":"new","refresh_token_expires_in":604799,"scope":"mail  openid","id_token":"` + id + `"}`, time.Hour, 604799 * time.Second, []string{"mail", "openid"}, []string{"ann@example.com", "a@example.com", "1"}},
		"Keycloak's name":  {`{"access_token":"a","token_type":"Bearer","refresh_expires_in":1800}`, 0, 30 * time.Minute, nil, nil},
		"numbers as text":  {`{"access_token":"a","token_type":"Bearer","expires_in":"60","refresh_expires_in":"120"}`, time.Minute, 2 * time.Minute, nil, nil},
		"never":            {`{"access_token":"a","token_type":"Bearer","expires_in":60,"refresh_expires_in":0}`, time.Minute, 0, nil, nil},
		"nonsense":         {`{"access_token":"a","token_type":"Bearer","refresh_expires_in":-5,"scope":7,"id_token":"x.y.z"}`, 0, 0, nil, nil},
		"a very long life": {`{"access_token":"a","token_type":"Bearer","expires_in":60,"refresh_expires_in":1e300}`, time.Minute, maxLife, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := answering(t, 200, test.body)
			begun := time.Now()
			g, err := c.Refresh(t.Context(), "old")
			require.NoError(t, err)
			for _, end := range []struct {
				told time.Time
				want time.Duration
			}{{g.Expires, test.access}, {g.RefreshExpires, test.refresh}} {
				if end.want == 0 {
					require.Zero(t, end.told)
				} else {
					require.WithinDuration(t, begun.Add(end.want), end.told, 10*time.Second)
				}
			}
			require.Equal(t, test.scopes, g.Scopes)
			require.Equal(t, test.names, g.Names)
			if test.refresh > 0 {
				require.Equal(t, test.refresh, g.RefreshExpires.Sub(g.Issued), "both are counted from the same moment")
			}
		})
	}
}

func TestARefreshTokenThatIsNotReplacedIsNotToldAgain(t *testing.T) {
	c, asked := answering(t, 200, `{"access_token":"a","token_type":"Bearer"}`)
	g, err := c.Refresh(t.Context(), "old")
	require.NoError(t, err)
	require.Empty(t, g.Refresh)
	require.Equal(t, []string{"old"}, asked()[0]["refresh_token"])
	require.Equal(t, []string{"hunter2-secret"}, asked()[0]["client_secret"])
	require.Len(t, asked(), 1, "asked once: a token that works once would be lost by a second try")
}

func TestRefusedClientIsAskedOnce(t *testing.T) {
	c, asked := answering(t, 401, `{"error":"invalid_client"}`)
	c.ClientAuth = AuthBasic
	_, err := c.Exchange(t.Context(), "code", NewVerifier())
	require.Error(t, err)
	require.Len(t, asked(), 1)
}

func TestAuthorizeURL(t *testing.T) {
	c := Config{
		AuthorizationURL: "https://login.example.com/authorize?p=b2c", ClientID: "waybill", RedirectURL: "https://waybill.example.com/oauth/callback",
		Scopes: []string{"mail", "offline_access"}, Extra: map[string]string{"prompt": "consent", "state": "evil", "redirect_uri": "https://evil.example", "code_challenge": "x", "code_challenge_method": "plain"},
	}
	verifier := NewVerifier()
	text, err := c.AuthorizeURL("the state", verifier, "ann@example.com")
	require.NoError(t, err)
	require.NotContains(t, text, verifier.Reveal())
	u, err := url.Parse(text)
	require.NoError(t, err)
	q := u.Query()
	for name, want := range map[string]string{
		"p": "b2c", "client_id": "waybill", "redirect_uri": c.RedirectURL, "state": "the state", "response_type": "code", "scope": "mail offline_access",
		"code_challenge_method": "S256", "login_hint": "ann@example.com", "prompt": "consent",
	} {
		require.Equal(t, []string{want}, q[name], name)
	}
	require.NotEqual(t, "x", q.Get("code_challenge"))
	require.Len(t, q["code_challenge"], 1)
	_, err = Config{}.AuthorizeURL("s", verifier, "")
	require.Error(t, err)
}

func TestRevoke(t *testing.T) {
	c, asked := answering(t, 200, "")
	require.NoError(t, c.Revoke(t.Context(), "hunter2-refresh", "refresh_token"))
	require.Equal(t, url.Values{"token": {"hunter2-refresh"}, "token_type_hint": {"refresh_token"}, "client_id": {"waybill"}, "client_secret": {"hunter2-secret"}}, asked()[0])
	c, _ = answering(t, 400, `{"error":"unsupported_token_type"}`)
	require.ErrorContains(t, c.Revoke(t.Context(), "hunter2-refresh", "refresh_token"), "cannot revoke tokens of this kind")
	c.RevocationURL = ""
	require.ErrorContains(t, c.Revoke(t.Context(), "hunter2-refresh", "refresh_token"), "no URL")
}

func TestProviders(t *testing.T) {
	for _, name := range append(Providers(), "", "generic") {
		p, known := ProviderOf(name, "contoso.com")
		require.True(t, known, name)
		for _, u := range []string{p.AuthorizationURL, p.TokenURL, p.DeviceURL, p.RevocationURL} {
			require.True(t, u == "" || strings.HasPrefix(u, "https://"), u)
		}
		require.Positive(t, p.RefreshDays)
	}
	p, _ := ProviderOf("microsoft", "a/b?c")
	require.Contains(t, p.TokenURL, "https://login.microsoftonline.com/a%2Fb%3Fc/oauth2/v2.0/token")
	_, known := ProviderOf("yahoo", "")
	require.False(t, known)
}
