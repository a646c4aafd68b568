package main

import (
	"bufio"
	"net"
	"net/http"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/testsuite/temporalserver"
)

// program is the built worker, as a user runs it.
func program(t *testing.T) string {
	t.Helper()
	server, err := temporalserver.Find(t.Context(), temporalserver.FindOptions{NoBuild: true})
	if err != nil {
		require.NotEqual(t, "true", os.Getenv("CI"), "no Temporal server: %v", err)
		t.Skipf("no Temporal server: %v", err)
	}
	t.Setenv(temporalserver.PathVariable, server)
	path := filepath.Join(t.TempDir(), "worker")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	return path
}

// ports are free ports and the flags that set them.
func ports(t *testing.T) (flags []string, byFlag map[string]string) {
	t.Helper()
	byFlag = map[string]string{}
	for _, flag := range []string{"--temporal-port", "--ui-port", "--smtp-port", "--imap-port", "--gateway-port"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		_, byFlag[flag], err = net.SplitHostPort(l.Addr().String())
		require.NoError(t, err)
		flags = append(flags, flag, byFlag[flag])
	}
	return flags, byFlag
}

// run is a `worker dev` that has said it is ready.
type run struct {
	cmd   *exec.Cmd
	lines []string
}

func start(t *testing.T, program string, args ...string) *run {
	t.Helper()
	r := &run{cmd: exec.Command(program, append([]string{"dev"}, args...)...)}
	r.cmd.Stderr = os.Stderr
	out, err := r.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, r.cmd.Start())
	t.Cleanup(func() { _ = r.cmd.Process.Kill() })
	for s := bufio.NewScanner(out); s.Scan(); {
		r.lines = append(r.lines, s.Text())
		if s.Text() == "ready" {
			return r
		}
	}
	require.Fail(t, "worker dev ended before it was ready", "%v", r.lines)
	return nil
}

func (r *run) interrupt(t *testing.T) {
	t.Helper()
	require.NoError(t, r.cmd.Process.Signal(os.Interrupt))
	ended := make(chan error, 1)
	go func() { ended <- r.cmd.Wait() }()
	select {
	case err := <-ended:
		require.NoError(t, err)
	case <-time.After(30 * time.Second):
		require.Fail(t, "worker dev does not end after Ctrl-C")
	}
}

func TestDevelopmentEnvironment(t *testing.T) {
	worker := program(t)
	flags, port := ports(t)
	data := filepath.Join(t.TempDir(), "data")
	args := append(flags, "--data", data)

	first := start(t, worker, args...)
	said := strings.Join(first.lines, "\n")
	for flag, p := range port {
		require.Contains(t, said, "127.0.0.1:"+p, "the address of %s is printed", flag)
	}
	for _, url := range []string{"http://127.0.0.1:" + port["--ui-port"], "http://127.0.0.1:" + port["--gateway-port"] + "/readyz"} {
		r, err := http.Get(url)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, r.StatusCode, url)
		require.NoError(t, r.Body.Close())
	}

	// A second environment on the same ports, then on the same folder, says what is in the way.
	out, err := exec.Command(worker, append([]string{"dev", "--ephemeral"}, flags...)...).CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "port "+port["--smtp-port"]+" is taken: choose another one with --smtp-port")
	others, _ := ports(t)
	out, err = exec.Command(worker, append([]string{"dev", "--data", data}, others...)...).CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "is in use by another `worker dev`")

	// What came is still there after Ctrl-C and after a kill.
	mail := []byte("From: a@example.com\r\nTo: support@example.com\r\nSubject: hello\r\nMessage-ID: <1@example.com>\r\n\r\nHello\r\n")
	send := func() {
		c, err := smtp.Dial("127.0.0.1:" + port["--smtp-port"])
		require.NoError(t, err)
		require.NoError(t, c.Mail("a@example.com"))
		require.NoError(t, c.Rcpt("support@example.com"))
		w, err := c.Data()
		require.NoError(t, err)
		_, err = w.Write(mail)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		require.NoError(t, c.Quit())
	}
	replies := func() int {
		found, err := filepath.Glob(filepath.Join(data, "mail/accounts/a@example.com/*/*.eml"))
		require.NoError(t, err)
		return len(found)
	}
	send()
	require.Eventually(t, func() bool { return replies() == 1 }, 30*time.Second, 50*time.Millisecond)
	first.interrupt(t)
	listener, err := net.Listen("tcp", "127.0.0.1:"+port["--temporal-port"])
	require.NoError(t, err, "nothing is left running")
	require.NoError(t, listener.Close())

	second := start(t, worker, args...)
	require.NoError(t, second.cmd.Process.Signal(syscall.SIGKILL))
	_ = second.cmd.Wait()
	third := start(t, worker, args...)
	mail = []byte(strings.ReplaceAll(string(mail), "<1@", "<2@"))
	send()
	require.Eventually(t, func() bool { return replies() == 2 }, 30*time.Second, 50*time.Millisecond, "one answer to each mail, none twice")
	third.interrupt(t)
}

func TestDevelopmentUsesAServerThatListens(t *testing.T) {
	worker := program(t)
	server, err := temporalserver.Start(t.Context(), temporalserver.Options{Program: os.Getenv(temporalserver.PathVariable)})
	require.NoError(t, err)
	defer func() { require.NoError(t, server.Stop()) }()
	flags, port := ports(t)
	_, used, err := net.SplitHostPort(server.Address)
	require.NoError(t, err)
	r := start(t, worker, append(flags, "--ephemeral", "--temporal-port", used)...)
	require.Contains(t, strings.Join(r.lines, "\n"), server.Address+" (was running)")
	l, err := net.Listen("tcp", "127.0.0.1:"+port["--ui-port"])
	require.NoError(t, err, "a second Web UI is not started")
	require.NoError(t, l.Close())
	r.interrupt(t)
	require.True(t, temporalserver.Listening(t.Context(), server.Address), "what was not ours goes on")
}

func TestProductionSaysWhatIsMissing(t *testing.T) {
	worker := program(t)
	for _, c := range []struct {
		args []string
		env  string
		want string
	}{
		{args: []string{"--roles", "mailer"}, want: `unknown role "mailer"; roles are process`},
		{args: []string{"--log-level", "loud"}, want: "debug, info, warn or error"},
		{args: []string{"--files", "mem://"}, env: "EMAIL_PORT=smtp", want: `EMAIL_PORT: email.port: "smtp" is not a number`},
		{args: []string{"--files", "mem://", "--temporal-address", "127.0.0.1:1"}, want: "no Temporal server answers at 127.0.0.1:1"},
		{args: []string{"--files", "floppy://a"}, want: "open blob store floppy://a"},
	} {
		cmd := exec.Command(worker, c.args...)
		cmd.Env = append(os.Environ(), c.env)
		out, err := cmd.CombinedOutput()
		require.Error(t, err)
		require.Contains(t, string(out), c.want)
	}
}
