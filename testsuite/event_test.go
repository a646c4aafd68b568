package testsuite_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/gateway"
	"github.com/waybill-io/waybill/testsuite"
)

// shop is a connector that the outside calls, and that prints.
type shop struct {
	mu    sync.Mutex
	jams  int // how often printing fails yet; below 0: for ever
	calls []connectors.Call
}

func (*shop) Definition() *connectors.Definition {
	return connectors.MustParseDefinition("shop.json", []byte(`{"name":"shop",
		"actions":{"p":{"id":"p","name":"PRINT","inputs":[{"id":"t","name":"text","type":"string","required":true}]}},
		"events":{"s":{"id":"s","name":"SOLD","inputs":[{"id":"1","name":"branch","type":"string"},{"id":"2","name":"status","type":"integer"},
			{"id":"3","name":"body","type":"json"},{"id":"4","name":"condition","type":"string"},{"id":"5","name":"pattern","type":"string"}],
			"outputs":[{"id":"1","name":"branch","type":"string"},{"id":"2","name":"total","type":"integer"},{"id":"3","name":"message","type":"string"}]}},
		"config":[{"name":"CALL_ATTEMPTS","value":"3"},{"name":"CALL_INTERVAL","value":"10"}]}`))
}

func (s *shop) Call(_ context.Context, c connectors.Call) (map[string]any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, c)
	if s.jams != 0 {
		s.jams--
		return nil, &connectors.Error{Code: "JAM", Public: "paper jam"}
	}
	return nil, nil
}

func (s *shop) mend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jams = 0
}

func (s *shop) called() []connectors.Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]connectors.Call{}, s.calls...)
}

func (*shop) Authenticates() bool { return true }

func (*shop) Receive(_ context.Context, r connectors.Request) (connectors.Receipt, error) {
	if r.Header.Get("X-Shop-Key") != "sesame" {
		return connectors.Receipt{}, &connectors.Error{Kind: connectors.Permanent, Code: connectors.CodeUnauthorized, Public: "the key is wrong"}
	}
	if r.Path == "/ping" {
		return connectors.Receipt{Body: []byte("pong"), Unmatched: http.StatusNotFound}, nil
	}
	var outputs contract.Variables
	if err := json.Unmarshal(r.Body, &outputs); err != nil {
		return connectors.Receipt{}, &connectors.Error{Kind: connectors.Permanent, Code: "BAD", Public: "no JSON"}
	}
	e := connectors.Event{Name: "SOLD", ID: strings.TrimPrefix(r.Path, "/sales/"), Outputs: outputs}
	return connectors.Receipt{Events: []connectors.Event{e}, Status: http.StatusAccepted, Unmatched: http.StatusNotFound}, nil
}

var _ connectors.Receiver = (*shop)(nil)

// waits is a process whose instance waits in a task.
func waits(key string) string {
	return `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t"><process id="` + key + `" isExecutable="true">
<startEvent id="start"/><sequenceFlow id="f1" sourceRef="start" targetRef="look"/><userTask id="look" name="Look"/>
<sequenceFlow id="f2" sourceRef="look" targetRef="end"/><endEvent id="end"/></process></definitions>`
}

// eventTrigger is a trigger file.
func eventTrigger(name, source, inputs, actionSource, payload string) string {
	return fmt.Sprintf(`{"name":%q,"event":{"source":%q,"inputs":%s},"action":{"source":%q,"payload":%s}}`, name, source, inputs, actionSource, payload)
}

const soldAt = "connector.shop.SOLD"

// outside is a gateway that the shop is called at; do answers with the status and the body.
func outside(t *testing.T, e *testsuite.Environment, s *shop) (do func(method, path, body string, header ...string) (int, string)) {
	t.Helper()
	g, err := gateway.Listen(gateway.Options{
		Address: "127.0.0.1:0", Client: e.Client, Ready: func(context.Context) error { return nil }, Receivers: map[string]connectors.Connector{"shop": s},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	served := make(chan error, 1)
	go func() { served <- g.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-served)
	})
	return func(method, path, body string, header ...string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, g.URL()+path, strings.NewReader(body))
		require.NoError(t, err)
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return answer.StatusCode, string(text)
	}
}

