package rest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
)

func TestBasicAndBearer(t *testing.T) {
	server := newAPI(t, byStatus)
	for _, test := range []struct{ settings, want string }{
		{"REST_AUTH=basic REST_AUTH_USER=ann REST_AUTH_PASSWORD=" + secret, "Basic YW5uOmh1bnRlcjItc2VjcmV0"},
		{"REST_AUTH=bearer REST_AUTH_TOKEN=" + secret, "Bearer " + secret},
		{"REST_AUTH_TOKEN=" + secret, ""}, // the first generation's: for ${rest-auth-token} alone
	} {
		settings := local("REST_HOST", server.host())
		for entry := range strings.FieldsSeq(test.settings) {
			name, value, _ := strings.Cut(entry, "=")
			settings[name] = value
		}
		c := connect(t, settings)
		_, err := c.Call(t.Context(), call("GET", "http://${host}/"))
		require.NoError(t, err)
		require.Equal(t, test.want, server.last(t).header.Get("Authorization"))
		_, err = c.Call(t.Context(), call("GET", server.URL, "requestHeaders", map[string]any{"Authorization": "Bearer mine"}))
		require.NoError(t, err)
		require.Equal(t, "Bearer mine", server.last(t).header.Get("Authorization"), "the model's own wins")
		_, err = c.Call(t.Context(), call("TRACE", server.URL))
		require.NoError(t, err)
		require.Empty(t, server.last(t).header.Get("Authorization"), "the answer to TRACE repeats it")
		_, err = c.Call(t.Context(), call("GET", server.URL+"/status/403"))
		require.NotContains(t, err.Error(), secret, "the server repeats credentials")
		require.NotContains(t, err.Error(), "YW5uOmh1bnRlcjItc2VjcmV0")
		require.Contains(t, err.Error(), "because")
	}
}

func TestCredentialsGoToNamedHostsOnly(t *testing.T) {
	api, other := newAPI(t, byStatus), newAPI(t, byStatus)
	c := connect(t, local("REST_HOST", api.host(), "REST_AUTH", "bearer", "REST_AUTH_TOKEN", secret, "REST_AUTH_USER", "ann"))
	leaked := func() string { return fmt.Sprint(other.last(t)) }
	_, err := c.Call(t.Context(), call("GET", other.URL))
	require.NoError(t, err)
	require.NotContains(t, leaked(), secret, "another port is another service")
	for _, placeholder := range []string{"${rest-auth-token}", "${rest-auth-user}"} {
		_, err = c.Call(t.Context(), call("GET", other.URL, "requestHeaders", map[string]any{"X-Key": placeholder}))
		require.Equal(t, connectors.CodeInvalidInput, connectors.AsError(err).Code, "nor by a placeholder")
		require.NotContains(t, err.Error(), secret)
	}
	_, err = c.Call(t.Context(), call("POST", other.URL, "requestPayload", "${rest-auth-token}", "restUrlParams", map[string]any{"a": "${rest-auth-token}"}))
	require.NoError(t, err)
	require.NotContains(t, leaked(), secret, "data is not looked at")
	_, err = c.Call(t.Context(), call("GET", "http://${host}/", "requestHeaders", map[string]any{"X-Key": "${rest-auth-user}:${rest-auth-token}"}))
	require.NoError(t, err)
	require.Equal(t, "ann:"+secret, api.last(t).header.Get("X-Key"))
	_, err = c.Call(t.Context(), call("TRACE", "http://${host}/", "requestHeaders", map[string]any{"X-Key": "${rest-auth-token}"}))
	require.Equal(t, connectors.CodeInvalidInput, connectors.AsError(err).Code, "the answer would repeat it")

	c = connect(t, local("REST_AUTH_HOSTS", other.host()+", example.com", "REST_AUTH", "bearer", "REST_AUTH_TOKEN", secret))
	_, err = c.Call(t.Context(), call("GET", other.URL))
	require.NoError(t, err)
	require.Contains(t, leaked(), secret)
}

func TestTrusts(t *testing.T) {
	c := connect(t, map[string]string{
		"REST_HOST": "api.example.com", "REST_HTTPS_PORT": "8443", "REST_AUTH_HOSTS": "https://Files.example.com, http://clear.example.com:8080, LOCALHOST, müller.example",
		"REST_AUTH": "bearer", "REST_AUTH_TOKEN": secret,
	}).config
	for target, want := range map[string]string{
		"https://api.example.com:8443/": "yes", "https://API.example.com.:8443/x": "yes", "https://api.example.com/": "no", "https://api.example.com:443/": "no",
		"http://api.example.com/": "clear", "http://api.example.com:8443/": "no", "https://evil.api.example.com:8443/": "no", "https://api.example.com.evil.example:8443/": "no",
		"https://files.example.com/": "yes", "https://files.example.com:443/": "yes", "http://files.example.com/": "clear", "http://files.example.com:443/": "no",
		"http://clear.example.com:8080/": "yes", "https://clear.example.com:8080/": "no", "http://localhost/": "yes", "https://localhost/": "yes", "http://localhost:81/": "no",
		"https://xn--mller-kva.example/": "yes",
	} {
		u, err := url.Parse(target)
		require.NoError(t, err)
		trusted, err := c.trusts(originOf(u))
		got := map[bool]string{true: "yes", false: "no"}[trusted]
		if err != nil {
			require.ErrorIs(t, err, errClear)
			got = "clear"
		}
		require.Equal(t, want, got, target)
	}
}

