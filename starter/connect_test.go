package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
)

// closedPort is an address where nobody listens.
func closedPort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

func TestUnreachableServer(t *testing.T) {
	t.Setenv("TEMPORAL_CONFIG_FILE", t.TempDir()+"/none.toml")
	fromEnvironment, fromFlag := closedPort(t), closedPort(t)
	t.Setenv("TEMPORAL_ADDRESS", fromEnvironment)
	for want, args := range map[string][]string{
		fromEnvironment: {"list"},
		fromFlag:        {"list", "--temporal-address", fromFlag},
	} {
		var out, errOut bytes.Buffer
		begun := time.Now()
		require.Equal(t, exitUnreachable, run(t.Context(), newApp(), args, strings.NewReader(""), &out, &errOut))
		require.Less(t, time.Since(begun), dialIn+time.Second)
		require.Empty(t, out.String())
		require.Contains(t, errOut.String(), "error: no Temporal server answers at "+want+": ")
		require.Contains(t, errOut.String(), "go run ./worker dev")
	}
}

// silent is a server whose workers never answer.
type silent struct{ fakeTemporal }

func (s *silent) QueryWorkflow(ctx context.Context, _, _, _ string, _ ...any) (converter.EncodedValue, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestSilentWorkers(t *testing.T) {
	s := newShell(&fakeTemporal{})
	s.dial = func(context.Context, string, string) (temporal.Client, error) { return &silent{}, nil }
	s.answerIn = time.Millisecond
	require.Equal(t, exitUnreachable, s.run(t.Context(), "get", "order/1"))
	require.Contains(t, s.err.String(), "no worker answered; is one running?")
}

func TestUsageErrors(t *testing.T) {
	s := newShell(nil)
	s.dial = func(context.Context, string, string) (temporal.Client, error) {
		return nil, errors.New("a mistake in the command line must be told before anybody is called")
	}
	for _, test := range []struct{ args, want string }{
		{"lst", `unknown command "lst" for "starter"; did you mean "list"?`},
		{"mailbox lst", `unknown command "lst" for "starter mailbox"; did you mean "list"?`},
		{"get", "ID is missing\nsee `starter get --help`"},
		{"get a b", `"b" is one argument too many`},
		{"list --foo", "unknown flag: --foo\nsee `starter list --help`"},
		{"list --output xml", "--output xml: text or json is expected"},
		{"list --state sleeping", "--state sleeping: active, suspended, paused, completed, cancelled, terminated, failed is expected"},
		{"start p --timeout 1s", "--timeout bounds --wait; give both"},
		{"start p --version -1", "must not be negative"},
		{"start p --var n", "--var n: name=value is expected"},
		{"start p --var-file testdata/none.json", "read variables: open testdata/none.json"},
		{"start p --var-file testdata/order.bpmn", "read variables from testdata/order.bpmn: a JSON object is expected"},
		{"message m --ttl -1s", "--ttl must not be negative"},
		{"task claim t", "either --user NAME or --release is expected"},
		{"task claim t --user a --release", "either --user NAME or --release is expected"},
		{"incident list --instance a --key b", "none of the others can be"},
		{"incident cancel a --var n=1", "unknown flag: --var"},
		{"deploy testdata/none.bpmn", "deploy testdata/none.bpmn: there is no such file or folder"},
		{"deploy testdata --map-default some", "--map-default some: none or all is expected"},
		{"lint testdata/none.bpmn", "the files have errors"},
		{"test testdata/malformed.yaml", "testdata/malformed.yaml:5:9: unknown step \"begin\""},
		{"test testdata/order.yaml --map-default some", "--map-default some: none or all is expected"},
		{"mail send --to a@b.c", `--from "": an address such as ada@example.com is expected`},
		{"mail send --from a@b.c", "--to is required"},
		{"mail send --from a@b.c --to nobody", `--to: "nobody": an address such as ada@example.com is expected`},
		{"mail send --from a@b.c --to a@b.c --smtp here", "--smtp here: host:port is expected"},
		{"mail send --eml testdata/none.eml", "read mail: open testdata/none.eml"},
	} {
		s.out.Reset()
		s.err.Reset()
		s.running = false
		require.Equal(t, exitUsage, s.run(t.Context(), strings.Fields(test.args)...), "%s: %s", test.args, s.err.String())
		require.Contains(t, s.err.String(), test.want, test.args)
	}
}
