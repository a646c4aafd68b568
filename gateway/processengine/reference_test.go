package processengine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/testsuite/externaltest"
)

// caller asks a server, and remembers what it answers.
type caller struct {
	t       *testing.T
	base    string                    // URL of the five routes
	topic   string                    // of this caller alone
	create  func(topic string) string // a task, and its id
	begin   func(topic string)        // a task, which may be gone at once
	answers []answer
}

// answer is what must be the same: the status, the headers that the contract names, and which fields of which types there are.
type answer struct{ status, deprecation, link, shape string }

const admitted = "Bearer d29ya2Vy"

// post asks, and returns what was answered.
func (c *caller) post(path string, body any, authorization ...string) any {
	c.t.Helper()
	text, raw := body.(string)
	if !raw {
		b, err := json.Marshal(body)
		require.NoError(c.t, err)
		text = string(b)
	}
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.base+path, strings.NewReader(text))
	require.NoError(c.t, err)
	r.Header.Set("Content-Type", "application/json")
	if len(authorization) == 0 {
		authorization = []string{admitted}
	}
	if authorization[0] != "" {
		r.Header["Authorization"] = authorization
	}
	answered, err := http.DefaultClient.Do(r)
	require.NoError(c.t, err)
	defer answered.Body.Close()
	b, err := io.ReadAll(answered.Body)
	require.NoError(c.t, err)
	a := answer{status: answered.Status, deprecation: answered.Header.Get("Deprecation"), link: answered.Header.Get("Link"), shape: "nothing"}
	var content any
	if len(b) > 0 {
		require.NoError(c.t, json.Unmarshal(b, &content), "%s", b)
		a.shape = shape(content)
	}
	c.answers = append(c.answers, a)
	return content
}

// shape names the fields of JSON and their types.
func shape(v any) string {
	switch v := v.(type) {
	case map[string]any:
		var fields []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			s := shape(v[k])
			if text, ok := v[k].(string); ok && isDate(text) {
				s = "date"
			}
			fields = append(fields, k+": "+s)
		}
		return "{" + strings.Join(fields, ", ") + "}"
	case []any:
		var all []string
		for _, x := range v {
			all = append(all, shape(x))
		}
		return "[" + strings.Join(all, ", ") + "]"
	case nil:
		return "null"
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", v), "float64 ")
}

// isDate tells whether a text is a date as JavaScript has it.
func isDate(s string) bool {
	_, err := time.Parse("2006-01-02T15:04:05.000Z", s)
	return err == nil
}

type object = map[string]any

func (c *caller) fetch(worker string, lock int) any {
	return c.post("/fetch_and_lock", object{"workerId": worker, "topicName": c.topic, "maxTasks": 10, "longPollingTimeout": 10_000, "lockDuration": lock})
}

// locked is a task that a worker has for so long.
func (c *caller) locked(worker string, lock int) (id string, until time.Time) {
	c.t.Helper()
	id = c.create(c.topic)
	found, ok := c.fetch(worker, lock).([]any)
	require.True(c.t, ok && len(found) == 1, "one task is fetched")
	task := found[0].(object)
	require.Equal(c.t, id, task["id"])
	until, err := time.Parse(time.RFC3339, task["lockExpirationTime"].(string))
	require.NoError(c.t, err)
	return id, until
}

// expired is a task whose lock a worker has lost, which no other has taken yet.
func (c *caller) expired(worker string) (id string) {
	c.t.Helper()
	id, until := c.locked(worker, 300)
	require.Eventually(c.t, func() bool { return time.Now().After(until.Add(100 * time.Millisecond)) }, time.Minute, 10*time.Millisecond)
	return id
}

func (c *caller) task(id, what string, body object, authorization ...string) {
	c.t.Helper()
	c.post("/task/"+id+"/"+what, body, authorization...)
}

// answers are the four routes of a task, with what is said at them.
func answers(worker string) map[string]object {
	return map[string]object{
		"extend_lock":          {"workerId": worker, "additionalDuration": 30_000},
		"handle_bpmn_error":    {"workerId": worker, "errorCode": "BAD", "errorMessage": "so"},
		"handle_service_error": {"workerId": worker, "errorMessage": "so", "errorDetails": "a trace"},
		"finish":               {"workerId": worker, "result": object{"total": 3}},
	}
}

// all calls the four routes, each with a task of its own.
func (c *caller) all(worker string, task func() string, authorization ...string) {
	c.t.Helper()
	said, topic := answers(worker), c.topic
	defer func() { c.topic = topic }()
	for _, what := range slices.Sorted(maps.Keys(said)) {
		c.topic = topic + "-" + what
		c.task(task(), what, said[what], authorization...)
	}
}

