package mta_test

import (
	"bufio"
	"crypto/x509"
	"encoding/base64"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail/smtp"
	"github.com/waybill-io/waybill/testsuite/mta"
)

// testLogins logs in in each way that a kind of server can have alone, with the right password and with a wrong one.
func testLogins(t *testing.T, s *mta.Server) {
	login := func(t *testing.T, s *mta.Server, change func(*smtp.Config)) error {
		config := settings(s)
		change(&config)
		tr := transport(t, config)
		defer func() { require.NoError(t, tr.Close()) }()
		_, err := tr.Send(t.Context(), smtp.Mail{From: someone("waybill")[0], To: someone("ann"), Subject: "Hello", Text: "hello\n"})
		return err
	}
	each := func(t *testing.T, s *mta.Server, with func(*smtp.Config)) {
		require.NoError(t, login(t, s, with))
		require.NoError(t, login(t, s, func(c *smtp.Config) {
			with(c)
			c.TLS, c.Port = smtp.TLSImplicit, s.TLSPort
		}))
		arrived(t, s, 2)
		const wrong = "not-the-password-9"
		err := login(t, s, func(c *smtp.Config) {
			with(c)
			c.Password = wrong
		})
		var failure *smtp.Error
		require.ErrorAs(t, err, &failure)
		require.Equal(t, smtp.StageAuth, failure.Stage)
		require.Equal(t, 535, failure.Code)
		require.False(t, failure.Temporary)
		require.NotContains(t, err.Error(), wrong)
	}
	strongest := map[mta.Kind]string{mta.Postfix: "sasl_method=SCRAM-SHA-256,", mta.Exim: "A=dovecot_scram_sha_256:waybill", mta.OpenSMTPD: "smtp authentication user=waybill result=ok"}[s.Kind]
	before := strings.Count(s.Log(), strongest)
	each(t, s, func(*smtp.Config) {})
	require.Equal(t, before+2, strings.Count(s.Log(), strongest), "by itself it takes the strongest")

	err := login(t, s, func(c *smtp.Config) { c.Username, c.Password = "", "" })
	require.Regexp(t, "^smtp: (mail|rcpt): .*5[0-9][0-9] ", err, "without a log-in nothing is taken")

	if s.Kind == mta.OpenSMTPD { // it always offers PLAIN, and LOGIN
		return
	}
	for _, mechanism := range slices.Concat(s.Kind.Mechanisms(), s.Kind.TokenMechanisms()) {
		t.Run(mechanism, func(t *testing.T) {
			t.Parallel()
			each(t, mta.Start(t, s.Kind, mta.Options{Mechanisms: []string{mechanism}}), func(c *smtp.Config) {
				if slices.Contains(s.Kind.TokenMechanisms(), mechanism) {
					c.OAuth, c.Password = true, mta.Token
				}
			})
		})
	}
}

// stripper stands before a server and takes STARTTLS out of what it offers, as one does that wants to read passwords.
type stripper struct {
	port int

	mu    sync.Mutex
	heard strings.Builder // from the client
}

func strip(t *testing.T, s *mta.Server) *stripper {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	p := &stripper{port: listener.Addr().(*net.TCPAddr).Port}
	pass := func(client net.Conn) {
		defer func() { _ = client.Close() }()
		server, err := net.Dial("tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)))
		if err != nil {
			return
		}
		defer func() { _ = server.Close() }()
		go func() {
			for lines := bufio.NewScanner(server); lines.Scan(); {
				line := lines.Text()
				if strings.Contains(line, "STARTTLS") {
					line = line[:4] + "AUTH PLAIN LOGIN"
				}
				_, _ = client.Write([]byte(line + "\r\n"))
			}
			_ = client.Close()
		}()
		for lines := bufio.NewScanner(client); lines.Scan(); {
			p.mu.Lock()
			p.heard.WriteString(lines.Text() + "\n")
			p.mu.Unlock()
			_, _ = server.Write([]byte(lines.Text() + "\r\n"))
		}
	}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go pass(client)
		}
	}()
	return p
}

// testStartTLSStripped requires that no password and no mail goes where encryption was taken away, and says so.
func testStartTLSStripped(t *testing.T, s *mta.Server) {
	p := strip(t, s)
	config := settings(s)
	config.Port = p.port
	_, err := transport(t, config).Send(t.Context(), smtp.Mail{From: someone("waybill")[0], To: someone("ann"), Subject: "Hello", Text: "hello\n"})
	var failure *smtp.Error
	require.ErrorAs(t, err, &failure)
	require.Equal(t, smtp.StageTLS, failure.Stage)
	require.False(t, failure.Temporary)
	require.ErrorContains(t, err, "does not offer STARTTLS")
	p.mu.Lock()
	defer p.mu.Unlock()
	for line := range strings.Lines(p.heard.String()) {
		require.Regexp(t, "^(EHLO|QUIT)", line)
	}
	require.Contains(t, p.heard.String(), "EHLO")
	require.NotContains(t, p.heard.String(), base64.StdEncoding.EncodeToString([]byte(mta.Password)))
	require.Empty(t, s.Delivered())
}

// testCertificateUnknown requires the same where the certificate is nobody's that is trusted.
func testCertificateUnknown(t *testing.T, s *mta.Server) {
	for mode, port := range map[smtp.TLS]int{smtp.TLSStartTLS: s.Port, smtp.TLSImplicit: s.TLSPort} {
		config := settings(s)
		config.TLS, config.Port, config.RootCAs = mode, port, x509.NewCertPool()
		before := strings.Count(s.Log(), mta.Username)
		_, err := transport(t, config).Send(t.Context(), smtp.Mail{From: someone("waybill")[0], To: someone("ann"), Subject: "Hello", Text: "hello\n"})
		var failure *smtp.Error
		require.ErrorAs(t, err, &failure)
		require.Equal(t, smtp.StageTLS, failure.Stage)
		require.False(t, failure.Temporary)
		require.ErrorContains(t, err, "certificate signed by unknown authority")
		require.Equal(t, before, strings.Count(s.Log(), mta.Username), "nobody logs in")
	}
	require.Empty(t, s.Delivered())
}
