package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	sdk "go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
)

const orders = "testdata/connectors/orders.json"

func TestConnectorList(t *testing.T) {
	s := newShell(&fakeTemporal{})
	require.Equal(t, exitOK, s.run(t.Context(), "connector", "list", "testdata"), s.err.String())
	require.Regexp(t, `(?m)^desk-mail +SEND +EMAIL_RECEIVED +email +testdata/connectors/desk-mail.json$`, s.out.String())
	require.Regexp(t, `(?m)^email +SEND +EMAIL_RECEIVED +- +built in$`, s.out.String())
	require.Regexp(t, `(?m)^orders +CREATE +- +- +testdata/connectors/orders.json$`, s.out.String())

	s = newShell(&fakeTemporal{})
	require.Equal(t, exitOK, s.run(t.Context(), "connector", "list", orders, "-o", "json"), s.err.String())
	var listed []listedConnector
	require.NoError(t, json.Unmarshal(s.out.Bytes(), &listed))
	i := len(listed) - 1
	for ; listed[i].Name != "orders"; i-- {
	}
	require.Equal(t, listedConnector{
		Name: "orders", Description: "Takes orders.", File: orders, TaskQueue: "connector-orders", Actions: []string{"CREATE"}, Events: []string{},
	}, listed[i])
}

func TestConnectorShow(t *testing.T) {
	s := newShell(&fakeTemporal{})
	require.Equal(t, exitOK, s.run(t.Context(), "connector", "show", "orders", orders), s.err.String())
	golden(t, "connector-show", s.out.String())

	s = newShell(&fakeTemporal{})
	require.Equal(t, exitOK, s.run(t.Context(), "connector", "show", "orders", orders, "-o", "json"), s.err.String())
	golden(t, "connector-show-json", s.out.String())

	s = newShell(&fakeTemporal{})
	require.Equal(t, exitOK, s.run(t.Context(), "connector", "show", "desk-mail", "testdata/connectors"), s.err.String())
	require.Contains(t, s.out.String(), "DESK_MAIL__EMAIL_HOST")
	require.Contains(t, s.out.String(), "instance of: email\n")
	require.Contains(t, s.out.String(), "action desk-mail.SEND\n")

	s = newShell(&fakeTemporal{})
	require.Equal(t, exitNotFound, s.run(t.Context(), "connector", "show", "emal"))
	require.Contains(t, s.err.String(), `there is no connector "emal"; did you mean "email"?`)
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name+".txt")
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func TestConnectorValidate(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.json": `{"name":"Orders","actions":{"a":{"id":"1","name":"CREATE","inputs":[{"id":"1","name":"item","type":"text"}]}}}`,
		"b.json": `{"name":"mail","template":"email","config":[{"name":"EMAIL_HOTS","value":"x"}]}`,
		"c.json": `{"name":"email","actions":{}}`,
		"d.json": `{"name":"fine","actions":{"a":{"id":"1","name":"CREATE"}}}`,
		"e.json": `{"name":"broken"`,
		"f.json": `{"name":"loose","actions":{},"config":[{"name":"API_TOKEN","value":"abc"}]}`,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	paths := []string{"connector", "validate"}
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		paths = append(paths, filepath.Join(dir, name+".json"))
	}
	s := newShell(&fakeTemporal{})
	require.Equal(t, exitUsage, s.run(t.Context(), paths...))
	for _, want := range []string{
		`a.json: name: "Orders" is not a connector name: 1 to 26 lower-case letters`,
		`a.json: actions.a.inputs[0].type: unknown type "text"`,
		`b.json: connector mail has no setting "EMAIL_HOTS"; it has EMAIL_HOST,`,
		`c.json: name: connector "email" is built in; choose another name`,
		`e.json: line 1: unexpected EOF`,
		`f.json: config[0].value: a secret must not be written into a definition`,
		"valid: " + dir + "/d.json (connector fine)",
	} {
		require.Contains(t, s.out.String(), want)
	}
	s = newShell(&fakeTemporal{})
	require.Equal(t, exitOK, s.run(t.Context(), "connector", "validate", "testdata/connectors", "-o", "json"), s.err.String())
	require.JSONEq(t, `{"connectors":[{"file":"testdata/connectors/desk-mail.json","name":"desk-mail"},{"file":"testdata/connectors/orders.json","name":"orders"}],"errors":[]}`, s.out.String())
	s = newShell(&fakeTemporal{})
	require.Equal(t, exitUsage, s.run(t.Context(), "connector", "validate", "testdata/golden"))
	require.Contains(t, s.err.String(), "no definition of a connector was found")
}

