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

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/external"
	"github.com/waybill-io/waybill/testsuite/externaltest"
	"github.com/waybill-io/waybill/testsuite/temporalserver/servertest"
	"github.com/waybill-io/waybill/worker/app"
)

var server servertest.Server

func TestMain(m *testing.M) { os.Exit(server.Run(m)) }

// place is a worker, and a topic for one test.
type place struct {
	t *testing.T
	*externaltest.Place
	*external.Tasks
	topic string
}

func startPlace(t *testing.T) *place {
	t.Helper()
	return startPlaceAt(t, server.Client(t))
}

func startPlaceAt(t *testing.T, temporal temporal.Client) *place {
	t.Helper()
	p := externaltest.Open(t, app.Options{Temporal: temporal})
	return &place{t: t, Place: p, Tasks: p.Tasks, topic: strings.NewReplacer("/", "-", " ", "-").Replace(t.Name()) + "-" + rand.Text()[:6]}
}

// one is a process of an external task whose BPMN error is caught.
func one(topic string) string { return externaltest.Task(externaltest.Topic(topic)) }

func (p *place) deploy(inner string) (key string) { return p.deployKey("p-"+p.topic, inner) }

func (p *place) deployKey(key, inner string) string {
	p.t.Helper()
	return p.Deploy(key, externaltest.Model(key, inner))
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