// ended waits until an event has been handled.
func ended(t *testing.T, e *testsuite.Environment, workflow string) contract.EventState {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var state contract.EventState
	require.NoError(t, e.Client.Temporal.GetWorkflow(ctx, workflow, "").Get(ctx, &state))
	return state
}

// dead waits until an event is a dead letter.
func dead(t *testing.T, e *testsuite.Environment, instance string, tries int) client.DeadEvent {
	t.Helper()
	var all []client.DeadEvent
	require.Eventually(t, func() bool {
		var err error
		all, err = e.Client.DeadEvents(t.Context(), instance, 10)
		return err == nil && len(all) == 1 && all[0].Tries == tries
	}, 30*time.Second, 50*time.Millisecond)
	return all[0]
}

func instancesOf(t *testing.T, e *testsuite.Environment, key string, n int) []client.Instance {
	t.Helper()
	var list []client.Instance
	require.Eventually(t, func() bool {
		var err error
		list, err = e.Client.List(t.Context(), client.Filter{Key: key})
		return err == nil && len(list) == n
	}, 30*time.Second, 50*time.Millisecond, "%d instances of %s", n, key)
	return list
}

// A webhook starts a process once, however often it is called; a trigger says what is answered.
func TestWebhookStartsOnce(t *testing.T) {
	s := &shop{}
	e := testsuite.Start(t, s)
	call := outside(t, e, s)
	sale := `{"branch":"berlin","total":9007199254740993,"message":"${execution} sale 7"}`
	key := []string{"X-Shop-Key", "sesame"}

	code, _ := call(http.MethodPost, "/connectors/shop/sales/7", sale)
	require.Equal(t, http.StatusUnauthorized, code)
	code, _ = call(http.MethodPost, "/connectors/till/sales/7", sale)
	require.Equal(t, http.StatusNotFound, code)
	code, body := call(http.MethodPost, "/connectors/shop/sales/7", sale, key...)
	require.Equal(t, http.StatusNotFound, code, "nobody wants it")
	require.Contains(t, body, "no trigger wants this")
	code, body = call(http.MethodGet, "/connectors/shop/ping", "", key...)
	require.Equal(t, http.StatusOK, code, "a request without an event is none that nobody wants")
	require.Equal(t, "pong", body)
	code, _ = call(http.MethodPost, "/connectors/shop/sales/7", `[`, key...)
	require.Equal(t, http.StatusBadRequest, code)
	code, _ = call(http.MethodPost, "/connectors/shop/sales/7", `{"message":"`+strings.Repeat("x", contract.MaxEvent)+`"}`, key...)
	require.Equal(t, http.StatusNotFound, code)

	e.Deploy(writeFile(t, "case.bpmn", waits("case")), writeFile(t, "case.json", eventTrigger("case", soldAt,
		`{"branch":"berlin","pattern":"sale (?<no>\\d+)","condition":"${total > 5}","status":201,"body":{"thanks":"${message}"}}`, "command-consumer",
		`{"payloadType":"StartProcessPayload","processDefinitionKey":"case","name":"n","businessKey":"${matchGroups.no}","variables":{"total":"${total}","said":"${message}"}}`)))
	for range 2 {
		code, body = call(http.MethodPost, "/connectors/shop/sales/7", sale, key...)
		require.Equal(t, http.StatusCreated, code)
		require.JSONEq(t, `{"thanks":"${execution} sale 7"}`, body, "what came with the event is no expression")
	}
	code, _ = call(http.MethodPost, "/connectors/shop/sales/8", `{"branch":"paris","total":9,"message":"sale 8"}`, key...)
	require.Equal(t, http.StatusNotFound, code)
	code, body = call(http.MethodPost, "/connectors/shop/sales/9", `{"branch":"berlin","total":9,"message":"sale 9`+strings.Repeat("x", contract.MaxEvent)+`"}`, key...)
	require.Equal(t, http.StatusRequestEntityTooLarge, code)
	require.Contains(t, body, "at most 262144 are taken")
	code, _ = call(http.MethodPost, "/connectors/shop/sales/9", strings.Repeat("x", 1<<20+1), key...)
	require.Equal(t, http.StatusRequestEntityTooLarge, code)

	state := ended(t, e, "event/shop/SOLD/7")
	require.Len(t, state.Fired, 1)
	require.Equal(t, "case", state.Fired[0].Trigger)
	result, err := e.Client.Get(t.Context(), state.Fired[0].Done)
	require.NoError(t, err)
	require.Equal(t, "7", result.BusinessKey)
	require.Equal(t, contract.Variables{"total": int64(9007199254740993), "said": "${execution} sale 7"}, result.Variables)
	instancesOf(t, e, "case", 1)

	// The same over the API that connectors in any language have. What a connector makes sure of by itself nobody else can tell of.
	event := `{"specversion":"1.0","id":"10","source":"connector.shop","type":"SOLD","data":{"branch":"berlin","total":6,"message":"sale 10"}}`
	code, body = call(http.MethodPost, "/api/events", event, "Content-Type", "application/cloudevents+json")
	require.Equal(t, http.StatusBadRequest, code)
	require.Contains(t, body, "comes to /connectors/shop, signed")
	e.Deploy(writeFile(t, "till.json", eventTrigger("till", "connector.till.SOLD", `{"branch":"berlin"}`, "command-consumer",
		`{"payloadType":"StartProcessPayload","processDefinitionKey":"case","name":"n"}`)))
	event = strings.Replace(event, "connector.shop", "connector.till", 1)
	for _, want := range []string{`{"event":"event/till/SOLD/10","duplicate":false}`, `{"event":"event/till/SOLD/10","duplicate":true}`} {
		code, body = call(http.MethodPost, "/api/events", event, "Content-Type", "application/cloudevents+json")
		require.Equal(t, http.StatusAccepted, code)
		require.JSONEq(t, want, body)
	}
	code, body = call(http.MethodPost, "/api/events", strings.Replace(event, "SOLD", "EMAIL_RECEIVED", 1), "Content-Type", "application/cloudevents+json")
	require.Equal(t, http.StatusBadRequest, code)
	require.Contains(t, body, "an event of mailboxes")
	ended(t, e, "event/till/SOLD/10")
	instancesOf(t, e, "case", 2)
	require.NoError(t, testsuite.ReplayServer(t.Context(), e.Client, *record))
}

