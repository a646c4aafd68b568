package oauth

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2"

	"github.com/waybill-io/waybill/mail"
)

// Revoke takes a token back (RFC 7009). kind is refresh_token or access_token. A token that the server does not know is as good as revoked.
func (c Config) Revoke(ctx context.Context, token mail.Secret, kind string) error {
	if c.RevocationURL == "" {
		return &Error{Kind: Settings, text: "the provider has no URL for revocation"}
	}
	form := url.Values{"token": {token.Reveal()}, "token_type_hint": {kind}}
	if !c.inHeader() {
		form.Set("client_id", c.ClientID)
		if c.ClientSecret != "" {
			form.Set("client_secret", c.ClientSecret.Reveal())
		}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.RevocationURL, strings.NewReader(form.Encode()))
	if err != nil {
		return &Error{Kind: Settings, text: "the URL for revocation is none"}
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if c.inHeader() {
		c.identify(r)
	}
	client, done := c.client()
	defer done()
	answer, err := client.Do(r)
	if err != nil {
		return explain(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, _ := io.ReadAll(answer.Body) // which client has bounded and read
	if answer.StatusCode/100 == 2 {
		return nil
	}
	return explain(&oauth2.RetrieveError{Response: answer, Body: body, ErrorCode: codeIn(body)})
}
