package rebuild_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"

	"github.com/waybill-io/waybill/activities"
	"github.com/waybill-io/waybill/analytics"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/project"
	"github.com/waybill-io/waybill/testsuite/elasticsearch"
	"github.com/waybill-io/waybill/testsuite/process"
	"github.com/waybill-io/waybill/testsuite/temporalserver"
	"github.com/waybill-io/waybill/worker/app"
)

var index elasticsearch.Shared

// workerVariable has this program be a worker, which can be killed.
const workerVariable = "WAYBILL_REBUILD_WORKER"

func TestMain(m *testing.M) {
	if text := os.Getenv(workerVariable); text != "" {
		if err := work(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(index.Run(m))
}

// place is where a worker finds all that it needs.
type place struct {
	Temporal, Elasticsearch, Prefix, Files string
	Keep                                   bool
}

func (p place) open() (temporal.Client, *analytics.Store, *blob.Bucket, error) {
	c, err := temporal.Dial(temporal.Options{HostPort: p.Temporal, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	if err != nil {
		return nil, nil, nil, err
	}
	store, err := analytics.Open(analytics.Config{Addresses: []string{p.Elasticsearch}, SocketTimeout: time.Minute, Names: analytics.Names{Prefix: p.Prefix, TenantPrefix: "t" + p.Prefix + "-"}})
	if err != nil {
		return nil, nil, nil, err
	}
	bucket, err := fileblob.OpenBucket(p.Files, &fileblob.Options{Metadata: fileblob.MetadataDontWrite, NoTempDir: true})
	return c, store, bucket, err
}

// work is a worker with the roles that analytics needs. It ends with its standard input.
func work(text string) error {
	var p place
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return err
	}
	c, store, bucket, err := p.open()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	a, err := app.New(ctx, app.Options{
		Temporal: c, Namespace: "default", Roles: []app.Role{app.Process, app.Indexer}, Files: bucket,
		Indexing: &app.Indexing{Sink: store, Settings: activities.IndexerSettings{Expression: "0/5 * * * * ?"}, Rebuilds: activities.RebuildSettings{Keep: p.Keep}},
		Logger:   slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return err
	}
	return a.Run(ctx, nil)
}

// installation is all that a rebuild needs.
type installation struct {
	place
	t      *testing.T
	client *client.Client
	store  *analytics.Store
	bucket *blob.Bucket
	worker *process.Process
	log    string
}

func install(t *testing.T) *installation {
	t.Helper()
	return installWith(t, func(*place) {})
}

func installWith(t *testing.T, change func(*place)) *installation {
	t.Helper()
	i := &installation{t: t, place: place{
		Temporal: startTemporal(t), Elasticsearch: index.URL(t), Prefix: fmt.Sprintf("r%d", time.Now().UnixNano()), Files: t.TempDir(), Keep: true,
	}}
	change(&i.place)
	c, store, bucket, err := i.open()
	require.NoError(t, err)
	t.Cleanup(func() { c.Close(); store.Close(); _ = bucket.Close() })
	i.client, i.store, i.bucket = client.New(c), store, bucket
	i.log = filepath.Join(t.TempDir(), "log")
	t.Cleanup(func() {
		if t.Failed() {
			text, _ := os.ReadFile(i.log)
			t.Log(string(text[max(0, len(text)-8000):]))
		}
	})
	i.start()
	t.Cleanup(i.kill)
	return i
}

func startTemporal(t *testing.T) (address string) {
	t.Helper()
	program, err := temporalserver.Find(t.Context(), temporalserver.FindOptions{NoBuild: true})
	if err != nil {
		process.Missing(t, fmt.Sprint("no Temporal server: ", err))
	}
	s, err := temporalserver.Start(t.Context(), temporalserver.Options{Program: program})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop()) })
	return s.Address
}

func (i *installation) start() {
	i.t.Helper()
	text, err := json.Marshal(i.place)
	require.NoError(i.t, err)
	program, err := os.Executable()
	require.NoError(i.t, err)
	c := exec.Command(program)
	c.Env = append(os.Environ(), workerVariable+"="+string(text))
	_, err = c.StdinPipe() // ends with this process, and the worker with it
	require.NoError(i.t, err)
	i.worker = process.Start(i.t, c, i.log)
}

func (i *installation) kill() { i.worker.End(syscall.SIGKILL) }

// deploy deploys a process with a task.
func (i *installation) deploy() {
	i.t.Helper()
	file := filepath.Join(i.t.TempDir(), "order.bpmn")
	require.NoError(i.t, os.WriteFile(file, []byte(`<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t"><process id="order" isExecutable="true">
<startEvent id="start"/><sequenceFlow id="f1" sourceRef="start" targetRef="check"/>
<userTask id="check" name="Check"/><sequenceFlow id="f2" sourceRef="check" targetRef="end"/><endEvent id="end"/></process></definitions>`), 0o600))
	p, err := project.Load([]string{file}, project.Options{})
	require.NoError(i.t, err)
	require.Eventually(i.t, func() bool {
		_, err := i.client.Deploy(i.t.Context(), p.Definitions[0])
		return err == nil
	}, time.Minute, 100*time.Millisecond)
}
