package processengine_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/testsuite/externaltest"
)

// published is a client that was, and the program that uses it. Args follow the URL and the topic.
type published struct {
	name, needs, program string
	args                 []string
}

var clients = []published{
	{name: "process-engine", needs: "@process-engine/external_task_api_client", program: "processengine.js"},
	{name: "ProcessCube", needs: "@5minds/processcube_engine_client", program: "processcube.js", args: []string{"2000"}},
}

// outside is a process of a task whose topic is in the variables.
var outside = externaltest.Model("outside", externaltest.Task(externaltest.Topic("${topic}")))

// The published clients drive processes to their ends.
func TestClients(t *testing.T) {
	h := open(t)
	h.Deploy("outside", outside)
	for _, c := range clients {
		run := func(h *house, topic string) *externaltest.Node {
			return h.run(c, append([]string{topic}, c.args...)...)
		}
		begin := func(h *house, topic, what string) string {
			lines := []any{object{"price": 10}, object{"price": 20}}
			return h.start("outside", object{"topic": topic, "what": what, "lines": lines})
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := h.in(t)
			p, topic := run(h, c.name), c.name
			fail, thrown := begin(h, topic, "fail"), begin(h, topic, "throw")
			require.Contains(t, h.Incident(fail).Message, "no luck")
			require.Contains(t, h.Incident(thrown).Message, "thrown")

			rescued := h.Ended(begin(h, topic, "error"))
			require.Contains(t, rescued.Path, "rescued")

			done := h.Ended(begin(h, topic, "succeed"))
			require.EqualValues(t, 30, done.Variables["total"])
			require.Contains(t, done.Path, "e")

			outlived := h.Ended(begin(h, topic, "outlive"))
			require.Equal(t, true, outlived.Variables["outlived"])
			p.Kill()
			require.Equal(t, 1, p.Said("begun outlive"), "nobody had it beside the worker whose lock was extended")
		})
		t.Run(c.name+" is killed", func(t *testing.T) {
			t.Parallel()
			h := h.in(t)
			topic := c.name + "-killed"
			first := run(h, topic)
			id := begin(h, topic, "crash")
			first.Await("begun crash")
			first.Kill()
			second := run(h, topic)
			second.Await("begun crash") // when the lock has run out
			require.NoError(t, h.Cancel(t.Context(), id))
		})
		t.Run(c.name+" outlives a gateway", func(t *testing.T) {
			t.Parallel()
			h := h.in(t)
			topic, g := c.name+"-restarts", h.another(t)
			p := run(g, topic)
			first := begin(h, topic, "wait")
			p.Await("begun wait")
			g.gateway.Kill()
			g.gateway.Start()
			p.Say("go on")
			require.Equal(t, true, h.Ended(first).Variables["waited"])

			g.gateway.Kill() // while it polls
			second := begin(h, topic, "wait")
			g.gateway.Start()
			p.Await("begun wait")
			p.Say("go on")
			require.Equal(t, true, h.Ended(second).Variables["waited"])
		})
	}
}

// A worker extends its lock by the client's API, and asks for more when the task is finished.
func TestClientExtends(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.Deploy("outside", outside)
	const topic = "extended"
	p := h.run(clients[0], topic, "api")
	id := h.start("outside", object{"topic": topic})
	p.Await("busy")
	ctx, cancel := context.WithCancel(t.Context())
	other := make(chan string, 1)
	go func() { // who would get it, had the first lock run out
		b, _ := json.Marshal(object{"workerId": "bob", "topicName": topic, "maxTasks": 1, "longPollingTimeout": 60_000, "lockDuration": 1000})
		r, _ := http.NewRequestWithContext(ctx, http.MethodPost, h.gateway.URL()+"/api/consumer/v1/fetch_and_lock", strings.NewReader(string(b)))
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
	require.Equal(t, true, h.Ended(id).Variables["extended"])
	require.Equal(t, " 410", p.Await("late"))
	cancel()
	require.Empty(t, <-other)
}
