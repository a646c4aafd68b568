package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	temporal "go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
)

// mailWorker answers email test as a worker does.
type mailWorker struct {
	fakeTemporal
	report contract.EmailReport
	err    error
	asked  contract.TestEmail
}

func (m *mailWorker) dial(context.Context, string, string) (temporal.Client, error) { return m, nil }

func (m *mailWorker) ExecuteActivity(_ context.Context, _ temporal.StartActivityOptions, _ any, args ...any) (temporal.ActivityHandle, error) {
	m.asked = args[0].(contract.TestEmail)
	return mailReport{report: m.report, err: m.err}, nil
}

type mailReport struct {
	temporal.ActivityHandle
	report contract.EmailReport
	err    error
}

func (r mailReport) Get(_ context.Context, to any) error {
	if r.err != nil {
		return r.err
	}
	text, err := json.Marshal(r.report)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, to)
}

func TestEmailTest(t *testing.T) {
	good := contract.EmailReport{OK: true, Server: "h:25", From: "<desk@example.com>", Stages: []contract.EmailStage{{Stage: "dns", State: "ok", Found: "h is 192.0.2.1", Millis: 3}, {Stage: "tls", State: "skipped", Found: "without TLS"}}}
	bad := contract.EmailReport{Server: "h:25", Tenant: "acme", Stages: []contract.EmailStage{
		{Stage: "dns", State: "ok"}, {Stage: "login", State: "failed", Found: "the server answered 535", Setting: "email.tenant.acme.password", Advice: "look at it"},
	}}
	for name, test := range map[string]struct {
		args   []string
		worker mailWorker
		asked  contract.TestEmail
		code   int
		out    string
		err    string
	}{
		"good": {
			[]string{"--to", "ann@example.com"}, mailWorker{report: good}, contract.TestEmail{To: "ann@example.com"}, exitOK,
			"server: h:25\nsender: <desk@example.com>\nSTAGE  STATE    TOOK  FOUND\ndns    ok       3 ms  h is 192.0.2.1\ntls    skipped  -     without TLS\n", "",
		},
		"bad": {
			[]string{"--tenant", "acme"}, mailWorker{report: bad}, contract.TestEmail{Tenant: "acme"}, exitRefused,
			"server: h:25\nsettings of: acme\nSTAGE  STATE   TOOK  FOUND\ndns    ok      0 ms  -\nlogin  FAILED  0 ms  the server answered 535\nwhat to change: email.tenant.acme.password\nwhat to do: look at it\n",
			"error: the stage login failed: see email.tenant.acme.password\n",
		},
		"nobody": {nil, mailWorker{err: sdk.NewTimeoutError(enums.TIMEOUT_TYPE_SCHEDULE_TO_START, nil)}, contract.TestEmail{}, exitUnreachable, "", "is a worker with the role connectors running?"},
		"tenant": {[]string{"--tenant", "a b"}, mailWorker{}, contract.TestEmail{}, exitUsage, "", `--tenant "a b": 1 to 63 letters`},
	} {
		t.Run(name, func(t *testing.T) {
			w := test.worker
			s := newShell(&w.fakeTemporal)
			s.dial = w.dial
			require.Equal(t, test.code, s.run(t.Context(), append([]string{"email", "test"}, test.args...)...))
			require.Equal(t, test.out, s.out.String())
			require.Contains(t, s.err.String(), test.err)
			require.Equal(t, test.code != exitUsage, strings.HasPrefix(s.err.String(), "waiting for a worker"), s.err.String())
			require.Equal(t, test.asked, w.asked)
		})
	}
}
