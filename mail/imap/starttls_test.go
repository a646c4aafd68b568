package imap

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
)

// certificate is one for 127.0.0.1, and who vouches for it.
func certificate(t *testing.T) (*tls.Config, *x509.CertPool) {
	server := httptest.NewTLSServer(nil)
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return &tls.Config{Certificates: server.TLS.Certificates}, roots
}

func TestStartTLS(t *testing.T) {
	t.Parallel()
	secured, roots := certificate(t)
	answer := func(text ...string) map[string]reply {
		return map[string]reply{"STARTTLS": func(_ net.Conn, tag, _ string) string {
			return strings.ReplaceAll(lines(text...), "TAG", tag)
		}}
	}
	cases := map[string]struct {
		server *fake
		kind   mail.Kind
		fails  string
	}{
		"works": {server: &fake{}},
		"capabilities told in the clear are forgotten": {server: &fake{greeting: lines("* OK [CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=EVIL] hello")}},

		"not offered":                    {&fake{replies: answer("TAG BAD what?")}, mail.KindTLS, "refused STARTTLS: what?"},
		"refused":                        {&fake{replies: answer("TAG NO not today")}, mail.KindTLS, "not today"},
		"answered with something else":   {&fake{replies: answer("* OK wait")}, mail.KindTLS, "* OK wait"},
		"logged in before TLS":           {&fake{greeting: lines("* PREAUTH [CAPABILITY IMAP4rev1] hello")}, mail.KindTLS, "PREAUTH"},
		"an answer injected before TLS":  {&fake{replies: answer("TAG OK go", "* CAPABILITY IMAP4rev1 AUTH=EVIL", "T1 OK in")}, mail.KindTLS, "more than its answer"},
		"an answer injected at greeting": {&fake{greeting: lines("* OK hello", "T0 OK go")}, mail.KindTLS, "more than its greeting"},
		"an answer injected a bit later": {&fake{replies: map[string]reply{"STARTTLS": func(c net.Conn, tag, _ string) string {
			_, _ = c.Write([]byte(tag + " OK go\r\n"))
			_, _ = c.Read(make([]byte, 1)) // the client began its handshake
			return lines("* CAPABILITY IMAP4rev1 AUTH=EVIL", "T1 OK in")
		}}}, mail.KindTLS, "TLS"},
		"too busy":       {&fake{greeting: lines("* BYE too many connections")}, mail.KindUnavailable, "too many"},
		"no IMAP server": {&fake{greeting: lines("220 mail.example.com ESMTP")}, mail.KindTLS, "220 mail"},
		"endless line":   {&fake{greeting: "* OK " + strings.Repeat("x", 5000)}, mail.KindTLS, "4096 bytes"},
		"silent":         {&fake{replies: map[string]reply{"STARTTLS": silence}}, mail.KindNetwork, "connection failed"},
		"cut":            {&fake{replies: map[string]reply{"STARTTLS": func(c net.Conn, _, _ string) string { _ = c.Close(); return "" }}}, mail.KindNetwork, ""},
		"silent handshake": {&fake{replies: map[string]reply{"STARTTLS": func(c net.Conn, tag, _ string) string {
			_, _ = c.Write([]byte(lines(tag + " OK")))
			_, _ = io.Copy(io.Discard, c)
			return ""
		}}}, mail.KindNetwork, ""},
		"silent at greeting": {&fake{greeting: "* "}, mail.KindNetwork, "connection failed"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.server.tls = secured
			cfg := c.server.start(t)
			cfg.TLS, cfg.RootCAs = TLSStartTLS, roots
			session, err := Dial(t.Context(), cfg)
			transcript := c.server.transcript()
			if c.kind == "" {
				require.NoError(t, err)
				require.NoError(t, session.Close())
				require.Regexp(t, `(?s)^T0 STARTTLS\n.*CAPABILITY\n.*LOGIN`, transcript, "asked again under TLS")
				return
			}
			requireKind(t, c.kind, err)
			require.ErrorContains(t, err, c.fails)
			require.NotContains(t, transcript, "s3cret")
			require.NotContains(t, transcript, "LOGIN")
		})
	}
}