func TestConnectorNew(t *testing.T) {
	dir := t.TempDir()
	s := newShell(&fakeTemporal{})
	require.Equal(t, exitOK, s.run(t.Context(), "connector", "new", "order-desk", "--dir", dir), s.err.String())
	require.Contains(t, s.out.String(), "wrote "+dir+"/order-desk/order-desk.go\n")
	require.FileExists(t, filepath.Join(dir, "order-desk", "order-desk_test.go"))
	s = newShell(&fakeTemporal{})
	require.Equal(t, exitUsage, s.run(t.Context(), "connector", "new", "order-desk", "--dir", dir))
	require.Contains(t, s.err.String(), "is there already")
	s = newShell(&fakeTemporal{})
	require.Equal(t, exitUsage, s.run(t.Context(), "connector", "new", "email", "--dir", dir))
	require.Contains(t, s.err.String(), `connector "email" is built in`)
}

func TestConnectorTemplate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "element-templates", "orders.json")
	s := newShell(&fakeTemporal{})
	require.Equal(t, exitOK, s.run(t.Context(), "connector", "template", "orders", orders, "--out", file), s.err.String())
	require.Equal(t, "wrote "+file+": templates of 1 actions\n", s.out.String())
	written, err := os.ReadFile(file)
	require.NoError(t, err)
	s = newShell(&fakeTemporal{})
	require.Equal(t, exitOK, s.run(t.Context(), "connector", "template", "orders", orders), s.err.String())
	require.Equal(t, string(written), s.out.String())
	require.Contains(t, string(written), `"value": "orders.CREATE"`)
}

// callServer is a Temporal server with a worker that answers calls.
type callServer struct {
	fakeTemporal
	answer  contract.ConnectorResult
	err     error
	options temporal.StartActivityOptions
	call    contract.ConnectorCall
}

func (s *callServer) dial(context.Context, string, string) (temporal.Client, error) { return s, nil }

func (s *callServer) ExecuteActivity(_ context.Context, o temporal.StartActivityOptions, _ any, args ...any) (temporal.ActivityHandle, error) {
	s.options, s.call = o, args[0].(contract.ConnectorCall)
	return &callHandle{s: s}, nil
}

type callHandle struct {
	temporal.ActivityHandle
	s *callServer
}

func (h *callHandle) Get(_ context.Context, to any) error {
	if h.s.err != nil {
		return h.s.err
	}
	p, err := converter.GetDefaultDataConverter().ToPayload(h.s.answer)
	if err != nil {
		return err
	}
	return converter.GetDefaultDataConverter().FromPayload(p, to)
}

