package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
)

const vatExamples = "../../examples/connectors"

// vies behaves as the REST API of VIES: it knows DE123456789, takes XX for no country, and may be told to hold its answers.
type vies struct {
	*httptest.Server

	mu      sync.Mutex
	waiting int            // calls that are held
	hold    chan struct{}  // nil: answers at once
	calls   map[string]int // by idempotency key
	busy    int            // calls that are told that the country does not answer
}

func startVIES(t *testing.T) *vies {
	v := &vies{calls: map[string]int{}}
	v.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked struct{ CountryCode, VatNumber string }
		if err := json.NewDecoder(io.LimitReader(r.Body, 1<<16)).Decode(&asked); err != nil || r.URL.Path != "/check-vat-number" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		v.answer(w, r, asked.CountryCode, asked.VatNumber)
	}))
	t.Cleanup(func() {
		v.release()
		v.Close()
	})
	return v
}

func (v *vies) answer(w http.ResponseWriter, r *http.Request, country, number string) {
	v.mu.Lock()
	v.calls[r.Header.Get("Idempotency-Key")]++
	hold, busy := v.hold, v.busy > 0
	if busy {
		v.busy--
	}
	if hold != nil {
		v.waiting++
	}
	v.mu.Unlock()
	if hold != nil {
		<-hold
	}
	w.Header().Set("Content-Type", "application/json")
	switch {
	case busy:
		fmt.Fprint(w, `{"actionSucceed":false,"errorWrappers":[{"error":"MS_UNAVAILABLE"}]}`)
	case country == "XX":
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"actionSucceed":false,"errorWrappers":[{"error":"INVALID_INPUT"}]}`)
	default:
		known := country+number == "DE123456789"
		name := "---"
		if known {
			name = "Ada GmbH"
		}
		fmt.Fprintf(w, `{"countryCode":%q,"vatNumber":%q,"valid":%t,"name":%q}`, country, number, known, name)
	}
}

func (v *vies) release() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.hold != nil {
		close(v.hold)
		v.hold = nil
	}
}

func (v *vies) held() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.waiting
}

// language is how the connector of an example is started.
type language struct {
	missing func() string // what is not installed
	prepare func(t *testing.T)
	command func() *exec.Cmd
}

func languages() map[string]language {
	exists := func(path string) bool { _, err := os.Stat(path); return err == nil }
	const typescript, python = vatExamples + "/typescript", vatExamples + "/python"
	return map[string]language{
		"typescript": {
			missing: func() string {
				if _, err := exec.LookPath("node"); err != nil {
					return "Node.js is not installed"
				}
				if !exists(typescript + "/node_modules/@temporalio/worker") {
					return "its packages are not installed: npm ci --ignore-scripts --prefix examples/connectors/typescript"
				}
				return ""
			},
			prepare: func(t *testing.T) {
				build := exec.CommandContext(t.Context(), "node", "node_modules/typescript/bin/tsc")
				build.Dir = typescript
				output, err := build.CombinedOutput()
				require.NoError(t, err, "%s", output)
			},
			command: func() *exec.Cmd {
				c := exec.Command("node", "lib/worker.js")
				c.Dir = typescript
				return c
			},
		},
		"python": {
			missing: func() string {
				if !exists(python + "/.venv/bin/python") {
					return "its packages are not installed: python3 -m venv examples/connectors/python/.venv && " +
						"examples/connectors/python/.venv/bin/pip install -r examples/connectors/python/requirements.txt"
				}
				return ""
			},
			prepare: func(*testing.T) {},
			command: func() *exec.Cmd {
				c := exec.Command(".venv/bin/python", "vat.py")
				c.Dir = python
				return c
			},
		},
	}
}

// startConnector starts the connector of an example and returns what ends it as a crash does.
func (i *installation) startConnector(l language, v *vies) (kill func()) {
	i.t.Helper()
	var said output
	c := l.command()
	c.Env = append(c.Environ(), "TEMPORAL_ADDRESS="+i.temporal.Address, "VAT_URL="+v.URL)
	c.Stdout, c.Stderr = &said, &said
	require.NoError(i.t, c.Start())
	ended := make(chan struct{})
	go func() {
		_ = c.Wait() // it is killed
		close(ended)
	}()
	kill = func() {
		_ = c.Process.Signal(syscall.SIGKILL)
		<-ended
	}
	i.t.Cleanup(func() {
		kill()
		if i.t.Failed() {
			i.t.Logf("connector:\n%s", &said)
		}
	})
	return kill
}

// cli runs the command line against the installation.
func (i *installation) cli(args ...string) (out string, code int) {
	i.t.Helper()
	dir, err := programs()
	require.NoError(i.t, err)
	c := exec.CommandContext(i.t.Context(), filepath.Join(dir, "starter"), append(args, "--temporal-address", i.temporal.Address)...)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil {
		i.t.Logf("starter %s: %v\n%s", strings.Join(args, " "), err, &stderr)
	}
	return stdout.String(), c.ProcessState.ExitCode()
}

// instance is what `starter start --wait` and `starter get` tell of an instance.
type instance struct {
	State     string
	Path      []string
	Variables map[string]any
}

func (i *installation) get(args ...string) instance {
	i.t.Helper()
	out, code := i.cli(append(args, "--output", "json")...)
	require.Zero(i.t, code, "%s", out)
	var got instance
	require.NoError(i.t, json.Unmarshal([]byte(out), &got), "%s", out)
	return got
}

// TestConnectorsInOtherLanguages deploys a process whose connector is a program with a Temporal SDK of another language, runs it to
// its ends, and kills the connector while it is at work.
func TestConnectorsInOtherLanguages(t *testing.T) {
	for name, l := range languages() {
		t.Run(name, func(t *testing.T) {
			if missing := l.missing(); missing != "" {
				require.NotEqual(t, "true", os.Getenv("CI"), missing)
				t.Skip(missing)
			}
			l.prepare(t)
			v := startVIES(t)
			i := installTemporal(t, options{})
			i.startWorker()
			out, code := i.cli("deploy", vatExamples)
			require.Zero(t, code)
			require.Contains(t, out, "deployed process check-vat version 1")
			kill := i.startConnector(l, v)
			i.answers(v)
			i.killed(v, kill, func() { i.startConnector(l, v) })
		})
	}
}

// answers sees outputs, errors of either kind and retries arrive.
func (i *installation) answers(v *vies) {
	i.t.Helper()
	t := i.t
	definition := filepath.Join(vatExamples, "connectors", "vat.json")
	out, code := i.cli("connector", "call", "vat.CHECK", definition, "--input", "number=DE 123.456-789", "--output", "json")
	require.Zero(t, code)
	require.JSONEq(t, `{"implementation":"vat.CHECK","outputs":{"valid":true,"holder":"Ada GmbH"}}`, out)
	out, code = i.cli("connector", "call", "vat.CHECK", definition, "--input", "number=12345", "--output", "json")
	require.Equal(t, 1, code)
	require.Contains(t, out, `"error":{"kind":"bpmn","code":"INVALID_NUMBER"`)

	v.mu.Lock()
	v.busy = 1
	v.mu.Unlock()
	good := i.get("start", "check-vat", "--var", "number=DE123456789", "--wait")
	require.Equal(t, "completed", good.State)
	require.Equal(t, map[string]any{"number": "DE123456789", "valid": true, "holder": "Ada GmbH"}, good.Variables, "after a retry")
	v.mu.Lock()
	require.Contains(t, fmt.Sprint(v.calls), ":2", "the retry had the key of the first attempt")
	v.mu.Unlock()

	unknown := i.get("start", "check-vat", "--var", "number=DE999999999", "--wait")
	require.Equal(t, false, unknown.Variables["valid"])
	for _, number := range []string{"12345", "XX123456789"} {
		caught := i.get("start", "check-vat", "--var", "number="+number, "--wait")
		require.Equal(t, "completed", caught.State)
		require.Contains(t, caught.Path, "refused")
		require.Contains(t, caught.Variables["reason"], "VAT number")
	}
}

// killed has the connector die with calls in its hands. Each is answered, once.
func (i *installation) killed(v *vies, kill, start func()) {
	i.t.Helper()
	t := i.t
	const n = 12
	v.mu.Lock()
	v.hold, v.waiting, v.calls = make(chan struct{}), 0, map[string]int{}
	v.mu.Unlock()
	var ids []string
	for k := range n {
		id := fmt.Sprintf("check-vat/killed-%d", k)
		_, code := i.cli("start", "check-vat", "--id", id, "--var", "number=DE123456789")
		require.Zero(t, code)
		ids = append(ids, id)
	}
	i.eventually(func() string { return fmt.Sprintf("VIES holds %d calls", v.held()) }, func() bool { return v.held() >= n/4 })
	kill()
	v.release()
	start()
	for _, id := range ids {
		i.eventually(func() string { return id + " does not complete" }, func() bool { return i.get("get", id).State == "completed" })
		require.Equal(t, true, i.get("get", id).Variables["valid"])
		answered := 0
		history, err := i.client.History(t.Context(), id, "")
		require.NoError(t, err)
		for _, e := range history.GetEvents() {
			if e.GetEventType() == enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED {
				answered++
			}
		}
		require.Equal(t, 1, answered, "%s has one answer", id)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	require.Len(t, v.calls, n, "a repetition has the key of its call: %v", v.calls)
}
