package testsuite_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	sdk "go.temporal.io/sdk/testsuite"
	"gocloud.dev/blob/memblob"

	"github.com/waybill-io/waybill/activities"
	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/mail/webhook"
	"github.com/waybill-io/waybill/testsuite"
	"github.com/waybill-io/waybill/worker/dev"
)

const onCall = `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t">
<process id="on-call" isExecutable="true">
<startEvent id="start"/><sequenceFlow id="f1" sourceRef="start" targetRef="mend"/>
<userTask id="mend" name="Mend the mailbox"/><sequenceFlow id="f2" sourceRef="mend" targetRef="end"/>
<endEvent id="end"/></process></definitions>`

const alarmTrigger = `{"name":"alarm","event":{"source":"connector.support.MAILBOX_STOPPED","inputs":{"pattern":"refused"}},
"action":{"source":"command-consumer","payload":{"payloadType":"StartProcessPayload","processDefinitionKey":"on-call","name":"n","businessKey":"${mailbox}",
"variables":{"address":"${address}","errorClass":"${errorClass}","errorMessage":"${errorMessage}","count":"${count}","at":"${at}"}}}}`

// alert is a CloudEvent that tells of an account.
type alert struct {
	ID, Type, Source, Subject string
	Data                      struct {
		Mailbox, Address, ErrorClass, ErrorMessage, At string
		Count                                          int
	}
}

// A mailbox that errors stop starts a process and tells webhooks, once; when it works again it tells so, too. What is down meanwhile is
// told later.
func TestMailboxAlerts(t *testing.T) {
	t.Setenv("ALERTS_PASSWORD", dev.Password)
	e := testsuite.Start(t)
	e.Deploy(writeFile(t, "on-call.bpmn", onCall), writeFile(t, "alarm.json", alarmTrigger))
	crm, down := receive(t), receive(t)
	down.status.Store(http.StatusServiceUnavailable)
	subscribe(t, e, webhook.Subscription{Name: "crm", URL: crm.URL})
	subscribe(t, e, webhook.Subscription{Name: "down", URL: down.URL})
	e.Watch("support", supportAddress)
	m, err := e.Client.Mailbox(t.Context(), "support")
	require.NoError(t, err)
	config := m.Config
	config.Password, config.ErrorPolicy = "env:ALERTS_PASSWORD", json.RawMessage(`[{"class":"auth","retryCount":0,"stop":true}]`)
	t.Setenv("ALERTS_PASSWORD", "wrong")
	require.NoError(t, e.Client.ConfigureMailbox(t.Context(), config))
	status := func(what string, is func(client.Mailbox) bool) {
		t.Helper()
		require.Eventually(t, func() bool {
			m, err = e.Client.Mailbox(t.Context(), "support")
			return err == nil && is(m)
		}, 60*time.Second, 50*time.Millisecond, what)
	}
	status("stops", func(m client.Mailbox) bool { return m.Connection == "stopped" })
	require.Eventually(t, func() bool { // no rule takes it
		state, err := e.Client.AlertGroups(t.Context(), "unrouted")
		return err == nil && len(state.Groups) == 1 && state.Groups[0].Alert.Source == contract.AlertMailbox && state.Groups[0].Alert.ProcessName == "mailbox support"
	}, 30*time.Second, 50*time.Millisecond)
	sample := contract.AlertSample{Source: contract.AlertMailbox, ProcessID: contract.MailboxID("support")}
	require.True(t, e.Client.Stands(t.Context(), sample))

	var instances []client.Instance
	require.Eventually(t, func() bool {
		instances, err = e.Client.List(t.Context(), client.Filter{Key: "on-call"})
		return err == nil && len(instances) > 0
	}, 30*time.Second, 50*time.Millisecond)
	task := e.Task(instances[0].ID)
	require.Equal(t, "Mend the mailbox", task.Name)
	require.Eventually(t, func() bool { return len(crm.bodies()) == 1 }, 30*time.Second, 50*time.Millisecond)
	read := func(body string) (a alert) {
		require.NoError(t, json.Unmarshal([]byte(body), &a))
		return a
	}
	told := read(crm.bodies()[0])
	require.Equal(t, []string{"io.waybill.mailbox.MAILBOX_STOPPED", "/mailboxes/support", supportAddress}, []string{told.Type, told.Source, told.Subject})
	require.Equal(t, []string{"support", supportAddress, "auth"}, []string{told.Data.Mailbox, told.Data.Address, told.Data.ErrorClass})
	require.Equal(t, 1, told.Data.Count)
	require.Contains(t, told.Data.ErrorMessage, "the server refused the user name or the password")
	require.NotContains(t, told.Data.ErrorMessage, "wrong")

	t.Setenv("ALERTS_PASSWORD", dev.Password)
	require.NoError(t, e.Client.ChangeMailbox(t.Context(), "support", contract.ResumeUpdate))
	require.Eventually(t, func() bool { return len(crm.bodies()) == 2 }, 60*time.Second, 50*time.Millisecond)
	require.Equal(t, "io.waybill.mailbox.MAILBOX_AVAILABLE", read(crm.bodies()[1]).Type)
	status("is connected", func(m client.Mailbox) bool { return m.Connection == "connected" && m.Stopped == nil && m.Alarm == nil })

	require.Empty(t, down.bodies())
	down.status.Store(http.StatusOK)
	require.Eventually(t, func() bool { return len(down.bodies()) == 2 }, 60*time.Second, 50*time.Millisecond)
	require.Equal(t, told.Type, read(down.bodies()[0]).Type)
	require.Len(t, down.ids, 2, "the same delivery at every try")
	status("nothing is pending", func(m client.Mailbox) bool { return len(m.Pending)+len(m.Alerts) == 0 })
	instances, err = e.Client.List(t.Context(), client.Filter{Key: "on-call"})
	require.NoError(t, err)
	require.Len(t, instances, 1)
	require.NoError(t, testsuite.ReplayServer(t.Context(), e.Client, ""))
}

