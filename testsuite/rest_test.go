package testsuite_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/webhook"
	"github.com/waybill-io/waybill/testsuite"
	"github.com/waybill-io/waybill/worker/dev"
)

const stockModel = `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t">
<process id="stock" isExecutable="true">
<startEvent id="start"/><sequenceFlow id="f1" sourceRef="start" targetRef="ask"/>
<serviceTask id="ask" implementation="rest.GET"/>
<boundaryEvent id="unknown" attachedToRef="ask"><errorEventDefinition errorRef="not-found"/></boundaryEvent>
<sequenceFlow id="f2" sourceRef="ask" targetRef="known"/><endEvent id="known"/>
<sequenceFlow id="f3" sourceRef="unknown" targetRef="none"/><endEvent id="none"/></process>
<error id="not-found" errorCode="NOT_FOUND"/></definitions>`

const stockMapping = `{"id":"stock","name":"stock","type":"PROCESS","extensions":{"stock":{
"properties":{"article":{"id":"1","name":"article","type":"string"},"answer":{"id":"2","name":"answer","type":"json"}},
"mappings":{"ask":{"inputs":{"restUrl":{"type":"value","value":"/articles/${article}"}},"outputs":{"answer":{"type":"variable","value":"restResult"}}}}}}}`

// camundaModel was written for Camunda's connector, where every status is a result.
const camundaModel = `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" targetNamespace="t">
<process id="old-stock" isExecutable="true">
<startEvent id="start"/><sequenceFlow id="f1" sourceRef="start" targetRef="ask"/>
<serviceTask id="ask"><extensionElements><camunda:connector><camunda:connectorId>http-connector</camunda:connectorId><camunda:inputOutput>
<camunda:inputParameter name="url">%s/articles/${article}</camunda:inputParameter><camunda:inputParameter name="method">GET</camunda:inputParameter>
<camunda:outputParameter name="status">${statusCode}</camunda:outputParameter><camunda:outputParameter name="said">${response}</camunda:outputParameter>
</camunda:inputOutput></camunda:connector></extensionElements></serviceTask>
<sequenceFlow id="f2" sourceRef="ask" targetRef="end"/><endEvent id="end"/></process></definitions>`

// A webhook starts a process once, which calls an API that fails at first; another article is not there, which the process catches.
func TestProcessesCallAndAreCalled(t *testing.T) {
	var mu sync.Mutex
	keys := map[string][]string{} // idempotency keys by path
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		keys[r.URL.Path] = append(keys[r.URL.Path], r.Header.Get("Idempotency-Key"))
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.Header.Get("Authorization") != "Bearer a-token":
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path != "/articles/A-1":
			w.WriteHeader(http.StatusNotFound)
			_, _ = fmt.Fprint(w, `{"title":"no such article"}`)
		case len(keys[r.URL.Path]) == 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			_, _ = fmt.Fprint(w, `{"name":"Chair","pieces":9007199254740993}`)
		}
	}))
	defer api.Close()
	settings := map[string]string{
		"REST_HOST": api.URL, "REST_AUTH": "bearer", "REST_AUTH_TOKEN": "a-token", "WEBHOOK_SECRET": "sesame", "EVENT_NOT_MATCH_STATUS": "404",
	}
	e := testsuite.StartWith(t, dev.Options{Variable: func(name string) (string, error) { return settings[name], nil }})
	model := writeFile(t, "stock.bpmn", stockModel)
	mapping := filepath.Join(filepath.Dir(model), "stock-extensions.json")
	require.NoError(t, os.WriteFile(mapping, []byte(stockMapping), 0o600))
	e.Deploy(model, mapping, writeFile(t, "old-stock.bpmn", fmt.Sprintf(camundaModel, api.URL)),
		writeFile(t, "hook.json", eventTrigger("hook", "connector.rest.INCOMING_WEBHOOK", `{"path":"stock","method":["POST"],"headers":{"Content-Type":"application/json"}}`, "command-consumer",
			`{"payloadType":"StartProcessPayload","processDefinitionKey":"stock","name":"n","variables":{"article":"${body.article}"}}`)))

	post := func(path, secret string) error {
		return webhook.NewPoster(time.Minute).Post(t.Context(), []mail.Secret{mail.Secret(secret)}, webhook.Delivery{
			ID: "order/7", URL: e.GatewayURL + "/connectors/rest/events/" + path, ContentType: "application/json", Body: []byte(`{"article":"A-1"}`),
		}, time.Now())
	}
	require.ErrorContains(t, post("stock", "forged"), "401")
	require.ErrorContains(t, post("other", "sesame"), "404")
	for range 2 {
		require.NoError(t, post("stock", "sesame"))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	called, err := e.Client.Wait(ctx, instancesOf(t, e, "stock", 1)[0].ID)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"name": "Chair", "pieces": int64(9007199254740993)}, called.Variables["answer"])
	mu.Lock()
	tried := keys["/articles/A-1"]
	mu.Unlock()
	require.Len(t, tried, 2)
	require.Equal(t, tried[0], tried[1], "a call that is repeated can be recognised")

	id, _, err := e.Client.Start(ctx, client.StartOptions{Key: "stock", Variables: map[string]any{"article": "A-2"}})
	require.NoError(t, err)
	caught, err := e.Client.Wait(ctx, id)
	require.NoError(t, err)
	require.NotContains(t, caught.Variables, "answer")
	id, _, err = e.Client.Start(ctx, client.StartOptions{Key: "old-stock", Variables: map[string]any{"article": "A-3"}})
	require.NoError(t, err)
	old, err := e.Client.Wait(ctx, id)
	require.NoError(t, err)
	require.Equal(t, int64(404), old.Variables["status"])
	require.Equal(t, `{"title":"no such article"}`, old.Variables["said"])
	require.NoError(t, testsuite.ReplayServer(t.Context(), e.Client, *record))
}
