package access

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/coreos/go-oidc/v3/oidc/oidctest"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/external"
	"github.com/waybill-io/waybill/testsuite/oauthserver"
)

const audience = "https://waybill.example.com"

func withOIDC(t *testing.T, at string) *Gate {
	t.Helper()
	g, err := Open(Config{Issuer: at, Audience: audience, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	require.NoError(t, err)
	return g
}

// A certified OpenID provider gives the tokens.
func TestTokensOfAProvider(t *testing.T) {
	t.Parallel()
	provider := oauthserver.Start(t, oauthserver.Options{})
	g := withOIDC(t, provider.URL)
	claims := func(more ...any) map[string]any {
		all := map[string]any{mayClaim: true}
		for i := 0; i+1 < len(more); i += 2 {
			all[more[i].(string)] = more[i+1]
		}
		return all
	}
	acme, none := "acme", ""
	for name, test := range map[string]struct {
		claims map[string]any
		want   external.Scope
	}{
		"all":               {claims(), external.Scope{User: oauthserver.Robot}},
		"some":              {claims(topicsClaim, []string{"orders", "invoices"}, tenantClaim, "acme"), external.Scope{User: oauthserver.Robot, Topics: []string{"orders", "invoices"}, Tenant: &acme}},
		"no topic":          {claims(topicsClaim, []string{}), external.Scope{User: oauthserver.Robot, Topics: []string{}}},
		"without a tenant":  {claims(tenantClaim, ""), external.Scope{User: oauthserver.Robot, Tenant: &none}},
		"other claims, too": {claims("roles", []string{"x"}), external.Scope{User: oauthserver.Robot}},
	} {
		token := provider.Token(audience, time.Hour, test.claims)
		require.Equal(t, 2, strings.Count(token, "."), "it is a JWT")
		scope, err := g.External(bearer(token))
		require.NoError(t, err, name)
		require.Equal(t, test.want, scope, name)
		scope, err = g.External(password("anybody", token))
		require.NoError(t, err, name)
		require.Equal(t, test.want, scope, name)
		_, err = g.API(bearer(token))
		require.ErrorIs(t, err, external.ErrForbidden, "it is for external tasks")
	}
	for text, claims := range map[string]map[string]any{
		"the claim can_access_external_tasks of the token is not true":       {},
		"the claim external_task_topics of the token is not a list of texts": claims(topicsClaim, "orders"),
		"the claim external_task_tenant of the token is not a text":          claims(tenantClaim, 5),
	} {
		_, err := g.External(bearer(provider.Token(audience, time.Hour, claims)))
		require.ErrorIs(t, err, external.ErrForbidden)
		require.EqualError(t, err, text)
	}
	for _, wrong := range []any{false, "true", 1, nil} {
		_, err := g.External(bearer(provider.Token(audience, time.Hour, map[string]any{mayClaim: wrong})))
		require.ErrorIs(t, err, external.ErrForbidden, wrong)
	}
	for _, wrong := range []any{nil, map[string]any{}, []any{1}} {
		_, err := g.External(bearer(provider.Token(audience, time.Hour, claims(topicsClaim, wrong))))
		require.ErrorIs(t, err, external.ErrForbidden, wrong)
	}

	_, err := g.External(bearer(provider.Token("https://another.example.com", time.Hour, claims())))
	require.ErrorIs(t, err, external.ErrNoToken)
	require.EqualError(t, err, "the token is not one that the issuer made for this audience")
	short := provider.Token(audience, time.Second, claims())
	require.Eventually(t, func() bool { _, err = g.External(bearer(short)); return err != nil }, 30*time.Second, 50*time.Millisecond)
	require.ErrorIs(t, err, external.ErrNoToken)
	require.EqualError(t, err, "the token has expired")
	_, err = g.External(bearer("a.b.c"))
	require.ErrorIs(t, err, external.ErrNoToken)
	_, err = g.External(fromHere(""))
	require.ErrorIs(t, err, external.ErrNoToken, "where there is a provider, this machine needs a token, too")
}

// forger is a provider whose key the test has.
type forger struct {
	*httptest.Server
	provider oidctest.Server
	key      *rsa.PrivateKey
	away     atomic.Bool
	asked    atomic.Int32
}

func newForger(t *testing.T) *forger {
	t.Helper()
	f := &forger{}
	f.rotate(t, "one")
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.asked.Add(1)
		if f.away.Load() {
			http.Error(w, "what only the server knows", http.StatusBadGateway)
			return
		}
		f.provider.ServeHTTP(w, r)
	}))
	t.Cleanup(f.Close)
	f.provider.SetIssuer(f.URL)
	return f
}

// rotate has the provider use another key from now on.
func (f *forger) rotate(t *testing.T, id string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	f.key, f.provider.PublicKeys = key, []oidctest.PublicKey{{PublicKey: key.Public(), KeyID: id, Algorithm: oidc.RS256}}
}

func (f *forger) claims(t *testing.T, more map[string]any) string {
	t.Helper()
	all := map[string]any{"iss": f.URL, "aud": []string{audience, "other"}, "sub": "ann", "exp": time.Now().Add(time.Hour).Unix(), mayClaim: true}
	maps.Copy(all, more)
	text, err := json.Marshal(all)
	require.NoError(t, err)
	return string(text)
}

func (f *forger) token(t *testing.T, key crypto.PrivateKey, id, alg string, more map[string]any) string {
	t.Helper()
	return oidctest.SignIDToken(key, id, alg, f.claims(t, more))
}

