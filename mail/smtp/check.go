package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Check goes the way of a mail step by step over a connection of its own, and reports what it finds and, where it fails, what to change. With a
// mail it sends that, too. Somebody waits for the report: a server may be silent for 15 seconds, and there is a minute for all. It returns
// early when ctx ends.
func (t *Transport) Check(ctx context.Context, m *Mail) Report {
	ctx, cancel := context.WithTimeoutCause(ctx, maxCheck, fmt.Errorf("the test was given up after %s", maxCheck))
	defer cancel()
	c := &check{t: t.impatient(), report: Report{Server: t.address}}
	c.run(ctx, m)
	c.report.OK = c.report.Failed() == nil
	for _, name := range []string{stepDNS, stepConnect, stepTLS, stepGreeting, stepCapabilities, stepLogin, stepSend} {
		if !slices.ContainsFunc(c.report.Steps, func(s StepReport) bool { return s.Name == name }) {
			c.report.Steps = append(c.report.Steps, StepReport{Name: name, Result: ResultSkipped, Found: c.skipped(name)})
		}
	}
	return c.report
}

const (
	maxSilence = 15 * time.Second
	maxCheck   = time.Minute
)

// impatient is a transport that gives its server less time.
func (t *Transport) impatient() *Transport {
	cfg := t.cfg
	cfg.Timeout = min(cfg.Timeout, maxSilence)
	return &Transport{cfg: cfg, address: t.address, sign: t.sign}
}

type check struct {
	t      *Transport
	report Report
	s      *session
}

func (c *check) skipped(name string) string {
	switch {
	case name == stepTLS && c.t.cfg.TLS == TLSNone:
		return "without TLS, as the settings say"
	case name == stepSend && c.report.OK:
		return "no mail was asked for"
	}
	return "not reached"
}

// step takes a step and writes down what it found.
func (c *check) step(ctx context.Context, name string, do func() (found string, failure *Error)) *Error {
	begun := time.Now()
	found, failure := do()
	r := StepReport{Name: name, Result: ResultOK, Found: found, Milliseconds: time.Since(begun).Milliseconds()}
	if failure != nil {
		if ctx.Err() != nil && failure.Code == 0 {
			failure.Err = fmt.Errorf("%w (%w)", context.Cause(ctx), failure.Err)
		}
		if c.s != nil {
			failure.Err = redact(failure.Err, c.s.secrets()...)
		}
		r.Result, r.Code, r.EnhancedCode = ResultFailed, failure.Code, failure.EnhancedCode
		r.Found = inWords(failure)
		r.Setting, r.Advice = c.advise(name, failure)
		if untrusted := distrust(failure.Err); untrusted != nil {
			c.report.TLS, r.Found = untrusted, "the certificate of "+untrusted.Subject+" is not trusted: "+untrusted.Problem
		}
	}
	c.report.Steps = append(c.report.Steps, r)
	return failure
}

func (c *check) run(ctx context.Context, m *Mail) {
	if c.step(ctx, stepDNS, func() (string, *Error) { return c.resolve(ctx) }) != nil {
		return
	}
	var link *conn
	failure := c.step(ctx, stepConnect, func() (string, *Error) {
		var err error
		if link, err = c.t.dial(ctx); err != nil {
			return "", fail(StageDial, err)
		}
		return "connected to " + link.RemoteAddr().String(), nil
	})
	if failure != nil {
		return
	}
	c.s = &session{owner: c.t, link: link}
	stop := context.AfterFunc(ctx, func() { _ = link.Close() })
	defer func() {
		if stop() && c.s.client != nil {
			c.s.quit()
		}
		_ = c.s.link.Close()
		_ = link.Close()
	}()
	if c.s.begin(ctx, func(name string, step func() *Error) *Error { return c.observe(ctx, name, step) }) != nil || m == nil {
		return
	}
	_ = c.step(ctx, stepSend, func() (string, *Error) { return c.send(ctx, *m) })
}

func (c *check) resolve(ctx context.Context) (string, *Error) {
	if _, err := netip.ParseAddr(c.t.cfg.Host); err == nil {
		return c.t.cfg.Host + " is an address", nil
	}
	addresses, err := net.DefaultResolver.LookupHost(ctx, c.t.cfg.Host)
	if err != nil {
		return "", fail(StageDial, err)
	}
	return c.t.cfg.Host + " is " + strings.Join(addresses, ", "), nil
}

