package mta

import (
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/waybill-io/waybill/testsuite/process"
)

// Kind is a mail server.
type Kind string

// The kinds.
const (
	Postfix   Kind = "postfix"
	Exim      Kind = "exim"
	OpenSMTPD Kind = "opensmtpd"
)

// Kinds are all of them.
func Kinds() []Kind { return []Kind{Postfix, Exim, OpenSMTPD} }

// The account that servers know.
const (
	Username = "waybill"
	Password = "carrier-pigeon-7"
	Token    = "an-access-token-of-an-hour" // for XOAUTH2 and OAUTHBEARER
)

// Mechanisms are the log-ins that a kind of server can offer: what is with Dovecot for Postfix and Exim, OpenSMTPD has two of its own.
func (k Kind) Mechanisms() []string {
	if k == OpenSMTPD {
		return []string{"PLAIN", "LOGIN"}
	}
	return []string{"PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"}
}

// TokenMechanisms are the log-ins with access tokens that a kind of server can offer.
func (k Kind) TokenMechanisms() []string {
	if k == OpenSMTPD {
		return nil
	}
	return []string{"XOAUTH2", "OAUTHBEARER"}
}

// patience bounds a start on a busy machine; an idle one takes less than a second.
const patience = time.Minute

// Options of a server.
type Options struct {
	MaxSize int // bytes of the largest mail that it takes; 1 MiB
	// Mechanisms are those that are offered, all when there are none; OpenSMTPD always offers its two.
	Mechanisms []string
	// Connections is how many a client may have at the same time, and ConnectionRate how many it may open in a minute; 0 is what the server has by
	// default. For Postfix alone.
	Connections, ConnectionRate int
}

// Server is a mail server.
type Server struct {
	Kind    Kind
	Host    string // 127.0.0.1
	Port    int    // STARTTLS, which it insists on
	TLSPort int    // implicit TLS
	CAFile  string // certificate of the authority that clients must trust (PEM)
	RootCAs *x509.CertPool
	MaxSize int

	t        testing.TB
	root     string // of its file system
	programs []*process.Process
}

// Start runs a server until the test ends.
func Start(t testing.TB, kind Kind, o Options) *Server {
	t.Helper()
	unpacked := find(t)
	if o.MaxSize == 0 {
		o.MaxSize = 1 << 20
	}
	if len(o.Mechanisms) == 0 {
		o.Mechanisms = slices.Concat(kind.Mechanisms(), kind.TokenMechanisms())
	}
	ports := process.Ports(t, 2)
	s := &Server{Kind: kind, Host: "127.0.0.1", Port: ports[0], TLSPort: ports[1], MaxSize: o.MaxSize, t: t}
	s.root = filepath.Join(process.Folder(t, string(kind)), "root")
	t.Cleanup(s.Kill)
	s.furnish(filepath.Join(unpacked, string(kind)))

	s.certify()
	switch kind {
	case Postfix:
		s.configurePostfix(o)
		s.configureDovecot(o)
	case Exim:
		s.configureExim(o)
		s.configureDovecot(o)
	case OpenSMTPD:
		s.configureOpenSMTPD(o)
	}
	s.Run()
	return s
}

// Run starts the server after Stop or Kill, with the same ports and mail, and returns when it answers.
func (s *Server) Run() {
	s.t.Helper()
	switch s.Kind {
	case Postfix:
		s.start("/usr/sbin/dovecot", "-F", "-c", "/etc/dovecot.conf").Wait(patience, s.listens("/run/dovecot/client"))
		s.start("/usr/lib/postfix/sbin/master", "-c", "/etc/postfix", "-d")
	case Exim:
		s.start("/usr/sbin/dovecot", "-F", "-c", "/etc/dovecot.conf").Wait(patience, s.listens("/run/dovecot/client"))
		s.start("/usr/sbin/exim4", "-bdf", "-q1m")
	case OpenSMTPD:
		s.start("/usr/sbin/smtpd", "-d", "-f", "/etc/smtpd.conf")
	}
	s.programs[len(s.programs)-1].Wait(patience, s.greets)
}

// Stop ends the server in an orderly way, as an administrator does.
func (s *Server) Stop() { s.end(syscall.SIGTERM) }

// Kill ends the server and its children at once, as a crash does.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

func (s *Server) end(signal syscall.Signal) {
	var ended sync.WaitGroup
	for _, p := range s.programs {
		ended.Go(func() { p.End(signal) })
	}
	ended.Wait()
	s.programs = nil
	s.killAll()
	_ = os.Remove(filepath.Join(s.root, "run/dovecot/master.pid"))
}

// PutOff has the server answer 451 for every recipient, or take them again. A conversation that has begun takes note of it.
func (s *Server) PutOff(all bool) {
	s.t.Helper()
	path := filepath.Join(s.root, "etc/put-off")
	if !all {
		s.check(os.RemoveAll(path))
		return
	}
	s.check(os.WriteFile(path, nil, 0o644))
}

// greets tells whether the server says that it is ready.
func (s *Server) greets() bool {
	c, err := net.DialTimeout("tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)), time.Second)
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	greeting := make([]byte, 512)
	n, _ := c.Read(greeting)
	_, _ = c.Write([]byte("QUIT\r\n"))
	return strings.HasPrefix(string(greeting[:n]), "220 ")
}

func (s *Server) listens(socket string) func() bool {
	return func() bool {
		c, err := net.Dial("unix", filepath.Join(s.root, socket))
		if err != nil {
			return false
		}
		_ = c.Close()
		return true
	}
}

func (s *Server) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(fmt.Sprintf("%s: ", s.Kind), err)
	}
}
