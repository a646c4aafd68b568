package gateway

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/oauth"
)

// consents lets people authorize credentials with a browser (RFC 6749, section 4.1, with PKCE).
//
// Who may begin: whoever has an invitation, which works once and comes from `starter credential authorize`, and whoever may call the API. The
// link of an invitation shows a page with a button, since mail scanners, previews and proxies open links, and would use it up. What
// comes back must belong to an authorization that was begun (its state, which works once), in the same browser (its cookie), and the code to the
// same authorization (PKCE). Nobody is sent anywhere but to the provider of the credential, and the redirect URL is a setting: nothing that a
// request says decides where a code goes.
type consents struct{ Options }

func consentRoutes(o Options) map[string]http.Handler {
	c := &consents{o}
	return map[string]http.Handler{
		"GET /oauth/{name}/authorize":  http.HandlerFunc(c.open),
		"POST /oauth/{name}/authorize": http.HandlerFunc(c.accept),
		"GET /oauth/callback":          http.HandlerFunc(c.callback),
	}
}

const (
	// consentTimeout bounds how long a browser waits for the provider to give tokens.
	consentTimeout = time.Minute
	// Bounds of what a browser brings back.
	maxState = 200
	maxCode  = 8 << 10
	maxForm  = 8 << 10
)

// redirectURL is where browsers come back to.
func (c *consents) redirectURL() string { return strings.TrimSuffix(c.URL, "/") + "/oauth/callback" }

// open is where a link leads. With an invitation nothing happens before the button is pressed; whoever may call the API is sent on at once.
func (c *consents) open(w http.ResponseWriter, r *http.Request) {
	name, invitation := r.PathValue("name"), r.URL.Query().Get("invitation")
	_, refused := c.Access.API(r)
	admitted := invitation == "" && refused == nil
	switch {
	case !c.canBegin(w, name, invitation != "" || admitted):
	case admitted && r.Method == http.MethodGet:
		c.begin(w, r, name, "")
	default:
		invite(w, name, invitation)
	}
}

// accept is what the button does. An invitation alone lets in here: a form on a page of others can be sent, too.
func (c *consents) accept(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	name, invitation := r.PathValue("name"), r.PostFormValue("invitation")
	if c.canBegin(w, name, invitation != "") {
		c.begin(w, r, name, invitation)
	}
}

// canBegin says what is missing before anybody is asked.
func (c *consents) canBegin(w http.ResponseWriter, name string, admitted bool) bool {
	switch {
	case !connectors.ValidName(name):
		page(w, http.StatusNotFound, "Not found", "There is no such credential.")
	case !admitted:
		w.Header().Set("WWW-Authenticate", `Bearer realm="waybill"`)
		page(w, http.StatusUnauthorized, "A link is needed",
			"To authorize the credential "+name+", run: starter credential authorize "+name+". It prints a link that works once. (Programs send a token of the gateway.)")
	case c.Key == nil:
		page(w, http.StatusServiceUnavailable, "Not set up", "Tokens are kept sealed or not at all: give this gateway and all workers the same WAYBILL_SECRET_KEY (starter secret key makes one).")
	case c.URL == "":
		page(w, http.StatusServiceUnavailable, "Not set up", "The gateway does not know under which address browsers reach it: set WAYBILL_GATEWAY_URL.")
	default:
		return true
	}
	return false
}

