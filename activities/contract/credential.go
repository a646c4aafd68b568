package contract

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"
)

// CredentialConfig says how tokens of an OAuth account are had. It goes into histories, so it names the secret of the client and never holds it.
type CredentialConfig struct {
	Name     string `json:"name"`
	Provider string `json:"provider,omitempty"` // microsoft, google; "": another one. It only tells: the URLs count
	// Grant is how a token is had: AuthorizationCode, by a browser or a device code, or ClientCredentials. "" is the latter when there is neither
	// an AuthorizationURL nor a DeviceURL.
	Grant            string            `json:"grant,omitempty"`
	AuthorizationURL string            `json:"authorizationUrl,omitempty"`
	TokenURL         string            `json:"tokenUrl"`
	DeviceURL        string            `json:"deviceUrl,omitempty"`
	RevocationURL    string            `json:"revocationUrl,omitempty"`
	ClientID         string            `json:"clientId"`
	ClientSecret     string            `json:"clientSecret,omitempty"` // a reference: "env:NAME", "file:/path" or "sealed:..."; "": a public client
	ClientAuth       string            `json:"clientAuth,omitempty"`   // basic, which "" is too, or post
	Scopes           []string          `json:"scopes,omitempty"`
	Extra            map[string]string `json:"extra,omitempty"` // further parameters of the authorization request
	User             string            `json:"user,omitempty"`  // who is to consent; another's consent is not taken. "": anybody's
	CA               string            `json:"ca,omitempty"`    // a file on the workers' machines with certificate authorities to trust, too

	RefreshDays int  `json:"refreshDays,omitempty"` // how long a refresh token lasts when the provider does not say; 0: the client makes it 90
	Slides      bool `json:"slides,omitempty"`      // they count from the last use of the token
	RevokeOld   bool `json:"revokeOld,omitempty"`   // a new consent has the tokens of the old one revoked: with many providers, those of the new one too

	Gateway     string   `json:"gateway,omitempty"` // begins links for consent: the URL of the gateway
	MailTenant  string   `json:"mailTenant,omitempty"`
	Notify      []string `json:"notify,omitempty"`      // addresses that are warned
	NotifyUsers []string `json:"notifyUsers,omitempty"` // likewise, people by their names
}

// Grants.
const (
	AuthorizationCode = "authorization-code"
	ClientCredentials = "client-credentials"
)

// Own tells whether the tokens are those of the client itself, so that nobody has to consent.
func (c CredentialConfig) Own() bool {
	if c.Grant != "" {
		return c.Grant == ClientCredentials
	}
	return c.AuthorizationURL == "" && c.DeviceURL == ""
}

// CredentialWarnings are the days before the end of a refresh token that people are warned at, the earliest first.
var CredentialWarnings = [...]int{14, 7, 1}

// CredentialPrefix begins the reference of a secret that is the token of a credential: "credential:NAME".
const CredentialPrefix = "credential:"

// Bounds of a configuration, which is kept in a history and sent to activities.
const (
	maxCredentialText = 2000
	maxCredentialList = 50
)

