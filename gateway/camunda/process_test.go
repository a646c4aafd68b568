package camunda_test

import (
	"bytes"
	"context"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/external"
	"github.com/waybill-io/waybill/gateway/camunda"
)

func TestStart(t *testing.T) {
	r := startRest(t)
	code, answer := r.deploy(map[string]string{"a.bpmn": waits("plain", "")})
	require.Equal(t, 200, code, answer)
	code, answer = r.deploy(map[string]string{"b.bpmn": waits("owned", "")}, "tenant-id=acme")
	require.Equal(t, 200, code, answer)
	require.Equal(t, "acme", answer["tenantId"])

	code, answer, text := r.call("POST", "/process-definition/key/plain/start", `{"businessKey":"K","withVariablesInReturn":true,"variables":{"n":{"value":7,"type":"Long"},"when":{"value":"2013-01-23T13:42:42.000+0200","type":"Date"}}}`)
	require.Equal(t, 200, code, text)
	id := answer["id"].(string)
	require.Equal(t, []any{"plain:1", "plain", "K", false, false, nil, nil}, []any{
		answer["definitionId"], answer["definitionKey"], answer["businessKey"], answer["ended"], answer["suspended"], answer["tenantId"], answer["caseInstanceId"],
	})
	require.Equal(t, map[string]any{"type": "Integer", "value": float64(7)}, answer["variables"].(map[string]any)["n"])
	require.Equal(t, map[string]any{"type": "Date", "value": "2013-01-23T13:42:42.000+0200"}, answer["variables"].(map[string]any)["when"])
	self := answer["links"].([]any)[0].(map[string]any)
	require.Equal(t, r.url+"/process-instance/"+url.PathEscape(id), self["href"])
	for _, path := range []string{url.PathEscape(id), id} { // clients write ids into paths as they are
		code, answer, text = r.call("GET", "/process-instance/"+path, "")
		require.Equal(t, 200, code, text)
		require.Equal(t, id, answer["id"])
	}
	r.start("plain:1", "")
	owned := r.start("key/owned/tenant-id/acme", "{}")
	_, answer, _ = r.call("GET", "/process-instance/"+owned, "")
	require.Equal(t, "acme", answer["tenantId"])

	require.NoError(t, r.c.SuspendDefinition(t.Context(), "owned", true))
	t.Cleanup(func() { require.NoError(t, r.c.SuspendDefinition(context.Background(), "owned", false)) }) // for the next run of the test
	for _, c := range []struct {
		path, body    string
		code          int
		kind, message string
	}{
		{"key/nobody", "{}", 404, "RestException", "No matching process definition with key: nobody and no tenant-id"},
		{"key/owned", "{}", 404, "RestException", "No matching process definition with key: owned and no tenant-id"},
		{"key/plain/tenant-id/acme", "{}", 404, "RestException", "No matching process definition with key: plain and tenant-id: acme"},
		{"plain:9", "{}", 404, "InvalidRequestException", "No matching definition with id plain:9"},
		{"plain", "{}", 404, "InvalidRequestException", "No matching definition with id plain"},
		{"key/plain", `{"variables":{"n":{"value":"x","type":"Integer"}}}`, 400, "InvalidRequestException", "Cannot instantiate process definition plain:1: Cannot convert value 'x' of type 'Integer' to java type java.lang.Integer"},
		{"key/plain", `{"startInstructions":[{}]}`, 400, "InvalidRequestException", "startInstructions are not supported"},
		{"owned:1", "{}", 500, "RestException", "Cannot instantiate process definition owned:1: it is suspended"},
		{"key/plain", "[", 400, "JsonMappingException", "Cannot read the request"},
	} {
		code, answer, text := r.call("POST", "/process-definition/"+c.path+"/start", c.body)
		require.Equal(t, c.code, code, text)
		require.Equal(t, c.kind, answer["type"], text)
		require.Contains(t, answer["message"], c.message)
	}
}