// A trigger that cannot do what it says leaves a dead letter, of which somebody is told; mended and tried again it does it, and
// the others do nothing twice.
func TestEventDeadLetter(t *testing.T) {
	s := &shop{jams: -1}
	e := testsuite.Start(t, s)
	e.Deploy(writeFile(t, "on-call.bpmn", waits("on-call")), writeFile(t, "case.bpmn", waits("case")),
		writeFile(t, "case.json", eventTrigger("case", soldAt, `{}`, "command-consumer", `{"payloadType":"StartProcessPayload","processDefinitionKey":"case","name":"n"}`)),
		writeFile(t, "missing.json", eventTrigger("missing", soldAt, `{}`, "command-consumer", `{"payloadType":"StartProcessPayload","processDefinitionKey":"missing","name":"n"}`)),
		writeFile(t, "print.json", eventTrigger("print", soldAt, `{}`, "connector.shop.PRINT", `{"text":"sold for ${total}"}`)),
		writeFile(t, "alarm.json", eventTrigger("alarm", "connector.shop.EVENT_FAILED", `{}`, "command-consumer",
			`{"payloadType":"StartProcessPayload","processDefinitionKey":"on-call","name":"n","businessKey":"${event}-${id}","variables":{"why":"${message}"}}`)))
	started, err := e.Client.Emit(t.Context(), "shop", "", connectors.Event{Name: "SOLD", ID: "7", Outputs: map[string]any{"total": 5}})
	require.NoError(t, err)
	require.True(t, started)
	d := dead(t, e, "shop", 1)
	require.Equal(t, "event/shop/SOLD/7", d.Workflow)
	require.Len(t, d.Failed, 2)
	require.Contains(t, d.Failed[0].Reason, `process "missing" is not deployed`)
	require.Equal(t, contract.EventFailure{Trigger: "print", Reason: "shop.PRINT: paper jam"}, d.Failed[1])
	first := s.called()
	require.Len(t, first, 3, "as often as its definition says")
	alarm := instancesOf(t, e, "on-call", 1)[0]
	require.Equal(t, "SOLD-7", alarm.BusinessKey)

	list, err := e.Client.List(t.Context(), client.Filter{})
	require.NoError(t, err)
	require.Len(t, list, 2, "an event is no instance of a process")

	s.mend()
	require.NoError(t, e.Client.ChangeEvent(t.Context(), d.Workflow, contract.RetryEventUpdate))
	d = dead(t, e, "shop", 2)
	require.Len(t, d.Failed, 1)
	e.Deploy(writeFile(t, "missing.bpmn", waits("missing")))
	require.NoError(t, e.Client.ChangeEvent(t.Context(), d.Workflow, contract.RetryEventUpdate))
	state := ended(t, e, d.Workflow)
	require.Empty(t, state.Failed)
	require.Len(t, state.Fired, 3)
	instancesOf(t, e, "missing", 1)
	instancesOf(t, e, "case", 1)
	all := s.called()
	require.Len(t, all, 4)
	require.Equal(t, map[string]any{"text": "sold for 5"}, all[3].Inputs)
	for _, c := range all {
		require.Equal(t, first[0].IdempotencyKey, c.IdempotencyKey, "the other side can tell a repetition")
	}
	require.ErrorIs(t, e.Client.ChangeEvent(t.Context(), d.Workflow, contract.DropEventUpdate), client.ErrNotRunning)

	// What was refused for good is seen, and dropped.
	_, err = e.Client.Emit(t.Context(), "shop", "", connectors.Event{Name: "SOLD", ID: "8", Outputs: map[string]any{"message": strings.Repeat("x", contract.MaxEvent)}})
	require.True(t, client.Refused(err))
	require.NoError(t, e.Client.Bury(t.Context(), "shop", connectors.Event{Name: "SOLD", ID: "8"}, err.Error()))
	d = dead(t, e, "shop", 1)
	require.Contains(t, d.Failed[0].Reason, "at most 262144 are taken")
	require.NoError(t, e.Client.ChangeEvent(t.Context(), d.Workflow, contract.DropEventUpdate))
	require.True(t, ended(t, e, d.Workflow).Dropped)
	_, err = e.Client.Emit(t.Context(), "shop", "", connectors.Event{Name: "SO LD"})
	require.ErrorContains(t, err, "is not the name of an event")
	for range 2 {
		require.NoError(t, e.Client.Bury(t.Context(), "shop", connectors.Event{Name: "SO LD"}, err.Error()))
	}
	d = dead(t, e, "shop", 1)
	require.Equal(t, "connector.shop.INVALID_NAME", d.Source)
	require.NoError(t, e.Client.ChangeEvent(t.Context(), d.Workflow, contract.DropEventUpdate))
	require.NoError(t, testsuite.ReplayServer(t.Context(), e.Client, *record))
}

