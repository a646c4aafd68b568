package external_test

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	temporal "go.temporal.io/sdk/client"
	"gocloud.dev/blob/memblob"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/definition"
	"github.com/waybill-io/waybill/external"
	"github.com/waybill-io/waybill/testsuite/temporalserver/servertest"
	"github.com/waybill-io/waybill/worker/app"
)

var server servertest.Server

func TestMain(m *testing.M) { os.Exit(server.Run(m)) }

// place is a worker with a deployed process of one external task.
type place struct {
	t *testing.T
	*client.Client
	*external.Tasks
	topic string
}

func startPlace(t *testing.T) *place {
	t.Helper()
	return startPlaceAt(t, server.Client(t))
}

func startPlaceAt(t *testing.T, temporal temporal.Client) *place {
	t.Helper()
	bucket := memblob.OpenBucket(nil)
	a, err := app.New(t.Context(), app.Options{Temporal: temporal, Namespace: "default", Roles: []app.Role{app.Process}, Files: bucket})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended, started := make(chan error, 1), make(chan struct{})
	go func() { ended <- a.Run(ctx, func() { close(started) }) }()
	t.Cleanup(func() { cancel(); require.NoError(t, <-ended); require.NoError(t, bucket.Close()) })
	<-started
	p := &place{t: t, Client: client.New(temporal), topic: strings.NewReplacer("/", "-", " ", "-").Replace(t.Name()) + "-" + rand.Text()[:6]}
	p.Tasks = external.New(p.Client, "default")
	return p
}

func (p *place) deploy(inner string) string { return p.deployKey("p-"+p.topic, inner) }

func (p *place) deployKey(key, inner string) string {
	p.t.Helper()

	text := `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" targetNamespace="t">
		<error id="err" errorCode="BAD"/><process id="` + key + `" isExecutable="true">` + inner + `</process></definitions>`
	model, err := definition.Compress([]byte(text))
	require.NoError(p.t, err)
	d := contract.Definition{Key: key, File: key + ".bpmn", Model: model, MapDefault: string(bpmn.MapAll)}
	d.Digest, err = definition.Digest(d)
	require.NoError(p.t, err)
	_, err = p.Deploy(p.t.Context(), d)
	require.NoError(p.t, err)
	return key
}

func (p *place) fetch(worker string, lock time.Duration) *external.Task {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 30*time.Second)
	defer cancel()
	o, err := p.Poll(ctx, p.topic)
	require.NoError(p.t, err)
	require.NotNil(p.t, o)
	task, err := p.Lock(ctx, o, worker, lock)
	require.NoError(p.t, err)
	return task
}

// retry answers an incident.
func (p *place) retry(instance string, incident, retries int) error {
	_, err := p.AnswerIncident(p.t.Context(), instance, contract.IncidentAnswer{ID: incident, Action: "retry", Retries: retries})
	return err
}
