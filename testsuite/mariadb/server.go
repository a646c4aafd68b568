package mariadb

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/waybill-io/waybill/testsuite/process"
)

// Server is a running MariaDB.
type Server struct {
	Host               string // 127.0.0.1
	Port               int
	Database           string
	Username, Password string // who may do all
	CAFile             string // the certificate that clients must trust (PEM)

	dir     string
	account process.Account
	process *process.Process
}

// Start runs a server until the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	daemon, installer, reason := find()
	if reason != "" {
		process.Missing(t, reason)
	}
	s := &Server{
		Host: "127.0.0.1", Port: process.Ports(t, 1)[0], Database: "test", Username: "tester", Password: "tester-secret",
		dir: process.Folder(t, "mariadb"), account: process.Unprivileged(t),
	}
	t.Cleanup(s.Kill)
	ca, key := process.Certificate(t, s.dir)
	s.CAFile = ca
	start := filepath.Join(s.dir, "init.sql")
	process.Check(t, os.WriteFile(start, fmt.Appendf(nil, "CREATE DATABASE IF NOT EXISTS %s;\nCREATE USER IF NOT EXISTS '%s'@'%%' IDENTIFIED BY '%s';\n"+
		"GRANT ALL ON *.* TO '%[2]s'@'%%' WITH GRANT OPTION;\n", s.Database, s.Username, s.Password), 0o600))
	s.account.GiveAll(t, s.dir)
	data := "--datadir=" + filepath.Join(s.dir, "data")
	output, err := s.command(installer, "--no-defaults", data, "--auth-root-authentication-method=normal", "--skip-test-db").CombinedOutput()
	if err != nil {
		t.Fatalf("mariadb: mariadb-install-db: %v\n%s", err, output)
	}
	// --init-file is done before the port is open.
	s.process = process.Start(t, s.command(daemon, "--no-defaults", data, "--bind-address="+s.Host, "--port="+strconv.Itoa(s.Port),
		"--socket="+filepath.Join(s.dir, "s"), "--init-file="+start, "--skip-name-resolve", "--character-set-server=utf8mb4",
		"--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M", "--log-warnings=0",
		"--ssl-cert="+ca, "--ssl-key="+key), filepath.Join(s.dir, "log"))
	s.process.Wait(30*time.Second, s.greets)
	return s
}

// Kill ends the server at once, as a crash does.
func (s *Server) Kill() {
	s.process.End(syscall.SIGKILL)
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

func (s *Server) command(program string, args ...string) *exec.Cmd {
	c := exec.Command(program, args...)
	c.Dir = s.dir
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "TMPDIR=" + s.dir}
	c.SysProcAttr = s.account.Attributes()
	return c
}

// greets reports whether the greeting comes.
func (s *Server) greets() bool {
	c, err := net.DialTimeout("tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)), time.Second)
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }()
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	_, err = c.Read(make([]byte, 5))
	return err == nil
}
