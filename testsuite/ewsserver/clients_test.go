package ewsserver

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	support  = "support@example.com"
	password = "s3cret&<>"
	first    = "From: Sender <sender@example.com>\r\nTo: support@example.com\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n" +
		"Message-Id: <first@example.com>\r\nDate: Tue, 24 Nov 2026 10:00:00 +0000\r\n\r\nHello.\r\n"
)

func start(t *testing.T, options Options) *Server {
	t.Helper()
	if options.Users == nil {
		options.Users = map[string]string{support: password}
	}
	s, err := Start(options)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// missing skips a test whose client is not installed; continuous integration installs it.
func missing(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

func run(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, name, args...)
	command.Dir = dir
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s", output)
	require.Contains(t, string(output), "done")
}

func TestExchangelib(t *testing.T) {
	// Debian's Python, not another one that may stand before it in the path.
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import exchangelib").Run(); err != nil {
		missing(t, "exchangelib is not installed (Debian: apt-get install python3-exchangelib)")
	}
	for _, auth := range []string{"basic", "NTLM"} {
		t.Run(auth, func(t *testing.T) {
			t.Parallel()
			s := start(t, Options{Minute: 6 * time.Second, Heartbeat: 500 * time.Millisecond})
			s.Deliver(support, "inbox", Mail{Raw: []byte(first)})
			run(t, "testdata/exchangelib", python, "client.py", s.URL(), support, password, auth)
		})
	}
}

func TestEWSJavaScriptAPI(t *testing.T) {
	const dir = "testdata/ews-javascript-api"
	if _, err := exec.LookPath("node"); err != nil {
		missing(t, "Node.js is not installed")
	}
	if _, err := os.Stat(dir + "/node_modules/ews-javascript-api"); err != nil {
		missing(t, "ews-javascript-api is not installed (npm ci in testsuite/ewsserver/"+dir+")")
	}
	t.Parallel()
	s := start(t, Options{Minute: 6 * time.Second, Heartbeat: 500 * time.Millisecond})
	s.Deliver(support, "inbox", Mail{Raw: []byte(first)})
	run(t, dir, "node", "client.js", s.URL(), support, password)
}
