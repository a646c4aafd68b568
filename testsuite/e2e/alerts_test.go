package e2e_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

const standsStill = `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t">
<process id="broken" name="Broken" isExecutable="true"><startEvent id="start"/><sequenceFlow id="f1" sourceRef="start" targetRef="work"/>
<scriptTask id="work" scriptFormat="javascript"><script>if (!paper) throw new Error("no paper")</script></scriptTask>
<sequenceFlow id="f2" sourceRef="work" targetRef="end"/><endEvent id="end"/></process></definitions>`

// TestAlertsOutliveTheirServers takes the mail server away for several windows, kills the worker between an alert and its mail, and restarts
// Temporal: one message tells of what came first, one of all the rest. Processes stand where they stood, and go on when they are retried.
func TestAlertsOutliveTheirServers(t *testing.T) {
	t.Parallel()
	i := installTemporal(t, options{})
	i.startOutgoing("")
	i.environment = []string{"EMAIL_FROM=waybill@example.com"}
	write := func(name, text string) string {
		path := filepath.Join(i.dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	w := i.startWorker()
	var printed any
	i.starter(&printed, "deploy", write("broken.bpmn", standsStill))
	i.starter(&printed, "alert", "rule", "put", write("rule.yaml", "name: all\nwindow: 2s\nactions:\n  - mail: {to: ["+onCall+"]}\n"))
	i.starter(&printed, "alert", "test", "--sample")

	address := i.outgoing.SMTPAddr()
	require.NoError(t, i.outgoing.Close(context.Background()))
	var ids []string
	fail := func(n int) {
		t.Helper()
		for range n {
			id, _, err := i.client.Start(t.Context(), client.StartOptions{Key: "broken", Variables: map[string]any{"paper": false}})
			require.NoError(t, err)
			ids = append(ids, id)
		}
	}
	var group contract.AlertGroup
	counted := func(what string, is func() bool) {
		t.Helper()
		i.eventually(func() string { return fmt.Sprintf("%s: %+v", what, group) }, func() bool {
			state, err := i.client.AlertGroups(t.Context(), "all")
			if err != nil {
				return false // the worker or Temporal is away
			}
			for _, g := range state.Groups {
				if !g.Test {
					group = *g
				}
			}
			return is()
		})
	}
	tries := func() (most int32) {
		d, err := i.client.Temporal.DescribeWorkflowExecution(t.Context(), contract.AlertsID("all"), "")
		if err != nil {
			return 0
		}
		for _, a := range d.GetPendingActivities() {
			most = max(most, a.GetAttempt())
		}
		return most
	}
	fail(1)
	counted("the mail is tried in vain", func() bool { return group.Sending != nil && tries() > 1 })
	w.kill()
	i.startWorker()
	fail(4)
	counted("all are counted", func() bool { return group.Count == 5 })
	temporalAddress := i.temporal.Address
	require.NoError(t, i.temporal.Stop())
	i.startTemporal(temporalAddress)
	i.eventually(func() string { return "the worker does not come back" }, func() bool {
		_, err := i.client.AlertGroups(t.Context(), "all")
		return err == nil
	})
	fail(5)
	counted("all are counted", func() bool { return group.Count == 10 && group.Sending != nil })
	require.EqualValues(t, 9, group.New, "while a message is on its way there is no other")

	i.startOutgoing(address)
	messages := func() map[string]bool {
		mails, err := i.outgoing.Messages(onCall, "INBOX")
		require.NoError(t, err)
		told := map[string]bool{}
		for _, m := range mails {
			if id := regexp.MustCompile(`(?mi)^Message-ID: *(\S+)`).FindSubmatch(m.Raw); id != nil {
				told[string(id[1])] = true
			}
		}
		return told
	}
	i.eventually(func() string { return fmt.Sprintf("messages: %v", messages()) }, func() bool { return len(messages()) >= 3 })
	i.eventually(func() string { return "the group is not over" }, func() bool {
		state, err := i.client.AlertGroups(t.Context(), "all")
		require.NoError(t, err)
		for _, g := range state.Groups {
			if !g.Test {
				return false
			}
		}
		return true
	})
	require.Len(t, messages(), 3, "the test, what came first, and all the rest")
	for _, id := range ids {
		state, err := i.client.Get(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, contract.StateSuspended, state.State)
	}
	_, err := i.client.AnswerIncident(t.Context(), ids[0], contract.IncidentAnswer{Action: "retry", Variables: map[string]any{"paper": true}})
	require.NoError(t, err)
	result, err := i.client.Wait(t.Context(), ids[0])
	require.NoError(t, err)
	require.Equal(t, contract.StateCompleted, result.State)
}
