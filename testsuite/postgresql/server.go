package postgresql

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// Server is a running PostgreSQL.
type Server struct {
	Host               string // 127.0.0.1
	Port               int
	Database           string
	Username, Password string // the superuser
	CAFile             string // the certificate that clients must trust (PEM)

	t          testing.TB
	dir        string
	bin        string // folder of the programs
	credential *syscall.Credential
	process    *exec.Cmd
	exited     chan struct{}
}

// Start runs a server until the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	bin := find()
	if bin == "" {
		reason := "postgresql is not installed (Debian: apt-get install postgresql)"
		if os.Getenv("CI") == "true" {
			t.Fatal(reason)
		}
		t.Skip(reason)
	}
	// Not t.TempDir, which an unprivileged user may not enter.
	dir, err := os.MkdirTemp("", "postgresql-")
	if err != nil {
		t.Fatal("postgresql: ", err)
	}
	s := &Server{
		Host: "127.0.0.1", Port: freePort(t), Database: "postgres", Username: "tester", Password: "tester-secret",
		CAFile: filepath.Join(dir, "cert.pem"), t: t, dir: dir, bin: bin,
	}
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			t.Logf("log of postgresql:\n%s", log)
		}
		_ = os.RemoveAll(dir)
	})
	if os.Getuid() == 0 { // PostgreSQL refuses to run as root
		nobody, err := user.Lookup("nobody")
		s.check(err)
		uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
		s.check(err)
		gid, err := strconv.ParseUint(nobody.Gid, 10, 32)
		s.check(err)
		s.credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		s.give(dir)
	}
	s.write("password", []byte(s.Password))
	output, err := s.command("initdb", "-D", filepath.Join(dir, "data"), "--username", s.Username, "--pwfile", filepath.Join(dir, "password"),
		"--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync").CombinedOutput()
	if err != nil {
		t.Fatalf("postgresql: initdb: %v\n%s", err, output)
	}
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

func find() string {
	var folders []string
	if path, err := exec.LookPath("initdb"); err == nil {
		folders = append(folders, filepath.Dir(path))
	}
	debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // not on the PATH
	slices.Reverse(debian)
	for _, folder := range append(folders, debian...) {
		if _, err := os.Stat(filepath.Join(folder, "postgres")); err == nil {
			return folder
		}
	}
	return ""
}

func (s *Server) command(program string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(s.bin, program), args...)
	c.Dir = s.dir
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "HOME=" + s.dir}
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: s.credential}
	return c
}

func (s *Server) run() {
	s.t.Helper()
	s.process = s.command("postgres", "-D", filepath.Join(s.dir, "data"), "-h", s.Host, "-p", strconv.Itoa(s.Port), "-k", s.dir, "-F", "-c", "log_min_messages=fatal",
		"-c", "ssl=on", "-c", "ssl_cert_file="+s.CAFile, "-c", "ssl_key_file="+filepath.Join(s.dir, "key.pem"))
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
			s.t.Fatal("postgresql ended while it started")
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			s.t.Fatal("postgresql did not answer within 30 s")
		}
	}
}

// ready asks for the server's state as pg_ctl does: by the status line of postmaster.pid.
func (s *Server) ready() bool {
	text, err := os.ReadFile(filepath.Join(s.dir, "data", "postmaster.pid"))
	return err == nil && bytes.Contains(text, []byte("ready"))
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
		s.t.Fatal("postgresql: ", err)
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal("postgresql: ", err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port
}
