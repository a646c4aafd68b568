package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
)

func TestMailboxAddRefuses(t *testing.T) {
	valid := "--host h --username u --password env:P "
	for args, want := range map[string]string{
		"Support " + valid:                                "error: mailbox name \"Support\": 1 to 26 lower-case letters",
		"s --username u --password env:P":                 "error: --host is required",
		"s --host h --password env:P":                     "error: --username is required",
		"s --host h --username u":                         "error: --password is required: env:NAME or file:/path",
		"s --host h --username u --password hunter2":      "error: --password: a literal password is refused",
		"s --host h --username u --password env:my-pass":  "error: --password env:...: the name of a variable is expected",
		"s --host h --username u --password file:hunter2": "error: --password file:...: an absolute path",
		"s --host h --username u --password plain:hunter": "error: --password: a literal password is refused",
		"s --tls ssl " + valid:                            "error: --tls ssl: implicit, starttls or none is expected",
		"s --port 70000 " + valid:                         "error: --port 70000: 1 to 65535 is expected",
		"s --from yesterday " + valid:                     "error: --from yesterday: now or all is expected",
		"s --move-to INBOX " + valid:                      "error: --folder and --move-to: two different folders",
		"s --max-size 50TB " + valid:                      "error: --max-size 50TB: a number of bytes such as 50MB",
		"s --max-size 9999999999GB " + valid:              "error: --max-size 9999999999GB: a number of bytes",
		"s --poll 1ms " + valid:                           "error: --poll 1ms: at least 1s is expected",
		"s --idle 0s " + valid:                            "error: --idle 0s, --timeout 30s: at least 1s is expected",
		"s --error-policy testdata/no-such.json " + valid: "error: --error-policy: open testdata/no-such.json: no such file",
		"s --error-policy mailboxadd_test.go " + valid:    "error: --error-policy: mailboxadd_test.go: a list such as",
		"s --lease 1s " + valid:                           "error: --lease 1s: at least 5s is expected",
	} {
		server := &fakeTemporal{}
		s := newShell(server)
		code := s.run(t.Context(), append([]string{"mailbox", "add"}, strings.Fields(args)...)...)
		require.Equal(t, exitUsage, code, args)
		require.Contains(t, s.err.String(), want, args)
		require.Equal(t, 1, strings.Count(s.err.String(), "error: "), s.err.String())
		require.NotContains(t, s.err.String(), "hunter", "what might be a password must not be shown")
		require.Empty(t, server.told)
	}
}

func TestMailboxAddFromNow(t *testing.T) {
	server := &fakeTemporal{answers: map[string]any{"mailbox/s configure": nil}}
	s := newShell(server)
	begun := time.Now()
	require.Equal(t, exitOK, s.run(t.Context(), "mailbox", "add", "s", "--host", "h", "--username", "u", "--password", "file:/run/p", "--output", "json"))
	var config contract.MailboxConfig
	require.NoError(t, json.Unmarshal(s.out.Bytes(), &config))
	require.WithinRange(t, config.Since, begun.Add(-time.Millisecond), time.Now())
	require.Equal(t, 993, config.Port)
	require.EqualValues(t, 50<<20, config.MaxBytes)
	require.Equal(t, []string{"mailbox/s configure " + strings.TrimSpace(s.out.String())}, server.told)
}

func TestMailboxAddErrorPolicy(t *testing.T) {
	server := &fakeTemporal{answers: map[string]any{"mailbox/s configure": nil}}
	s := newShell(server)
	file := filepath.Join(t.TempDir(), "policy.json")
	require.NoError(t, os.WriteFile(file, []byte("\ufeff[ {\"class\": \"auth\", \"retryCount\": 3},\n {\"retryCount\": -1} ]\n"), 0o600))
	require.Equal(t, exitOK, s.run(t.Context(), "mailbox", "add", "s", "--host", "h", "--username", "u", "--password", "env:P", "--error-policy", file), s.err.String())
	require.Len(t, server.told, 1)
	require.Contains(t, server.told[0], `"errorPolicy":[{"class":"auth","retryCount":3},{"retryCount":-1}]`)
}
