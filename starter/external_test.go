package main

import (
	"context"
	"encoding/json"
	"fmt"
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
	worker "github.com/waybill-io/waybill/worker/app"
)

var server servertest.Server

func TestMain(m *testing.M) { os.Exit(server.Run(m)) }

// outside is a server with a process of an external task, and a shell.
func outside(t *testing.T, key string) (*shell, *client.Client, *external.Tasks) {
	t.Helper()
	c := server.Client(t)
	bucket := memblob.OpenBucket(nil)
	w, err := worker.New(t.Context(), worker.Options{Temporal: c, Namespace: "default", Roles: []worker.Role{worker.Process}, Files: bucket})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended, started := make(chan error, 1), make(chan struct{})
	go func() { ended <- w.Run(ctx, func() { close(started) }) }()
	t.Cleanup(func() { cancel(); require.NoError(t, <-ended); require.NoError(t, bucket.Close()) })
	<-started
	model, err := definition.Compress([]byte(`<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" targetNamespace="t">
		<process id="` + key + `" isExecutable="true"><startEvent id="s"/><sequenceFlow id="a" sourceRef="s" targetRef="work"/>
		<serviceTask id="work" name="Do it" camunda:type="external" camunda:topic="` + key + `"/><sequenceFlow id="b" sourceRef="work" targetRef="e"/><endEvent id="e"/></process></definitions>`))
	require.NoError(t, err)
	d := contract.Definition{Key: key, File: "p.bpmn", Model: model, MapDefault: string(bpmn.MapAll)}
	d.Digest, err = definition.Digest(d)
	require.NoError(t, err)
	waybill := client.New(c)
	_, err = waybill.Deploy(t.Context(), d)
	require.NoError(t, err)
	s := newShell(nil)
	s.dial = func(ctx context.Context, _, _ string) (temporal.Client, error) {
		return temporal.DialContext(ctx, temporal.Options{HostPort: server.Address(t)})
	}
	return s, waybill, external.New(waybill, "default")
}

func TestExternal(t *testing.T) {
	const topic = "starter-external"
	s, c, tasks := outside(t, topic)
	instance, _, err := c.Start(t.Context(), client.StartOptions{Key: topic, BusinessKey: "K"})
	require.NoError(t, err)
	var listed []openExternal
	list := func(args ...string) []openExternal {
		t.Helper()
		s.out.Reset()
		require.Equal(t, exitOK, s.run(t.Context(), append([]string{"external", "list", "--output", "json"}, args...)...), s.err.String())
		listed = nil
		require.NoError(t, json.Unmarshal(s.out.Bytes(), &listed), s.out.String())
		return listed
	}
	require.Eventually(t, func() bool { return len(list("--topic", topic)) == 1 }, 20*time.Second, 50*time.Millisecond)
	id := listed[0].ID
	require.Equal(t, openExternal{
		ID: id, Topic: topic, Instance: instance, Key: topic, Version: 1, Element: "work", Name: "Do it", BusinessKey: "K", Created: listed[0].Created,
	}, listed[0])
	require.Len(t, list("--instance", instance), 1)
	require.Len(t, list("--key", topic), 1)
	require.Empty(t, list("--key", "none"))
	require.Empty(t, list("--topic", topic, "--failed"))

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	o, err := tasks.Poll(ctx, topic)
	require.NoError(t, err)
	_, err = tasks.Lock(ctx, o, "ann", time.Minute)
	require.NoError(t, err)
	require.Equal(t, "ann", list("--topic", topic, "--worker", "ann")[0].Worker)
	require.WithinDuration(t, time.Now().Add(time.Minute), *listed[0].Until, 10*time.Second)
	require.Empty(t, list("--topic", topic, "--worker", "bob"))
	s.do(t, exitOK, "external", "list", "--topic", topic)
	require.Contains(t, s.out.String(), "ann")
	s.do(t, exitOK, "external", "unlock", id)
	require.Equal(t, "unlocked external task "+id+"\n", s.out.String())
	require.Empty(t, list("--topic", topic, "--worker", "ann"))

	s.do(t, exitOK, "external", "retries", id, "0")
	require.Len(t, list("--topic", topic, "--failed"), 1)
	require.Positive(t, listed[0].Incident)
	s.do(t, exitOK, "external", "retries", "--topic", topic, "--all", "--failed", "4")
	require.Equal(t, "set the retries of 1 external tasks to 4\n", s.out.String())
	require.Equal(t, 4, *list("--topic", topic)[0].Retries)
	s.do(t, exitOK, "external", "retries", "--topic", topic, "--all", "--failed", "5", "--output", "json")
	require.JSONEq(t, `{"tasks":0,"retries":5}`, s.out.String())

	for line, want := range map[string]string{"external unlock ": id, "external retries ": id, "external list --topic ": topic} {
		s.do(t, exitOK, append([]string{"__complete"}, strings.Split(line, " ")...)...)
		require.Contains(t, s.out.String(), want, line)
	}
	for _, args := range [][]string{{"unlock", "nobody"}, {"retries", "nobody", "3"}} {
		s.do(t, exitNotFound, append([]string{"external"}, args...)...)
	}
	require.NoError(t, c.Cancel(t.Context(), instance))
	require.Eventually(t, func() bool { return s.run(t.Context(), "external", "retries", id, "3") == exitNotFound }, 20*time.Second, 50*time.Millisecond, "it has gone")
	s.do(t, exitOK, "external", "list", "--topic", topic, "--output", "text")
	require.Equal(t, "no open external tasks\n", s.out.String())
}

// do runs a command that ends with a code.
func (s *shell) do(t *testing.T, code int, args ...string) {
	t.Helper()
	s.out.Reset()
	s.err.Reset()
	s.output = outputText
	require.Equal(t, code, s.run(t.Context(), args...), fmt.Sprint(args, s.err.String()))
}

func TestExternalUsage(t *testing.T) {
	for _, args := range []string{"retries x", "retries x y", "retries x -- -1", "retries --all 3", "retries --topic t 3", "retries --topic t --all x", "retries --failed x 3", "unlock", "list more"} {
		s := newShell(nil)
		require.Equal(t, exitUsage, s.run(t.Context(), append([]string{"external"}, strings.Fields(args)...)...), args)
	}
}