// begin sends a browser to the provider.
func (c *consents) begin(w http.ResponseWriter, r *http.Request, name, invitation string) {
	refuse := refuseConsent
	if invitation != "" {
		refuse = refuseInvitation
	}
	ctx, cancel := context.WithTimeout(r.Context(), checkTimeout*5)
	defer cancel()
	credential, err := c.Client.Credential(ctx, name)
	if err != nil {
		refuse(w, err)
		return
	}
	state, session, verifier := stateOf(name), rand.Text(), oauth.NewVerifier()
	begin := contract.BeginConsent{
		ID: contract.InvitationHash(state), State: contract.InvitationHash(state), Session: contract.InvitationHash(session), Verifier: c.Key.Seal(verifier), Redirect: c.redirectURL(),
	}
	if invitation != "" {
		begin.Invited = contract.InvitationHash(invitation)
		begin.ID = begin.Invited // by which whoever made the invitation sees what becomes of it
	}
	if err := c.Client.BeginConsent(ctx, name, begin); err != nil {
		refuse(w, err)
		return
	}
	config := oauth.Config{
		AuthorizationURL: credential.Config.AuthorizationURL, ClientID: credential.Config.ClientID, Scopes: credential.Config.Scopes,
		Extra: credential.Config.Extra, RedirectURL: begin.Redirect,
	}
	to, err := config.AuthorizeURL(state, verifier, credential.Config.User)
	if err != nil {
		page(w, http.StatusConflict, "Not possible", err.Error())
		return
	}
	http.SetCookie(w, c.cookie(state, session, contract.ConsentLife))
	secure(w.Header())
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// callback takes what the provider had a browser bring.
func (c *consents) callback(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	state, code := single(q, "state"), single(q, "code")
	name := nameIn(state)
	if name == "" || len(code) > maxCode || c.Key == nil {
		refuseConsent(w, nil)
		return
	}
	in := contract.Consent{State: contract.InvitationHash(state)}
	if kept, err := r.Cookie(cookieName(state)); err == nil {
		in.Session = contract.InvitationHash(kept.Value)
	}
	switch refusal := single(q, "error"); {
	case refusal != "":
		in.Refusal = oauth.Refusal(refusal, single(q, "error_description")).Error()
	case code != "":
		in.Code = c.Key.Seal(mail.Secret(code))
	}
	ctx, cancel := context.WithTimeout(r.Context(), consentTimeout)
	defer cancel()
	outcome, err := c.Client.FinishConsent(ctx, name, in)
	if err != nil {
		refuseConsent(w, err)
		return
	}
	http.SetCookie(w, c.cookie(state, "", -time.Second))
	if !outcome.OK {
		page(w, http.StatusBadRequest, "Not authorized", "The credential "+name+" was not authorized: "+outcome.Message+".")
		return
	}
	text := "The credential " + name + " is authorized"
	if outcome.User != "" {
		text += " for " + outcome.User
	}
	page(w, http.StatusOK, "Authorized", text+". You can close this window.")
}

// refuseConsent says why a consent cannot be begun or finished. What was never begun, and what does not exist, look the same.
func refuseConsent(w http.ResponseWriter, err error) {
	refused, ok := errors.AsType[*client.Error](err)
	switch {
	case ok:
		page(w, http.StatusForbidden, "Not authorized", refused.Message)
	case err == nil, errors.Is(err, client.ErrNotFound), errors.Is(err, client.ErrNotRunning):
		page(w, http.StatusForbidden, "Not authorized", contract.NotBegun)
	default: // causes are in the logs
		page(w, http.StatusServiceUnavailable, "Not now", "No worker answered in time. Look what became of it with: starter credential list. Then try again.")
	}
}

// refuseInvitation gives one answer for all reasons: whoever tries links learns nothing of the credentials that there are.
func refuseInvitation(w http.ResponseWriter, err error) {
	_, refused := errors.AsType[*client.Error](err)
	if refused || errors.Is(err, client.ErrNotFound) || errors.Is(err, client.ErrNotRunning) {
		page(w, http.StatusForbidden, "Not authorized", "The link was used already, is too old, or belongs to no credential that can be authorized this way: starter credential authorize makes a new one.")
		return
	}
	refuseConsent(w, err)
}

// stateOf is a state for a credential, whose name finds it again.
func stateOf(name string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(name)) + "." + rand.Text()
}

// nameIn is the credential of a state, "" when it is none.
func nameIn(state string) string {
	encoded, _, ok := strings.Cut(state, ".")
	name, err := base64.RawURLEncoding.DecodeString(encoded)
	if !ok || err != nil || len(state) > maxState || !connectors.ValidName(string(name)) {
		return ""
	}
	return string(name)
}

// single is a parameter that must come once; what comes twice is "".
func single(q url.Values, name string) string {
	if values := q[name]; len(values) == 1 {
		return values[0]
	}
	return ""
}

// cookieName differs between authorizations, so that one browser may have several.
func cookieName(state string) string { return "waybill_oauth_" + contract.InvitationHash(state)[:16] }

// cookie ties an authorization to the browser that began it. The provider sends the browser back by a link, with which Lax goes along.
func (c *consents) cookie(state, session string, life time.Duration) *http.Cookie {
	path, secure := "", false
	if u, err := url.Parse(c.redirectURL()); err == nil {
		path, secure = u.Path, u.Scheme == "https"
	}
	return &http.Cookie{
		Name: cookieName(state), Value: session, Path: cmp.Or(path, "/oauth/callback"), MaxAge: int(life.Seconds()), HttpOnly: true, Secure: secure,
		SameSite: http.SameSiteLaxMode,
	}
}