func TestForgedTokens(t *testing.T) {
	t.Parallel()
	f := newForger(t)
	g := withOIDC(t, f.URL)
	scope, err := g.External(bearer(f.token(t, f.key, "one", oidc.PS256, nil)))
	require.NoError(t, err)
	require.Equal(t, external.Scope{User: "ann"}, scope)

	other, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	public, err := x509.MarshalPKIXPublicKey(f.key.Public())
	require.NoError(t, err)
	bySecret := func(alg string, secret []byte) string {
		encode := base64.RawURLEncoding.EncodeToString
		signed := encode([]byte(`{"alg":"`+alg+`","kid":"one"}`)) + "." + encode([]byte(f.claims(t, nil)))
		if secret == nil {
			return signed + "."
		}
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(signed))
		return signed + "." + encode(mac.Sum(nil))
	}
	for name, token := range map[string]string{
		"not signed":              bySecret("none", nil),
		"the public key as one":   bySecret("HS256", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})),
		"the same, not encoded":   bySecret("HS256", public),
		"another key":             f.token(t, other, "one", oidc.RS256, nil),
		"another issuer":          f.token(t, f.key, "one", oidc.RS256, map[string]any{"iss": "https://another.example.com"}),
		"expired":                 f.token(t, f.key, "one", oidc.RS256, map[string]any{"exp": time.Now().Add(-time.Second).Unix()}),
		"for ever":                f.token(t, f.key, "one", oidc.RS256, map[string]any{"exp": nil}),
		"not yet":                 f.token(t, f.key, "one", oidc.RS256, map[string]any{"nbf": time.Now().Add(time.Hour).Unix()}),
		"for others":              f.token(t, f.key, "one", oidc.RS256, map[string]any{"aud": "other"}),
		"for all":                 f.token(t, f.key, "one", oidc.RS256, map[string]any{"aud": nil}),
		"of nobody":               f.token(t, f.key, "one", oidc.RS256, map[string]any{"sub": ""}),
		"of one with a long name": f.token(t, f.key, "one", oidc.RS256, map[string]any{"sub": strings.Repeat("x", 300)}),
		"of one with two lines":   f.token(t, f.key, "one", oidc.RS256, map[string]any{"sub": "ann\nbob"}),
	} {
		_, err := g.External(bearer(token))
		require.ErrorIs(t, err, external.ErrNoToken, name)
		require.NotContains(t, err.Error(), token)
	}
}

// A provider that does not answer when the gateway starts is no reason not to; and later its keys are known.
func TestProviderIsAway(t *testing.T) {
	t.Parallel()
	f := newForger(t)
	f.away.Store(true)
	g := withOIDC(t, f.URL)
	token := f.token(t, f.key, "one", oidc.RS256, nil)
	_, err := g.External(bearer(token))
	require.ErrorIs(t, err, errAway)
	require.NotErrorIs(t, err, external.ErrNoToken)
	require.NotContains(t, err.Error(), "what only the server knows")
	_, err = g.External(bearer("wb_one"))
	require.ErrorIs(t, err, external.ErrNoToken, "that is none of the provider")
	f.away.Store(false)
	require.Eventually(t, func() bool { _, err = g.External(bearer(token)); return err == nil }, 30*time.Second, 50*time.Millisecond)
	f.away.Store(true)
	_, err = g.External(bearer(token))
	require.NoError(t, err)
	_, err = g.External(bearer(f.token(t, f.key, "two", oidc.RS256, nil)))
	require.ErrorIs(t, err, errAway, "it may be one of a new key")
}

func TestKeysAreReplaced(t *testing.T) {
	t.Parallel()
	f := newForger(t)
	g := withOIDC(t, f.URL)
	old := f.token(t, f.key, "one", oidc.RS256, nil)
	_, err := g.External(bearer(old))
	require.NoError(t, err)
	f.rotate(t, "two")
	_, err = g.External(bearer(f.token(t, f.key, "two", oidc.RS256, nil)))
	require.NoError(t, err)
	_, err = g.External(bearer(old))
	require.ErrorIs(t, err, external.ErrNoToken)
}

// Whoever makes up tokens does not have the provider flooded.
func TestProviderIsAskedSeldom(t *testing.T) {
	t.Parallel()
	f := newForger(t)
	g := withOIDC(t, f.URL)
	good := f.token(t, f.key, "one", oidc.RS256, nil)
	begun := time.Now()
	for range 200 {
		_, err := g.External(bearer(f.token(t, f.key, "unknown", oidc.RS256, nil)))
		require.Error(t, err)
		_, err = g.External(bearer(good))
		require.NoError(t, err)
	}
	require.LessOrEqual(t, float64(f.asked.Load()), askAtOnce+1+time.Since(begun).Seconds())
}

// Keys that come in the clear could be anybody's.
func TestKeysInTheClear(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"issuer":"http://`+r.Host+`","jwks_uri":"http://keys.example.com/"}`)
	}))
	t.Cleanup(s.Close)
	log := &strings.Builder{}
	g, err := Open(Config{Issuer: s.URL, Audience: audience, Logger: slog.New(slog.NewTextHandler(log, nil))})
	require.NoError(t, err)
	g.Begin(t.Context())
	_, err = g.External(bearer("a.b.c"))
	require.ErrorIs(t, err, errAway)
	require.Equal(t, 1, strings.Count(log.String(), "\n"), "it is not told for each token")
	require.Contains(t, log.String(), `its keys are at \"http://keys.example.com/\", and https:// is expected`)
}
