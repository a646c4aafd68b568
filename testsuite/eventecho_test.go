package testsuite_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	sdk "go.temporal.io/sdk/testsuite"
	"gocloud.dev/blob/memblob"

	"github.com/waybill-io/waybill/activities"
	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/testsuite"
)

// An event of a connector is answered as its template says, and whom it does not answer hears nothing.
func TestEventEcho(t *testing.T) {
	e := testsuite.Start(t, &shop{})
	for name, payload := range map[string]string{
		"case":    `{"payloadType":"StartMessagePayload","name":"nobody-waits"}`,
		"missing": `{"payloadType":"StartProcessPayload","processDefinitionKey":"missing","name":"n"}`,
		"wrong":   `{"payloadType":"StartProcessPayload","processDefinitionKey":"missing","name":"n","businessKey":"${matchGroups.no.substring(0, 9)}"}`,
		"print":   `{}`,
	} {
		action := `{"source":"command-consumer","payload":` + payload + `}`
		if name == "print" {
			action = `{"source":"shop.PRINT","payload":{"text":"${message}"}}`
		}
		// The definition of the shop knows no echo; that of a chat does.
		require.NoError(t, e.Client.PutTrigger(t.Context(), soldAt, name, json.RawMessage(`{"name":"`+name+`","event":{"source":"`+soldAt+
			`","inputs":{"pattern":"sale (?<no>\\d+)","echo":"Done ${no}: ${message}","echoError":"Failed ${no}"}},"action":`+action+`}`)))
	}
	answer := func(e connectors.Event, text string) (string, map[string]any, bool) {
		return "PRINT", map[string]any{"text": text, "branch": e.Outputs["branch"]}, e.Outputs["branch"] != "robot"
	}
	bucket := memblob.OpenBucket(nil)
	defer bucket.Close()
	d := activities.NewDeliverer(e.Client, activities.NewFiles(bucket), activities.NewMetrics(prometheus.NewRegistry()), map[string]activities.Answerer{"till": answer})
	var suite sdk.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(d.Fire)
	env.RegisterActivity(d.PermitEcho)
	fire := func(branch, template string) map[string]contract.Firing {
		content, err := json.Marshal(connectors.Event{Name: "SOLD", ID: "7", Outputs: map[string]any{"branch": branch, "message": "sale 7 ${no}"}})
		require.NoError(t, err)
		value, err := env.ExecuteActivity(d.Fire, contract.FireInput{Event: contract.Event{Source: soldAt, ID: "7", Template: template, Content: content}})
		require.NoError(t, err)
		var firings []contract.Firing
		require.NoError(t, value.Get(&firings))
		byName := map[string]contract.Firing{}
		for _, f := range firings {
			byName[f.Trigger] = f
		}
		require.Len(t, byName, 4)
		return byName
	}
	all := fire("berlin", "till")
	for name, failed := range map[string]string{
		"case": "nobody waits", "missing": "is not deployed", "wrong": "businessKey", "print": "",
	} {
		if failed == "" {
			require.Empty(t, all[name].Failed)
		} else {
			require.Contains(t, all[name].Failed, failed, name)
		}
		require.Equal(t, contract.Variables{"text": "Failed 7", "branch": "berlin"}, all[name].EchoError.Call.Inputs, name)
		require.Equal(t, contract.Variables{"text": "Done 7: sale 7 ${no}", "branch": "berlin"}, all[name].Echo.Call.Inputs, name)
		require.Equal(t, "shop.PRINT", all[name].Echo.Call.Implementation)
		require.Equal(t, contract.CustomConnectorQueue("shop"), all[name].Echo.Call.Binding.TaskQueue)
		require.EqualValues(t, time.Hour.Milliseconds(), all[name].Echo.Call.Binding.UnclaimedMS)
		require.NotEqual(t, all[name].Echo.Call.Key, all[name].EchoError.Call.Key)
	}
	require.Equal(t, "shop.PRINT", all["print"].Call.Implementation)
	require.Equal(t, all, fire("berlin", "till"), "it may be repeated")
	require.NotEqual(t, all["case"].Echo.To, fire("paris", "till")["case"].Echo.To)
	for _, silent := range []map[string]contract.Firing{fire("robot", "till"), fire("berlin", "")} {
		require.Nil(t, silent["case"].Echo)
		require.Nil(t, silent["case"].EchoError)
	}

	// Five answers an hour to one sender; a repetition counts once.
	hour := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	permit := func(key, to string, hour time.Time) bool {
		value, err := env.ExecuteActivity(d.PermitEcho, contract.EchoPermit{Trigger: "case", To: to, Hour: hour, Key: key})
		require.NoError(t, err)
		var permitted bool
		require.NoError(t, value.Get(&permitted))
		return permitted
	}
	for _, key := range []string{"1", "2", "2", "3", "4", "5", "1"} {
		require.True(t, permit(key, "ann", hour), key)
	}
	require.False(t, permit("6", "ann", hour))
	require.True(t, permit("6", "ben", hour))
	require.True(t, permit("6", "ann", hour.Add(time.Hour)))
	require.True(t, permit("5", "ann", hour))
}