// Validate tells everything that is wrong. Its errors hold nothing of ClientSecret, which may be a secret by mistake.
func (c CredentialConfig) Validate() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, u := range []struct {
		name, value string
		required    bool
	}{
		{"token URL", c.TokenURL, true}, {"authorization URL", c.AuthorizationURL, false}, {"device URL", c.DeviceURL, false},
		{"revocation URL", c.RevocationURL, false}, {"gateway URL", c.Gateway, false},
	} {
		if u.value == "" && !u.required {
			continue
		}
		if err := CheckEndpoint(u.value); err != nil {
			wrong("%s: %w", u.name, err)
		}
	}
	if c.ClientID == "" {
		wrong("a client id is expected: the provider gave it when the client was registered")
	}
	if !slices.Contains([]string{"", AuthorizationCode, ClientCredentials}, c.Grant) {
		wrong("grant %q: %s or %s is expected", c.Grant, AuthorizationCode, ClientCredentials)
	} else if !c.Own() && c.AuthorizationURL == "" && c.DeviceURL == "" {
		wrong("grant %s: an authorization URL or a device URL is expected", c.Grant)
	}
	if !slices.Contains([]string{"", "basic", "post"}, c.ClientAuth) {
		wrong("client authentication %q: basic or post is expected", c.ClientAuth)
	}
	kind, name, _ := strings.Cut(c.ClientSecret, ":")
	switch {
	case c.ClientSecret == "" && c.Own():
		wrong("a client secret is expected: it alone proves who the client is")
	case c.ClientSecret != "" && (name == "" || !slices.Contains([]string{"env", "file", "sealed"}, kind)):
		wrong("client secret: env:NAME, file:/path or sealed:... is expected, and not the secret itself")
	}
	for _, name := range []string{"state", "code_challenge", "code_challenge_method", "redirect_uri", "response_type", "client_id", "response_mode"} {
		if _, taken := c.Extra[name]; taken {
			wrong("parameter %q is set by Waybill", name)
		}
	}
	if c.RefreshDays < 0 || c.RefreshDays > 3650 {
		wrong("%d days of a refresh token: 1 to 3650 are expected", c.RefreshDays)
	}
	for _, to := range c.Notify {
		if a, err := mail.ParseAddress(to); err != nil || a.Address != to {
			wrong("%q is no address to warn: it is written as in ops@example.com", to)
		}
	}
	texts := append(append(append([]string{c.Name, c.ClientID, c.ClientSecret, c.User, c.CA}, c.Scopes...), c.Notify...), c.NotifyUsers...)
	for name, value := range c.Extra {
		texts = append(texts, name, value)
	}
	if len(texts) > maxCredentialList || slices.ContainsFunc(texts, func(t string) bool { return len(t) > maxCredentialText }) {
		wrong("it is too large: at most %d scopes, parameters and addresses, of at most %d bytes each", maxCredentialList, maxCredentialText)
	}
	return errors.Join(errs...)
}

// CheckEndpoint wants a URL with TLS, since secrets go there; not on this machine.
func CheckEndpoint(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" || len(text) > maxCredentialText {
		return errors.New("a URL such as https://login.example.com/token is expected")
	}
	loopback := slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, u.Hostname())
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback) {
		return errors.New("https is expected: secrets would cross a network in clear text")
	}
	return nil
}

// Queries and updates of the credential workflow.
const (
	CredentialQuery        = "status"    // -> CredentialStatus
	AccessQuery            = "access"    // -> CredentialAccess
	ConfigureCredential    = "configure" // CredentialConfig; starts the workflow when there is none
	InviteUpdate           = "invite"    // Invitation
	BeginConsentUpdate     = "begin"     // BeginConsent
	ConsentUpdate          = "consent"   // Consent -> ConsentOutcome
	DeviceUpdate           = "device"    // id of the attempt -> DeviceCode
	RefreshUpdate          = "refresh"   // RefreshCredential -> CredentialAccess
	RevokeCredentialUpdate = "revoke"    // -> RevokeOutcome
	RemoveCredentialUpdate = "remove"
	ConsentLife            = 10 * time.Minute // of a state: how long a person may take at the provider
	InvitationLife         = time.Hour
)

// CredentialTokens are tokens. Their texts are sealed: who has the key alone can read them.
type CredentialTokens struct {
	Access  string    `json:"access"`
	Refresh string    `json:"refresh,omitempty"`
	Issued  time.Time `json:"issued"`
	Expires time.Time `json:"expires,omitzero"` // of Access; zero: the provider did not say

	RefreshIssued  time.Time `json:"refreshIssued,omitzero"`
	RefreshExpires time.Time `json:"refreshExpires,omitzero"`
	RefreshTold    bool      `json:"refreshTold,omitempty"` // by the provider; else it is assumed

	Scopes []string `json:"scopes,omitempty"`
	User   string   `json:"user,omitempty"`
	Names  []string `json:"names,omitempty"` // all by which the provider calls the user, User among them

	// What they were asked for with: they are of no use to another client, and others at other scopes.
	ClientID string   `json:"clientId,omitempty"`
	TokenURL string   `json:"tokenUrl,omitempty"`
	Asked    []string `json:"asked,omitempty"` // scopes
}