// late is why a lock that nobody has is not extended, as theirs would be. The worker's answer is heard all the same, until another has the task.
const late = "a failed task that an operator has offered again keeps its id here, and process-engine's client extends those that its handlers threw for, on and on: nobody else could get them"

// cases are asked of both servers. Where ours answers otherwise, why says so, and ours are the statuses and shapes of the answers by their
// number.
var cases = []struct {
	name string
	ask  func(c *caller)
	ours map[int]answer
	why  string
}{
	{name: "nothing to fetch", ask: func(c *caller) {
		c.post("/fetch_and_lock", object{"workerId": "ann", "topicName": c.topic, "maxTasks": 1, "longPollingTimeout": 0, "lockDuration": 1000})
		c.post("/fetch_and_lock", object{"workerId": "ann", "topicName": c.topic, "maxTasks": 1, "longPollingTimeout": 200, "lockDuration": 1000})
	}},
	{name: "missing fields", ask: func(c *caller) {
		c.post("/fetch_and_lock", object{})
		c.post("/fetch_and_lock", "")
		c.post("/fetch_and_lock", object{"workerId": "ann"})
		c.post("/fetch_and_lock", object{"topicName": c.topic})
		c.post("/fetch_and_lock", object{"workerId": "ann", "topicName": c.topic})
		c.post("/fetch_and_lock", object{"workerId": "ann", "topicName": c.topic, "maxTasks": "many", "longPollingTimeout": -5, "lockDuration": nil})
	}},
	{name: "a task", ask: func(c *caller) { c.locked("ann", 30_000) }},
	{name: "no limit", ask: func(c *caller) {
		for range 3 {
			c.create(c.topic)
		}
		for left := 3; left > 0; { // they need not come at once
			found := c.post("/fetch_and_lock", object{"workerId": "ann", "topicName": c.topic, "maxTasks": 0, "longPollingTimeout": 10_000, "lockDuration": 30_000}).([]any)
			left -= len(found)
			c.answers = nil
		}
		c.fetchNone("ann")
	}},
	{name: "one at most", ask: func(c *caller) {
		c.create(c.topic)
		c.create(c.topic)
		c.post("/fetch_and_lock", object{"workerId": "ann", "topicName": c.topic, "maxTasks": 1, "longPollingTimeout": 10_000, "lockDuration": 30_000})
	}},
	{name: "waits for a task", ask: func(c *caller) {
		begun := make(chan struct{})
		go func() { defer close(begun); c.begin(c.topic) }()
		c.fetch("ann", 30_000)
		<-begun
	}},
	{name: "a lock that ran out", ask: func(c *caller) {
		c.expired("ann")
		c.fetch("bob", 30_000)
	}},
	{name: "the worker's own", ask: func(c *caller) {
		c.all("ann", func() string { id, _ := c.locked("ann", 30_000); return id })
	}},
	{name: "another's", ask: func(c *caller) {
		id, _ := c.locked("ann", 30_000)
		c.all("bob", func() string { return id })
		c.all("", func() string { return id })
	}},
	{
		name: "another's that ran out", ask: func(c *caller) { c.all("bob", func() string { return c.expired("ann") }) },
		ours: map[int]answer{1: {status: "423 Locked", shape: "{message: string}"}}, why: late,
	},
	{
		name: "its own that ran out", ask: func(c *caller) { c.all("ann", func() string { return c.expired("ann") }) },
		ours: map[int]answer{1: {status: "423 Locked", shape: "{message: string}"}}, why: late,
	},
	{
		name: "nobody's", ask: func(c *caller) { c.all("bob", func() string { return c.create(c.topic) }) },
		ours: map[int]answer{0: {status: "423 Locked", shape: "{message: string}"}}, why: late,
	},
	{name: "extended", ask: func(c *caller) {
		id, _ := c.locked("ann", 5_000)
		c.task(id, "extend_lock", object{"workerId": "ann", "additionalDuration": 30_000})
		c.task(id, "extend_lock", object{"workerId": "ann", "additionalDuration": 30_000})
		c.task(id, "finish", object{"workerId": "bob"})
		c.task(id, "finish", object{"workerId": "ann"})
	}},
	{name: "finished", ask: func(c *caller) {
		id, _ := c.locked("ann", 30_000)
		c.task(id, "finish", object{"workerId": "ann", "result": []int{1}})
		c.all("ann", func() string { return id })
		c.all("bob", func() string { return id })
	}},
	{name: "failed", ask: func(c *caller) {
		id, _ := c.locked("ann", 30_000)
		c.task(id, "handle_service_error", object{"workerId": "ann", "errorMessage": "so", "errorDetails": object{"line": 3}, "errorCode": "DOWN"})
		c.all("ann", func() string { return id })
	}},
	{name: "unknown", ask: func(c *caller) { c.all("ann", func() string { return "no-task" }) }},
	{name: "missing fields of answers", ask: func(c *caller) {
		for _, what := range []string{"finish", "handle_bpmn_error", "handle_service_error"} {
			c.task(c.create(c.topic), what, object{})
		}
	}},
	{name: "no token", ask: func(c *caller) {
		c.post("/fetch_and_lock", object{}, "")
		c.all("ann", func() string { return "no-task" }, "")
	}},
	{name: "two tokens", ask: func(c *caller) {
		c.post("/fetch_and_lock", object{}, admitted+", "+admitted)
		c.all("ann", func() string { return "no-task" }, admitted+", "+admitted)
	}},
	{name: "no claim", ask: func(c *caller) {
		id := c.create(c.topic)
		c.post("/fetch_and_lock", object{"workerId": "ann", "topicName": c.topic}, "Bearer eA==")
		c.all("ann", func() string { return id }, "Bearer eA==")
	}},
	{
		name: "no JSON", ask: func(c *caller) { c.post("/fetch_and_lock", `{"workerId":`) },
		ours: map[int]answer{0: {status: "400 Bad Request"}}, why: "what is wrong with a request is no fault of the server",
	},
	{
		name: "no worker", ask: func(c *caller) {
			c.create(c.topic)
			c.post("/fetch_and_lock", object{"topicName": c.topic, "lockDuration": 30_000})
		},
		ours: map[int]answer{0: {shape: "[]"}}, why: "whoever does not say who it is could not be told from others",
	},
	{
		name: "two headers", ask: func(c *caller) { c.post("/fetch_and_lock", object{}, admitted, admitted) },
		ours: map[int]answer{0: {status: "400 Bad Request", shape: "{message: string}"}}, why: "Node.js drops the second; which one counts is not for us to guess",
	},
}

