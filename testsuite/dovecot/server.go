package dovecot

import (
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/waybill-io/waybill/testsuite/process"
)

// Options of a server. The zero value has the one user "test" with the password "secret".
type Options struct {
	Users map[string]string // name to password
	// Capability replaces what the server offers after log-in, to take IDLE or MOVE away:
	// "IMAP4rev1 UIDPLUS LITERAL+".
	Capability string
	// Introspection is the URL of an OAuth server that is asked what a token is worth, with the credentials of a client in it. Then XOAUTH2
	// and OAUTHBEARER are offered, too, and any user with a token has a mailbox.
	Introspection string
	// Relay is the port on this machine of an SMTP server without TLS. Then mail is taken at SubmissionPort and handed on there (Debian:
	// dovecot-submissiond).
	Relay int
}

// Server is a running Dovecot.
type Server struct {
	Host    string // 127.0.0.1
	Port    int    // plain and STARTTLS
	TLSPort int    // implicit TLS
	RootCAs *x509.CertPool

	SubmissionPort int // SMTP with STARTTLS, with Options.Relay

	t       testing.TB
	dir     string
	binary  string
	account process.Account
	group   string
	process *process.Process
	users   map[string]string
	serial  atomic.Int64
}

// Start runs a server until the test ends.
func Start(t testing.TB, options Options) *Server {
	t.Helper()
	binary, reason := find()
	if reason != "" {
		process.Missing(t, reason)
	}
	if len(options.Users) == 0 {
		options.Users = map[string]string{"test": "secret"}
	}
	ports := process.Ports(t, 3)
	s := &Server{
		Host: "127.0.0.1", Port: ports[0], TLSPort: ports[1], SubmissionPort: ports[2], t: t, dir: process.Folder(t, "dovecot"), binary: binary,
		account: process.Unprivileged(t), // Dovecot refuses to serve mail as root
		users:   options.Users,
	}
	t.Cleanup(s.Kill)
	group, err := user.LookupGroupId(s.account.Gid)
	s.check(err)
	s.group = group.Name

	s.writeConfiguration(options)
	s.writeUsers()
	s.account.GiveAll(t, s.dir)
	s.run()
	return s
}

func find() (binary, reason string) {
	binary, err := exec.LookPath("dovecot")
	if err != nil {
		binary = "/usr/sbin/dovecot" // not on every user's PATH
	}
	version, err := exec.Command(binary, "--version").Output()
	if err != nil {
		return "", "dovecot is not installed (Debian: apt-get install dovecot-imapd)"
	}
	if !strings.HasPrefix(string(version), "2.3.") {
		return "", fmt.Sprintf("dovecot is %s, whose configuration differs from 2.3's", strings.TrimSpace(string(version)))
	}
	return binary, ""
}

// Restart stops the server as an administrator does, cutting all connections, and starts it on the same ports. It
// starts a server that was killed as well.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	s.run()
}

// Stop ends the server in an orderly way; mail can still be delivered.
func (s *Server) Stop() { s.signal(syscall.SIGTERM) }

// Kill ends the server and its children at once, as a crash does.
func (s *Server) Kill() { s.signal(syscall.SIGKILL) }

func (s *Server) signal(signal syscall.Signal) {
	if s.process == nil {
		return
	}
	s.process.End(signal)
	s.process = nil
	_ = os.Remove(filepath.Join(s.dir, "run", "master.pid"))
}

func (s *Server) run() {
	s.t.Helper()
	c := exec.Command(s.binary, "-F", "-c", filepath.Join(s.dir, "dovecot.conf"))
	c.SysProcAttr = s.account.Attributes()
	s.process = process.Start(s.t, c, filepath.Join(s.dir, "log"))
	s.process.Wait(20*time.Second, s.answers)
}

// answers reports whether the greeting comes; the port is open before.
func (s *Server) answers() bool {
	c, err := net.DialTimeout("tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)), time.Second)
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }()
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	greeting := make([]byte, 4)
	n, _ := c.Read(greeting)
	return string(greeting[:n]) == "* OK"
}

func (s *Server) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal("dovecot: ", err)
	}
}
