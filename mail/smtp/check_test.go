package smtp

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	gosmtp "github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
)

func checked(t *testing.T, cfg Config, m *Mail) Report {
	t.Helper()
	r := transport(t, cfg).Check(t.Context(), m)
	text, err := json.Marshal(r)
	require.NoError(t, err)
	require.NotContains(t, string(text), password)
	var names []string
	for _, s := range r.Steps {
		names = append(names, s.Name)
		require.NotEmpty(t, s.Found, "%+v", s)
		require.Equal(t, s.Result == ResultFailed, s.Advice != "", "%+v", s)
	}
	require.ElementsMatch(t, strings.Fields("dns connect tls greeting capabilities login send"), names)
	require.Equal(t, r.OK, r.Failed() == nil)
	return r
}

// requireStep wants a check to fail at a step, with a setting to change.
func requireStep(t *testing.T, r Report, step, found, setting, advice string) {
	t.Helper()
	failed := r.Failed()
	require.NotNil(t, failed)
	require.Equal(t, []string{step, setting}, []string{failed.Name, failed.Setting}, "%+v", failed)
	require.Contains(t, failed.Found, found)
	require.Contains(t, failed.Advice, advice)
	after := false
	for _, s := range r.Steps {
		if after {
			require.Equal(t, ResultSkipped, s.Result, "%+v", s)
		}
		after = after || s.Name == step
	}
}

func TestCheckFindsNothingWrong(t *testing.T) {
	for name, p := range map[string]*peer{"starttls": {}, "implicit": {implicit: true}, "plain": {plain: true}} {
		t.Run(name, func(t *testing.T) {
			p.password, p.mechanisms = password, []string{"PLAIN", "SCRAM-SHA-256"}
			p.rcptError = map[string]error{"b@x.org": refusal(550, gosmtp.EnhancedCode{5, 1, 1}, "user unknown")}
			cfg := p.start(t)
			if p.plain {
				cfg.TLS = TLSNone
			}
			m := simple("a@x.org", "b@x.org")
			r := checked(t, cfg, &m)
			require.True(t, r.OK, "%+v", r)
			require.Equal(t, "SCRAM-SHA-256", r.Mechanism)
			require.Contains(t, r.Capabilities, "AUTH PLAIN SCRAM-SHA-256")
			require.Contains(t, r.Capabilities, "8BITMIME")
			require.Equal(t, &Receipt{MessageID: "<1@example.com>", Accepted: []string{"a@x.org"}, Refused: []RecipientError{{"b@x.org", 550, "5.1.1", "user unknown"}}}, r.Receipt)
			require.Len(t, p.mails(), 1)
			if p.plain {
				require.Nil(t, r.TLS)
			} else {
				require.Equal(t, "TLS 1.3", r.TLS.Version)
				require.Contains(t, r.TLS.Names, "127.0.0.1")
				require.NotEmpty(t, r.TLS.Cipher+r.TLS.Subject+r.TLS.Issuer)
			}
			r = checked(t, cfg, nil)
			require.True(t, r.OK)
			require.Len(t, p.mails(), 1, "nothing is sent unasked")
			require.Equal(t, "no mail was asked for", r.Steps[len(r.Steps)-1].Found)
		})
	}
	t.Run("a token that has to be renewed", func(t *testing.T) {
		p := &peer{password: password, mechanisms: []string{"XOAUTH2"}}
		cfg := p.start(t)
		cfg.Password, cfg.Tokens = "", &purse{tokens: []mail.Secret{"old", password}}
		m := simple("a@x.org")
		r := checked(t, cfg, &m)
		require.True(t, r.OK, "%+v", r)
		require.Len(t, p.mails(), 1)
	})
}

