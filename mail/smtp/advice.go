package smtp

import (
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"crypto/tls"
	"crypto/x509"
)

// inWords is a failure as somebody reads it who does not know the network's words.
func inWords(e *Error) string {
	var silence net.Error
	switch {
	case e.Code != 0 && e.Stage == StageRcpt: // which tells who was refused, and why
		return e.Err.Error()
	case e.Code != 0:
		return "the server answered " + e.Err.Error()
	case errors.Is(e.Err, syscall.ECONNREFUSED):
		return "the connection was refused: nothing listens there"
	case errors.As(e.Err, &silence) && silence.Timeout():
		return "no answer in time: " + e.Err.Error()
	}
	return e.Err.Error()
}

// advise names the setting to change after a step has failed, and says how.
func (c *check) advise(step string, e *Error) (setting, advice string) {
	switch step {
	case stepDNS:
		return "email.host", "no name server knows the host: look for a typing error, and whether this machine asks the name server that knows it"
	case stepConnect:
		return "email.port", c.connectAdvice(e)
	case stepGreeting:
		return c.greetingAdvice(e)
	case stepTLS:
		return c.tlsAdvice(e)
	case stepLogin:
		return c.loginAdvice(e)
	case stepSend:
		return c.sendAdvice(e)
	}
	return "", ""
}

const ports = "587 is usual for STARTTLS, 465 for TLS from the first byte, 25 for servers of the house"

func (c *check) connectAdvice(e *Error) string {
	if errors.Is(e.Err, syscall.ECONNREFUSED) {
		return fmt.Sprintf("no mail server listens at port %d: %s", c.t.cfg.Port, ports)
	}
	return fmt.Sprintf("nothing answers at port %d: a firewall may drop it, as most clouds do with port 25; %s", c.t.cfg.Port, ports)
}

const (
	tlsFirst = "this port wants TLS from the first byte: set email.ssl=true, email.tls=false"
	tlsLater = "this port begins without TLS: set email.ssl=false, email.tls=true"
)

func (c *check) greetingAdvice(e *Error) (setting, advice string) {
	// A TLS server that is tired of waiting sends an alert, whose first bytes are these.
	if errors.Is(e.Err, errTLSFirst) || c.t.cfg.TLS != TLSImplicit && strings.Contains(e.Err.Error(), "\x15\x03") {
		return "email.ssl", tlsFirst
	}
	var unreadable textproto.ProtocolError
	switch {
	case e.Code >= 500:
		return "email.host", "the server takes no mail from this machine: ask its administrator, or use another one"
	case e.Code >= 400:
		return "", "the server is busy or limits this machine: try again later"
	case errors.As(e.Err, &unreadable):
		return "email.port", "what answers is no mail server: " + ports
	}
	return "email.port", "the server does not greet as a mail server does: " + ports
}

func (c *check) tlsAdvice(e *Error) (setting, advice string) {
	var (
		record  tls.RecordHeaderError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		unknown x509.UnknownAuthorityError
	)
	report := distrust(e.Err)
	switch {
	case errors.As(e.Err, &name) && report != nil && len(report.Names) > 0:
		return "email.host", "set email.host to a name that the certificate is for: " + strings.Join(report.Names, ", ")
	case errors.As(e.Err, &name):
		return "email.host", "the certificate names no host: the server needs another one"
	case errors.As(e.Err, &invalid) && invalid.Reason == x509.Expired:
		return "", "the administrator of the server must renew its certificate; look at the clock of this machine, too"
	case errors.As(e.Err, &unknown):
		return "email.ca", "have this worker trust the issuer, if it is one of the house: email.ca=/path/to/its/certificate.pem"
	case report != nil:
		return "", "the server needs another certificate"
	case errors.As(e.Err, &record) && c.t.cfg.TLS == TLSImplicit:
		return "email.ssl", tlsLater
	case c.t.cfg.TLS == TLSImplicit:
		return "email.ssl", "the server does not speak TLS as expected; if this port begins without TLS: email.ssl=false, email.tls=true"
	case e.Code == 0 && !e.Temporary:
		return "email.tls", "the server offers no STARTTLS here: try port 587, or port 465 with email.ssl=true and email.tls=false; email.tls=false sends everything in the clear"
	}
	return "email.tls", "the server breaks off STARTTLS: try port 465 with email.ssl=true and email.tls=false, and have its administrator look"
}