// CredentialProblem is why there are no new tokens.
type CredentialProblem struct {
	Kind    string    `json:"kind"` // temporary, consent, settings
	Message string    `json:"message"`
	At      time.Time `json:"at,omitzero"`
}

// CredentialState is the whole of a credential, and the input of its workflow.
type CredentialState struct {
	Config     CredentialConfig  `json:"config"`
	Tokens     *CredentialTokens `json:"tokens,omitempty"`
	Version    int               `json:"version,omitempty"` // counts the tokens
	Authorised time.Time         `json:"authorised,omitzero"`
	Refreshes  int               `json:"refreshes,omitempty"`
	Refreshed  time.Time         `json:"refreshed,omitzero"`
	Revoked    bool              `json:"revoked,omitempty"`

	Problem  *CredentialProblem `json:"problem,omitempty"` // of the last refresh
	Failures int                `json:"failures,omitempty"`
	RetryAt  time.Time          `json:"retryAt,omitzero"`
	Broken   int                `json:"broken,omitempty"` // counts how often people were told that it is
	Told     string             `json:"told,omitempty"`   // the kind of problem that they were told of; "": it works, for all they know

	Warned    int               `json:"warned,omitempty"`   // days before the end that people were last warned at
	WarnedEnd time.Time         `json:"warnedEnd,omitzero"` // which end
	Outbox    []CredentialMail  `json:"outbox,omitempty"`
	Unsent    map[string]string `json:"unsent,omitempty"` // by the queue of the way: why the last warning did not go out

	Invitations []Invitation    `json:"invitations,omitempty"`
	Pending     []BeginConsent  `json:"pending,omitempty"`
	Device      *PendingDevice  `json:"device,omitempty"`
	Consent     *ConsentOutcome `json:"consent,omitempty"` // the last one
	Discard     []string        `json:"discard,omitempty"` // sealed refresh tokens that are to be revoked
	Undiscarded string          `json:"undiscarded,omitempty"`
}

// CredentialMail is a warning on its way: one of the two.
type CredentialMail struct {
	ID     int       `json:"id"`
	Notice *Notice   `json:"notice,omitempty"`
	Alert  *Alert    `json:"alert,omitempty"`
	Until  time.Time `json:"until"` // then it is given up
}

// CredentialStatus is what people see: nothing of a token, nor of what protects a consent.
type CredentialStatus struct {
	Config         CredentialConfig   `json:"config"`
	User           string             `json:"user,omitempty"`
	Authorised     time.Time          `json:"authorised,omitzero"`
	Scopes         []string           `json:"scopes,omitempty"` // granted
	Version        int                `json:"version"`
	Expires        time.Time          `json:"expires,omitzero"` // of the access token
	RefreshIssued  time.Time          `json:"refreshIssued,omitzero"`
	RefreshExpires time.Time          `json:"refreshExpires,omitzero"`  // of the refresh token
	RefreshAssumed bool               `json:"refreshAssumed,omitempty"` // the provider did not say
	Refreshes      int                `json:"refreshes"`
	Refreshed      time.Time          `json:"refreshed,omitzero"` // the last time
	Next           time.Time          `json:"next,omitzero"`      // when it is refreshed again
	Problem        *CredentialProblem `json:"problem,omitempty"`
	Revoked        bool               `json:"revoked,omitempty"`
	Waiting        time.Time          `json:"waiting,omitzero"` // until when a consent is waited for
	Consent        *ConsentOutcome    `json:"consent,omitempty"`
	Unsent         string             `json:"unsent,omitempty"`
	Undiscarded    string             `json:"undiscarded,omitempty"` // why the tokens of an earlier consent were not revoked
}

// CredentialAccess is an access token, sealed.
type CredentialAccess struct {
	Sealed  string    `json:"sealed,omitempty"` // "": there is none
	Version int       `json:"version"`
	Issued  time.Time `json:"issued,omitzero"`
	Expires time.Time `json:"expires,omitzero"`
	Problem string    `json:"problem,omitempty"` // why there is none, or no newer one

	// Asking for a newer one makes sense from RenewFrom on, and not at all while a person must act.
	RenewFrom time.Time `json:"renewFrom,omitzero"`
	Waits     bool      `json:"waits,omitempty"` // for a person
}