func TestVariables(t *testing.T) {
	r := startRest(t)
	code, answer := r.deploy(map[string]string{"a.bpmn": waits("vars", "")})
	require.Equal(t, 200, code, answer)
	id := r.start("key/vars", `{"variables":{"order":{"value":"{\"n\":9007199254740993}","type":"Json"},"file":{"value":"aGVsbG8=","type":"File","valueInfo":{"filename":"grüße.txt","mimeType":"text/plain","encoding":"utf-8"}}}}`)
	at := "/process-instance/" + id + "/variables"

	code, _, text := r.call("GET", at+"?deserializeValues=false", "")
	require.Equal(t, 200, code)
	require.JSONEq(t, `{"order":{"type":"Json","value":"{\"n\":9007199254740993}"},"file":{"type":"File","value":null,"valueInfo":{"filename":"grüße.txt","mimeType":"text/plain","encoding":"utf-8"}}}`, text)
	code, answer, _ = r.call("GET", at+"/order", "")
	require.Equal(t, 200, code)
	require.Equal(t, "Object", answer["type"])
	require.IsType(t, map[string]any{}, answer["value"])

	response, err := http.Get(r.url + at + "/file/data")
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, []string{"text/plain; charset=utf-8", "attachment; filename*=utf-8''gr%C3%BC%C3%9Fe.txt"}, []string{response.Header.Get("Content-Type"), response.Header.Get("Content-Disposition")})
	code, _, text = r.call("GET", at+"/file/data", "")
	require.Equal(t, []any{200, "hello"}, []any{code, text})

	code, _, text = r.call("PUT", at+"/colour", `{"value":"red","type":"String"}`)
	require.Equal(t, []any{204, ""}, []any{code, text})
	code, _, text = r.call("POST", at, `{"modifications":{"colour":{"value":"blue"},"n":{"value":"3","type":"Integer"}}}`)
	require.Equal(t, []any{204, ""}, []any{code, text})
	code, answer, _ = r.call("GET", at+"/colour", "")
	require.Equal(t, []any{200, "blue"}, []any{code, answer["value"]})

	for _, c := range []struct {
		method, path, body string
		code               int
		message            string
	}{
		{"GET", at + "/nothing", "", 404, "process instance variable with name nothing does not exist"},
		{"GET", at + "/colour/data", "", 400, "Value of variable with name colour is not a binary value."},
		{"GET", "/process-instance/vars/none/variables", "", 404, "Process instance with id vars/none does not exist"},
		{"GET", "/process-instance/none", "", 404, "Process instance with id none does not exist"},
		{"PUT", at + "/n", `{"value":"x","type":"Integer"}`, 400, "Cannot put process instance variable n: Cannot convert value 'x' of type 'Integer' to java type java.lang.Integer"},
		{"PUT", "/process-instance/none/variables/n", `{"value":1}`, 404, "Process instance with id none does not exist"},
		{"PUT", at, `{}`, 404, "HTTP 404 Not Found"},
		{"POST", at, `{"deletions":["n"]}`, 400, "set n to null"},
		{"POST", at, `{"modifications":{"n":{"type":"Thing"}}}`, 400, "Cannot modify variables for process instance: Unsupported value type 'Thing'"},
		{"POST", "/process-instance/" + id + "/modification", `{}`, 404, "HTTP 404 Not Found"},
	} {
		code, answer, text := r.call(c.method, c.path, c.body)
		require.Equal(t, c.code, code, "%s %s: %s", c.method, c.path, text)
		require.Contains(t, answer["message"], c.message)
	}
	require.NoError(t, r.c.Cancel(t.Context(), id))
	r.ended(id)
	code, _, _ = r.call("GET", "/process-instance/"+id, "")
	require.Equal(t, 404, code, "Camunda's runtime knows nothing of what is over")
}

