package e2e_test

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	temporal "go.temporal.io/sdk/client"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors/catalog"
	"github.com/waybill-io/waybill/project"
	"github.com/waybill-io/waybill/testsuite/rabbitmq"
)

const (
	results  = "integrationResult_waybill"
	failures = "integrationError_waybill"
)

// installBridge starts Temporal for workers that bridge to a broker.
func installBridge(t *testing.T, s *rabbitmq.Server) *installation {
	t.Helper()
	i := installTemporal(t, options{})
	i.environment = []string{
		"BRIDGE_RABBITMQ_HOST=" + s.Host, "BRIDGE_RABBITMQ_PORT=" + strconv.Itoa(s.Port),
		"BRIDGE_RABBITMQ_USERNAME=" + rabbitmq.Username, "BRIDGE_RABBITMQ_PASSWORD=" + rabbitmq.Password,
	}
	return i
}

func (i *installation) startBridge() *worker {
	return i.startWorker("--roles", "bridge", "--bridge", "orders", "--bridge", "mute", "--bridge", "late")
}

// deployBridged deploys the processes that call connectors over the bridge. It takes a worker that runs.
func (i *installation) deployBridged() {
	i.t.Helper()
	p, err := project.Load([]string{"testdata/bridge"}, project.Options{BuiltIn: catalog.Definitions(), MapDefault: bpmn.MapAll})
	require.NoError(i.t, err)
	for _, d := range p.Definitions {
		_, err := i.client.Deploy(i.t.Context(), d)
		require.NoError(i.t, err)
	}
}

func (i *installation) begin(key, business string, variables map[string]any) string {
	i.t.Helper()
	id, _, err := i.client.Start(i.t.Context(), client.StartOptions{Key: key, ID: key + "/" + business, BusinessKey: business, Variables: variables})
	require.NoError(i.t, err)
	return id
}

// incident waits until an instance has one.
func (i *installation) incident(id string) contract.Incident {
	i.t.Helper()
	var r contract.ProcessResult
	i.eventually(func() string { return fmt.Sprintf("%s has no incident: %+v", id, r) }, func() bool {
		var err error
		r, err = i.client.Get(i.t.Context(), id)
		return err == nil && len(r.Incidents) > 0
	})
	return r.Incidents[0]
}

// orders answers as an image of a shop does: what is asked for says how it goes.
func orders(r request) []reply {
	done := r.result(map[string]any{"order": fmt.Sprint("O-", r.context()["businessKey"])})
	const bpmnError, other = "org.activiti.cloud.api.process.model.CloudBpmnError", "java.lang.IllegalStateException"
	switch r.input("item") {
	case "sold out":
		return []reply{r.failure(bpmnError, "SOLD_OUT", "no pens")}
	case "sold out, as message":
		return []reply{r.failure(bpmnError, nil, "SOLD_OUT")}
	case "crash":
		return []reply{r.failure(other, "SOLD_OUT", "the shop is on fire")}
	case "twice":
		return []reply{done, done, r.failure(other, nil, "late")}
	case "large":
		return []reply{r.result(map[string]any{"order": strings.Repeat("x", 2<<20)})}
	case "no object":
		done.body["integrationContext"].(map[string]any)["outBoundVariables"] = "text"
	}
	return []reply{done}
}