func TestCheckOfConnections(t *testing.T) {
	t.Run("no such host", func(t *testing.T) {
		requireStep(t, checked(t, Config{Host: "mail.example.invalid", Timeout: 5 * time.Second}, nil), "dns", "mail.example.invalid", "email.host", "typing error")
	})
	t.Run("nobody listens", func(t *testing.T) {
		requireStep(t, checked(t, Config{Host: "127.0.0.1", Port: 1}, nil), "connect", "refused", "email.port", "587")
	})
	t.Run("no answer", func(t *testing.T) {
		cfg := script(t, "", func(_ net.Conn, r *bufio.Reader) { _, _ = r.ReadString('\n') })
		requireStep(t, checked(t, cfg, nil), "greeting", "no answer in time", "email.port", "does not greet")
	})
	t.Run("the caller stops", func(t *testing.T) {
		cfg := script(t, "", func(_ net.Conn, r *bufio.Reader) { _, _ = r.ReadString('\n') })
		cfg.Timeout = time.Minute
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		failed := transport(t, cfg).Check(ctx, nil).Failed()
		require.Equal(t, "greeting", failed.Name)
		require.Contains(t, failed.Found, "deadline", "and not that a connection was closed")
	})
	t.Run("somebody waits", func(t *testing.T) {
		require.Equal(t, maxSilence, transport(t, Config{Host: "h"}).impatient().cfg.Timeout)
		require.Equal(t, time.Second, transport(t, Config{Host: "h", Timeout: time.Second}).impatient().cfg.Timeout)
	})
	t.Run("no mail server", func(t *testing.T) {
		requireStep(t, checked(t, script(t, "Welcome to the printer\r\n", nil), nil), "greeting", "Welcome", "email.port", "no mail server")
	})
	t.Run("not from here", func(t *testing.T) {
		requireStep(t, checked(t, script(t, "554 5.7.1 listed\r\n", nil), nil), "greeting", "554 5.7.1 listed", "email.host", "no mail from this machine")
	})
	t.Run("busy", func(t *testing.T) {
		requireStep(t, checked(t, script(t, "421 4.3.2 busy\r\n", nil), nil), "greeting", "421", "", "later")
	})
	for _, mode := range []TLS{TLSStartTLS, TLSNone} {
		t.Run("TLS first, "+string(mode), func(t *testing.T) {
			cfg := (&peer{implicit: true}).start(t)
			cfg.TLS, cfg.Timeout = mode, time.Second
			requireStep(t, checked(t, cfg, nil), "greeting", "TLS from the first byte", "email.ssl", "set email.ssl=true, email.tls=false")
		})
	}
	t.Run("TLS later", func(t *testing.T) {
		cfg := (&peer{}).start(t)
		cfg.TLS = TLSImplicit
		requireStep(t, checked(t, cfg, nil), "tls", "TLS", "email.ssl", "set email.ssl=false, email.tls=true")
	})
	t.Run("no STARTTLS", func(t *testing.T) {
		requireStep(t, checked(t, (&peer{plain: true}).start(t), nil), "tls", "STARTTLS", "email.tls", "465")
	})
}

// certified makes a certificate that is trusted here.
func certified(t *testing.T, until time.Time, name string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail of the house"}, NotBefore: until.Add(-time.Hour), NotAfter: until,
		DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	if name != "" {
		c.IPAddresses = nil
	} else {
		c.DNSNames = nil
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

func TestCheckOfCertificates(t *testing.T) {
	for name, c := range map[string]struct {
		until                  time.Time
		host                   string
		strange                bool
		found, setting, advice string
	}{
		"of an unknown issuer": {time.Now().Add(time.Minute), "", true, "its issuer, CN=mail of the house, is not trusted here", "email.ca", "trust the issuer"},
		"that has ended":       {time.Now().Add(-time.Minute), "", false, "it ended at", "", "renew"},
		"that has not begun":   {time.Now().Add(2 * time.Hour), "", false, "it begins only at", "", "clock"},
		"of another host":      {time.Now().Add(time.Minute), "mx.example.com", false, "it is for mx.example.com, not for 127.0.0.1", "email.host", "mx.example.com"},
	} {
		for _, implicit := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				pair, roots := certified(t, c.until, c.host)
				cfg := (&peer{implicit: implicit, tls: &tls.Config{Certificates: []tls.Certificate{pair}}}).start(t)
				if !c.strange {
					cfg.RootCAs = roots
				}
				r := checked(t, cfg, nil)
				requireStep(t, r, "tls", c.found, c.setting, c.advice)
				require.Equal(t, "CN=mail of the house", r.TLS.Subject)
				require.NotEmpty(t, r.TLS.Problem)
			})
		}
	}
}

func TestCheckOfLogIns(t *testing.T) {
	for name, c := range map[string]struct {
		peer                   peerOptions
		found, setting, advice string
	}{
		"wrong password":   {peerOptions{mechanisms: "PLAIN"}, "535 5.7.8 no: ********", "email.password", "email.username"},
		"wrong, SCRAM":     {peerOptions{mechanisms: "SCRAM-SHA-256"}, "535", "email.password", "email.username"},
		"wrong token":      {peerOptions{mechanisms: "XOAUTH2", oauth: true}, `status "401"`, "email.oauth", "scope"},
		"none offered":     {peerOptions{mechanisms: "GSSAPI"}, "GSSAPI", "email.useCredentials", "587"},
		"no tokens":        {peerOptions{mechanisms: "PLAIN", oauth: true}, "access tokens", "email.oauth", "password"},
		"tokens only":      {peerOptions{mechanisms: "XOAUTH2 OAUTHBEARER"}, "XOAUTH2", "email.oauth", "set email.oauth"},
		"none without TLS": {peerOptions{mechanisms: "GSSAPI", plain: true}, "GSSAPI", "email.tls", "email.tls=true"},
	} {
		t.Run(name, func(t *testing.T) {
			p := &peer{password: "another", mechanisms: strings.Fields(c.peer.mechanisms), oauth: c.peer.oauth, plain: c.peer.plain}
			cfg := p.start(t)
			cfg.Password = password
			if p.plain {
				cfg.TLS = TLSNone
			}
			requireStep(t, checked(t, cfg, nil), "login", c.found, c.setting, c.advice)
		})
	}
	for answer, c := range map[string][2]string{
		"535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled": {"email.password", "use OAuth"},
		"550 5.7.30 Basic authentication is not supported":                              {"email.password", "use OAuth"},
		"534 5.7.9 Application-specific password required":                              {"email.password", "app password"},
		"538 5.7.11 Encryption required for requested authentication mechanism":         {"email.tls", "email.tls=true"},
		"454 4.7.0 Temporary authentication failure":                                    {"", "later"},
		"535 5.7.8 you said " + password:                                                {"email.password", "email.username"},
	} {
		requireStep(t, checked(t, saslScript(t, "PLAIN", answer), nil), "login", answer[:3], c[0], c[1])
	}
}

