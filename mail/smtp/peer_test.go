package smtp

import (
	"cmp"
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

	mechanisms []string // offered instead of those
	status     string   // of tokens that are refused
	maxSize    int64
	noUTF8     bool
	tls        *tls.Config // instead of the certificate for 127.0.0.1

	mu       sync.Mutex
	received []received
	logins   []string // mechanisms of those that were accepted
	open     int      // connections
	most     int      // that were open at once
	total    int
	listener *countedListener
}

type received struct {
	from    string
	to      []string
	raw     string
	size    int64
	options gosmtp.MailOptions
}

// countedListener knows the connections of a peer, to count and to cut them.
type countedListener struct {
	net.Listener
	peer  *peer
	conns []net.Conn
}

func (l *countedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	p := l.peer
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open++
	p.total++
	p.most = max(p.most, p.open)
	l.conns = append(l.conns, c)
	return &countedConn{Conn: c, peer: p}, nil
}

type countedConn struct {
	net.Conn
	peer *peer
	once sync.Once
}

func (c *countedConn) Close() error {
	c.once.Do(func() {
		c.peer.mu.Lock()
		defer c.peer.mu.Unlock()
		c.peer.open--
	})
	return c.Conn.Close()
}

// cut ends all connections from the side of the server.
func (p *peer) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.listener.conns {
		_ = c.Close()
	}
}

func (p *peer) counts() (open, most, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.open, p.most, p.total
}

var certificate = sync.OnceValues(func() (tls.Certificate, *x509.Certificate) {
	server := httptest.NewTLSServer(nil) // its certificate is good for 127.0.0.1
	defer server.Close()
	return server.TLS.Certificates[0], server.Certificate()
})

func (p *peer) start(t *testing.T) Config {
	t.Helper()
	return p.startAt(t, "127.0.0.1:0")
}

func (p *peer) startAt(t *testing.T, address string) Config {
	t.Helper()
	opened, err := net.Listen("tcp", address)
	require.NoError(t, err)
	p.listener = &countedListener{Listener: opened, peer: p}
	var listener net.Listener = p.listener
	pair, root := certificate()
	roots := x509.NewCertPool()
	roots.AddCert(root)
	cfg := Config{Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, TLS: TLSStartTLS, RootCAs: roots, Timeout: 5 * time.Second}

	server := gosmtp.NewServer(gosmtp.BackendFunc(func(c *gosmtp.Conn) (gosmtp.Session, error) {
		return &peerSession{peer: p, conn: c}, nil
	}))
	server.Domain = "peer.example.org"
	server.AllowInsecureAuth = true
	server.EnableSMTPUTF8 = !p.noUTF8
	server.MaxMessageBytes = p.maxSize
	server.ErrorLog = quiet{}
	settings := p.tls
	if settings == nil {
		settings = &tls.Config{Certificates: []tls.Certificate{pair}}
	}
	if p.implicit {
		cfg.TLS = TLSImplicit
		listener = tls.NewListener(listener, settings)
	} else if !p.plain {
		server.TLSConfig = settings
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
	conn   *gosmtp.Conn
	authed bool
	mail   received
}

func (s *peerSession) AuthMechanisms() []string {
	switch {
	case s.peer.password == "":
		return nil
	case s.peer.mechanisms != nil:
		return s.peer.mechanisms
	case s.peer.login:
		return []string{"LOGIN"}
	case s.peer.oauth:
		return []string{"XOAUTH2"}
	}
	return []string{sasl.Plain}
}

func (s *peerSession) Auth(mechanism string) (sasl.Server, error) {
	accept := func(good bool, said string) error {
		if !good {
			return &gosmtp.SMTPError{Code: 535, EnhancedCode: gosmtp.EnhancedCode{5, 7, 8}, Message: "no: " + said}
		}
		s.authed = true
		s.peer.mu.Lock()
		defer s.peer.mu.Unlock()
		s.peer.logins = append(s.peer.logins, mechanism)
		return nil
	}
	check := func(username, password string) error {
		return accept(username == "ann" && password == s.peer.password, password)
	}
	switch mechanism {
	case sasl.Plain:
		return sasl.NewPlainServer(func(_, username, password string) error { return check(username, password) }), nil
	case "XOAUTH2":
		return &tokenServer{check: check, status: s.peer.status}, nil
	case sasl.OAuthBearer:
		return refusing{sasl.NewOAuthBearerServer(func(o sasl.OAuthBearerOptions) *sasl.OAuthBearerError {
			if check(o.Username, o.Token) != nil {
				return &sasl.OAuthBearerError{Status: "invalid_token", Schemes: "bearer"}
			}
			return nil
		})}, nil
	case "CRAM-MD5":
		return &cramServer{password: s.peer.password, accept: accept}, nil
	case "LOGIN":
		return &loginServer{check: check}, nil
	}
	return s.scram(mechanism, accept)
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

// refusing answers as servers do to a log-in that fails.
type refusing struct{ sasl.Server }

func (r refusing) Next(response []byte) ([]byte, bool, error) {
	challenge, done, err := r.Server.Next(response)
	if err != nil {
		err = &gosmtp.SMTPError{Code: 535, EnhancedCode: gosmtp.EnhancedCode{5, 7, 8}, Message: err.Error()}
	}
	return challenge, done, err
}

// tokenServer is the server side of XOAUTH2: it says what is wrong with a token before it refuses it.
type tokenServer struct {
	check  func(username, token string) error
	status string
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
		return []byte(`{"status":"` + cmp.Or(x.status, "401") + `","scope":"https://mail"}`), false, nil
	}
	return nil, true, nil
}

func (s *peerSession) Mail(from string, options *gosmtp.MailOptions) error {
	if s.peer.password != "" && !s.authed {
		return errors.New("not authenticated")
	}
	s.mail.from, s.mail.options = from, *options
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
