package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"golang.org/x/oauth2"

	"github.com/waybill-io/waybill/retryafter"
)

// Kind says who can mend an error.
type Kind string

// The kinds.
const (
	Temporary Kind = "temporary" // nobody need: try again later
	Consent   Kind = "consent"   // a person must authorize again
	Settings  Kind = "settings"  // an administrator must change the client here, or at the provider
)

// Error is why there is no token, in words for people. It holds nothing that a server wrote beside the code.
type Error struct {
	Kind   Kind
	Code   string // of RFC 6749 and its kin, such as "invalid_grant"; "": none
	Vendor string // of Microsoft, such as "AADSTS7000222"
	Status int    // of HTTP; 0: there was no answer
	After  time.Duration

	text string
	err  error // only the end of a context
}

func (e *Error) Error() string { return e.text }

func (e *Error) Unwrap() error { return e.err }

// meaning is what a code says to people.
type meaning struct {
	kind Kind
	text string
}

// Codes of RFC 6749 (sections 4.1.2.1 and 5.2), RFC 8628 (section 3.5), OpenID Connect Core (section 3.1.2.6), and Google.
var codes = map[string]meaning{
	"invalid_grant":                {Consent, "the consent does not hold any more: it was withdrawn, the password was changed, or the token ended or was used already; authorize again"},
	"invalid_client":               {Settings, "the provider does not know the client, or its secret is wrong or has expired; see the client id and the client secret"},
	"unauthorized_client":          {Settings, "the provider does not permit this client to get tokens this way; see which grants, and which kind of client, are set up there"},
	"invalid_scope":                {Settings, "a scope is unknown, malformed or more than may be asked for; see --scope"},
	"invalid_request":              {Settings, "the provider misses something in the request, or does not understand it; see the redirect URL, the URLs and the scopes"},
	"invalid_target":               {Settings, "the provider does not know the resource that is asked for; see the scopes"},
	"unsupported_grant_type":       {Settings, "the provider does not support this grant"},
	"unsupported_response_type":    {Settings, "the provider does not support the authorization code grant for this client"},
	"redirect_uri_mismatch":        {Settings, "the provider does not know the redirect URL; register it there, letter by letter"},
	"admin_policy_enforced":        {Settings, "an administrator of the organisation has forbidden the scopes or the client"},
	"org_internal":                 {Settings, "the client is for people of its own organisation alone"},
	"access_denied":                {Consent, "the consent was refused"},
	"consent_required":             {Consent, "somebody must consent; authorize again"},
	"interaction_required":         {Consent, "the provider wants to ask the person something; authorize again"},
	"login_required":               {Consent, "the provider wants the person to sign in; authorize again"},
	"expired_token":                {Consent, "nobody consented before the device code ended; begin again"},
	"temporarily_unavailable":      {Temporary, "the provider is overloaded or under maintenance"},
	"server_error":                 {Temporary, "the provider had an error of its own"},
	"slow_down":                    {Temporary, "the provider is asked too often"},
	"authorization_pending":        {Temporary, "nobody has consented yet"},
	"account_selection_required":   {Consent, "the provider wants the person to choose an account; authorize again"},
	"application_not_verified":     {Settings, "the provider has not verified the client yet"},
	"rate_limit_exceeded":          {Temporary, "the provider is asked too often"},
	"unsupported_token_type":       {Settings, "the provider cannot revoke tokens of this kind"},
	"invalid_dpop_proof":           {Settings, "the provider wants tokens that are bound to a key (DPoP), which are not supported"},
	"use_dpop_nonce":               {Settings, "the provider wants tokens that are bound to a key (DPoP), which are not supported"},
	"invalid_token":                {Consent, "the provider does not know the token; authorize again"},
	"registration_required":        {Settings, "the provider does not know the client; see the client id"},
	"unmet_authentication_context": {Consent, "the provider wants a stronger sign-in; authorize again"},
}

