package processengine_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gocloud.dev/blob/memblob"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/definition"
	"github.com/waybill-io/waybill/external"
	"github.com/waybill-io/waybill/gateway/processengine"
	"github.com/waybill-io/waybill/testsuite/temporalserver/servertest"
	"github.com/waybill-io/waybill/worker/app"
)

var server servertest.Server

func TestMain(m *testing.M) { os.Exit(server.Run(m)) }

// house is a worker of processes and a gateway before it, which may be stopped and started again.
type house struct {
	t *testing.T
	*client.Client
	tasks   *external.Tasks
	address string
	stop    func()
	waiting *atomic.Int32 // requests that are not answered yet
	reads   time.Duration // how long a request may take to come; 0: as long as it likes
}

func open(t *testing.T) *house {
	t.Helper()
	temporal := server.Client(t)
	bucket := memblob.OpenBucket(nil)
	a, err := app.New(t.Context(), app.Options{Temporal: temporal, Namespace: "default", Roles: []app.Role{app.Process}, Files: bucket})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended, started := make(chan error, 1), make(chan struct{})
	go func() { ended <- a.Run(ctx, func() { close(started) }) }()
	t.Cleanup(func() { cancel(); require.NoError(t, <-ended); require.NoError(t, bucket.Close()) })
	<-started
	h := &house{t: t, Client: client.New(temporal), address: "127.0.0.1:0"}
	h.serve()
	t.Cleanup(func() { h.stop() })
	return h
}

// serve starts a gateway at the address of the one before, if there was one.
func (h *house) serve() {
	h.t.Helper()
	h.tasks = external.New(h.Client, "default")
	broker := external.NewBroker(h.tasks, 200)
	mux := http.NewServeMux()
	for pattern, handler := range (&processengine.Server{Tasks: h.tasks, Broker: broker, Admit: admit}).Routes() {
		mux.Handle(pattern, handler)
	}
	listener, err := net.Listen("tcp", h.address)
	require.NoError(h.t, err)
	h.address = listener.Addr().String()
	h.waiting = new(atomic.Int32)
	counted := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.waiting.Add(1)
		defer h.waiting.Add(-1)
		mux.ServeHTTP(w, r)
	})
	s := &http.Server{Handler: counted, ReadTimeout: h.reads}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(listener) }()
	h.stop = func() {
		_ = s.Close() // as when it is killed
		broker.Close()
		require.ErrorIs(h.t, <-ended, http.ErrServerClosed)
	}
}

func (h *house) url() string { return "http://" + h.address }

// admit knows one worker, by process-engine's way to name users: base64 of the name.
func admit(r *http.Request) (external.Scope, error) {
	switch r.Header.Get("Authorization") {
	case "":
		return external.Scope{}, external.ErrNoToken
	case "Bearer d29ya2Vy":
		return external.Scope{User: "worker"}, nil
	}
	return external.Scope{}, fmt.Errorf("no claim: %w", external.ErrForbidden)
}

func (h *house) deploy(key, text string) {
	h.t.Helper()
	model, err := definition.Compress([]byte(text))
	require.NoError(h.t, err)
	d := contract.Definition{Key: key, File: key + ".bpmn", Model: model, MapDefault: string(bpmn.MapAll)}
	d.Digest, err = definition.Digest(d)
	require.NoError(h.t, err)
	_, err = h.Deploy(h.t.Context(), d)
	require.NoError(h.t, err)
}

func (h *house) start(key string, variables map[string]any) string {
	h.t.Helper()
	id, _, err := h.Start(h.t.Context(), client.StartOptions{Key: key, Initiator: "starter", Variables: variables})
	require.NoError(h.t, err)
	return id
}

func (h *house) ended(id string) contract.ProcessResult {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 2*time.Minute)
	defer cancel()
	result, err := h.Wait(ctx, id)
	if err != nil {
		state, _ := h.Client.Get(h.t.Context(), id)
		require.NoError(h.t, err, "it waits at %s, with incidents %+v", state.Active, state.Incidents)
	}
	return result
}

// incident waits for that of an instance.
func (h *house) incident(id string) (i contract.Incident) {
	h.t.Helper()
	require.Eventually(h.t, func() bool {
		state, err := h.Client.Get(h.t.Context(), id)
		if err != nil || len(state.Incidents) == 0 {
			return false
		}
		i = state.Incidents[0]
		return true
	}, time.Minute, 50*time.Millisecond)
	return i
}

// in has what fails told to another test.
func (h *house) in(t *testing.T) *house {
	other := *h
	other.t = t
	return &other
}

// another is a gateway beside the first, over the same processes.
func (h *house) another(t *testing.T) *house {
	t.Helper()
	g := &house{t: t, Client: h.Client, address: "127.0.0.1:0", reads: h.reads}
	g.serve()
	t.Cleanup(func() { g.stop() })
	return g
}

// program is one of testdata that runs until the test ends.
type program struct {
	t       *testing.T
	in      io.WriteCloser
	lines   <-chan string
	read    []string
	process *os.Process
}

// kill ends it as the kernel does when memory is short.
func (p *program) kill() {
	_ = p.process.Kill()
	for line := range p.lines {
		p.read = append(p.read, line)
	}
}

// say writes a line to it.
func (p *program) say(line string) {
	p.t.Helper()
	_, err := fmt.Fprintln(p.in, line)
	require.NoError(p.t, err)
}

// begun is how often a worker has begun with something.
func (p *program) begun(what string) (times int) {
	for _, line := range p.read {
		if line == "begun "+what {
			times++
		}
	}
	return times
}

func node(t *testing.T, dir, needs, script string, args ...string) *program {
	t.Helper()
	missing := ""
	if _, err := exec.LookPath("node"); err != nil {
		missing = "Node.js is not installed"
	} else if _, err := os.Stat(filepath.Join(dir, "node_modules", needs)); err != nil {
		missing = needs + " is not installed (npm ci --ignore-scripts in gateway/processengine/" + dir + ")"
	}
	if missing != "" && os.Getenv("CI") == "true" {
		t.Fatal(missing)
	} else if missing != "" {
		t.Skip(missing)
	}
	c := exec.Command("node", append([]string{script}, args...)...)
	c.Dir, c.Stderr = dir, os.Stderr
	in, err := c.StdinPipe()
	require.NoError(t, err)
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	lines := make(chan string, 10_000)
	go func() {
		defer close(lines)
		s := bufio.NewScanner(out)
		s.Buffer(nil, 1<<20)
		for s.Scan() {
			lines <- s.Text()
		}
		_ = c.Wait()
	}()
	p := &program{t: t, in: in, lines: lines, process: c.Process}
	t.Cleanup(p.kill)
	return p
}

// await reads lines until one starts with a prefix, and returns the rest of that.
func (p *program) await(prefix string) string {
	p.t.Helper()
	late := time.After(2 * time.Minute)
	for {
		select {
		case line, ok := <-p.lines:
			require.True(p.t, ok, "the program has ended before it wrote %q", prefix)
			p.read = append(p.read, line)
			if rest, found := strings.CutPrefix(line, prefix); found {
				return rest
			}
		case <-late:
			require.FailNow(p.t, "the program did not write "+prefix)
		}
	}
}
