package camunda_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/definition"
	"github.com/waybill-io/waybill/external"
	"github.com/waybill-io/waybill/gateway/camunda"
)

// node is a worker of Camunda's own client for JavaScript, in a process of its own.
type node struct {
	t   *testing.T
	cmd *exec.Cmd

	mu   sync.Mutex
	text bytes.Buffer // what it says
}

func (n *node) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(p)
}

func startNode(t *testing.T, args ...string) *node {
	t.Helper()
	dir, err := filepath.Abs("testdata/client")
	require.NoError(t, err)
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil && os.Getenv("CI") != "true" {
		t.Skip("no client: npm ci --prefix gateway/camunda/testdata/client")
	}
	n := &node{t: t, cmd: exec.Command("node", append([]string{"worker.mjs"}, args...)...)}
	n.cmd.Dir, n.cmd.Stdout, n.cmd.Stderr = dir, n, n
	require.NoError(t, n.cmd.Start())
	t.Cleanup(func() {
		n.kill()
		if t.Failed() {
			t.Logf("worker %v:\n%s", args, &n.text)
		}
	})
	return n
}

// kill ends it as a crash does.
func (n *node) kill() {
	_ = n.cmd.Process.Kill()
	_ = n.cmd.Wait() // once more is an error
}

// says waits until it has said a text so often.
func (n *node) says(text string, times int) {
	n.t.Helper()
	require.Eventually(n.t, func() bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		return strings.Count(n.text.String(), text) >= times
	}, 30*time.Second, 10*time.Millisecond)
}

// instances of a process of one external task.
type instances struct {
	t *testing.T
	c *client.Client
	d contract.Definition
}

func deployTask(t *testing.T, c *client.Client, topic string) *instances {
	t.Helper()
	text := `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" targetNamespace="t">
		<process id="` + topic + `" isExecutable="true"><startEvent id="s"/><sequenceFlow id="a" sourceRef="s" targetRef="work"/>
		<serviceTask id="work" camunda:type="external" camunda:topic="` + topic + `"/><sequenceFlow id="b" sourceRef="work" targetRef="e"/><endEvent id="e"/></process></definitions>`
	model, err := definition.Compress([]byte(text))
	require.NoError(t, err)
	d := contract.Definition{Key: topic, File: topic + ".bpmn", Model: model, MapDefault: string(bpmn.MapAll)}
	d.Digest, err = definition.Digest(d)
	require.NoError(t, err)
	_, err = c.Deploy(t.Context(), d)
	require.NoError(t, err)
	return &instances{t: t, c: c, d: d}
}

func (i *instances) start() string {
	i.t.Helper()
	id, _, err := i.c.Start(i.t.Context(), client.StartOptions{Key: i.d.Key, Variables: map[string]any{"what": "slow"}})
	require.NoError(i.t, err)
	return id
}

func (i *instances) by(id string) any {
	i.t.Helper()
	ctx, cancel := context.WithTimeout(i.t.Context(), time.Minute)
	defer cancel()
	r, err := i.c.Wait(ctx, id)
	require.NoError(i.t, err)
	require.Equal(i.t, contract.StateCompleted, r.State)
	return r.Variables["by"]
}

// A worker that dies with a task has it until its lock runs out: then another gets it.
func TestCamundaClientDies(t *testing.T) {
	c, url := gateway(t)
	i := deployTask(t, c, "dies")
	first := startNode(t, url, "dies", "first", "60000")
	id := i.start()
	first.says("busy with "+id, 1)
	first.kill()
	startNode(t, url, "dies", "second")
	require.Equal(t, "second", i.by(id))
}

// restarts is a gateway that is stopped and started again at the same address.
type restarts struct {
	t       *testing.T
	c       *client.Client
	address string
	http    *http.Server
	broker  *external.Broker
	ended   chan error
}

func (r *restarts) start() {
	r.t.Helper()
	var l net.Listener
	require.Eventually(r.t, func() (free bool) {
		var err error
		l, err = net.Listen("tcp", r.address)
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)
	r.address = l.Addr().String()
	tasks := external.New(r.c, "default")
	r.broker = external.NewBroker(tasks, 200)
	mux := http.NewServeMux()
	for pattern, h := range (&camunda.Server{Tasks: tasks, Broker: r.broker, Admit: func(*http.Request) (external.Scope, error) { return external.Scope{}, nil }}).Routes() {
		mux.Handle(pattern, h)
	}
	r.http, r.ended = &http.Server{Handler: mux}, make(chan error, 1)
	go func(s *http.Server, ended chan<- error) { ended <- s.Serve(l) }(r.http, r.ended)
}

// stop is as gateway.Server has it.
func (r *restarts) stop() {
	r.t.Helper()
	r.broker.Close()
	require.NoError(r.t, r.http.Shutdown(context.Background()))
	require.ErrorIs(r.t, <-r.ended, http.ErrServerClosed)
}

// A gateway that is stopped and started again leaves workers what they have: one that polls polls on, one that is busy completes its task.
func TestCamundaClientOutlivesGateway(t *testing.T) {
	c, _ := gateway(t)
	r := &restarts{t: t, c: c, address: "127.0.0.1:0"}
	r.start()
	t.Cleanup(func() { r.stop() })
	i := deployTask(t, c, "outlives")
	n := startNode(t, "http://"+r.address+"/engine-rest", "outlives", "js", "1500")
	n.says("ready", 1)
	busy := i.start()
	n.says("busy with "+busy, 1)
	r.stop()
	r.start()
	require.Equal(t, "js", i.by(busy))

	r.stop()
	n.says("poll:error", 1) // it polls while nobody is there
	later := i.start()
	r.start()
	require.Equal(t, "js", i.by(later))

	busy = i.start()
	n.says("busy with "+busy, 1)
	r.stop() // and its answer reaches nobody
	n.says("complete:error", 1)
	r.start()
	require.Equal(t, "js", i.by(busy), "it comes again after its lock")
	n.says("busy with "+busy, 2)
}