// A trigger may broadcast a signal.
func TestEventSignals(t *testing.T) {
	e := testsuite.Start(t, &shop{})
	e.Deploy(writeFile(t, "waiting.bpmn", `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t">
<signal id="s" name="Signal_7"/><process id="waiting" isExecutable="true"><startEvent id="start"/><sequenceFlow id="f1" sourceRef="start" targetRef="wait"/>
<intermediateCatchEvent id="wait"><signalEventDefinition signalRef="s"/></intermediateCatchEvent>
<sequenceFlow id="f2" sourceRef="wait" targetRef="end"/><endEvent id="end"/></process></definitions>`),
		writeFile(t, "tell.json", eventTrigger("tell", soldAt, `{}`, "command-consumer", `{"payloadType":"SignalPayload","name":"Signal_${total}","variables":{"branch":"${branch}"}}`)))
	id, _, err := e.Client.Start(t.Context(), client.StartOptions{Key: "waiting"})
	require.NoError(t, err)
	n := 0
	require.Eventually(t, func() bool { // a signal is for those who wait already
		n++
		_, err := e.Client.Emit(t.Context(), "shop", "", connectors.Event{Name: "SOLD", ID: fmt.Sprint(n), Outputs: map[string]any{"total": 7, "branch": "berlin"}})
		require.NoError(t, err)
		ended(t, e, fmt.Sprintf("event/shop/SOLD/%d", n))
		state, err := e.Client.Get(t.Context(), id)
		return err == nil && state.State == contract.StateCompleted
	}, 30*time.Second, 50*time.Millisecond)
	result, err := e.Client.Wait(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, contract.StateCompleted, result.State)
	require.NoError(t, testsuite.ReplayServer(t.Context(), e.Client, *record))
}

