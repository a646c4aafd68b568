package camunda_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/external"
	waybill "github.com/waybill-io/waybill/gateway"
	"github.com/waybill-io/waybill/gateway/camunda"
	"github.com/waybill-io/waybill/testsuite/externaltest"
	"github.com/waybill-io/waybill/worker/app"
)

// rest is /engine-rest of a worker that has the gateway.
type rest struct {
	t   *testing.T
	c   *client.Client
	url string
}

func startRest(t *testing.T) *rest {
	t.Helper()
	p := externaltest.Open(t, app.Options{Temporal: server.Client(t), Roles: []app.Role{app.Process, app.Gateway}, Gateway: waybill.Options{Address: "127.0.0.1:0"}})
	return &rest{t, p.Client, p.App.GatewayURL() + api}
}

// limited serves workers with a scope.
func (r *rest) limited(by external.Scope) *rest {
	mux := http.NewServeMux()
	admit := func(*http.Request) (external.Scope, error) { return by, nil }
	for pattern, h := range (&camunda.Server{Tasks: external.New(r.c, "default"), Admit: admit, Processes: r.c}).Routes() {
		mux.Handle(pattern, h)
	}
	s := httptest.NewServer(mux)
	r.t.Cleanup(s.Close)
	return &rest{r.t, r.c, s.URL + api}
}

func (r *rest) do(method, path, kind string, body io.Reader) (code int, answer map[string]any, text string) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, body)
	require.NoError(r.t, err)
	request.Header.Set("Content-Type", kind)
	response, err := http.DefaultClient.Do(request)
	require.NoError(r.t, err)
	defer response.Body.Close()
	all, err := io.ReadAll(response.Body)
	require.NoError(r.t, err)
	_ = json.Unmarshal(all, &answer) // a list, or nothing
	return response.StatusCode, answer, string(all)
}

func (r *rest) call(method, path, body string) (code int, answer map[string]any, text string) {
	r.t.Helper()
	return r.do(method, path, "application/json", strings.NewReader(body))
}

// deploy sends files by name, and fields without one: "name=value".
func (r *rest) deploy(files map[string]string, fields ...string) (code int, answer map[string]any) {
	r.t.Helper()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	for _, f := range fields {
		name, value, _ := strings.Cut(f, "=")
		require.NoError(r.t, w.WriteField(name, value))
	}
	for name, data := range files {
		p, err := w.CreateFormFile(name, name)
		require.NoError(r.t, err)
		_, err = p.Write([]byte(data))
		require.NoError(r.t, err)
	}
	require.NoError(r.t, w.Close())
	code, answer, _ = r.do(http.MethodPost, "/deployment/create", w.FormDataContentType(), &form)
	return code, answer
}

// waits is a model whose instances wait for the message go.
func waits(key, start string) string {
	return `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" targetNamespace="t">
		<message id="go" name="go-` + key + `"/><message id="begin" name="begin-` + key + `"/><process id="` + key + `" name="Order" isExecutable="true" camunda:versionTag="v1">
		<startEvent id="s">` + start + `</startEvent><sequenceFlow id="a" sourceRef="s" targetRef="w"/>
		<intermediateCatchEvent id="w"><messageEventDefinition messageRef="go"/></intermediateCatchEvent><sequenceFlow id="b" sourceRef="w" targetRef="e"/><endEvent id="e"/></process></definitions>`
}

func (r *rest) start(path, body string) string {
	r.t.Helper()
	code, answer, text := r.call("POST", "/process-definition/"+path+"/start", body)
	require.Equal(r.t, 200, code, text)
	return answer["id"].(string)
}

// waiting waits until an instance is at its message.
func (r *rest) waiting(id string) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		state, err := r.c.Get(r.t.Context(), id)
		return err == nil && len(state.Active) == 1 && state.Active[0] == "w"
	}, 10*time.Second, 20*time.Millisecond)
}

func (r *rest) ended(id string) map[string]any {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 30*time.Second)
	defer cancel()
	result, err := r.c.Wait(ctx, id)
	require.NoError(r.t, err)
	return result.Variables
}

func TestEngine(t *testing.T) {
	r := startRest(t)
	code, _, text := r.call("GET", "/engine", "")
	require.Equal(t, 200, code)
	require.JSONEq(t, `[{"name":"default"}]`, text)
	code, answer, _ := r.call("GET", "/version", "")
	require.Equal(t, 200, code)
	require.Regexp(t, `^7\.\d+\.\d+$`, answer["version"])
}

