package rest

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/retryafter"
)

// transport adds the credentials of an instance to requests for the origins that get them, hop by hop.
type transport struct {
	config         *config
	plain, trusted *http.Transport
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	trusted, err := t.config.trusts(originOf(r.URL))
	if !trusted {
		if err != nil && t.config.auth != "" && r.Header.Get("Authorization") == "" {
			return nil, err
		}
		return t.plain.RoundTrip(r)
	}
	// A header of the model's own wins. The answer to TRACE repeats the request, and would put credentials into the history.
	if r.Header.Get("Authorization") == "" && r.Method != http.MethodTrace {
		if r, err = t.config.authorize(r); err != nil {
			return nil, err
		}
	}
	return t.trusted.RoundTrip(r)
}

// CloseIdleConnections is what http.Client calls.
func (t *transport) CloseIdleConnections() {
	t.plain.CloseIdleConnections()
	t.trusted.CloseIdleConnections()
}

// authorize returns a copy with the header of REST_AUTH.
func (c *config) authorize(r *http.Request) (*http.Request, error) {
	r = r.Clone(r.Context())
	switch c.auth {
	case "basic":
		r.SetBasicAuth(c.user, c.pass.Reveal())
	case "bearer":
		r.Header.Set("Authorization", "Bearer "+c.token.Reveal())
	case "client-credentials":
		token, err := c.client.token(r.Context())
		if err != nil {
			return nil, err
		}
		token.SetAuthHeader(r)
	}
	return r, nil
}

// clientCredentials gets tokens with the client credentials grant (RFC 6749, section 4.4) and keeps one as long as it is valid.
type clientCredentials struct {
	config *clientcredentials.Config
	http   *http.Client
	turn   chan struct{} // one gets a token, the others wait for it

	mu   sync.Mutex
	kept *oauth2.Token
}

func readClientCredentials(s *connectors.Settings) *clientCredentials {
	c := &clientCredentials{turn: make(chan struct{}, 1), config: &clientcredentials.Config{
		ClientID: s.Text("REST_AUTH_CLIENT_ID"), ClientSecret: s.Secret("REST_AUTH_CLIENT_SECRET").Reveal(), TokenURL: s.Text("REST_AUTH_ENDPOINT"),
		Scopes: strings.Fields(s.Text("REST_AUTH_SCOPE")),
	}}
	switch method := s.Text("REST_AUTH_CLIENT_METHOD"); method {
	case "client_secret_basic":
		c.config.AuthStyle = oauth2.AuthStyleInHeader
	case "client_secret_post":
		c.config.AuthStyle = oauth2.AuthStyleInParams
	default: // trying both would hide the error of the right one
		s.Errorf("REST_AUTH_CLIENT_METHOD", "%q is neither client_secret_basic nor client_secret_post", method)
	}
	if endpoint := c.config.TokenURL; endpoint != "" {
		u, err := url.Parse(endpoint)
		if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !mail.Loopback(u.Hostname())) {
			s.Errorf("REST_AUTH_ENDPOINT", "is not the https:// URL of a token endpoint")
		}
	}
	return c
}

// token returns a token that is valid.
func (c *clientCredentials) token(ctx context.Context) (*oauth2.Token, error) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c.mu.Lock()
	kept := c.kept
	c.mu.Unlock()
	if kept.Valid() {
		return kept, nil
	}
	token, err := c.config.Token(context.WithValue(ctx, oauth2.HTTPClient, c.http))
	if err != nil {
		return nil, &tokenError{err}
	}
	c.mu.Lock()
	c.kept = token
	c.mu.Unlock()
	return token, nil
}

// current is the text of the token that is kept, "" for none.
func (c *clientCredentials) current() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil {
		return ""
	}
	return c.kept.AccessToken
}

// forget drops the token that a host has refused. It is false when there was none, or when it was not sent to that host.
func (c *clientCredentials) forget(u *url.URL, of *config) bool {
	if trusted, _ := of.trusts(originOf(u)); !trusted || of.auth != "client-credentials" {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	had := c.kept != nil
	c.kept = nil
	return had
}

// tokenError is a token that could not be had. What the server wrote beside the code of RFC 6749 stays out: it may repeat the request.
type tokenError struct{ err error }

func (e *tokenError) Error() string {
	if refused := (*oauth2.RetrieveError)(nil); errors.As(e.err, &refused) {
		return "the token endpoint refused: " + refused.Response.Status + " " + errorCode(refused)
	}
	if failed := (*url.Error)(nil); errors.As(e.err, &failed) {
		return "the token endpoint did not answer: " + failed.Err.Error()
	}
	return "the token endpoint answered with something else than a token"
}

func (e *tokenError) Unwrap() error { return e.err }

// errorCode is one of those of RFC 6749, section 5.2, or nothing.
func errorCode(e *oauth2.RetrieveError) string {
	switch e.ErrorCode {
	case "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope":
		return e.ErrorCode
	}
	return ""
}

// classify tells whether a token may be had later. Of the cause only the end of the context is kept: the rest may hold what the server wrote.
func (e *tokenError) classify(now time.Time) *connectors.Error {
	failure := &connectors.Error{Kind: connectors.Retryable, Code: connectors.CodeUnauthorized, Public: e.Error()}
	for _, ended := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(e.err, ended) {
			failure.Err = ended
		}
	}
	if refused := (*oauth2.RetrieveError)(nil); errors.As(e.err, &refused) {
		if status := refused.Response.StatusCode; !temporary(status) {
			failure.Kind = connectors.BPMN
			failure.Public += "; see REST_AUTH_CLIENT_ID, REST_AUTH_CLIENT_SECRET and REST_AUTH_SCOPE"
		}
		failure.After = retryafter.Of(refused.Response.Header, now)
	}
	return failure
}