// Codes of Microsoft, which say more than those of the RFC beside them (learn.microsoft.com/entra/identity-platform/reference-error-codes).
// They choose words; where a code is not here, that of the RFC does.
var vendorCodes = map[string]meaning{
	"AADSTS7000222": {Settings, "the client secret has expired; make a new one in Microsoft Entra (App registrations, Certificates & secrets) and give it to the workers"},
	"AADSTS7000215": {Settings, "the client secret is wrong; take the Value from Microsoft Entra (Certificates & secrets), not the Secret ID"},
	"AADSTS7000218": {Settings, "the client needs a secret; for device codes without one, turn on \"Allow public client flows\" in Microsoft Entra (Authentication)"},
	"AADSTS700016":  {Settings, "the client is not in this tenant; see the client id and --tenant"},
	"AADSTS90002":   {Settings, "there is no such tenant; see --tenant"},
	"AADSTS50011":   {Settings, "Microsoft Entra does not know the redirect URL; add it (Authentication, platform Web), letter by letter"},
	"AADSTS70011":   {Settings, "a scope is wrong; see --scope"},
	"AADSTS500011":  {Settings, "the tenant does not know the resource of a scope; see --scope"},
	"AADSTS65001":   {Consent, "the user or an administrator has not consented to the client with these permissions; authorize again, or have an administrator grant consent"},
	"AADSTS65004":   {Consent, "the user declined to consent"},
	"AADSTS90094":   {Consent, "an administrator must grant consent for these permissions"},
	"AADSTS50076":   {Consent, "a second factor is wanted now (multi-factor authentication); authorize again"},
	"AADSTS50078":   {Consent, "the second factor has expired (multi-factor authentication); authorize again"},
	"AADSTS50079":   {Consent, "the user must register for a second factor (multi-factor authentication); authorize again"},
	"AADSTS50055":   {Consent, "the password of the user has expired; the user must change it, then authorize again"},
	"AADSTS50173":   {Consent, "the password was changed, or sessions were revoked, since the consent; authorize again"},
	"AADSTS50133":   {Consent, "the password was changed or has expired since the consent; authorize again"},
	"AADSTS70008":   {Consent, "the code or the refresh token has expired; authorize again"},
	"AADSTS700082":  {Consent, "the refresh token has expired, since it was not used for long; authorize again"},
	"AADSTS700084":  {Consent, "the refresh token has expired: it is of a single page app, and lasts a day; register the redirect URL for the platform Web, then authorize again"},
	"AADSTS70043":   {Consent, "the refresh token has expired by the sign-in frequency of Conditional Access; authorize again"},
	"AADSTS50057":   {Settings, "the account of the user is disabled"},
	"AADSTS50034":   {Settings, "the user does not exist in this tenant"},
	"AADSTS53003":   {Settings, "Conditional Access blocks the client; an administrator must permit it"},
	"AADSTS50105":   {Settings, "the user is not assigned to the application, which wants that in Microsoft Entra (Enterprise applications)"},
	"AADSTS50196":   {Temporary, "Microsoft Entra is asked for the same too often"},
	"AADSTS90033":   {Temporary, "Microsoft Entra is temporarily unavailable"},
}

var (
	codeForm   = regexp.MustCompile(`^[a-z_]{1,64}$`)
	vendorForm = regexp.MustCompile(`AADSTS[0-9]{3,9}`)
)

// Refusal is the meaning of an error that a browser brought back (RFC 6749, section 4.1.2.1). What the description says beside a code of
// Microsoft is dropped: anybody can make a browser bring it.
func Refusal(code, description string) *Error { return refusal(code, description, 0) }

func refusal(code, description string, status int) *Error {
	e := &Error{Status: status, Vendor: vendorForm.FindString(description)}
	if codeForm.MatchString(code) {
		e.Code = code
	}
	m, known := vendorCodes[e.Vendor]
	if !known {
		m, known = codes[e.Code]
	}
	later := status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout
	switch {
	case later && m.kind != Consent && e.Vendor == "":
		e.Kind, e.text = Temporary, "the provider cannot answer now"
	case known:
		e.Kind, e.text = m.kind, m.text
	case later:
		e.Kind, e.text = Temporary, "the provider cannot answer now"
	default:
		e.Kind, e.text = Settings, "the provider refused"
	}
	e.text += e.source()
	return e
}

// source names the codes, for whoever looks them up.
func (e *Error) source() string {
	names := ""
	for _, name := range []string{e.Code, e.Vendor} {
		if name != "" {
			names += ", " + name
		}
	}
	if e.Status != 0 {
		names += fmt.Sprintf(", HTTP status %d", e.Status)
	}
	if names == "" {
		return ""
	}
	return " (" + names[2:] + ")"
}

// explain makes an Error of any error of a request.
func explain(err error) *Error {
	if known := new(Error); errors.As(err, &known) {
		return known
	}
	if refused := (*oauth2.RetrieveError)(nil); errors.As(err, &refused) {
		e := refusal(refused.ErrorCode, descriptionIn(refused), refused.Response.StatusCode)
		e.After = retryafter.Of(refused.Response.Header, time.Now())
		if status := refused.Response.StatusCode; (status == http.StatusNotFound || status == http.StatusMethodNotAllowed) && e.Vendor == "" {
			e.Kind, e.text = Settings, "not found: the provider has nothing at "+address(refused.Response)+"; see the URLs"+e.source() // some have a code for it, such as invalid_request
		} else if status/100 == 3 {
			e.Kind, e.text = Settings, "the provider answered with a redirect, which is not followed; see the URLs"+e.source()
		} else if status/100 == 2 && e.Code == "" {
			e.Kind, e.text = Settings, "the provider answered with something else than a token; see the URLs"
		}
		return e
	}
	e := &Error{Kind: Temporary, text: "the provider answered with something else than a token; see the URLs"}
	for _, ended := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, ended) {
			e.text, e.err = "the provider did not answer in time", ended
		}
	}
	if failed := (*url.Error)(nil); errors.As(err, &failed) && e.err == nil {
		e.text = "the provider cannot be reached: " + failed.Err.Error() // of the connection: it holds nothing of the request
	} else if e.err == nil {
		e.Kind = Settings
	}
	return e
}

// address is where a request went to: a setting, without what may be secret in it.
func address(r *http.Response) string {
	if r.Request == nil || r.Request.URL == nil {
		return "its URL"
	}
	u := url.URL{Scheme: r.Request.URL.Scheme, Host: r.Request.URL.Host, Path: r.Request.URL.Path}
	return u.String()
}

func descriptionIn(e *oauth2.RetrieveError) string {
	if e.ErrorDescription != "" {
		return e.ErrorDescription
	}
	return string(e.Body)
}

// codeIn reads the code of an error from a body of JSON.
func codeIn(body []byte) string {
	var said struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal(body, &said) // without one there is no code
	return said.Error
}
