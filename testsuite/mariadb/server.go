package mariadb

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// Server is a running MariaDB.
type Server struct {
	Host               string // 127.0.0.1
	Port               int
	Database           string
	Username, Password string // who may do all
	CAFile             string // the certificate that clients must trust (PEM)

	t          testing.TB
	dir        string
	daemon     string // path of the program
	credential *syscall.Credential
	process    *exec.Cmd
	exited     chan struct{}
}

// Start runs a server until the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	daemon, installer, reason := find()
	if reason != "" {
		if os.Getenv("CI") == "true" {
			t.Fatal(reason)
		}
		t.Skip(reason)
	}
	// Not t.TempDir, which an unprivileged user may not enter.
	dir, err := os.MkdirTemp("", "mariadb-")
	if err != nil {
		t.Fatal("mariadb: ", err)
	}
	s := &Server{
		Host: "127.0.0.1", Port: freePort(t), Database: "test", Username: "tester", Password: "tester-secret",
		CAFile: filepath.Join(dir, "cert.pem"), t: t, dir: dir, daemon: daemon,
	}
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			t.Logf("log of mariadb:\n%s", log)
		}
		_ = os.RemoveAll(dir)
	})
	if os.Getuid() == 0 { // MariaDB refuses to run as root
		nobody, err := user.Lookup("nobody")
		s.check(err)
		uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
		s.check(err)
		gid, err := strconv.ParseUint(nobody.Gid, 10, 32)
		s.check(err)
		s.credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		s.give(dir)
	}
	output, err := s.command(installer, "--no-defaults", "--datadir="+s.data(), "--auth-root-authentication-method=normal", "--skip-test-db").CombinedOutput()
	if err != nil {
		t.Fatalf("mariadb: mariadb-install-db: %v\n%s", err, output)
	}
	s.write("init.sql", fmt.Appendf(nil, "CREATE DATABASE IF NOT EXISTS %s;\nCREATE USER IF NOT EXISTS '%s'@'%%' IDENTIFIED BY '%s';\n"+
		"GRANT ALL ON *.* TO '%[2]s'@'%%' WITH GRANT OPTION;\n", s.Database, s.Username, s.Password))
	s.writeCertificate()
	s.run()
	return s
}

// Kill ends the server at once, as a crash does.
func (s *Server) Kill() {
	if s.process == nil {
		return
	}
	_ = syscall.Kill(-s.process.Process.Pid, syscall.SIGKILL)
	<-s.exited
	s.process = nil
}

func find() (daemon, installer, reason string) {
	daemon, err := exec.LookPath("mariadbd")
	if err != nil {
		daemon, err = exec.LookPath("/usr/sbin/mariadbd") // not on every user's PATH
	}
	if err == nil {
		installer, err = exec.LookPath("mariadb-install-db")
	}
	if err != nil {
		return "", "", "mariadb is not installed (Debian: apt-get install mariadb-server)"
	}
	return daemon, installer, ""
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) command(program string, args ...string) *exec.Cmd {
	c := exec.Command(program, args...)
	c.Dir = s.dir
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "TMPDIR=" + s.dir}
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: s.credential}
	return c
}

func (s *Server) run() {
	s.t.Helper()
	// --init-file is done before the port is open.
	s.process = s.command(s.daemon, "--no-defaults", "--datadir="+s.data(), "--bind-address="+s.Host, "--port="+strconv.Itoa(s.Port),
		"--socket="+filepath.Join(s.dir, "s"), "--init-file="+filepath.Join(s.dir, "init.sql"), "--skip-name-resolve", "--character-set-server=utf8mb4",
		"--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M", "--log-warnings=0",
		"--ssl-cert="+s.CAFile, "--ssl-key="+filepath.Join(s.dir, "key.pem"))
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	s.check(err)
	defer func() { _ = log.Close() }()
	s.process.Stdout, s.process.Stderr = log, log
	s.check(s.process.Start())
	exited, process := make(chan struct{}), s.process
	s.exited = exited
	go func() {
		_ = process.Wait()
		close(exited)
	}()
	for deadline := time.Now().Add(30 * time.Second); !s.ready(); {
		select {
		case <-exited:
			s.t.Fatal("mariadb ended while it started")
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			s.t.Fatal("mariadb did not answer within 30 s")
		}
	}
}

// ready reports whether the greeting comes.
func (s *Server) ready() bool {
	c, err := net.DialTimeout("tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)), time.Second)
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }()
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	_, err = c.Read(make([]byte, 5))
	return err == nil
}

// writeCertificate takes the certificate that net/http/httptest carries: it is good for 127.0.0.1 and example.com.
func (s *Server) writeCertificate() {
	s.t.Helper()
	peer := httptest.NewTLSServer(nil)
	defer peer.Close()
	key, err := x509.MarshalPKCS8PrivateKey(peer.TLS.Certificates[0].PrivateKey)
	s.check(err)
	s.write("cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: peer.Certificate().Raw}))
	s.write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
}

func (s *Server) write(name string, text []byte) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	s.check(os.WriteFile(path, text, 0o600))
	s.give(path)
}

// give gives a file or folder to the user that the server runs as.
func (s *Server) give(path string) {
	s.t.Helper()
	if s.credential != nil {
		s.check(os.Lchown(path, int(s.credential.Uid), int(s.credential.Gid)))
	}
}

func (s *Server) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal("mariadb: ", err)
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal("mariadb: ", err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port
}
