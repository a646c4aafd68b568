package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/waybill-io/waybill/mail"
)

// Grant is what a token endpoint gave.
type Grant struct {
	Access  mail.Secret
	Refresh mail.Secret // "": none, or the one that was used stays good (RFC 6749, section 6)

	Issued         time.Time // when it was asked for, from which the ends are counted
	Expires        time.Time // of the access token; zero: it was not told
	RefreshExpires time.Time // likewise: refresh_expires_in, refresh_token_expires_in; no standard has them
	Scopes         []string  // nil: those that were asked for
	Names          []string  // of the user, as the ID token has them, the most telling first; nil: there are none
}

// Exchange gets tokens for a code that the browser brought back. A code works once.
func (c Config) Exchange(ctx context.Context, code, verifier mail.Secret) (Grant, error) {
	ctx, done := c.with(ctx)
	defer done()
	begun := time.Now()
	token, err := c.protocol().Exchange(ctx, code.Reveal(), oauth2.VerifierOption(verifier.Reveal()))
	return grantOf(token, err, begun)
}

// Refresh gets new tokens for a refresh token.
func (c Config) Refresh(ctx context.Context, refresh mail.Secret) (Grant, error) {
	ctx, done := c.with(ctx)
	defer done()
	begun := time.Now()
	token, err := c.protocol().TokenSource(ctx, &oauth2.Token{RefreshToken: refresh.Reveal()}).Token()
	g, err := grantOf(token, err, begun)
	if g.Refresh == refresh { // the library repeats the old one
		g.Refresh = ""
	}
	return g, err
}

// ClientCredentials gets a token for the client itself (RFC 6749, section 4.4).
func (c Config) ClientCredentials(ctx context.Context) (Grant, error) {
	ctx, done := c.with(ctx)
	defer done()
	p := c.protocol()
	config := clientcredentials.Config{ClientID: p.ClientID, ClientSecret: p.ClientSecret, TokenURL: c.TokenURL, Scopes: c.Scopes, AuthStyle: p.Endpoint.AuthStyle}
	begun := time.Now()
	token, err := config.Token(ctx)
	return grantOf(token, err, begun)
}

// Device is what a person needs who gives consent on another machine.
type Device struct {
	Code     mail.Secret // for Await
	UserCode string
	URL      string // where the user code is entered
	Complete string // likewise, with the code in it; "": the server has none
	Expires  time.Time
	Interval int64 // seconds between questions
}

// Device begins the device authorization grant (RFC 8628).
func (c Config) Device(ctx context.Context) (Device, error) {
	if c.DeviceURL == "" {
		return Device{}, &Error{Kind: Settings, text: "there is no URL for device codes: give --device-url, or authorize with a browser"}
	}
	ctx, done := c.with(ctx)
	defer done()
	// The library sends the client id alone, and servers want to know who asks, as at the token endpoint (RFC 8628, section 3.1).
	var options []oauth2.AuthCodeOption
	if c.ClientSecret != "" && c.inHeader() {
		ctx = context.WithValue(ctx, oauth2.HTTPClient, c.identified(ctx.Value(oauth2.HTTPClient).(*http.Client)))
	} else if c.ClientSecret != "" {
		options = append(options, oauth2.SetAuthURLParam("client_secret", c.ClientSecret.Reveal()))
	}
	d, err := c.protocol().DeviceAuth(ctx, options...)
	if err != nil {
		return Device{}, explain(err)
	}
	if d.DeviceCode == "" || d.UserCode == "" || d.VerificationURI == "" || d.Expiry.IsZero() {
		return Device{}, &Error{Kind: Settings, text: "the device endpoint answered with something else than a device code"}
	}
	return Device{
		Code: mail.Secret(d.DeviceCode), UserCode: d.UserCode, URL: d.VerificationURI, Complete: d.VerificationURIComplete,
		Expires: d.Expiry, Interval: d.Interval,
	}, nil
}

// Await asks for the tokens of a device code, as often as the server permits, until a person has consented or the code ends.
func (c Config) Await(ctx context.Context, d Device) (Grant, error) {
	ctx, done := c.with(ctx)
	defer done()
	begun := time.Now()
	token, err := c.protocol().DeviceAccessToken(ctx, &oauth2.DeviceAuthResponse{DeviceCode: d.Code.Reveal(), Expiry: d.Expires, Interval: d.Interval})
	if errors.Is(err, context.DeadlineExceeded) && !time.Now().Before(d.Expires) {
		return Grant{}, &Error{Kind: Consent, Code: "expired_token", text: "nobody consented before the device code ended"}
	}
	return grantOf(token, err, begun)
}

// grantOf reads an answer of the token endpoint, which was asked at a time: lives are counted from before the request.
func grantOf(token *oauth2.Token, err error, begun time.Time) (Grant, error) {
	if err != nil {
		return Grant{}, explain(err)
	}
	if len(token.AccessToken) > maxToken || len(token.RefreshToken) > maxToken {
		return Grant{}, &Error{Kind: Settings, Status: http.StatusOK, text: "the token endpoint answered with a token of more than 64 KB"}
	}
	g := Grant{Issued: begun.UTC(), Access: mail.Secret(token.AccessToken), Refresh: mail.Secret(token.RefreshToken)}
	if s := seconds(token.Extra("expires_in")); s > 0 {
		g.Expires = begun.Add(s).UTC()
	}
	for _, name := range []string{"refresh_token_expires_in", "refresh_expires_in"} {
		if s := seconds(token.Extra(name)); s > 0 {
			g.RefreshExpires = begun.Add(s).UTC()
		}
	}
	if scope, ok := token.Extra("scope").(string); ok {
		g.Scopes = strings.Fields(scope)
	}
	if id, ok := token.Extra("id_token").(string); ok {
		g.Names = namesOf(mail.Secret(id))
	}
	return g, nil
}

// maxLife bounds what a server says of the life of a token.
const maxLife = 10 * 365 * 24 * time.Hour

// seconds reads a number, which some servers write as text.
func seconds(value any) time.Duration {
	var n float64
	switch v := value.(type) {
	case float64:
		n = v
	case json.Number:
		n, _ = v.Float64()
	case string:
		n, _ = strconv.ParseFloat(v, 64)
	}
	if n <= 0 {
		return 0
	}
	if n > maxLife.Seconds() {
		return maxLife
	}
	return time.Duration(n * float64(time.Second))
}

// namesOf reads who consented. The signature of an ID token that came over TLS from the token endpoint need not be checked (OpenID Connect
// Core 1.0, section 3.1.3.7, 6): the provider says it, whom the client trusts to say whose the tokens are.
func namesOf(id mail.Secret) (names []string) {
	var claims map[string]any
	if !Claims(id, &claims) {
		return nil
	}
	for _, name := range []string{"email", "preferred_username", "upn", "sub"} {
		if user, ok := claims[name].(string); ok && user != "" && !slices.Contains(names, user) {
			names = append(names, strings.ToValidUTF8(user[:min(len(user), 320)], ""))
		}
	}
	return names
}
