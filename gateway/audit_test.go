package gateway_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/gateway"
	"github.com/waybill-io/waybill/gateway/access"
	"github.com/waybill-io/waybill/testsuite/externaltest"
	"github.com/waybill-io/waybill/testsuite/process"
	"github.com/waybill-io/waybill/testsuite/temporalserver/servertest"
	"github.com/waybill-io/waybill/worker/app"
)

var server servertest.Server

func TestMain(m *testing.M) { os.Exit(server.Run(m)) }

// log is what a gateway logs, a JSON object a line.
type log struct{ process.Output }

// of are the lines with a message.
func (l *log) of(t *testing.T, message string) (list []map[string]any) {
	t.Helper()
	for line := range strings.Lines(l.String()) {
		var fields map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &fields))
		if fields["msg"] == message {
			list = append(list, fields)
		}
	}
	return list
}

// Each lease and each answer is logged with who it was of, and counted; and none of them says what is in a task.
func TestExternalTasksAreAudited(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	hash := func(token string) string {
		sum := sha256.Sum256([]byte(token))
		return " sha256:" + hex.EncodeToString(sum[:])
	}
	require.NoError(t, os.WriteFile(file, []byte("ann"+hash("wb_ann")+" topic=audited\nbob"+hash("wb_bob")+" topic=others\neve"+hash("wb_eve")+" tenant=acme\nops"+hash("wb_ops")+"\n"), 0o600))
	logged := &log{}
	logger := slog.New(slog.NewJSONHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	gate, err := access.Open(access.Config{Tokens: file, Logger: logger})
	require.NoError(t, err)
	p := externaltest.Open(t, app.Options{
		Temporal: server.Client(t), Roles: []app.Role{app.Process, app.Gateway}, Logger: logger, Gateway: gateway.Options{Address: "127.0.0.1:0", Access: gate},
	})
	p.Deploy("audited", externaltest.Model("audited", externaltest.Task(externaltest.Topic("audited"))))
	instance := p.Begin(client.StartOptions{Key: "audited", Variables: map[string]any{"card": "4711 0815"}})

	call := func(token, path, body string) (int, string) {
		method := http.MethodPost
		if body == "" {
			method = http.MethodGet
		}
		r, err := http.NewRequestWithContext(t.Context(), method, p.App.GatewayURL()+path, strings.NewReader(body))
		require.NoError(t, err)
		r.SetBasicAuth("worker", token)
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer answer.Body.Close()
		content, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return answer.StatusCode, string(content)
	}
	const fetch, want = "/engine-rest/external-task/fetchAndLock", `{"workerId":"w1","maxTasks":1,"asyncResponseTimeout":20000,"topics":[{"topicName":"audited","lockDuration":60000}]}`
	code, _ := call("wb_nobody", fetch, want)
	require.Equal(t, http.StatusUnauthorized, code)
	code, content := call("wb_bob", fetch, want)
	require.Equal(t, http.StatusForbidden, code, content)
	code, content = call("wb_ann", fetch, want)
	require.Equal(t, http.StatusOK, code, content)
	var tasks []struct{ ID string }
	require.NoError(t, json.Unmarshal([]byte(content), &tasks))
	require.Len(t, tasks, 1, content)
	task := "/engine-rest/external-task/" + tasks[0].ID
	for token, want := range map[string]int{"wb_bob": http.StatusForbidden, "wb_eve": http.StatusForbidden, "wb_nobody": http.StatusUnauthorized} {
		for _, answer := range []string{"/complete", "/failure", "/bpmnError", "/extendLock", "/unlock"} {
			code, content = call(token, task+answer, `{"workerId":"w1","errorCode":"x","newDuration":1000}`)
			require.Equal(t, want, code, "%s %s: %s", token, answer, content)
		}
	}
	code, _ = call("wb_ann", task+"/extendLock", `{"workerId":"w1","newDuration":90000}`)
	require.Equal(t, http.StatusNoContent, code)
	code, _ = call("wb_ann", task+"/complete", `{"workerId":"w2","variables":{"pin":{"value":"1234"}}}`)
	require.Equal(t, http.StatusBadRequest, code)
	code, _ = call("wb_ann", task+"/complete", `{"workerId":"w1","variables":{"pin":{"value":"1234"}}}`)
	require.Equal(t, http.StatusNoContent, code)
	require.Equal(t, "1234", p.Ended(instance).Variables["pin"])
	code, _ = call("wb_ann", task+"/complete", `{"workerId":"w1"}`)
	require.Equal(t, http.StatusNotFound, code)

	for message, more := range map[string]string{"external task fetched": "until", "external task extended": "until", "external task completed": ""} {
		lines := logged.of(t, message)
		require.Len(t, lines, 1, message)
		for name, value := range map[string]any{"level": "INFO", "user": "ann", "worker": "w1", "task": tasks[0].ID, "topic": "audited", "instance": instance} {
			require.Equal(t, value, lines[0][name], "%s: %s", message, name)
		}
		if more != "" {
			until, err := time.Parse(time.RFC3339Nano, lines[0][more].(string))
			require.NoError(t, err)
			require.True(t, until.After(time.Now()))
		}
	}
	refused := logged.of(t, "external task: refused to complete it")
	require.Len(t, refused, 4, "of bob, of eve, of another worker, and after the end")
	for _, secret := range []string{"4711", "1234", "wb_"} {
		require.NotContains(t, logged.String(), secret)
	}

	code, _ = call("wb_ann", "/metrics", "")
	require.Equal(t, http.StatusForbidden, code)
	code, content = call("wb_ops", "/metrics", "")
	require.Equal(t, http.StatusOK, code)
	for _, line := range []string{
		`waybill_external_tasks_total{outcome="fetched",topic="audited"} 1`, `waybill_external_tasks_total{outcome="extended",topic="audited"} 1`,
		`waybill_external_tasks_total{outcome="completed",topic="audited"} 1`, `waybill_external_refused_total{reason="locked",topic="audited"} 1`,
		`waybill_external_refused_total{reason="forbidden",topic="audited"} 10`, `waybill_external_refused_total{reason="forbidden",topic="(other)"} 1`,
		`waybill_external_refused_total{reason="gone",topic="(other)"} 1`, `waybill_external_refused_total{reason="no-token",topic="(other)"} 6`,
		`waybill_external_requests_waiting 0`,
	} {
		require.Contains(t, content, "\n"+line+"\n")
	}
}