// A timer fires its trigger; deployed again it follows the new times, and removed it fires no more.
func TestTimerTrigger(t *testing.T) {
	s := &shop{}
	e := testsuite.Start(t, s)
	timer := func(inputs string) string {
		return writeFile(t, "tick.json", eventTrigger("tick", "timer.tick.TIMER_FIRED", inputs, "shop.PRINT", `{"text":"${scheduledTime}"}`))
	}
	e.Deploy(timer(`{"every":"PT1S"}`))
	window := func() time.Duration {
		schedule, err := e.Client.Temporal.ScheduleClient().GetHandle(t.Context(), "trigger/tick").Describe(t.Context())
		require.NoError(t, err)
		return schedule.Schedule.Policy.CatchupWindow
	}
	require.Equal(t, time.Hour, window())
	require.Eventually(t, func() bool { return len(s.called()) >= 2 }, 30*time.Second, 50*time.Millisecond)
	calls := s.called()
	at, err := time.Parse(time.RFC3339, calls[0].Inputs["text"].(string))
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), at, time.Minute)
	require.NotEqual(t, calls[0].IdempotencyKey, calls[1].IdempotencyKey)

	e.Deploy(timer(`{"cron":"0 8 * * mon-fri","timeZone":"Europe/Berlin"}`))
	schedule, err := e.Client.Temporal.ScheduleClient().GetHandle(t.Context(), "trigger/tick").Describe(t.Context())
	require.NoError(t, err)
	require.Empty(t, schedule.Schedule.Spec.Intervals)
	require.Equal(t, 24*time.Hour, window())
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	require.NotEmpty(t, schedule.Info.NextActionTimes)
	require.Equal(t, 8, schedule.Info.NextActionTimes[0].In(berlin).Hour())

	source := "timer.tick.TIMER_FIRED"
	require.NoError(t, e.Client.RemoveTrigger(t.Context(), source, "tick"))
	_, err = e.Client.Temporal.ScheduleClient().GetHandle(t.Context(), "trigger/tick").Describe(t.Context())
	require.Error(t, err)
	require.ErrorIs(t, e.Client.RemoveTrigger(t.Context(), source, "tick"), client.ErrNotFound)
	require.NoError(t, testsuite.ReplayServer(t.Context(), e.Client, *record))
}