type peerOptions struct {
	mechanisms   string
	oauth, plain bool
}

func TestCheckOfAMail(t *testing.T) {
	for name, c := range map[string]struct {
		verb, answer    string
		setting, advice string
		login           bool
	}{
		"log-in wanted":        {"MAIL", "530 5.7.0 Authentication required", "email.useCredentials", "after a log-in", false},
		"sender refused":       {"MAIL", "553 5.1.8 bad sender", "email.from", "sender", true},
		"sender of another":    {".", "554 5.2.252 SendAsDenied; ann@example.com not allowed to send as bob@example.com", "email.from", "sender", true},
		"sender, at recipient": {"RCPT", "553 5.7.1 <ann@example.com>: Sender address rejected: not owned by user ann", "email.from", "sender", true},
		"recipient refused":    {"RCPT", "550 5.1.1 user unknown", "email.to", "recipient", true},
		"relay denied":         {"RCPT", "554 5.7.1 <a@x.org>: Relay access denied", "email.useCredentials", "after a log-in", false},
		"relay denied, 4xx":    {"RCPT", "454 4.7.1 <a@x.org>: Relay access denied", "email.useCredentials", "after a log-in", false},
		"relay, logged in":     {"RCPT", "550 5.7.1 Unable to relay", "email.to", "ask the administrator", true},
		"greylisted":           {"RCPT", "451 4.7.1 greylisted", "", "greylisting", true},
		"spam":                 {".", "554 5.7.1 spam", "", "content", true},
		"cut":                  {".", "", "", "broke", true},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(_, _ int, command string) string {
				switch {
				case strings.HasPrefix(command, "EHLO"):
					return "250-hi\r\n250 AUTH PLAIN"
				case strings.HasPrefix(command, "AUTH"):
					return "235 welcome"
				case strings.HasPrefix(command, c.verb):
					return c.answer
				}
				return fine(command)
			})
			if c.login {
				s.config.Username, s.config.Password = "ann", password
			}
			m := simple("a@x.org")
			r := checked(t, s.config, &m)
			requireStep(t, r, "send", c.answer, c.setting, c.advice)
			require.Equal(t, "<1@example.com>", r.Receipt.MessageID)
			require.Empty(t, r.Receipt.Accepted)
			if c.verb == "RCPT" {
				require.Equal(t, "the recipient was refused: a@x.org: "+c.answer, r.Failed().Found)
			}
		})
	}
	t.Run("too large", func(t *testing.T) {
		cfg := (&peer{maxSize: 100}).start(t)
		m := simple("a@x.org")
		requireStep(t, checked(t, cfg, &m), "send", "at most 100", "", "smaller")
	})
	t.Run("broken off", func(t *testing.T) {
		p := &peer{}
		m := simple("a@x.org")
		opened := false
		m.Attachments = []Attachment{{Name: "x.bin", Open: func() (io.ReadCloser, error) {
			whole := io.NopCloser(io.LimitReader(zeros{}, 100_000))
			if opened {
				whole = io.NopCloser(io.MultiReader(io.LimitReader(zeros{}, 50_000), iotest.ErrReader(errors.New("store is down"))))
			}
			opened = true
			return whole, nil
		}}}
		requireStep(t, checked(t, p.start(t), &m), "send", "store is down", "email.from", "cannot be written")
		eventually(t, func() bool { open, _, _ := p.counts(); return open == 0 }, "the server has seen the end")
		require.Empty(t, p.mails(), "half a mail is no mail")
	})
	t.Run("no sender", func(t *testing.T) {
		cfg := (&peer{}).start(t)
		m := simple("a@x.org")
		m.From = mail.Address{}
		requireStep(t, checked(t, cfg, &m), "send", "from", "email.from", "addresses")
	})
}