// An alert whose worker dies before it has told so is raised again, and starts nothing twice; a trigger that can do nothing hinders no other.
func TestAlertMayBeRaisedAgain(t *testing.T) {
	e := testsuite.Start(t)
	e.Deploy(writeFile(t, "on-call.bpmn", onCall), writeFile(t, "alarm.json", alarmTrigger))
	missing := `{"name":"missing","event":{"source":"connector.support.MAILBOX_STOPPED","inputs":{"pattern":""}},
		"action":{"source":"command-consumer","payload":{"payloadType":"StartProcessPayload","processDefinitionKey":"none","name":"n"}}}`
	require.NoError(t, e.Client.PutTrigger(t.Context(), "connector.support.MAILBOX_STOPPED", "missing", json.RawMessage(missing)))
	bucket := memblob.OpenBucket(nil)
	defer bucket.Close()
	deliverer := activities.NewDeliverer(e.Client, activities.NewFiles(bucket), activities.NewMetrics(prometheus.NewRegistry()), nil)
	raise := func(id string) contract.RaiseResult {
		var suite sdk.WorkflowTestSuite
		env := suite.NewTestActivityEnvironment()
		env.RegisterActivity(deliverer.Raise)
		value, err := env.ExecuteActivity(deliverer.Raise, contract.RaiseInput{Mailbox: "support", Alert: contract.MailboxAlert{
			ID: id, Event: contract.MailboxStopped, Address: supportAddress, Error: contract.MailboxError{Class: "auth", Message: "refused", Count: 9}, At: time.Now(),
		}})
		require.NoError(t, err)
		var result contract.RaiseResult
		require.NoError(t, value.Get(&result))
		return result
	}
	running := func(n int) {
		t.Helper()
		require.Eventually(t, func() bool {
			list, err := e.Client.List(t.Context(), client.Filter{Key: "on-call"})
			return err == nil && len(list) == n
		}, 30*time.Second, 50*time.Millisecond)
	}
	for range 3 {
		result := raise("run/1")
		require.Len(t, result.Failed, 1)
		require.Contains(t, result.Failed[0], "MAILBOX_STOPPED: trigger missing: ")
		require.Empty(t, result.Webhooks)
		running(1)
	}
	raise("run/2")
	running(2)
}

