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

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/testsuite/externaltest"
	"github.com/waybill-io/waybill/testsuite/temporalserver/servertest"
	worker "github.com/waybill-io/waybill/worker/app"
)

var server servertest.Server

func TestMain(m *testing.M) { os.Exit(server.Run(m)) }

// outside is a worker with a process of an external task, and a shell.
func outside(t *testing.T, key string) (*shell, *externaltest.Place) {
	t.Helper()
	p := externaltest.Open(t, worker.Options{Temporal: server.Client(t)})
	p.Deploy(key, externaltest.Model(key, externaltest.Task(externaltest.Topic(key))))
	s := newShell(nil)
	s.dial = func(ctx context.Context, _, _ string) (temporal.Client, error) {
		return temporal.DialContext(ctx, temporal.Options{HostPort: server.Address(t)})
	}
	return s, p
}

func TestExternal(t *testing.T) {
	const topic = "starter-external"
	s, p := outside(t, topic)
	instance := p.Begin(client.StartOptions{Key: topic, BusinessKey: "K"})
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
	o, err := p.Tasks.Poll(ctx, topic)
	require.NoError(t, err)
	_, err = p.Tasks.Lock(ctx, o, "ann", time.Minute)
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
	require.NoError(t, p.Cancel(t.Context(), instance))
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