func TestMessage(t *testing.T) {
	r := startRest(t)
	code, answer := r.deploy(map[string]string{"a.bpmn": waits("msg", ""), "b.bpmn": waits("begun", `<messageEventDefinition messageRef="begin"/>`)})
	require.Equal(t, 200, code, answer)
	begin := func(key string, n int) string {
		id := r.start("key/msg", fmt.Sprintf(`{"businessKey":%q,"variables":{"n":{"value":%d},"kind":{"value":"a"}}}`, key, n))
		r.waiting(id)
		return id
	}
	ok := func(body string) {
		t.Helper()
		code, _, text := r.call("POST", "/message", body)
		require.Equal(t, []any{204, ""}, []any{code, text}, body)
	}
	first := begin("K1", 1)
	ok(`{"messageName":"go-msg","businessKey":"K1","processVariables":{"got":{"value":"yes","type":"String"}}}`)
	require.Equal(t, "yes", r.ended(first)["got"])

	byKey := begin("K2", 2)
	ok(`{"messageName":"go-msg","correlationKeys":{"orderId":{"value":"K2","type":"String"}}}`)
	r.ended(byKey)

	byID := begin("K3", 3)
	code, _, text := r.call("POST", "/message", `{"messageName":"go-msg","processInstanceId":"`+byID+`","correlationKeys":{"n":{"value":3,"type":"Integer"}},"resultEnabled":true}`)
	require.Equal(t, 200, code, text)
	require.JSONEq(t, `[{"resultType":"Execution","execution":{"id":"`+byID+`","processInstanceId":"`+byID+`","ended":false,"tenantId":null},"processInstance":null}]`, text)
	r.ended(byID)

	// Of one business key: one that fits, none, several, all.
	one, two := begin("K4", 1), begin("K4", 2)
	require.Eventually(t, func() bool { // the list of instances is some moments behind
		code, _, _ := r.call("POST", "/message", `{"messageName":"go-msg","businessKey":"K4","correlationKeys":{"kind":{"value":"a"},"n":{"value":2}}}`)
		return code == 204
	}, eventually, tick)
	r.ended(two)
	three := begin("K4", 3)
	mismatch := func(body, message string) {
		t.Helper()
		code, answer, text := r.call("POST", "/message", body)
		require.Equal(t, []any{400, "RestException"}, []any{code, answer["type"]}, text)
		require.Contains(t, answer["message"], "MismatchingMessageCorrelationException: Cannot correlate message 'go-msg': "+message)
	}
	require.Eventually(t, func() bool {
		_, answer, _ := r.call("POST", "/message", `{"messageName":"go-msg","businessKey":"K4","correlationKeys":{"kind":{"value":"a"}}}`)
		message, _ := answer["message"].(string)
		return message != "" && message[len(message)-1] == '"'
	}, eventually, tick)
	mismatch(`{"messageName":"go-msg","businessKey":"K4","correlationKeys":{"kind":{"value":"a"}}}`, "2 executions match")
	mismatch(`{"messageName":"go-msg","businessKey":"K4","correlationKeys":{"kind":{"value":"b"}}}`, "No process definition or execution matches the parameters")
	mismatch(`{"messageName":"go-msg","businessKey":"nobody"}`, "No process definition or execution matches the parameters")
	ok(`{"messageName":"go-msg","businessKey":"K4","all":true}`)
	r.ended(one)
	r.ended(three)
	ok(`{"messageName":"go-msg","businessKey":"K4","all":true}`) // nobody is left

	code, _, text = r.call("POST", "/message", `{"messageName":"begin-begun","businessKey":"K5","resultEnabled":true,"variablesInResultEnabled":true,"processVariables":{"n":{"value":5}}}`)
	require.Equal(t, 200, code, text)
	require.Contains(t, text, `"resultType":"ProcessDefinition","execution":null`)
	require.Contains(t, text, `"businessKey":"K5"`)
	require.Contains(t, text, `"variables":{"n":{"type":"Integer","value":5}}`)

	for body, message := range map[string]string{
		`{}`: "No message name supplied",
		`{"messageName":"m","tenantId":"t","withoutTenantId":true}`:                "cannot be used together",
		`{"messageName":"m","variablesInResultEnabled":true}`:                      "cannot be used without 'resultEnabled'",
		`{"messageName":"m","all":true}`:                                           "a businessKey or a processInstanceId is expected",
		`{"messageName":"m","correlationKeys":{"a":{},"b":{}}}`:                    "a businessKey or a processInstanceId is expected",
		`{"messageName":"m","localCorrelationKeys":{"a":{}}}`:                      "are not supported",
		`{"messageName":"m","tenantId":"t"}`:                                       "with a tenant, a businessKey or a processInstanceId is expected",
		`{"messageName":"m","processVariables":{"a":{"type":"Date","value":"x"}}}`: "Cannot deliver message: Cannot convert value 'x'",
	} {
		code, answer, text := r.call("POST", "/message", body)
		require.Equal(t, []any{400, "InvalidRequestException"}, []any{code, answer["type"]}, text)
		require.Contains(t, answer["message"], message)
	}
}