func TestCredentialsAreNotSentInTheClear(t *testing.T) {
	c := connect(t, map[string]string{"REST_HOST": "api.example.com", "REST_AUTH": "bearer", "REST_AUTH_TOKEN": secret})
	_, err := c.Call(t.Context(), call("GET", "http://${host}/")) // never gets to a name server
	failure := connectors.AsError(err)
	require.Equal(t, connectors.CodeNotConfigured, failure.Code)
	require.Contains(t, failure.Public, "http://api.example.com in REST_HOST")
	_, err = c.Call(t.Context(), call("GET", "http://${host}/", "requestHeaders", map[string]any{"X-Key": "${rest-auth-token}"}))
	require.ErrorContains(t, err, "not sent over http")
}

func TestMutualTLS(t *testing.T) {
	house := newAuthority(t)
	var name atomic.Value
	who := func(w http.ResponseWriter, r *http.Request) {
		name.Store("")
		if len(r.TLS.PeerCertificates) > 0 {
			name.Store(r.TLS.PeerCertificates[0].Subject.CommonName)
		}
		byStatus(w, r)
	}
	api, other := newTLS(t, who, house), newTLS(t, who, house)
	cert, key := house.issue(t, "waybill")
	c := connect(t, local("REST_HOST", api.host(), "REST_AUTH", "mtls", "REST_TLS_CERT", cert, "REST_TLS_KEY", key, "REST_CA", house.file))
	_, err := c.Call(t.Context(), call("GET", "/"))
	require.NoError(t, err)
	require.Equal(t, "waybill", name.Load())
	require.Empty(t, api.last(t).header.Get("Authorization"))
	_, err = c.Call(t.Context(), call("GET", other.URL))
	require.NoError(t, err)
	require.Equal(t, "", name.Load(), "a host that is not named does not learn who calls")

	renewed, renewedKey := house.issue(t, "renewed")
	for from, to := range map[string]string{renewed: cert, renewedKey: key} {
		content, err := os.ReadFile(from)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(to, content, 0o600))
	}
	c.client.CloseIdleConnections()
	_, err = c.Call(t.Context(), call("GET", "/"))
	require.NoError(t, err)
	require.Equal(t, "renewed", name.Load())

	stranger, strangerKey := newAuthority(t).issue(t, "stranger")
	c = connect(t, local("REST_HOST", api.host(), "REST_AUTH", "mtls", "REST_TLS_CERT", stranger, "REST_TLS_KEY", strangerKey, "REST_CA", house.file))
	_, err = c.Call(t.Context(), call("GET", "/"))
	require.Error(t, err)
}

// tokens is a token endpoint as RFC 6749 has it, and an API that takes the newest of its tokens.
type tokens struct {
	*api
	given  atomic.Int64
	answer func(w http.ResponseWriter) bool // before the endpoint's own
}

func newTokens(t *testing.T) *tokens {
	e := &tokens{}
	e.api = newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/token" {
			if r.Header.Get("Authorization") != fmt.Sprintf("Bearer token-%d", e.given.Load()) {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			byStatus(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if e.answer != nil && e.answer(w) {
			return
		}
		body, err := url.ParseQuery(e.last(t).body)
		user, password, ok := r.BasicAuth()
		switch {
		case err != nil || r.Method != http.MethodPost || body.Get("grant_type") != "client_credentials":
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprint(w, `{"error":"unsupported_grant_type"}`)
		case !ok || user != "waybill" || password != secret:
			w.Header().Set("WWW-Authenticate", "Basic")
			w.WriteHeader(http.StatusUnauthorized)
			_ = json.NewEncoder(w).Encode(map[string]string{"error": "invalid_client", "error_description": "no " + password})
		case body.Get("scope") != "orders.read orders.write":
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprint(w, `{"error":"invalid_scope"}`)
		default:
			_, _ = fmt.Fprintf(w, `{"access_token":"token-%d","token_type":"Bearer","expires_in":3600}`, e.given.Add(1))
		}
	})
	return e
}

func (e *tokens) connect(t *testing.T, more ...string) *connector {
	return connect(t, local(append([]string{
		"REST_HOST", e.host(), "REST_AUTH", "client-credentials", "REST_AUTH_CLIENT_ID", "waybill", "REST_AUTH_CLIENT_SECRET", secret,
		"REST_AUTH_ENDPOINT", e.URL + "/token", "REST_AUTH_SCOPE", "orders.read  orders.write",
	}, more...)...))
}

