package workflows_test

import (
	"context"
	"flag"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	temporal "go.temporal.io/sdk/client"
	"gocloud.dev/blob/memblob"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/definition"
	"github.com/waybill-io/waybill/testsuite"
	"github.com/waybill-io/waybill/testsuite/temporalserver/servertest"
	"github.com/waybill-io/waybill/worker/app"
)

var server servertest.Server

// record is for whoever releases a version: its histories are replayed by every later one.
var record = flag.String("record", "", "folder that the histories of these tests are written to, ../testsuite/histories/engine-6")

func TestMain(m *testing.M) { os.Exit(server.Run(m)) }

// desk is a connector whose answers a test decides.
type desk struct {
	mu     sync.Mutex
	answer func(connectors.Call) (map[string]any, error)
	calls  []connectors.Call
}

func (*desk) Definition() *connectors.Definition {
	d, err := connectors.ParseDefinition("desk.json", []byte(`{"name":"desk","actions":{"1":{"id":"1","name":"CALL",
		"inputs":[{"id":"i","name":"text","type":"string"}],"outputs":[{"id":"o","name":"said","type":"string"}]}}}`))
	if err != nil {
		panic(err)
	}
	return d
}

func (d *desk) Call(_ context.Context, c connectors.Call) (map[string]any, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, c)
	return d.answer(c)
}

func (d *desk) set(answer func(connectors.Call) (map[string]any, error)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answer = answer
}

// startWorker runs a worker with the desk connector and returns a client of it.
func startWorker(t *testing.T, d *desk) *client.Client {
	t.Helper()
	return startWorkerOn(t, server.Client(t), d)
}

func startWorkerOn(t *testing.T, temporal temporal.Client, d *desk) *client.Client {
	t.Helper()
	return startWorkerWith(t, temporal, d)
}

func startWorkerWith(t *testing.T, temporal temporal.Client, d connectors.Connector) *client.Client {
	t.Helper()
	return startApp(t, app.Options{Temporal: temporal, Connectors: []connectors.Connector{d}})
}

func startApp(t *testing.T, o app.Options) *client.Client {
	t.Helper()
	bucket := memblob.OpenBucket(nil)
	o.Namespace, o.Roles, o.Files = "default", []app.Role{app.Process, app.Connectors}, bucket
	a, err := app.New(t.Context(), o)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx, nil) }()
	c := client.New(o.Temporal)
	t.Cleanup(func() {
		replayed := testsuite.ReplayServer(ctx, c, *record)
		checked := testsuite.CheckEvents(ctx, c, checkedRuns)
		cancel()
		require.NoError(t, <-ended)
		require.NoError(t, bucket.Close())
		require.NoError(t, replayed, "what has run must run the same again")
		require.NoError(t, checked, "all that happened is recorded, in one marker a workflow task")
	})
	return c
}

// define makes a definition of a process from the elements of its model.
func define(t *testing.T, key, elements, extensions string) contract.Definition {
	t.Helper()
	xml := `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
		xmlns:activiti="http://activiti.org/bpmn" targetNamespace="t"><message id="m" name="` + key + `-news"/><signal id="signal-1" name="` + key + `-signal"/>
		<process id="` + key + `" isExecutable="true">` + elements + `</process></definitions>`
	model, err := definition.Compress([]byte(xml))
	require.NoError(t, err)
	d := contract.Definition{
		Key: key, File: key + ".bpmn", Model: model, MapDefault: string(bpmn.MapAll),
		Connectors: map[string]contract.Binding{"desk.CALL": {
			TaskQueue: contract.ConnectorQueue, TimeoutMS: 10_000, Retry: contract.Retry{Attempts: 2, IntervalMS: 10, Coefficient: 1},
		}},
	}
	if extensions != "" {
		d.Extensions = []byte(extensions)
	}
	d.Digest, err = definition.Digest(d)
	require.NoError(t, err)
	_, err = definition.Parse(d, 0)
	require.NoError(t, err)
	return d
}
