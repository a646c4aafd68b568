package smtp

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/emersion/go-sasl"
	"github.com/wneessen/go-mail/smtp"

	"github.com/waybill-io/waybill/mail"
)

// mechanisms are the ways to log in that are known, the strongest first: those that bind the log-in to the TLS connection, those that do not
// show the password to the server, those that do not show it to who listens, and those that show it.
func (c Config) mechanisms() []string {
	if c.token() {
		return []string{"XOAUTH2", sasl.OAuthBearer}
	}
	return []string{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"}
}

// authenticate logs in, unless there is no user name.
func (s *session) authenticate() *Error {
	t := s.owner
	if t.cfg.Username == "" {
		return nil
	}
	mechanism, failure := t.choose(s.client)
	if failure != nil {
		return failure
	}
	s.mechanism = mechanism
	login := &login{Auth: t.auth(mechanism, s.client, s.secret), mutual: strings.HasPrefix(mechanism, "SCRAM")}
	err := s.client.Auth(login)
	s.sent = login.sent
	if err == nil {
		return nil
	}
	failure = fail(StageAuth, err)
	if login.wrong != nil {
		failure = permanent(StageAuth, "%s: %w", mechanism, login.wrong)
	}
	if token, ok := login.Auth.(*tokenAuth); ok && len(token.refusal) > 0 && failure.Code != 0 {
		reason, later := tokenRefusal(token.refusal, s.secrets())
		failure.Temporary = failure.Temporary || later
		failure.Err = fmt.Errorf("%w (%s)", failure.Err, reason)
	}
	if hint := loginHint(failure); hint != "" {
		failure.Err = fmt.Errorf("%w: %s", failure.Err, hint)
	}
	return failure
}

func (t *Transport) choose(client *smtp.Client) (string, *Error) {
	_, list := client.Extension("AUTH")
	offered := strings.Fields(strings.ToUpper(list))
	if t.cfg.TLS == TLSNone { // nothing that a log-in could be bound to
		offered = slices.DeleteFunc(offered, func(m string) bool { return strings.HasSuffix(m, "-PLUS") })
	}
	known := t.cfg.mechanisms()
	for _, m := range known {
		if slices.Contains(offered, m) {
			return m, nil
		}
	}
	if t.cfg.token() {
		return "", permanent(StageAuth, "the server takes no access tokens (%s), only %.500q", strings.Join(known, ", "), list)
	}
	return "", permanent(StageAuth, "the server offers no log-in that is supported (%s), only %.500q", strings.Join(known, ", "), list)
}

func (t *Transport) auth(mechanism string, client *smtp.Client, secret mail.Secret) smtp.Auth {
	username, password := t.cfg.Username, secret.Reveal()
	plain := t.cfg.TLS == TLSNone // only where Validate let the configuration pass
	switch mechanism {
	case "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS":
		state, _ := client.GetTLSConnectionState() // nil makes the log-in fail
		if mechanism == "SCRAM-SHA-1-PLUS" {
			return smtp.ScramSHA1PlusAuth(username, password, state)
		}
		return smtp.ScramSHA256PlusAuth(username, password, state)
	case "SCRAM-SHA-256":
		return smtp.ScramSHA256Auth(username, password)
	case "SCRAM-SHA-1":
		return smtp.ScramSHA1Auth(username, password)
	case "CRAM-MD5":
		return smtp.CRAMMD5Auth(username, password)
	case "LOGIN":
		return smtp.LoginAuth(username, password, t.cfg.Host, plain)
	case "XOAUTH2":
		return &tokenAuth{name: mechanism, response: mail.XOAUTH2(username, secret), end: []byte{}}
	case sasl.OAuthBearer:
		_, response, _ := sasl.NewOAuthBearerClient(&sasl.OAuthBearerOptions{
			Username: mail.SASLName(username), Token: password, Host: t.cfg.Host, Port: t.cfg.Port,
		}).Start()
		return &tokenAuth{name: mechanism, response: response, end: []byte{1}} // RFC 7628, section 3.2.3
	}
	return smtp.PlainAuth("", username, password, t.cfg.Host, plain)
}

// login watches over a mechanism of go-mail, which takes a server at its word that has not shown that it knows the password, and computes as
// long as the server says.
type login struct {
	smtp.Auth
	mutual bool
	proven bool
	wrong  error    // what ended it on this side
	sent   [][]byte // what has been answered, which may hold the password or what it can be guessed from
}

// maxIterations bounds the work that a server can ask for; RFC 7677, section 4, recommends 4,096 or more.
const maxIterations = 1_000_000

var iterations = regexp.MustCompile(`,i=(\d+)`)

// Start implements smtp.Auth.
func (l *login) Start(server *smtp.ServerInfo) (mechanism string, response []byte, err error) {
	mechanism, response, l.wrong = l.Auth.Start(server)
	l.sent = append(l.sent, response)
	return mechanism, response, l.wrong
}

// Next implements smtp.Auth.
func (l *login) Next(challenge []byte, more bool) (response []byte, err error) {
	if l.mutual {
		if asked := iterations.FindSubmatch(challenge); more && asked != nil {
			if n, err := strconv.Atoi(string(asked[1])); err != nil || n > maxIterations {
				l.wrong = fmt.Errorf("the server asks for %s iterations, at most %d are done", asked[1], maxIterations)
				return nil, l.wrong
			}
		}
		if !more && !l.proven {
			l.wrong = errors.New("the server has not shown that it knows the password")
			return nil, l.wrong
		}
	}
	response, l.wrong = l.Auth.Next(challenge, more)
	l.sent = append(l.sent, response)
	l.proven = l.proven || l.wrong == nil && bytes.HasPrefix(challenge, []byte("v="))
	return response, l.wrong
}

// tokenAuth is XOAUTH2 and OAUTHBEARER: all is said at once, and a server that does not take it says why before it refuses.
type tokenAuth struct {
	name          string
	response, end []byte
	refusal       []byte
}

// Start implements smtp.Auth.
func (a *tokenAuth) Start(*smtp.ServerInfo) (string, []byte, error) { return a.name, a.response, nil }

// Next implements smtp.Auth.
func (a *tokenAuth) Next(challenge []byte, more bool) ([]byte, error) {
	if !more {
		return nil, nil
	}
	if a.refusal != nil {
		return nil, errors.New("the server asks again after it refused the token")
	}
	a.refusal = append([]byte{}, challenge...)
	return a.end, nil
}

// tokenRefusal is what a server says of a token, and whether the token may be good.
func tokenRefusal(challenge []byte, secrets []string) (reason string, later bool) {
	status, scope, ok := mail.TokenRefusal(challenge)
	if !ok {
		return fmt.Sprintf("%.200q", redacted(string(challenge), secrets)), false
	}
	reason = fmt.Sprintf("status %.100q", redacted(status, secrets))
	if scope != "" {
		reason += fmt.Sprintf(", scope wanted %.200q", redacted(scope, secrets))
	}
	return reason, mail.TokenMayBeGood(status)
}

var _ smtp.Auth = (*login)(nil)
