package processengine_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdk "go.temporal.io/sdk/client"
	"google.golang.org/grpc"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/external"
)

const atlas = "/atlas_engine/api/v1/external_tasks"

// ask calls ProcessCube's API.
func (h *house) ask(method, path string, body any, authorization string) (status int, content any) {
	h.t.Helper()
	b, err := json.Marshal(body)
	require.NoError(h.t, err)
	r, err := http.NewRequestWithContext(h.t.Context(), method, h.gateway.URL()+atlas+path, strings.NewReader(string(b)))
	require.NoError(h.t, err)
	r.Header.Set("Authorization", authorization)
	answered, err := http.DefaultClient.Do(r)
	require.NoError(h.t, err)
	defer answered.Body.Close()
	text, err := io.ReadAll(answered.Body)
	require.NoError(h.t, err)
	if len(text) > 0 {
		require.NoError(h.t, json.Unmarshal(text, &content), "%s", text)
	}
	return answered.StatusCode, content
}

func (h *house) put(worker, id, what string, body object) int {
	h.t.Helper()
	body["workerId"] = worker
	status, _ := h.ask(http.MethodPut, "/"+id+"/"+what, body, admitted)
	return status
}

func TestProcessCube(t *testing.T) {
	h := open(t)
	h.Deploy("reference", reference)
	fetch := func(worker string, topic any, filter string) []any {
		status, found := h.ask(http.MethodPost, "/fetch_and_lock", object{
			"workerId": worker, "topicName": topic, "maxTasks": 10, "longPollingTimeout": 5_000, "lockDuration": 30_000, "payloadFilter": filter,
		}, admitted)
		require.Equal(t, http.StatusOK, status)
		return found.([]any)
	}
	h.start("reference", object{"topic": "one", "amount": 3})
	h.start("reference", object{"topic": "two", "amount": 4})
	ids := map[string]string{}
	for len(ids) < 2 { // a list of topics
		for _, found := range fetch("ann", []string{"none", "one", "two"}, "") {
			task := found.(object)
			require.Equal(t, "{correlationId: string, createdAt: date, flowNodeInstanceId: string, id: string, isSingleTry: bool, lockExpirationTime: date, ownerId: string, "+
				"payload: {amount: float64, topic: string}, processDefinitionId: string, processInstanceId: string, processModelId: string, state: string, topic: string, workerId: string}", shape(task))
			require.Equal(t, []any{false, "pending", "reference", "reference:1", "ann"},
				[]any{task["isSingleTry"], task["state"], task["processModelId"], task["processDefinitionId"], task["workerId"]})
			ids[task["topic"].(string)] = task["id"].(string)
		}
	}
	extend, finish, fail := object{"additionalDuration": 60_000}, object{"result": object{"total": 7}}, object{"error": object{"errorCode": 500, "errorMessage": "so", "errorDetails": object{"line": 3}}}
	one, two := ids["one"], ids["two"]
	for what, body := range map[string]object{"extend_lock": extend, "finish": finish, "error": fail} {
		require.Equal(t, http.StatusLocked, h.put("bob", one, what, body), what)
		require.Equal(t, http.StatusNotFound, h.put("ann", "no-task", what, body), what)
	}
	require.Equal(t, http.StatusNoContent, h.put("ann", one, "extend_lock", extend))
	require.Equal(t, http.StatusNoContent, h.put("ann", one, "finish", finish))
	require.Equal(t, http.StatusNoContent, h.put("ann", two, "error", fail))
	for what, body := range map[string]object{"extend_lock": extend, "finish": finish, "error": fail} {
		require.Equal(t, http.StatusConflict, h.put("ann", one, what, body), what)
		require.Equal(t, http.StatusConflict, h.put("ann", two, what, body), what)
	}
	for token, want := range map[string]int{"": http.StatusUnauthorized, "Bearer eA==": http.StatusForbidden, admitted + "," + admitted: http.StatusBadRequest} {
		status, content := h.ask(http.MethodPost, "/fetch_and_lock", object{}, token)
		require.Equal(t, want, status)
		require.NotEmpty(t, content.(object)["message"])
	}

	// A filter has a task wait for who wants it.
	for _, amount := range []int{5, 6} {
		h.start("reference", object{"topic": "filtered", "amount": amount})
	}
	require.EqualValues(t, 6, fetch("ann", "filtered", `/"AMOUNT":6[,}]/i`)[0].(object)["payload"].(object)["amount"])
	require.EqualValues(t, 5, fetch("ann", "filtered", `/"amount":5[,}]/`)[0].(object)["payload"].(object)["amount"])
	for _, filter := range []string{`/(?=x)/`, `/(/`, `/x/q`} {
		status, content := h.ask(http.MethodPost, "/fetch_and_lock", object{"workerId": "ann", "topicName": "filtered", "payloadFilter": filter}, admitted)
		require.Equal(t, http.StatusBadRequest, status)
		require.Contains(t, content.(object)["message"], filter)
	}
}

