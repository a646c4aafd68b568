package smtp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
)

// peer is a real SMTP server that refuses what a test wants refused.
type peer struct {
	mailError error
	rcptError map[string]error
	dataError error
	// discard keeps only the size of the mail.
	discard  bool
	plain    bool // no STARTTLS
	implicit bool
	password string // requires authentication when set
	login    bool   // offers LOGIN instead of PLAIN
	oauth    bool   // offers XOAUTH2 instead of PLAIN

	mu       sync.Mutex
	received []received
}

type received struct {
	from string
	to   []string
	raw  string
	size int64
}

var certificate = sync.OnceValues(func() (tls.Certificate, *x509.Certificate) {
	server := httptest.NewTLSServer(nil) // its certificate is good for 127.0.0.1
	defer server.Close()
	return server.TLS.Certificates[0], server.Certificate()
})

func (p *peer) start(t *testing.T) Config {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	pair, root := certificate()
	roots := x509.NewCertPool()
	roots.AddCert(root)
	cfg := Config{Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, TLS: TLSStartTLS, RootCAs: roots, Timeout: 5 * time.Second}

	server := gosmtp.NewServer(gosmtp.BackendFunc(func(*gosmtp.Conn) (gosmtp.Session, error) { return &peerSession{peer: p}, nil }))
	server.Domain = "peer.example.org"
	server.AllowInsecureAuth = true
	server.EnableSMTPUTF8 = true
	server.ErrorLog = quiet{}
	if p.implicit {
		cfg.TLS = TLSImplicit
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{pair}})
	} else if !p.plain {
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}}
	}
	if p.password != "" {
		cfg.Username, cfg.Password, cfg.OAuth = "ann", mail.Secret(p.password), p.oauth
	}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return cfg
}

func (p *peer) mails() []received {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.received
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

type peerSession struct {
	peer   *peer
	authed bool
	mail   received
}

func (s *peerSession) AuthMechanisms() []string {
	switch {
	case s.peer.password == "":
		return nil
	case s.peer.login:
		return []string{"LOGIN"}
	case s.peer.oauth:
		return []string{"XOAUTH2"}
	}
	return []string{sasl.Plain}
}

func (s *peerSession) Auth(mechanism string) (sasl.Server, error) {
	check := func(username, password string) error {
		if username != "ann" || password != s.peer.password {
			return &gosmtp.SMTPError{Code: 535, EnhancedCode: gosmtp.EnhancedCode{5, 7, 8}, Message: "no: " + password}
		}
		s.authed = true
		return nil
	}
	if mechanism == sasl.Plain {
		return sasl.NewPlainServer(func(_, username, password string) error { return check(username, password) }), nil
	}
	if mechanism == "XOAUTH2" {
		return &tokenServer{check: check}, nil
	}
	return &loginServer{check: check}, nil
}

// loginServer is the server side of LOGIN, which go-sasl has no more.
type loginServer struct {
	check  func(username, password string) error
	said   int
	answer [2]string
}

func (l *loginServer) Next(response []byte) ([]byte, bool, error) {
	if l.said > 0 {
		l.answer[l.said-1] = string(response)
	}
	l.said++
	switch l.said {
	case 1:
		return []byte("Username:"), false, nil
	case 2:
		return []byte("Password:"), false, nil
	}
	return nil, true, l.check(l.answer[0], l.answer[1])
}

// tokenServer is the server side of XOAUTH2: it says what is wrong with a token before it refuses it.
type tokenServer struct {
	check  func(username, token string) error
	failed error
}

func (x *tokenServer) Next(response []byte) ([]byte, bool, error) {
	if x.failed != nil {
		return nil, true, x.failed
	}
	var username, token string
	for field := range strings.SplitSeq(string(response), "\x01") {
		if name, ok := strings.CutPrefix(field, "user="); ok {
			username = name
		}
		if bearer, ok := strings.CutPrefix(field, "auth=Bearer "); ok {
			token = bearer
		}
	}
	if x.failed = x.check(username, token); x.failed != nil {
		return []byte(`{"status":"401"}`), false, nil
	}
	return nil, true, nil
}

func (s *peerSession) Mail(from string, _ *gosmtp.MailOptions) error {
	if s.peer.password != "" && !s.authed {
		return errors.New("not authenticated")
	}
	s.mail.from = from
	return s.peer.mailError
}

func (s *peerSession) Rcpt(to string, _ *gosmtp.RcptOptions) error {
	if err := s.peer.rcptError[to]; err != nil {
		return err
	}
	s.mail.to = append(s.mail.to, to)
	return nil
}

func (s *peerSession) Data(r io.Reader) error {
	var err error
	if s.peer.discard {
		s.mail.size, err = io.Copy(io.Discard, r)
	} else {
		var raw []byte
		raw, err = io.ReadAll(r)
		s.mail.raw, s.mail.size = string(raw), int64(len(raw))
	}
	if err != nil {
		return err
	}
	if s.peer.dataError != nil {
		return s.peer.dataError
	}
	s.peer.mu.Lock()
	defer s.peer.mu.Unlock()
	s.peer.received = append(s.peer.received, s.mail)
	return nil
}

func (s *peerSession) Reset()        { s.mail = received{} }
func (s *peerSession) Logout() error { return nil }