// TestBridge has connectors as images of Activiti Cloud answer calls.
func TestBridge(t *testing.T) {
	s := rabbitmq.Start(t)
	i := installBridge(t, s)
	shop := startImage(t, s, "orders.CREATE", orders)
	mute := startImage(t, s, "mute.ASK", func(request) []reply { return nil })
	late := startImage(t, s, "late.ASK", func(request) []reply { return nil })
	i.startWorker("--roles", "process")
	i.deployBridged()
	i.startBridge()
	ch := s.Channel()
	require.NoError(t, ch.Confirm(false))
	wait := func(id string) contract.ProcessResult {
		t.Helper()
		r, err := i.client.Wait(t.Context(), id)
		require.NoError(t, err)
		return r
	}

	t.Run("a result", func(t *testing.T) {
		r := wait(i.begin("order", "K-1", map[string]any{"item": "pen"}))
		require.Equal(t, "O-K-1", r.Variables["order"])
		require.Contains(t, r.Path, "end")
		got := shop.got()[0]
		require.Equal(t, "integrationContext.waybill.default-app.orders-CREATE.order/K-1.K-1", got.routingKey)
		require.Equal(t, "orders.CREATE", got.headers["connectorType"])
		require.Equal(t, got.id(), got.headers["integrationContextId"])
		require.Equal(t, "order/K-1", got.context()["processInstanceId"])
		require.Equal(t, "create", got.context()["clientId"])
		require.Equal(t, "pen", got.input("item"))
	})
	t.Run("BPMN errors", func(t *testing.T) {
		require.Contains(t, wait(i.begin("order", "sold", map[string]any{"item": "sold out"})).Path, "none")
		require.Contains(t, wait(i.begin("order", "sold-message", map[string]any{"item": "sold out, as message"})).Path, "none")
	})
	t.Run("other errors are incidents at once", func(t *testing.T) {
		require.Equal(t, "the shop is on fire", i.incident(i.begin("order", "crash", map[string]any{"item": "crash"})).Message)
		require.Contains(t, i.incident(i.begin("order", "large", map[string]any{"item": "large"})).Message, "at most")
		require.Contains(t, i.incident(i.begin("order", "no-object", map[string]any{"item": "no object"})).Message, "no object")
		for _, r := range shop.got() {
			require.Equal(t, 1, asked(shop, r.id()), "it was not tried again")
		}
	})
	t.Run("what answers nothing is dropped", func(t *testing.T) {
		require.Equal(t, "O-K-2", wait(i.begin("order", "K-2", map[string]any{"item": "twice"})).Variables["order"])
		known := shop.got()[0]
		for _, id := range []any{
			known.id(), "5b3c1f9e-8c1d-4a53-9d0a-0a2f5d1b7c11", "", nil, known.id() + "x",
			ours("default", "order/K-1", "no-uuid", "5"), ours("default", "definition/order", "0198a0e2-1111-7000-8000-000000000000", "5"), ours("elsewhere", "order/K-1", "r", "5"),
		} {
			context := map[string]any{"id": id, "connectorType": "orders.CREATE", "outBoundVariables": map[string]any{}}
			require.NoError(t, send(ch, results, map[string]any{"integrationContext": context}))
			require.NoError(t, send(ch, failures, map[string]any{"integrationContext": context, "errorClassName": "x"}))
		}
		require.NoError(t, send(ch, results, "no result"))
		require.NoError(t, send(ch, results, map[string]any{}))
		drained(t, ch, results, failures)
		require.Equal(t, "O-K-3", wait(i.begin("order", "K-3", map[string]any{"item": "pen"})).Variables["order"])
	})
	t.Run("no answer is an incident", func(t *testing.T) {
		id := i.begin("ask", "1", nil)
		require.Contains(t, i.incident(id).Message, "no answer in time")
		got := mute.got()
		require.Len(t, got, 2, "both attempts were published")
		require.Equal(t, got[0].id(), got[1].id(), "so that the connector can tell")

		require.NoError(t, send(ch, results, got[0].result(nil).body)) // too late
		drained(t, ch, results)
		require.NotEmpty(t, i.incident(id).Message)
	})
	t.Run("an answer after the first attempt", func(t *testing.T) {
		id := i.begin("ask", "2", nil)
		i.eventually(func() string { return "no second attempt" }, func() bool { return len(mute.got()) == 4 })
		require.NoError(t, send(ch, results, mute.got()[2].result(map[string]any{"why": "slow"}).body))
		require.Equal(t, "slow", wait(id).Variables["why"])
	})
	t.Run("an answer between two attempts", func(t *testing.T) {
		done, failed := i.begin("late", "1", nil), i.begin("late", "2", nil)
		for _, id := range []string{done, failed} {
			i.eventually(func() string { return "the first attempt of " + id + " does not end" }, func() bool {
				d, err := i.client.Temporal.DescribeWorkflowExecution(t.Context(), id, "")
				require.NoError(t, err)
				pending := d.GetPendingActivities()
				return len(pending) == 1 && pending[0].GetAttempt() == 2 && pending[0].GetState() == enums.PENDING_ACTIVITY_STATE_SCHEDULED
			})
		}
		for _, r := range late.got() {
			if r.context()["processInstanceId"] == done {
				require.NoError(t, send(ch, results, r.result(map[string]any{"why": "late"}).body))
			} else {
				require.NoError(t, send(ch, failures, r.failure("java.lang.IllegalStateException", nil, "late").body))
			}
		}
		require.Equal(t, "late", wait(done).Variables["why"])
		require.Equal(t, "late", i.incident(failed).Message)
		for _, r := range late.got() {
			require.LessOrEqual(t, asked(late, r.id()), 2)
		}
	})
	t.Run("a call without a process", func(t *testing.T) { // starter connector call
		call := func(implementation, item string) (contract.ConnectorResult, error) {
			return i.client.CallConnector(t.Context(), client.ConnectorCall{
				Implementation: implementation, TaskQueue: contract.CustomConnectorQueue("orders"), Inputs: map[string]any{"item": item}, Timeout: patience, Unclaimed: patience,
			})
		}
		held := startImage(t, s, "orders.HOLD", func(request) []reply { return nil })
		ended := make(chan error, 1)
		go func() {
			_, err := call("orders.HOLD", "")
			ended <- err
		}()
		i.eventually(func() string { return "the bridge does not say that the call goes on" }, func() bool {
			got := held.got()
			if len(got) == 0 {
				return false
			}
			id := got[0].context()["processInstanceId"].(string)
			d, err := i.client.Temporal.GetActivityHandle(temporal.GetActivityHandleOptions{ActivityID: id}).Describe(t.Context(), temporal.DescribeActivityOptions{})
			return err == nil && d.TotalHeartbeatCount > 0
		})
		require.NoError(t, send(ch, results, held.got()[0].result(nil).body))
		require.NoError(t, <-ended)

		result, err := call("orders.CREATE", "pen")
		require.NoError(t, err)
		require.Contains(t, result.Outputs, "order")
		_, err = call("orders.CREATE", "sold out")
		require.ErrorContains(t, err, "bpmn error SOLD_OUT: no pens")
		_, err = call("orders.NOTHING", "")
		require.ErrorContains(t, err, "no connector takes orders.NOTHING")
	})
	t.Run("no connector is an incident", func(t *testing.T) {
		require.Contains(t, i.incident(i.begin("nobody", "1", nil)).Message, "no connector takes mute.NOBODY")

		// One that has gone away finds no heap of requests when it comes again.
		require.NoError(t, ch.ExchangeDeclare("mute.NOBODY", "topic", true, false, false, false, nil))
		_, err := ch.QueueDeclare("mute.NOBODY.waybill", true, false, false, false, nil)
		require.NoError(t, err)
		require.NoError(t, ch.QueueBind("mute.NOBODY.waybill", "#", "mute.NOBODY", false, nil))
		require.Contains(t, i.incident(i.begin("nobody", "2", nil)).Message, "no answer in time")
		drained(t, ch, "mute.NOBODY")
	})
}

