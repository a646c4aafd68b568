package externaltest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gocloud.dev/blob/memblob"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/definition"
	"github.com/waybill-io/waybill/external"
	"github.com/waybill-io/waybill/worker/app"
)

const (
	namespace = "default"
	patience  = 2 * time.Minute // a machine that runs many tests is slow
	tick      = 20 * time.Millisecond
)

// Place is a worker, and who asks for its processes.
type Place struct {
	*client.Client
	Tasks *external.Tasks
	App   *app.App
	t     testing.TB
}

// Open starts a worker of the namespace default, which ends with the test. Of the options it needs Temporal; without roles it has that of
// processes.
func Open(t testing.TB, o app.Options) *Place {
	t.Helper()
	bucket := memblob.OpenBucket(nil)
	o.Namespace, o.Files = namespace, bucket
	if o.Roles == nil {
		o.Roles = []app.Role{app.Process}
	}
	a, err := app.New(t.Context(), o)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended, started := make(chan error, 1), make(chan struct{})
	go func() { ended <- a.Run(ctx, func() { close(started) }) }()
	t.Cleanup(func() { cancel(); require.NoError(t, <-ended); require.NoError(t, bucket.Close()) })
	select {
	case <-started:
	case err := <-ended:
		ended <- err // for who cleans up
		require.FailNow(t, "the worker has ended", err)
	}
	p := &Place{App: a, t: t}
	return p.Over(client.New(o.Temporal))
}

// Over is the same place for who asks by another client.
func (p *Place) Over(c *client.Client) *Place {
	return &Place{Client: c, Tasks: external.New(c, namespace), App: p.App, t: p.t}
}

// In has what fails told to another test, such as a subtest.
func (p *Place) In(t testing.TB) *Place {
	other := *p
	other.t = t
	return &other
}

// Model is a document with a process of these elements, and the error err of the code BAD.
func Model(key, elements string) string {
	return `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" xmlns:flowable="http://flowable.org/bpmn" targetNamespace="t">
		<error id="err" errorCode="BAD"/><process id="` + key + `" isExecutable="true">` + elements + `</process></definitions>`
}

// Task is the elements of a process of one task "work", whose attributes say what is outside. Its error is caught, which leads to the end
// "rescued" instead of "e".
func Task(attributes string) string {
	return `<startEvent id="s"/><sequenceFlow id="a" sourceRef="s" targetRef="work"/>
		<serviceTask id="work" name="Do it" ` + attributes + `/><sequenceFlow id="b" sourceRef="work" targetRef="e"/><endEvent id="e"/>
		<boundaryEvent id="bad" attachedToRef="work"><errorEventDefinition errorRef="err"/></boundaryEvent><sequenceFlow id="c" sourceRef="bad" targetRef="rescued"/><endEvent id="rescued"/>`
}

// Topic is the attributes of an external task.
func Topic(topic string) string { return `camunda:type="external" camunda:topic="` + topic + `"` }

// Deploy deploys a document, and returns the key that it was given.
func (p *Place) Deploy(key, model string) string {
	p.t.Helper()
	text, err := definition.Compress([]byte(model))
	require.NoError(p.t, err)
	d := contract.Definition{Key: key, File: key + ".bpmn", Model: text, MapDefault: string(bpmn.MapAll)}
	d.Digest, err = definition.Digest(d)
	require.NoError(p.t, err)
	_, err = p.Client.Deploy(p.t.Context(), d)
	require.NoError(p.t, err)
	return key
}

// Begin starts an instance.
func (p *Place) Begin(o client.StartOptions) (instance string) {
	p.t.Helper()
	instance, _, err := p.Start(p.t.Context(), o)
	require.NoError(p.t, err)
	return instance
}

// Ended waits until an instance is completed.
func (p *Place) Ended(instance string) contract.ProcessResult {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	r, err := p.Wait(ctx, instance)
	if err != nil {
		state, _ := p.Client.Get(p.t.Context(), instance)
		require.NoError(p.t, err, "%s waits at %s, with incidents %+v", instance, state.Active, state.Incidents)
	}
	require.Equal(p.t, contract.StateCompleted, r.State, instance)
	return r
}

// Incident waits for the first of an instance.
func (p *Place) Incident(instance string) contract.Incident {
	p.t.Helper()
	var found []contract.Incident
	require.Eventually(p.t, func() bool {
		state, err := p.Client.Get(p.t.Context(), instance)
		found = slices.Clone(state.Incidents)
		return err == nil && len(found) > 0
	}, patience, tick, "%s has no incident", instance)
	return found[0]
}
