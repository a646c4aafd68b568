package oauth

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"golang.org/x/oauth2"

	"github.com/waybill-io/waybill/mail"
)

// Ways in which a client proves who it is (RFC 6749, section 2.3.1).
const (
	AuthBasic = "basic" // the header Authorization: what every server must take
	AuthPost  = "post"  // in the body; the way of Microsoft and Google
)

// Config is a client at a server. URLs that are not used may be "".
type Config struct {
	AuthorizationURL string
	TokenURL         string
	DeviceURL        string
	RevocationURL    string

	ClientID     string
	ClientSecret mail.Secret // "": a public client, which PKCE protects
	ClientAuth   string      // AuthBasic, which "" is too, or AuthPost
	Scopes       []string
	Extra        map[string]string // further parameters of the authorization request
	RedirectURL  string            // where the browser comes back to, as the provider knows it

	RootCAs *x509.CertPool // nil: those of the system
}

// requestTimeout bounds one request.
const requestTimeout = 30 * time.Second

// maxAnswer bounds an answer, as x/oauth2 does.
const maxAnswer = 1 << 20

func (c Config) protocol() *oauth2.Config {
	// Trying both ways, as the library does by default, sends a code or a rotating token twice, and hides the error of the right one.
	style := oauth2.AuthStyleInHeader
	if c.ClientAuth == AuthPost || c.ClientSecret == "" {
		style = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{
		ClientID: c.ClientID, ClientSecret: c.ClientSecret.Reveal(), RedirectURL: c.RedirectURL, Scopes: c.Scopes,
		Endpoint: oauth2.Endpoint{AuthURL: c.AuthorizationURL, TokenURL: c.TokenURL, DeviceAuthURL: c.DeviceURL, AuthStyle: style},
	}
}

// inHeader tells whether the client proves who it is in a header.
func (c Config) inHeader() bool { return c.protocol().Endpoint.AuthStyle == oauth2.AuthStyleInHeader }

// identify puts the credentials of the client into the header of a request (RFC 6749, section 2.3.1).
func (c Config) identify(r *http.Request) {
	r.SetBasicAuth(url.QueryEscape(c.ClientID), url.QueryEscape(c.ClientSecret.Reveal()))
}

// identifying is a transport that identifies the client.
type identifying struct {
	Config
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (i identifying) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	i.identify(r)
	return i.next.RoundTrip(r)
}

// identified is an HTTP client that identifies this one.
func (c Config) identified(client *http.Client) *http.Client {
	other := *client
	other.Transport = identifying{c, client.Transport}
	return &other
}

// whole is a transport that reads answers to their end, so that one which is cut off is an error of the connection: the library says the same
// of it as of something that is no token at all, which an administrator would have to mend.
type whole struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (w whole) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := w.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	_ = answer.Body.Close() // all that counts was read
	if err == nil && answer.StatusCode/100 == 2 && bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) && !json.Valid(body) {
		err = io.ErrUnexpectedEOF // where only the end of the connection tells that of the answer
	}
	if err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, nil
}

// client follows no redirect: a request holds the secret of the client, which another address has no business with.
func (c Config) client() (client *http.Client, done func()) {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: requestTimeout, MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true,
	}
	return &http.Client{
		Transport: whole{transport}, Timeout: requestTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, transport.CloseIdleConnections
}

// with is a context by which x/oauth2 uses the client.
func (c Config) with(ctx context.Context) (context.Context, func()) {
	client, done := c.client()
	return context.WithValue(ctx, oauth2.HTTPClient, client), done
}

// NewVerifier returns a verifier for PKCE: a secret of one authorization.
func NewVerifier() mail.Secret { return mail.Secret(oauth2.GenerateVerifier()) }

// AuthorizeURL is where a browser is sent for consent. Extra parameters cannot take the place of those that protect the flow.
func (c Config) AuthorizeURL(state string, verifier mail.Secret, hint string) (string, error) {
	if c.AuthorizationURL == "" {
		return "", errors.New("there is no authorization URL: tokens are had with the credentials of the client, or with a device code")
	}
	var options []oauth2.AuthCodeOption
	if hint != "" {
		options = append(options, oauth2.SetAuthURLParam("login_hint", hint))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Extra)) {
		options = append(options, oauth2.SetAuthURLParam(name, c.Extra[name]))
	}
	for name, value := range map[string]string{"state": state, "redirect_uri": c.RedirectURL, "response_type": "code", "client_id": c.ClientID} {
		options = append(options, oauth2.SetAuthURLParam(name, value))
	}
	options = append(options, oauth2.S256ChallengeOption(verifier.Reveal()))
	return c.protocol().AuthCodeURL(state, options...), nil
}