// An echo through an instance whose worker is gone does not hold its event open for ever, nor does a call; one that no bound was deployed
// with waits for an hour.
func TestEventWithoutWorker(t *testing.T) {
	e := testsuite.Start(t)
	call := func(unclaimedMS int64) contract.TriggerCall {
		return contract.TriggerCall{Implementation: "gone.PRINT", Key: "k", Binding: contract.Binding{
			TaskQueue: "connector-gone", TimeoutMS: 1000, Retry: contract.Retry{Attempts: 3, IntervalMS: 1, Coefficient: 1}, UnclaimedMS: unclaimedMS,
		}}
	}
	source := "connector.gone.SOLD"
	handle := func(id string, f contract.Firing) {
		_, err := e.Client.Handle(t.Context(), source, id, f)
		require.NoError(t, err)
	}
	handle("echo", contract.Firing{Trigger: "a", Echo: &contract.Echo{To: "ann", Call: call(50)}})
	state := ended(t, e, "event/gone/SOLD/echo")
	require.Len(t, state.Unechoed, 1)
	require.Contains(t, state.Unechoed[0].Reason, "no worker took the call in time")

	c := call(50)
	handle("call", contract.Firing{Trigger: "a", Call: &c})
	require.Contains(t, dead(t, e, "gone", 1).Failed[0].Reason, "no worker took the call in time")

	c = call(0)
	handle("unbounded", contract.Firing{Trigger: "a", Call: &c})
	require.Eventually(t, func() bool {
		history, err := e.Client.History(t.Context(), "event/gone/SOLD/unbounded", "")
		if err != nil {
			return false
		}
		for _, event := range history.GetEvents() {
			if scheduled := event.GetActivityTaskScheduledEventAttributes(); scheduled != nil {
				return scheduled.GetScheduleToStartTimeout().AsDuration() == time.Hour
			}
		}
		return false
	}, 30*time.Second, 50*time.Millisecond)
}

// A trigger that cannot be fired for now is told of beside what the others did, until the last try, after which it has failed. A workflow of an
// earlier version, which does not know that, gets an error, and all is tried again.
func TestFireReturnsWhatIsDone(t *testing.T) {
	e := testsuite.Start(t, &shop{})
	for _, key := range []string{"stuck", "case"} {
		e.Deploy(writeFile(t, key+".bpmn", waits(key)), writeFile(t, key+".json", eventTrigger(key, soldAt, `{"pattern":"sale"}`,
			"command-consumer", `{"payloadType":"StartProcessPayload","processDefinitionKey":"`+key+`","name":"n"}`)))
	}
	bucket := memblob.OpenBucket(nil)
	defer bucket.Close()
	d := activities.NewDeliverer(client.New(stuck{e.Client.Temporal, "stuck"}), activities.NewFiles(bucket), activities.NewMetrics(prometheus.NewRegistry()), nil)
	var suite sdk.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(d.Fire)
	content := json.RawMessage(`{"Name":"SOLD","ID":"7","Outputs":{"message":"sale 7"}}`)
	fire := func(try int, only ...string) ([]contract.Firing, error) {
		value, err := env.ExecuteActivity(d.Fire, contract.FireInput{Event: contract.Event{Source: soldAt, ID: "7", Content: content}, Only: only, Try: try})
		if err != nil {
			return nil, err
		}
		var firings []contract.Firing
		require.NoError(t, value.Get(&firings))
		return firings, nil
	}
	done, err := fire(1)
	require.NoError(t, err)
	require.Len(t, done, 2)
	require.Contains(t, done[0].Done, "case/event-")
	require.Equal(t, "stuck", done[1].Trigger)
	require.Contains(t, done[1].Failed, "something is odd")
	require.True(t, done[1].Later)

	done, err = fire(contract.FireTries, "stuck")
	require.NoError(t, err)
	require.Len(t, done, 1)
	require.Contains(t, done[0].Failed, "something is odd")
	require.False(t, done[0].Later)

	_, err = fire(0)
	require.ErrorContains(t, err, "something is odd")
	instancesOf(t, e, "case", 1)
}
