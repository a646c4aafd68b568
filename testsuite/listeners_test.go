package testsuite_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/testsuite"
	"github.com/waybill-io/waybill/worker/dev"
)

type object = map[string]any

// listeners calls the API of listeners and returns the status of the answer, which may be nil.
func listeners(t *testing.T, e *testsuite.Environment) func(method, path string, body, answer any) int {
	return func(method, path string, body, answer any) int {
		t.Helper()
		text, err := json.Marshal(body)
		require.NoError(t, err)
		r, err := http.NewRequestWithContext(t.Context(), method, e.GatewayURL+"/api/listeners"+path, bytes.NewReader(text))
		require.NoError(t, err)
		response, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer response.Body.Close()
		content, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		if answer != nil {
			require.NoError(t, json.Unmarshal(content, answer), string(content))
		}
		return response.StatusCode
	}
}

// An application has a mailbox watched over HTTP as at the listener service, is told of its mail, and closes it.
func TestListeners(t *testing.T) {
	t.Setenv("WAYBILL_MAILBOX_PASSWORD", dev.Password)
	t.Setenv("WAYBILL_MAILBOX_WRONG", "wrong")
	e := testsuite.Start(t)
	app := receive(t)
	call := listeners(t, e)
	const id = "0b8a1a5e-5a59-4a4b-9d9e-0b4f3a9d7c11"
	credentials := object{
		"Id": id, "UserName": supportAddress, "Password": "env:WAYBILL_MAILBOX_PASSWORD", "SenderEmailAddress": supportAddress, "BpmUser": "Supervisor",
		"ServiceUrl": "imap://" + e.Mail.IMAPAddr(), "BpmEndpoint": app.URL, "UseFullEmail": true, "unsigned": true, "FolderClassName": "passed over",
	}

	var valid struct {
		IsValid bool
		Message string
		Data    []string
	}
	require.Equal(t, 200, call("POST", "/validate", credentials, &valid))
	require.True(t, valid.IsValid, valid.Message)
	require.Contains(t, valid.Data, "INBOX")
	wrong := object{"Id": id, "UserName": supportAddress, "Password": "env:WAYBILL_MAILBOX_WRONG", "ServiceUrl": "imap://" + e.Mail.IMAPAddr()}
	require.Equal(t, 200, call("POST", "/validate", wrong, &valid))
	require.False(t, valid.IsValid)
	require.Contains(t, valid.Message, "refused the user name or the password")
	var folders []string
	require.Equal(t, 200, call("POST", "/folders", credentials, &folders))
	require.Contains(t, folders, "INBOX")

	var problem struct{ Detail string }
	require.Equal(t, 400, call("POST", "", []object{credentials, {"Id": "x"}}, &problem))
	require.Contains(t, problem.Detail, "mailbox 2")
	var exists bool
	require.Equal(t, 200, call("GET", "/"+id+"/exists", nil, &exists))
	require.False(t, exists, "nothing is made before everything is checked")

	var made []struct{ ID, Mailbox string }
	require.Equal(t, 200, call("POST", "", []object{credentials}, &made))
	require.Equal(t, id, made[0].ID)
	var status struct {
		ServiceStatus string
		Connections   map[string]struct{ SenderEmailAddress, BpmUser, BpmEndpoint, State, ID, RedisKey, Connection string }
	}
	require.Eventually(t, func() bool {
		call("GET", "/status", nil, &status)
		return status.Connections[id].Connection == "connected"
	}, 30*time.Second, 100*time.Millisecond)
	require.Equal(t, "Started", status.ServiceStatus)
	c := status.Connections[id]
	require.Equal(t, []string{supportAddress, "Supervisor", app.URL, "exists", id, "mailbox/" + made[0].Mailbox},
		[]string{c.SenderEmailAddress, c.BpmUser, c.BpmEndpoint, c.State, c.ID, c.RedisKey})

	e.Send("anna@example.com", supportAddress, write("anna@example.com", "Hello", "Hello"))
	require.Eventually(t, func() bool { return len(app.bodies()) == 1 }, 30*time.Second, 50*time.Millisecond)
	require.Contains(t, app.bodies()[0], `"Subject":"Hello"`)
	var again struct{ ID string }
	require.Equal(t, 200, call("POST", "/synchronize", object{"Credentials": object{"Id": id}, "Filters": object{"Since": time.Now().Add(-time.Hour)}}, &again))
	require.Eventually(t, func() bool { return len(app.bodies()) == 2 }, 30*time.Second, 50*time.Millisecond)
	require.Len(t, app.ids, 1, "the same delivery")

	var diagnosis map[string][]struct {
		Check, Cause, Cure string
		OK                 bool
	}
	require.Equal(t, 200, call("GET", "/diagnostics?id="+id, nil, &diagnosis))
	require.Len(t, diagnosis[id], 10)
	for _, f := range diagnosis[id] {
		require.True(t, f.OK, "%+v", f)
	}
	require.Equal(t, 200, call("GET", "/diagnostics?id=other", nil, &diagnosis))
	last := diagnosis["other"][len(diagnosis["other"])-1]
	require.False(t, last.OK)
	require.Contains(t, last.Cure, "POST /api/listeners")

	var states map[string]struct{ State string }
	require.Equal(t, 200, call("POST", "/state", []string{id, "other"}, &states))
	require.Equal(t, "exists", states[id].State)
	require.Equal(t, "notExists", states["other"].State)
	var closed []string
	require.Equal(t, 200, call("POST", "/close", []string{id, "other"}, &closed))
	require.Equal(t, []string{id}, closed)
	require.Eventually(t, func() bool {
		return call("GET", "/"+id+"/exists", nil, &exists) == 200 && !exists
	}, 30*time.Second, 100*time.Millisecond)
	require.Equal(t, 404, call("GET", "/"+id, nil, &problem))
	require.False(t, strings.Contains(problem.Detail, dev.Password))

	var document object
	require.Equal(t, 200, call("GET", "/openapi.json", nil, &document))
	require.Equal(t, "3.1.0", document["openapi"])
	require.NoError(t, testsuite.ReplayServer(t.Context(), e.Client, ""))
}