func TestClientCredentials(t *testing.T) {
	e := newTokens(t)
	c := e.connect(t)
	for range 3 {
		_, err := c.Call(t.Context(), call("GET", e.URL+"/orders"))
		require.NoError(t, err)
	}
	require.Equal(t, int64(1), e.given.Load(), "a token is kept")
	e.given.Add(1) // as if withdrawn
	_, err := c.Call(t.Context(), call("POST", e.URL+"/orders", "requestPayload", "x"))
	require.NoError(t, err, "a new token is asked for once")
	require.Equal(t, "x", e.last(t).body)
	require.Equal(t, int64(3), e.given.Load())

	_, err = c.Call(t.Context(), call("GET", e.URL+"/status/403"))
	require.ErrorContains(t, err, "because")
	require.NotContains(t, err.Error(), "token-", "the API repeats credentials")

	other := newAPI(t, byStatus)
	_, err = c.Call(t.Context(), call("GET", other.URL+"/status/401"))
	require.Equal(t, connectors.CodeUnauthorized, connectors.AsError(err).Code)
	require.Len(t, other.requests(), 1, "another host cannot have tokens dropped")
	require.Empty(t, other.last(t).header.Get("Authorization"))
	_, err = c.Call(t.Context(), call("GET", e.URL+"/orders"))
	require.NoError(t, err)
	require.Equal(t, int64(3), e.given.Load())
}

func TestClientSecretPost(t *testing.T) {
	e := newTokens(t)
	e.answer = func(w http.ResponseWriter) bool {
		form, err := url.ParseQuery(e.last(t).body)
		if err != nil || e.last(t).header.Get("Authorization") != "" || form.Get("client_id") != "waybill" || form.Get("client_secret") != secret {
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		_, _ = fmt.Fprintf(w, `{"access_token":"token-%d","token_type":"bearer"}`, e.given.Add(1))
		return true
	}
	_, err := e.connect(t, "REST_AUTH_CLIENT_METHOD", "client_secret_post").Call(t.Context(), call("GET", e.URL+"/orders"))
	require.NoError(t, err)
	_, err = e.connect(t).Call(t.Context(), call("GET", e.URL+"/orders"))
	require.Equal(t, connectors.CodeUnauthorized, connectors.AsError(err).Code)
}

func TestTokenEndpointRefuses(t *testing.T) {
	e := newTokens(t)
	answer := func(status int, header, body string) func(http.ResponseWriter) bool {
		return func(w http.ResponseWriter) bool {
			if header != "" {
				w.Header().Set("Retry-After", header)
			}
			w.WriteHeader(status)
			_, _ = fmt.Fprint(w, body)
			return true
		}
	}
	for name, test := range map[string]struct {
		settings []string
		answer   func(http.ResponseWriter) bool
		kind     connectors.Kind
		want     string
	}{
		"wrong secret":       {[]string{"REST_AUTH_CLIENT_SECRET", secret + "-wrong"}, nil, connectors.BPMN, "invalid_client"},
		"wrong scope":        {[]string{"REST_AUTH_SCOPE", "admin"}, nil, connectors.BPMN, "invalid_scope"},
		"down":               {nil, answer(503, "300", ""), connectors.Retryable, "503"},
		"busy":               {nil, answer(429, "300", ""), connectors.Retryable, "429"},
		"no token":           {nil, answer(200, "", `{"hello":"`+secret+`"}`), connectors.Retryable, "something else than a token"},
		"no JSON":            {nil, answer(200, "", secret), connectors.Retryable, "something else than a token"},
		"an error with 200":  {nil, answer(200, "", `{"error":"invalid_client"}`), connectors.BPMN, "invalid_client"},
		"an error of no RFC": {nil, answer(400, "", `{"error":"`+secret+`"}`), connectors.BPMN, "400"},
		"it leads to elsewhere": {nil, func(w http.ResponseWriter) bool {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(http.StatusTemporaryRedirect)
			return true
		}, connectors.BPMN, "307"},
	} {
		t.Run(name, func(t *testing.T) {
			e.answer = test.answer
			_, err := e.connect(t, test.settings...).Call(t.Context(), call("GET", e.URL+"/orders"))
			failure := connectors.AsError(err)
			require.Equal(t, connectors.CodeUnauthorized, failure.Code)
			require.Equal(t, test.kind, failure.Kind, failure.Public)
			require.Contains(t, failure.Public, test.want)
			require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), secret)
			require.True(t, strings.HasPrefix(e.last(t).uri, "/token"), "the API was not called")
			if strings.Contains(test.want, "03") || test.want == "429" {
				require.Equal(t, "5m0s", failure.After.String())
			}
		})
	}
}