// An application that had its mailbox watched over HTTP hears that its token is refused, that the mailbox has stopped, and that it works again.
func TestListenerAlerts(t *testing.T) {
	t.Setenv("WAYBILL_MAILBOX_PASSWORD", dev.Password)
	t.Setenv("WAYBILL_MAILBOX_TOKEN", "an old token")
	e := testsuite.Start(t)
	app := receive(t)
	const id = "7a0b0bb0-5b3c-4b51-9b7d-000000000002"
	credentials := object{
		"Id": id, "MailboxId": "m-1", "UserName": supportAddress, "AccessToken": "env:WAYBILL_MAILBOX_TOKEN", "UseOAuth": true, "SenderEmailAddress": supportAddress,
		"BpmUser": "Supervisor", "ServiceUrl": "imap://" + e.Mail.IMAPAddr(), "BpmEndpoint": app.URL + "/service.svc", "unsigned": true,
		"errorPolicy": []object{{"class": "AuthenticationException", "retryCount": 0}},
	}
	require.Equal(t, 200, listeners(t, e)("POST", "", []object{credentials}, nil))
	posted := func(path string, n int) object {
		t.Helper()
		require.Eventually(t, func() bool { return len(app.at(path)) >= n }, 60*time.Second, 50*time.Millisecond, path)
		var body object
		require.NoError(t, json.Unmarshal([]byte(app.at(path)[n-1]), &body))
		return body
	}
	require.Equal(t, object{"MailboxId": "m-1", "SenderEmailAddress": supportAddress, "BpmUserName": "Supervisor"}, posted("/service.svc/RefreshToken", 1))
	state := posted("/service.svc/ProcessMailboxState", 1)
	require.NotEmpty(t, state["ExceptionMessage"])
	delete(state, "ExceptionMessage")
	want := object{
		"SenderEmailAddress": supportAddress, "Avaliable": false, "ExceptionClassName": "MailKit.Security.AuthenticationException",
		"Context": `{"UserRequested":true}`, "BpmUserWorkspace": "Default", "BpmUserName": "Supervisor",
	}
	require.Equal(t, want, state)

	var connection struct{ State, Connection, Cause string }
	require.Equal(t, 200, listeners(t, e)("GET", "/"+id, nil, &connection))
	require.Equal(t, []string{"exists", "stopped"}, []string{connection.State, connection.Connection})
	require.Contains(t, connection.Cause, "errors in a row: 1: imap: log in")
	var states map[string]struct{ State, Connection string }
	require.Eventually(t, func() bool { // its watcher hears of it within seconds
		return listeners(t, e)("POST", "/state", []string{id}, &states) == 200 && states[id].Connection == "stopped"
	}, 30*time.Second, 50*time.Millisecond)
	require.Equal(t, "exists", states[id].State, "else the application would make it anew every minute")
	var resumed []string
	require.Equal(t, 200, listeners(t, e)("POST", "/resume", []string{id, "other"}, &resumed))
	require.Equal(t, []string{id}, resumed)
	posted("/service.svc/ProcessMailboxState", 2) // the token is as it was

	credentials["Password"], credentials["UseOAuth"] = "env:WAYBILL_MAILBOX_PASSWORD", false
	require.Equal(t, 200, listeners(t, e)("PUT", "", []object{credentials}, nil))
	require.Equal(t, true, posted("/service.svc/ProcessMailboxState", 3)["Avaliable"])
	require.NoError(t, testsuite.ReplayServer(t.Context(), e.Client, ""))
}
