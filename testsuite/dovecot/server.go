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
)

// Options of a server. The zero value has the one user "test" with the password "secret".
type Options struct {
	Users map[string]string // name to password
	// Capability replaces what the server offers after log-in, to take IDLE or MOVE away:
	// "IMAP4rev1 UIDPLUS LITERAL+".
	Capability string
}

// Server is a running Dovecot.
type Server struct {
	Host    string // 127.0.0.1
	Port    int    // plain and STARTTLS
	TLSPort int    // implicit TLS
	RootCAs *x509.CertPool

	t       testing.TB
	dir     string
	binary  string
	account *user.User
	group   string
	process *exec.Cmd
	exited  chan struct{}
	users   map[string]string
	serial  atomic.Int64
}

// Start runs a server until the test ends.
func Start(t testing.TB, options Options) *Server {
	t.Helper()
	binary, reason := find()
	if reason != "" {
		if os.Getenv("CI") == "true" {
			t.Fatal(reason)
		}
		t.Skip(reason)
	}
	if len(options.Users) == 0 {
		options.Users = map[string]string{"test": "secret"}
	}
	// Not t.TempDir, which an unprivileged user may not enter.
	dir, err := os.MkdirTemp("", "dovecot-")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Host: "127.0.0.1", t: t, dir: dir, binary: binary, users: options.Users}
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(dir, "dovecot.log"))
			t.Logf("dovecot.log:\n%s", log)
		}
		_ = os.RemoveAll(dir)
	})
	// Dovecot refuses to serve mail as root.
	name := strconv.Itoa(os.Getuid())
	if name == "0" {
		nobody, err := user.Lookup("nobody")
		s.check(err)
		name = nobody.Uid
	}
	s.account, err = user.LookupId(name)
	s.check(err)
	group, err := user.LookupGroupId(s.account.Gid)
	s.check(err)
	s.group = group.Name

	s.Port, s.TLSPort = freePort(t), freePort(t)
	s.writeConfiguration(options.Capability)
	s.writeUsers()
	s.own(s.dir)
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

func (s *Server) signal(sig syscall.Signal) {
	if s.process == nil {
		return
	}
	master := s.process.Process.Pid
	group := -master
	if sig == syscall.SIGTERM {
		_ = syscall.Kill(master, sig) // which stops its children
	} else {
		_ = syscall.Kill(group, sig)
	}
	select {
	case <-s.exited:
	case <-time.After(10 * time.Second):
	}
	_ = syscall.Kill(group, syscall.SIGKILL)
	<-s.exited
	s.process = nil
	_ = os.Remove(filepath.Join(s.dir, "run", "master.pid"))
}

func (s *Server) run() {
	s.t.Helper()
	s.process = exec.Command(s.binary, "-F", "-c", filepath.Join(s.dir, "dovecot.conf"))
	s.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Getuid() == 0 {
		uid, gid := s.ids()
		s.process.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	output, err := os.OpenFile(filepath.Join(s.dir, "dovecot.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	s.check(err)
	defer func() { _ = output.Close() }()
	s.process.Stdout, s.process.Stderr = output, output
	s.check(s.process.Start())
	exited, process := make(chan struct{}), s.process
	s.exited = exited
	go func() {
		_ = process.Wait()
		close(exited)
	}()

	for deadline := time.Now().Add(20 * time.Second); ; {
		if s.answers() {
			return
		}
		select {
		case <-exited:
			s.t.Fatal("dovecot ended while it started")
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			s.t.Fatal("dovecot did not answer within 20 s")
		}
	}
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

func (s *Server) ids() (uid, gid int) {
	uid, _ = strconv.Atoi(s.account.Uid)
	gid, _ = strconv.Atoi(s.account.Gid)
	return uid, gid
}

// own gives a folder with all that is in it to the user that the server runs as.
func (s *Server) own(root string) {
	s.t.Helper()
	s.check(filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if err == nil {
			s.give(path)
		}
		return err
	}))
}

// give gives a file or folder to the user that the server runs as.
func (s *Server) give(path string) {
	s.t.Helper()
	if os.Getuid() == 0 {
		uid, gid := s.ids()
		s.check(os.Lchown(path, uid, gid))
	}
}

func (s *Server) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal("dovecot: ", err)
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port
}