// Camunda Modeler's requests, as a browser makes them.
func TestModelerDeploys(t *testing.T) {
	externaltest.Installed(t, clientDir, clientNeeds)
	r := startRest(t)
	file := filepath.Join(t.TempDir(), "order.bpmn")
	require.NoError(t, os.WriteFile(file, []byte(waits("modeled", "")), 0o600))
	modeler := func() (answer struct {
		Asked, Deployed      bool
		Version, ID, Message string
		Definition, Instance map[string]any
	}) {
		command := exec.CommandContext(t.Context(), "node", "testdata/client/modeler.mjs", r.url, file)
		command.Stderr = os.Stderr
		output, err := command.Output()
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(output, &answer))
		return answer
	}
	for range 2 { // it deploys before every start
		answer := modeler()
		require.True(t, answer.Asked && answer.Deployed, answer)
		require.Equal(t, "modeled:1", answer.Definition["id"])
		require.Equal(t, "order.bpmn", answer.Definition["resource"])
		require.Equal(t, "v1", answer.Definition["versionTag"])
		require.Equal(t, answer.ID, answer.Definition["deploymentId"])
		require.Equal(t, "K", answer.Instance["businessKey"])
		state, err := r.c.Get(t.Context(), answer.Instance["id"].(string))
		require.NoError(t, err)
		require.Equal(t, int64(1), state.Variables["n"])
	}
	require.NoError(t, os.WriteFile(file, []byte("<definitions"), 0o600))
	answer := modeler()
	require.False(t, answer.Deployed)
	require.True(t, strings.HasPrefix(answer.Message, "ENGINE-09005 Could not parse BPMN process."), "what the modeler looks for: %s", answer.Message)
}

func TestDeployment(t *testing.T) {
	r := startRest(t)
	first := "first-" + strings.ToLower(rand.Text()[:8]) // another in each run of the test
	code, answer := r.deploy(map[string]string{"a.bpmn": waits(first, ""), "b.bpmn20.xml": waits("second", "")}, "deployment-name=two", "deployment-source=test", "deploy-changed-only=true")
	require.Equal(t, 200, code, answer)
	require.Equal(t, []any{"two", "test", nil}, []any{answer["name"], answer["source"], answer["tenantId"]})
	require.Len(t, answer["deployedProcessDefinitions"], 2)
	require.Contains(t, answer["deployedProcessDefinitions"], "second:1")
	_, err := time.Parse("2006-01-02T15:04:05.000-0700", answer["deploymentTime"].(string))
	require.NoError(t, err)
	code, answer = r.deploy(map[string]string{"a.bpmn": waits(first, "<documentation>changed</documentation>")}, "tenant-id=")
	require.Equal(t, 200, code, answer)
	require.Contains(t, answer["deployedProcessDefinitions"], first+":2")

	// Nothing of it is deployed.
	code, answer = r.deploy(map[string]string{"good.bpmn": waits("good", ""), "bad.bpmn": `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t">
 <process id="bad" isExecutable="true"><startEvent id="s"/><sequenceFlow id="a" sourceRef="s" targetRef="w"/>
   <serviceTask id="w" name="x"/></process></definitions>`, "call.bpmn": strings.Replace(waits("call", ""), `<intermediateCatchEvent id="w"><messageEventDefinition messageRef="go"/></intermediateCatchEvent>`,
		`<serviceTask id="w" implementation="nothing.SEND"/>`, 1)})
	require.Equal(t, 400, code)
	require.Equal(t, "ParseException", answer["type"])
	details := answer["details"].(map[string]any)
	require.NotContains(t, details, "good.bpmn")
	found := details["bad.bpmn"].(map[string]any)["errors"].([]any)[0].(map[string]any)
	require.Equal(t, []any{float64(3), float64(4), "w", []any{"w"}}, []any{found["line"], found["column"], found["mainElementId"], found["elementIds"]})
	require.NotContains(t, answer["message"], os.TempDir())
	require.Contains(t, details["call.bpmn"].(map[string]any)["errors"].([]any)[0].(map[string]any)["message"], `unknown connector "nothing"`)
	_, err = r.c.Definition(t.Context(), "good", 0)
	require.ErrorIs(t, err, client.ErrNotFound)

	code, answer = r.deploy(nil, "deployment-name=none")
	require.Equal(t, []any{400, "InvalidRequestException", "No deployment resources contained in the form upload."}, []any{code, answer["type"], answer["message"]})
	for _, fields := range [][]string{{"tenant-id=no/name"}, {"deployment-activation-time=2030-01-01T00:00:00.000+0000"}, {"other=no file"}} {
		code, answer = r.deploy(map[string]string{"good.bpmn": waits("good", "")}, fields...)
		require.Equal(t, 400, code, fields)
		require.Equal(t, "InvalidRequestException", answer["type"])
	}
	code, answer = r.deploy(map[string]string{"readme.txt": "x"})
	require.Equal(t, 400, code)
	require.Contains(t, answer["message"], "nothing to deploy")
	code, answer, _ = r.call("POST", "/deployment/create", "{}")
	require.Equal(t, 400, code, answer)
}

// eventually bounds what takes some moments.
const (
	eventually = 20 * time.Second
	tick       = 50 * time.Millisecond
)
