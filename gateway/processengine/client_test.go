package processengine_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
)

// clients are those that were published, with the program that uses each. Args follow the URL and the topic.
var clients = []struct {
	name, needs, program string
	args                 []string
	base                 string
	thrown               string // message of the incident of a handler that throws
}{
	{name: "process-engine", needs: "@process-engine/external_task_api_client", program: "processengine.js", base: "/api/external_task/v1"},
	{name: "ProcessCube", needs: "@5minds/processcube_engine_client", program: "processcube.js", args: []string{"2000"}, base: "/atlas_engine/api/v1/external_tasks"},
}

const work = `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" targetNamespace="t">
	<error id="err" errorCode="BAD"/><process id="work" isExecutable="true"><startEvent id="s"/><sequenceFlow id="a" sourceRef="s" targetRef="do"/>
	<serviceTask id="do" camunda:type="external" camunda:topic="${topic}"/><sequenceFlow id="b" sourceRef="do" targetRef="e"/><endEvent id="e"/>
	<boundaryEvent id="bad" attachedToRef="do"><errorEventDefinition errorRef="err"/></boundaryEvent><sequenceFlow id="c" sourceRef="bad" targetRef="rescued"/><endEvent id="rescued"/></process></definitions>`

// The published clients drive processes to their ends.
func TestClients(t *testing.T) {
	h := open(t)
	h.deploy("work", work)
	for _, c := range clients {
		run := func(t *testing.T, g *house, topic string) *program {
			p := node(t, "testdata/client", c.needs, c.program, append([]string{g.url(), topic}, c.args...)...)
			p.await("ready")
			return p
		}
		begin := func(h *house, topic, what string) string {
			lines := []any{object{"price": 10}, object{"price": 20}}
			return h.start("work", object{"topic": topic, "what": what, "lines": lines})
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := h.in(t)
			p, topic := run(t, h, c.name), c.name
			fail, thrown := begin(h, topic, "fail"), begin(h, topic, "throw")
			require.Contains(t, h.incident(fail).Message, "no luck")
			require.Contains(t, h.incident(thrown).Message, "thrown")

			rescued := h.ended(begin(h, topic, "error"))
			require.Equal(t, contract.StateCompleted, rescued.State)
			require.Contains(t, rescued.Path, "rescued")

			done := h.ended(begin(h, topic, "succeed"))
			require.EqualValues(t, 30, done.Variables["total"])
			require.Contains(t, done.Path, "e")

			outlived := h.ended(begin(h, topic, "outlive"))
			require.Equal(t, true, outlived.Variables["outlived"])
			p.kill()
			require.Equal(t, 1, p.begun("outlive"), "nobody had it beside the worker whose lock was extended")
		})
		t.Run(c.name+" is killed", func(t *testing.T) {
			t.Parallel()
			h := h.in(t)
			topic := c.name + "-killed"
			first := run(t, h, topic)
			id := begin(h, topic, "crash")
			first.await("begun crash")
			first.kill()
			second := run(t, h, topic)
			second.await("begun crash") // when the lock has run out
			require.NoError(t, h.Cancel(t.Context(), id))
		})
		t.Run(c.name+" outlives a gateway", func(t *testing.T) {
			t.Parallel()
			h := h.in(t)
			topic, g := c.name+"-restarts", h.another(t)
			p := run(t, g, topic)
			first := begin(h, topic, "wait")
			p.await("begun wait")
			g.stop()
			g.serve()
			p.say("go on")
			require.Equal(t, true, h.ended(first).Variables["waited"])

			g.stop() // while it polls
			second := begin(h, topic, "wait")
			g.serve()
			p.await("begun wait")
			p.say("go on")
			require.Equal(t, true, h.ended(second).Variables["waited"])
		})
	}
}

// A worker extends its lock by the client's API, and asks for more when the task is finished.
func TestClientExtends(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.deploy("work", work)
	const topic = "extended"
	p := node(t, "testdata/client", clients[0].needs, clients[0].program, h.url(), topic, "api")
	p.await("ready")
	id := h.start("work", object{"topic": topic})
	p.await("busy")
	ctx, cancel := context.WithCancel(t.Context())
	other := make(chan string, 1)
	go func() { // who would get it, had the first lock run out
		b, _ := json.Marshal(object{"workerId": "bob", "topicName": topic, "maxTasks": 1, "longPollingTimeout": 60_000, "lockDuration": 1000})
		r, _ := http.NewRequestWithContext(ctx, http.MethodPost, h.url()+"/api/consumer/v1/fetch_and_lock", strings.NewReader(string(b)))
		r.Header.Set("Authorization", admitted)
		answered, err := http.DefaultClient.Do(r)
		if err != nil {
			other <- ""
			return
		}
		defer answered.Body.Close()
		text, _ := io.ReadAll(answered.Body)
		other <- string(text)
	}()
	require.Equal(t, true, h.ended(id).Variables["extended"])
	require.Equal(t, " 410", p.await("late"))
	cancel()
	require.Empty(t, <-other)
}
