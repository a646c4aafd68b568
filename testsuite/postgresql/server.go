package postgresql

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/waybill-io/waybill/testsuite/process"
)

// Server is a running PostgreSQL.
type Server struct {
	Host               string // 127.0.0.1
	Port               int
	Database           string
	Username, Password string // the superuser
	CAFile             string // the certificate that clients must trust (PEM)

	dir     string
	bin     string // folder of the programs
	account process.Account
	process *process.Process
}

// Start runs a server until the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	bin := find()
	if bin == "" {
		process.Missing(t, "postgresql is not installed (Debian: apt-get install postgresql)")
	}
	s := &Server{
		Host: "127.0.0.1", Port: process.Ports(t, 1)[0], Database: "postgres", Username: "tester", Password: "tester-secret",
		dir: process.Folder(t, "postgresql"), bin: bin, account: process.Unprivileged(t),
	}
	t.Cleanup(s.Kill)
	ca, key := process.Certificate(t, s.dir)
	s.CAFile = ca
	password := filepath.Join(s.dir, "password")
	process.Check(t, os.WriteFile(password, []byte(s.Password), 0o600))
	s.account.GiveAll(t, s.dir)
	data := filepath.Join(s.dir, "data")
	output, err := s.command("initdb", "-D", data, "--username", s.Username, "--pwfile", password,
		"--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync").CombinedOutput()
	if err != nil {
		t.Fatalf("postgresql: initdb: %v\n%s", err, output)
	}
	s.process = process.Start(t, s.command("postgres", "-D", data, "-h", s.Host, "-p", strconv.Itoa(s.Port), "-k", s.dir, "-F", "-c", "log_min_messages=fatal",
		"-c", "ssl=on", "-c", "ssl_cert_file="+ca, "-c", "ssl_key_file="+key), filepath.Join(s.dir, "log"))
	s.process.Wait(30*time.Second, func() bool { // as pg_ctl does: by the status line
		text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
		return err == nil && bytes.Contains(text, []byte("ready"))
	})
	return s
}

// Kill ends the server at once, as a crash does.
func (s *Server) Kill() {
	s.process.End(syscall.SIGKILL)
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
	c.SysProcAttr = s.account.Attributes()
	return c
}