// ours is an id as the bridge makes it.
func ours(parts ...string) string {
	return "waybill-" + base64.RawURLEncoding.EncodeToString([]byte(strings.Join(parts, "\n")))
}

// asked counts the requests with an id.
func asked(c *image, id string) int {
	n := 0
	for _, r := range c.got() {
		if r.id() == id {
			n++
		}
	}
	return n
}

// TestBridgeKilled kills the bridge, the broker and the worker of the processes, and stops Temporal, while 200 calls are made.
func TestBridgeKilled(t *testing.T) {
	s := rabbitmq.Start(t)
	i := installBridge(t, s)
	shop := startImage(t, s, "orders.CREATE", orders)
	processes := i.startWorker("--roles", "process")
	i.deployBridged()
	bridge := i.startBridge()
	const n = 200
	begun := 0
	// some starts a part of the calls and returns when the connector has seen half of it.
	some := func() {
		t.Helper()
		for range n / 8 {
			i.begin("order", strconv.Itoa(begun), map[string]any{"item": "pen"})
			begun++
		}
		i.eventually(func() string { return fmt.Sprint("requests: ", len(shop.got())) }, func() bool { return calls(shop) >= begun-n/16 })
	}
	some()
	bridge.kill()
	bridge = i.startBridge()
	some()
	s.Sync()
	s.Kill()
	for range n / 8 { // the bridge cannot publish these
		i.begin("order", strconv.Itoa(begun), map[string]any{"item": "pen"})
		begun++
	}
	s.Run()
	some()
	processes.kill()
	processes = i.startWorker("--roles", "process")
	some()
	bridge.kill()
	s.Kill()
	s.Run()
	i.startBridge()
	some()
	address := i.temporal.Address
	require.NoError(t, i.temporal.Stop()) // the answers to the last calls wait in the broker
	i.startTemporal(address)
	some()
	processes.stop()
	i.startWorker("--roles", "process")
	for begun < n {
		some()
	}

	started := time.Now()
	for k := range n {
		id := fmt.Sprint("order/", k)
		r, err := i.client.Wait(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, contract.StateCompleted, r.State)
		require.Equal(t, fmt.Sprint("O-", k), r.Variables["order"])
		h, err := i.client.History(t.Context(), id, "")
		require.NoError(t, err)
		completed := 0
		for _, e := range h.GetEvents() {
			if e.GetEventType() == enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED {
				completed++
			}
		}
		require.Equal(t, 1, completed)
	}
	require.Equal(t, n, calls(shop), "a call has one id, however often it is published")
	drained(t, s.Channel(), results, failures)
	t.Logf("the connector was asked %d times for %d calls; the last answer came %s after the last call", len(shop.got()), n, time.Since(started).Round(time.Second))
}

// calls counts the calls that have reached the connector.
func calls(c *image) int {
	ids := map[string]bool{}
	for _, r := range c.got() {
		ids[r.id()] = true
	}
	return len(ids)
}