func TestConnectorCall(t *testing.T) {
	inputs := filepath.Join(t.TempDir(), "inputs.json")
	require.NoError(t, os.WriteFile(inputs, []byte(`{"item":"pen","count":3}`), 0o600))
	for name, test := range map[string]struct {
		args   string
		err    error
		code   int
		out    string // in it
		inputs map[string]any
	}{
		"outputs":         {args: "orders.CREATE " + orders + " --input item=12 --input count=2", out: "number = \"A-7\"\n", inputs: map[string]any{"item": "12", "count": json.Number("2")}},
		"inputs of files": {args: "orders.CREATE " + orders + " --input-json " + inputs + " --input count=4", out: "A-7", inputs: map[string]any{"item": "pen", "count": json.Number("4")}},
		"no definition":   {args: "stock.COUNT --input n=1", out: "A-7", inputs: map[string]any{"n": json.Number("1")}},
		"json":            {args: "orders.CREATE " + orders + " --input item=a -o json", out: `{"implementation":"orders.CREATE","outputs":{"number":"A-7"}}`},
		"missing input":   {args: "orders.CREATE " + orders, code: exitUsage, out: "input item is required"},
		"unknown input":   {args: "orders.CREATE " + orders + " --input itm=a --input item=a", code: exitUsage, out: `orders.CREATE has no input "itm"; did you mean "item"?`},
		"wrong type":      {args: "orders.CREATE " + orders + " --input item=a --input count=many", code: exitUsage, out: "input count: a value of type integer is expected"},
		"no pair":         {args: "orders.CREATE " + orders + " --input item", code: exitUsage, out: "--input item: name=value is expected"},
		"unknown action":  {args: "orders.CREAT " + orders, code: exitNotFound, out: `connector orders has no action "CREAT"; did you mean "CREATE"?`},
		"no action":       {args: "orders " + orders, code: exitUsage, out: "orders names no action; it has CREATE"},
		"not in files":    {args: "stock.COUNT " + orders, code: exitNotFound, out: `connector "stock" is neither built in nor in these files`},
		"bpmn error": {
			args: "orders.CREATE " + orders + " --input item=a", code: exitRefused, out: "error: call orders.CREATE: bpmn error SOLD_OUT: none is left",
			err: sdk.NewNonRetryableApplicationError("none is left", "bpmn:SOLD_OUT", nil),
		},
		"permanent error in json": {
			args: "orders.CREATE " + orders + " --input item=a -o json", code: exitRefused, out: `"error":{"kind":"permanent","code":"UNAUTHORIZED","message":"no"}`,
			err: sdk.NewNonRetryableApplicationError("no", "UNAUTHORIZED", nil),
		},
		"retryable error": {
			args: "orders.CREATE " + orders + " --input item=a", code: exitRefused, out: "retryable error BUSY: later", err: sdk.NewApplicationError("later", "BUSY"),
		},
		"no worker": {
			args: "orders.CREATE " + orders + " --input item=a", code: exitUnreachable, out: "no worker took it from task queue connector-orders within 1m0s",
			err: sdk.NewTimeoutError(enums.TIMEOUT_TYPE_SCHEDULE_TO_START, nil),
		},
		"too slow": {
			args: "orders.CREATE " + orders + " --input item=a --timeout 3s", code: exitRefused, out: "retryable error TIMEOUT: it did not end within 3s",
			err: sdk.NewTimeoutError(enums.TIMEOUT_TYPE_START_TO_CLOSE, nil),
		},
		"anything else": {args: "orders.CREATE " + orders + " --input item=a", code: exitRefused, out: "error: call orders.CREATE: broken", err: errors.New("broken")},
	} {
		t.Run(name, func(t *testing.T) {
			server := &callServer{answer: contract.ConnectorResult{Outputs: contract.Variables{"number": "A-7"}}, err: test.err}
			s := newShell(&server.fakeTemporal)
			s.dial = server.dial
			code := s.run(t.Context(), append([]string{"connector", "call"}, strings.Fields(test.args)...)...)
			require.Equal(t, test.code, code, s.err.String())
			require.Contains(t, s.out.String()+s.err.String(), test.out)
			if test.inputs != nil {
				require.Equal(t, test.inputs, map[string]any(server.call.Inputs))
				require.Equal(t, server.options.ID, server.call.IdempotencyKey)
				require.Equal(t, int32(1), server.options.RetryPolicy.MaximumAttempts)
			}
		})
	}
}

func TestConnectorCallOptions(t *testing.T) {
	server := &callServer{}
	s := newShell(&server.fakeTemporal)
	s.dial = server.dial
	require.Equal(t, exitOK, s.run(t.Context(), "connector", "call", "orders.CREATE", orders, "--input", "item=a"), s.err.String())
	require.Equal(t, "done; no outputs\n", s.out.String())
	require.Equal(t, "connector-orders 20s", server.options.TaskQueue+" "+server.options.StartToCloseTimeout.String())
	first := server.call.IdempotencyKey
	require.Equal(t, exitOK, s.run(t.Context(), "connector", "call", "email.SEND", "--input", "to=a@b.c"), s.err.String())
	require.Equal(t, contract.ConnectorQueue, server.options.TaskQueue)
	require.NotEqual(t, first, server.call.IdempotencyKey)
}

func TestConnectorCompletion(t *testing.T) {
	for args, want := range map[string]string{
		"connector show ema":                                   "email\t",
		"connector call email.S":                               "email.SEND\t",
		"connector call orders.CREATE " + orders + " --input ": "item=\tWhat is ordered.\n",
		"connector template ":                                  "email\t",
	} {
		s := newShell(&fakeTemporal{})
		line := strings.Fields(args)
		if strings.HasSuffix(args, " ") {
			line = append(line, "")
		}
		require.Equal(t, exitOK, s.run(t.Context(), append([]string{"__complete"}, line...)...), s.err.String())
		require.Contains(t, s.out.String(), want, args)
	}
}