// The topics of deployed models are told, but for those that others may not take, and those that are known only when a task is offered.
func TestDeployedTopics(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.Deploy("reference", reference)
	h.Deploy("two", strings.NewReplacer(`id="reference"`, `id="two"`, "${topic}", "deployed").Replace(reference))
	h.Deploy("three", strings.NewReplacer(`id="reference"`, `id="three"`, "${topic}", "token.current.topic").Replace(reference))
	require.Eventually(t, func() bool {
		status, topics := h.ask(http.MethodGet, "/deployed_topics", nil, admitted)
		require.Equal(t, http.StatusOK, status)
		require.NotContains(t, topics, "token.current.topic")
		require.NotContains(t, topics, "${topic}")
		return slices.Contains(topics.([]any), any("deployed"))
	}, time.Minute, 50*time.Millisecond, "visibility is some moments behind")
	topics, err := h.Tasks.Topics(t.Context(), external.Scope{Topics: []string{"another"}})
	require.NoError(t, err)
	require.Empty(t, topics)
	status, _ := h.ask(http.MethodGet, "/deployed_topics", nil, "")
	require.Equal(t, http.StatusUnauthorized, status)
}

// A request waits as long as it asks for, though the server reads none so long.
func TestLongPoll(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.gateway.Kill()
	h.gateway.ReadTimeout = 2 * time.Second
	h.gateway.Start()
	began := time.Now()
	status, found := h.ask(http.MethodPost, "/fetch_and_lock", object{"workerId": "ann", "topicName": "never", "longPollingTimeout": 3000}, admitted)
	require.Equal(t, http.StatusOK, status)
	require.Empty(t, found)
	require.GreaterOrEqual(t, time.Since(began), 3*time.Second)
}

// Who hangs up while it waits is not given what comes then.
func TestHangingUp(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.Deploy("reference", reference)
	body := func(worker string) string {
		return `{"workerId":"` + worker + `","topicName":"left","longPollingTimeout":20000,"lockDuration":60000}`
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		r, _ := http.NewRequestWithContext(ctx, http.MethodPost, h.gateway.URL()+atlas+"/fetch_and_lock", io.MultiReader(strings.NewReader(body("ann")))) // in chunks
		r.Header.Set("Authorization", admitted)
		_, err := http.DefaultClient.Do(r)
		ended <- err
	}()
	require.Eventually(t, func() bool { return h.waiting.Load() == 1 }, time.Minute, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
	require.Eventually(t, func() bool { return h.waiting.Load() == 0 }, time.Minute, time.Millisecond)
	h.start("reference", object{"topic": "left"})
	status, found := h.ask(http.MethodPost, "/fetch_and_lock", json.RawMessage(body("bob")), admitted)
	require.Equal(t, http.StatusOK, status)
	require.Len(t, found, 1)
}

// process-engine's client goes on to extend the locks of tasks that its handlers threw errors for: that costs one look, also when the instance
// has ended.
func TestLateExtensionsAreCheap(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.Deploy("reference", reference)
	var made sync.Map // calls of Temporal, by method
	count := func(ctx context.Context, method string, request, reply any, c *grpc.ClientConn, invoke grpc.UnaryInvoker, o ...grpc.CallOption) error {
		n, _ := made.LoadOrStore(path.Base(method), new(atomic.Int32))
		n.(*atomic.Int32).Add(1)
		return invoke(ctx, method, request, reply, c, o...)
	}
	temporal, err := sdk.DialContext(t.Context(), sdk.Options{
		HostPort: server.Address(t), ConnectionOptions: sdk.ConnectionOptions{DialOptions: []grpc.DialOption{grpc.WithChainUnaryInterceptor(count)}},
	})
	require.NoError(t, err)
	t.Cleanup(temporal.Close)
	h.Place = h.Over(client.New(temporal))
	g := h.another(t)
	id := g.start("reference", object{"topic": "late"})
	_, found := g.ask(http.MethodPost, "/fetch_and_lock", object{"workerId": "ann", "topicName": "late", "longPollingTimeout": 20_000, "lockDuration": 60_000}, admitted)
	task := found.([]any)[0].(object)["id"].(string)
	require.Equal(t, http.StatusNoContent, g.put("ann", task, "finish", object{}))
	g.Ended(id)
	made.Clear()
	for range 3 {
		require.Equal(t, http.StatusConflict, g.put("ann", task, "extend_lock", object{"additionalDuration": 30_000}))
	}
	made.Delete("PollActivityTaskQueue") // for others
	all := map[any]int32{}
	made.Range(func(method, n any) bool { all[method] = n.(*atomic.Int32).Load(); return true })
	require.Equal(t, map[any]int32{"DescribeWorkflowExecution": 3}, all)
}