// Invitation permits one consent to be begun.
type Invitation struct {
	Hash  string    `json:"hash"` // InvitationHash of the text in the link
	Until time.Time `json:"until,omitzero"`
}

// InvitationHash is what is kept of the text of an invitation, of a state, and of what a browser keeps: its SHA-256, in hexadecimal digits.
func InvitationHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// BeginConsent begins an authorization with a browser.
type BeginConsent struct {
	ID       string    `json:"id"`
	Invited  string    `json:"invited,omitempty"` // InvitationHash; "": the caller was let in otherwise
	State    string    `json:"state"`             // InvitationHash of the state
	Session  string    `json:"session"`           // InvitationHash of what the browser keeps
	Verifier string    `json:"verifier"`          // of PKCE, sealed
	Redirect string    `json:"redirect"`
	Until    time.Time `json:"until,omitzero"`
}

// NotBegun is what a browser is told whose consent nobody has begun. One answer serves for all reasons, of the workflow and of the gateway.
const NotBegun = "this answer belongs to no authorization that was begun here of late, or it came before"

// Consent is what a browser brought back.
type Consent struct {
	State   string `json:"state"` // likewise hashes
	Session string `json:"session"`
	Code    string `json:"code,omitempty"`    // sealed
	Refusal string `json:"refusal,omitempty"` // in words
}

// ConsentOutcome is what became of a consent.
type ConsentOutcome struct {
	ID      string    `json:"id"`
	OK      bool      `json:"ok"`
	Message string    `json:"message"`
	User    string    `json:"user,omitempty"`
	At      time.Time `json:"at"`
}

// DeviceCode is what a person needs who consents on another machine.
type DeviceCode struct {
	ID       string    `json:"id"`
	UserCode string    `json:"userCode"`
	URL      string    `json:"url"`
	Complete string    `json:"complete,omitempty"`
	Expires  time.Time `json:"expires"`
}

// PendingDevice is a device code that nobody has consented to yet.
type PendingDevice struct {
	DeviceCode
	Sealed   string `json:"sealed"`
	Interval int64  `json:"interval"`
}

// RefreshCredential asks for tokens that are newer than those of a version.
type RefreshCredential struct {
	Version int  `json:"version"`
	Force   bool `json:"force,omitempty"` // by a person: also when it was just done, or seems to be in vain
}

// RevokeOutcome tells what became of a revocation. The tokens are forgotten in any case.
type RevokeOutcome struct {
	AtProvider bool   `json:"atProvider"`
	Message    string `json:"message,omitempty"`
}

// Grants of a TokenRequest.
const (
	ByCode    = "code"
	ByRefresh = "refresh"
	ByDevice  = "device"
	ByOwn     = "own"
)

// TokenRequest is the input of TokenActivity. All secrets are sealed.
type TokenRequest struct {
	Config   CredentialConfig `json:"config"`
	By       string           `json:"by"`
	Refresh  string           `json:"refresh,omitempty"`
	Code     string           `json:"code,omitempty"`
	Verifier string           `json:"verifier,omitempty"`
	Redirect string           `json:"redirect,omitempty"`
	Device   *PendingDevice   `json:"device,omitempty"`
	Again    bool             `json:"again,omitempty"` // the refresh token was sent before, and no answer came
}

// TokenAnswer has one of the two.
type TokenAnswer struct {
	Tokens  *CredentialTokens  `json:"tokens,omitempty"`
	Problem *CredentialProblem `json:"problem,omitempty"`
}

// DeviceAnswer has one of the two.
type DeviceAnswer struct {
	Device  *PendingDevice     `json:"device,omitempty"`
	Problem *CredentialProblem `json:"problem,omitempty"`
}

// RevokeRequest is the input of RevokeActivity.
type RevokeRequest struct {
	Config CredentialConfig `json:"config"`
	Sealed string           `json:"sealed"`
	Kind   string           `json:"kind"` // refresh_token, access_token
}

// Kinds of a CredentialProblem.
const (
	ProblemTemporary = "temporary"
	ProblemConsent   = "consent"
	ProblemSettings  = "settings"
)