// observe takes a step of a session that begins.
func (c *check) observe(ctx context.Context, name string, step func() *Error) *Error {
	if name == stepLogin {
		if failure := c.step(ctx, stepCapabilities, c.capabilities); failure != nil {
			return failure
		}
		return c.step(ctx, stepLogin, func() (string, *Error) { return c.login(ctx, step) })
	}
	return c.step(ctx, name, func() (string, *Error) {
		if name == stepGreeting && c.t.cfg.TLS != TLSImplicit && !c.s.link.hears(min(hearing, c.t.cfg.Timeout/2)) && c.speaksTLS(ctx) {
			return "", &Error{Stage: StageDial, Err: errTLSFirst}
		}
		if failure := step(); failure != nil {
			return "", failure
		}
		if name == stepGreeting {
			return "greeted by " + short(c.s.client.HelloResponse()), nil
		}
		// The client does not know yet of TLS that comes first.
		if state, ok := c.s.state(); ok {
			c.report.TLS = stateReport(state)
			return c.report.TLS.words(), nil
		}
		return "", nil
	})
}

// errTLSFirst is silence where a server waits for TLS.
var errTLSFirst = errors.New("the server says nothing, and answers to TLS: it wants TLS from the first byte")

// hearing is how long a server may be silent before it is tried whether it waits for TLS.
const hearing = 5 * time.Second

// speaksTLS tries TLS on another connection, for as long as a server may be silent. A certificate that is not trusted is an answer, too.
func (c *check) speaksTLS(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, hearing)
	defer cancel()
	link, err := c.t.dial(ctx)
	if err != nil {
		return false
	}
	defer func() { _ = link.Close() }()
	err = tls.Client(link, c.t.cfg.tlsConfig()).HandshakeContext(ctx)
	var (
		untrusted *tls.CertificateVerificationError
		alert     tls.AlertError
	)
	return err == nil || errors.As(err, &untrusted) || errors.As(err, &alert)
}

// extensions are what a client of SMTP may want to know; go-mail gives them by name alone.
var extensions = []string{
	"8BITMIME", "AUTH", "BINARYMIME", "CHUNKING", "DELIVERBY", "DSN", "ENHANCEDSTATUSCODES", "ETRN", "FUTURERELEASE", "HELP", "LIMITS", "MT-PRIORITY",
	"PIPELINING", "REQUIRETLS", "SIZE", "SMTPUTF8", "STARTTLS", "VRFY", "XCLIENT", "XFORWARD",
}

func (c *check) capabilities() (string, *Error) {
	for _, name := range extensions {
		if offered, parameters := c.s.client.Extension(name); offered {
			c.report.Capabilities = append(c.report.Capabilities, short(strings.TrimSpace(name+" "+parameters)))
		}
	}
	if len(c.report.Capabilities) == 0 {
		return "none", nil
	}
	return strings.Join(c.report.Capabilities, ", "), nil
}

// login does as a Send does: a token that is refused is asked for once more.
func (c *check) login(ctx context.Context, step func() *Error) (string, *Error) {
	if c.t.cfg.Username == "" {
		return "without a log-in, as the settings say", nil
	}
	var failure *Error
	if c.s.secret, failure = c.t.secret(ctx, ""); failure != nil {
		return "", failure
	}
	again := ""
	if failure = step(); failure != nil && c.t.renews(failure) {
		s, second := c.t.openNewer(ctx, c.s.secret)
		if second != nil {
			return "", second
		}
		c.s, failure, again = s, nil, ", with a newer token than the one that was refused"
	}
	if failure != nil {
		return "", failure
	}
	c.report.Mechanism = c.s.mechanism
	return fmt.Sprintf("logged in as %s by %s%s", c.t.cfg.Username, c.s.mechanism, again), nil
}

func (c *check) send(ctx context.Context, m Mail) (string, *Error) {
	content, failure := c.t.prepare(m)
	if failure != nil {
		return "", failure
	}
	receipt := Receipt{MessageID: content.messageID}
	failure, usable := c.s.deliver(ctx, m, content, &receipt)
	if failure != nil {
		receipt.Accepted = nil
		if !usable { // QUIT would end a mail that was broken off, and the server would take half of it
			_ = c.s.link.Close()
		}
	}
	c.report.Receipt = &receipt
	if failure != nil {
		return "", failure
	}
	found := fmt.Sprintf("%s accepted for %s", receipt.MessageID, strings.Join(receipt.Accepted, ", "))
	for _, r := range receipt.Refused {
		found += fmt.Sprintf("; %s refused: %v", r.Address, said(r.Code, r.EnhancedCode, r.Message))
	}
	return found, nil
}

// state is of the TLS connection, also before the greeting has come over it.
func (s *session) state() (tls.ConnectionState, bool) {
	if s.secured != nil {
		return s.secured.ConnectionState(), true
	}
	return s.client.TLSConnectionState()
}