// loginHint says what a refused log-in of a large provider means; "" for others.
func loginHint(e *Error) string {
	text := strings.ToLower(e.Err.Error())
	switch {
	case e.EnhancedCode == "5.7.30" || e.EnhancedCode == "5.7.139" || strings.Contains(text, "smtpclientauthentication is disabled"):
		return "Microsoft takes no password here, SMTP AUTH is off for the mailbox or the organisation: use OAuth"
	case e.EnhancedCode == "5.7.9" && (e.Code == 534 || strings.Contains(text, "application-specific")), strings.Contains(text, "support.google.com") && e.EnhancedCode == "5.7.8":
		return "Google takes no password of the account: use an app password, or OAuth"
	}
	return ""
}

func (c *check) loginAdvice(e *Error) (setting, advice string) {
	if hint := loginHint(e); hint != "" {
		return "email.password", hint
	}
	token := c.t.cfg.token()
	switch {
	case e.Code == 0 && !e.Temporary && !token && c.tokensOnly():
		return "email.oauth", "the server takes access tokens, and no passwords: set email.oauth and its neighbours, see docs/oauth.md"
	case e.Code == 0 && !e.Temporary && c.t.cfg.TLS == TLSNone:
		return "email.tls", "the server offers no such log-in without TLS: set email.tls=true, or email.useCredentials=false if it needs none"
	case e.Code == 0 && !e.Temporary && token:
		return "email.oauth", "the server takes no access tokens here: use a password"
	case e.Code == 0 && !e.Temporary:
		return "email.useCredentials", "the server offers no log-in that fits: set email.useCredentials=false if it needs none, else try port 587"
	case e.Code == 0 && token:
		return "email.oauth", "authorise the credential again, and look at its token endpoint"
	case e.Code == 530 || e.Code == 538 || e.Code == 523:
		return "email.tls", "the server wants TLS before the log-in: set email.tls=true"
	case e.Code >= 400 && e.Code < 500:
		return "", "the server cannot check the log-in now: try again later"
	case e.Code != 0 && token:
		return "email.oauth", "the token must be of the account email.username, and its scope must allow SMTP: authorise it again"
	case e.Code != 0:
		return "email.password", "look at email.username, which is mostly the whole address, and email.password"
	}
	return "", "the connection broke while logging in: try again, and have the administrator of the server look"
}

// tokensOnly tells that all log-ins of a server are with access tokens.
func (c *check) tokensOnly() bool {
	_, list := c.s.client.Extension("AUTH")
	offered := strings.Fields(strings.ToUpper(list))
	return len(offered) > 0 && !slices.ContainsFunc(offered, func(m string) bool { return !slices.Contains(Config{OAuth: true}.mechanisms(), m) })
}

// relaying is how servers say that they take no mail for others from here.
var relaying = regexp.MustCompile(`(?i)relay`)

// sendAs is how Exchange says that the account may not send in the name of the sender.
var sendAs = regexp.MustCompile(`(?i)SendAsDenied|send as|not owned by user|not allowed to use|sender address rejected`)

func (c *check) sendAdvice(e *Error) (setting, advice string) {
	text := e.Err.Error()
	var size *SizeError
	switch {
	case e.Stage == StageCompose:
		return "email.from", "the mail cannot be written; look at its addresses"
	case errors.As(e.Err, &size):
		return "", "send a smaller mail"
	case e.Code >= 400 && e.Code < 500 && !relaying.MatchString(text):
		return "", "the server takes it later: try again, which is how greylisting wants it"
	case e.Code == 530 || relaying.MatchString(text) && c.t.cfg.Username == "":
		return "email.useCredentials", "the server takes mail for others only after a log-in: set email.useCredentials=true, email.username and email.password"
	case sendAs.MatchString(text) || e.Stage == StageMail && e.Code != 0:
		return "email.from", "the server does not take this sender: use an address of the account"
	case relaying.MatchString(text):
		return "email.to", "the account may not send to this recipient: ask the administrator of the server"
	case e.Stage == StageRcpt && e.Code != 0:
		return "email.to", "the server does not take this recipient: look for a typing error, or try another one"
	case e.Code == 0 && !e.Temporary:
		return "email.to", "use addresses without characters outside ASCII"
	case e.Code == 0:
		return "", "the connection broke: try again"
	}
	return "", "the server refuses the content, as spam filters do: what it answers tells more"
}