// The bytes of a variable are for workers who have a task of the instance.
func TestLocalData(t *testing.T) {
	r := startRest(t)
	code, answer := r.deploy(map[string]string{"a.bpmn": waits("ours", "")}, "tenant-id=acme")
	require.Equal(t, 200, code, answer)
	ours := r.start("key/ours/tenant-id/acme", "{}")
	r.waiting(ours)
	require.NoError(t, r.c.SetVariables(t.Context(), ours, map[string]any{"f": map[string]any{"name": "a", "mediaType": "text/plain", "text": "b"}}))
	acme, other := "acme", "other"
	for by, want := range map[*external.Scope]int{{}: 200, {Tenant: &acme}: 200, {Tenant: &other}: 403, {Topics: []string{"a"}}: 403} {
		code, _, text := r.limited(*by).call("GET", "/execution/"+ours+"/localVariables/f/data", "")
		require.Equal(t, want, code, text)
		require.Equal(t, want == 200, text == "b", text)
	}
	for path, want := range map[string]int{"/localVariables/g/data": 404, "/localVariables/f": 404, "x/localVariables/f/data": 404} {
		code, _, text := r.call("GET", "/execution/"+ours+path, "")
		require.Equal(t, want, code, text)
	}
}

// Who may work on external tasks may not deploy by that.
func TestOfExternalTasksAlone(t *testing.T) {
	t.Parallel()
	yes := func(*http.Request) (external.Scope, error) { return external.Scope{}, nil }
	no := func(*http.Request) (string, error) { return "", external.ErrForbidden }
	for pattern, h := range (&camunda.Server{Admit: yes, AdmitAPI: no, Processes: &client.Client{}}).Routes() {
		method, path, _ := strings.Cut(pattern, " ")
		path = strings.NewReplacer("{rest...}", "a/variables/b", "{id}", "a", "{key}", "a", "{t}", "a").Replace(path)
		if strings.HasPrefix(path, "/engine-rest/external-task") || strings.HasPrefix(path, "/engine-rest/execution") || path == "/engine-rest/version" || path == "/engine-rest/engine" {
			continue
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader("{}")))
		require.Equal(t, http.StatusForbidden, w.Code, pattern)
	}
}

// What is larger than a deployment may be is refused.
func TestDeploymentIsBounded(t *testing.T) {
	r := startRest(t)
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	p, err := w.CreateFormFile("a", "a.bpmn")
	require.NoError(t, err)
	_, err = p.Write(bytes.Repeat([]byte("x"), 5<<20))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	code, answer, text := r.do("POST", "/deployment/create", w.FormDataContentType(), &form)
	require.Equal(t, 400, code, text)
	require.Contains(t, answer["message"], "too large")
}