// fetchNone is a fetch that is answered at once.
func (c *caller) fetchNone(worker string) {
	c.post("/fetch_and_lock", object{"workerId": worker, "topicName": c.topic, "maxTasks": 1, "longPollingTimeout": 0, "lockDuration": 30_000})
}

// reference has a task of the topic that its variables name.
var reference = externaltest.Model("reference", externaltest.Task(externaltest.Topic("${topic}")))

// The gateway answers as the published code does, under both bases.
func TestReference(t *testing.T) {
	theirs := "http://" + externaltest.StartNode(t, "testdata/reference", "@process-engine/consumer_api_http", "server.js").Await("http://")
	ours := open(t)
	ours.Deploy("reference", reference)
	payload := func(topic string) object { return object{"topic": topic, "amount": 3} }
	createTheirs := func(topic string) string {
		b, err := json.Marshal(object{"topic": topic, "payload": payload(topic)})
		require.NoError(t, err)
		r, err := http.Post(theirs+"/tasks", "application/json", bytes.NewReader(b))
		require.NoError(t, err)
		defer r.Body.Close()
		var made struct{ ID string }
		require.NoError(t, json.NewDecoder(r.Body).Decode(&made))
		return made.ID
	}
	for _, base := range []string{"/api/external_task/v1", "/api/consumer/v1"} {
		for n, example := range cases {
			t.Run(base[1:]+"/"+example.name, func(t *testing.T) {
				t.Parallel()
				topic := fmt.Sprintf("%s-%d", base, n)
				a := &caller{t: t, base: theirs + base, topic: topic, create: createTheirs, begin: func(topic string) { createTheirs(topic) }}
				example.ask(a)
				b := &caller{
					t: t, base: ours.gateway.URL() + base, topic: topic,
					create: func(topic string) string { return ours.offer(t, topic, payload(topic)) },
					begin:  func(topic string) { ours.start("reference", payload(topic)) },
				}
				example.ask(b)
				require.Len(t, b.answers, len(a.answers))
				for i, want := range a.answers {
					if strings.Contains(want.link, "handle_service_error") { // theirs names this route for finish, too
						want.link = b.answers[i].link
					}
					if differ, ok := example.ours[i]; ok {
						require.NotEqual(t, want, b.answers[i], "%d: there is no difference any more", i)
						want = answer{or(differ.status, want.status), b.answers[i].deprecation, b.answers[i].link, or(differ.shape, want.shape)}
					}
					if strings.HasPrefix(want.status, "403") { // theirs hands out the token as well, see doc.go
						want.shape = strings.Replace(want.shape, ", identity: {token: string, userId: string}", "", 1)
					}
					require.Equal(t, want, b.answers[i], "%d", i)
				}
			})
		}
	}
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// offer starts an instance, and returns the id of its task, which nobody has had.
func (h *house) offer(t *testing.T, topic string, variables object) string {
	t.Helper()
	h.start("reference", variables)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	o, err := h.Tasks.Poll(ctx, topic)
	require.NoError(t, err)
	require.NotNil(t, o)
	require.NoError(t, h.Tasks.Release(ctx, o))
	return o.String()
}
