package access

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/waybill-io/waybill/external"
	"github.com/waybill-io/waybill/mail"
)

// Config says who may call. The zero value lets this machine call, and nobody else.
type Config struct {
	Tokens   string // file with the hashes of tokens; "": there are none. See tokenfile
	Issuer   string // URL of an OpenID provider; "": there is none
	Audience string // that its tokens must be for
	// Identity lets callers on this machine be whom they say: as process-engine has it, the token is the user's name, base64 encoded.
	Identity bool
	Logger   *slog.Logger // nil: nothing is told
}

// Gate lets callers in. A nil Gate lets this machine call, and nobody else.
type Gate struct {
	tokens   *tokens // nil: there are none
	issuer   *issuer // nil: there is none
	identity bool
}

// Open reads the tokens. The provider is asked by Begin, and for each token that comes until it answers.
func Open(c Config) (*Gate, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	g := &Gate{identity: c.Identity}
	if c.Tokens != "" {
		var err error
		if g.tokens, err = openTokens(c.Tokens, c.Logger); err != nil {
			return nil, err
		}
	}
	switch {
	case c.Issuer == "" && c.Audience != "":
		return nil, errors.New("an audience is set, and no issuer whose tokens are for it")
	case c.Issuer != "" && c.Audience == "":
		return nil, errors.New("an issuer is set, and not the audience that its tokens must be for: without it a token for any other service would do here")
	case c.Issuer != "":
		if u, err := url.Parse(c.Issuer); err != nil || !secure(u) || u.RawQuery != "" || u.Fragment != "" {
			return nil, errors.New("the https:// URL of an issuer is expected, as its tokens have it in the claim iss")
		}
		g.issuer = newIssuer(c.Issuer, c.Audience, c.Logger)
	}
	return g, nil
}

// Begin asks the provider who it is, so that the log tells early when it does not answer, or is another.
func (g *Gate) Begin(ctx context.Context) {
	if g != nil && g.issuer != nil {
		_, _ = g.issuer.find(ctx)
	}
}

// secure tells whether nobody can listen to what goes to a URL.
func secure(u *url.URL) bool {
	return u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && mail.Loopback(u.Hostname()))
}

// Wanted tells whether a token is wanted of everybody.
func (g *Gate) Wanted() bool { return g != nil && (g.tokens != nil || g.issuer != nil) }

// Identity tells whether callers of this machine are whom they say.
func (g *Gate) Identity() bool { return g != nil && g.identity }

// caller is who calls.
type caller struct {
	external.Scope
	external bool // is for external tasks alone
}

// refusal says why, in words for the caller.
type refusal struct {
	text string
	kind error
}

func (r *refusal) Error() string { return r.text }
func (r *refusal) Unwrap() error { return r.kind }

// External tells what a caller may do with external tasks. The error wraps external.ErrNoToken or external.ErrForbidden, where it is the caller's to mend.
func (g *Gate) External(r *http.Request) (external.Scope, error) {
	c, err := g.caller(r)
	return c.Scope, err
}

// API returns the name of a caller's token, "" without one, when it may call what is not for external tasks. The errors are those of External.
func (g *Gate) API(r *http.Request) (user string, err error) {
	c, err := g.caller(r)
	if err == nil && c.external {
		err = &refusal{"this token is for external tasks alone", external.ErrForbidden}
	}
	return c.User, err
}

func (g *Gate) caller(r *http.Request) (caller, error) {
	switch given := len(r.Header.Values("Authorization")); {
	case given > 1:
		return caller{}, &refusal{"Authorization is given more than once", external.ErrNoToken}
	case given == 0 && !g.Wanted() && mine(r):
		return caller{}, nil
	}
	token := credential(r)
	if token == "" {
		return caller{}, external.ErrNoToken
	}
	unknown := &refusal{"the token is not known here", external.ErrNoToken}
	if g == nil {
		return caller{}, unknown
	}
	if g.tokens != nil {
		if c, ok := g.tokens.find(token); ok {
			return c, nil
		}
	}
	if g.issuer != nil && strings.Count(token, ".") == 2 {
		return g.issuer.verify(r.Context(), token)
	}
	if user, ok := userID(token); ok && g.identity && mine(r) {
		return caller{Scope: external.Scope{User: user}, external: true}, nil
	}
	return caller{}, unknown
}

// credential is the token of a request; "": there is none.
func credential(r *http.Request) string {
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// longestUser bounds names, as OpenID Connect does (section 2, sub).
const longestUser = 255

// userID is the user that process-engine's clients say they are.
func userID(token string) (string, bool) {
	text, err := base64.StdEncoding.DecodeString(token)
	user := string(text)
	return user, err == nil && plain(user)
}

// plain tells whether a name can be shown and kept.
func plain(user string) bool {
	return user != "" && len(user) <= longestUser && utf8.ValidString(user) && strings.IndexFunc(user, unicode.IsControl) < 0
}

// mine tells whether a request comes from a program on this machine, and neither through a proxy nor from a page of another site.
func mine(r *http.Request) bool { return Local(r.RemoteAddr) && Local(r.Host) && direct(r.Header) }

func direct(h http.Header) bool {
	for name := range h {
		if name == "Origin" || name == "Forwarded" || strings.HasPrefix(name, "X-Forwarded-") || name == "X-Real-Ip" || name == "Via" {
			return false
		}
	}
	site := h.Get("Sec-Fetch-Site")
	return site == "" || site == "none" || site == "same-origin"
}

// Local tells whether an address, with a port or without, is this machine's own.
func Local(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = strings.Trim(address, "[]") // of IPv6
	}
	return mail.Loopback(host)
}

// Misplaced is an error when the gate does not go with the address that the gateway listens at.
func (g *Gate) Misplaced(address string) error {
	if g.Identity() && !Local(address) {
		return fmt.Errorf("identities are not proven, and others than this machine reach %s: listen at this machine alone, such as 127.0.0.1:8080, or give the clients tokens", address)
	}
	return nil
}
