package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/testsuite/temporalserver/servertest"
)

var server servertest.Server

func TestMain(m *testing.M) { os.Exit(server.Run(m)) }

// A comparison counts only when both sides call the same activities with the same inputs and options.
func TestContendersCallTheSame(t *testing.T) {
	p, err := connect(t.Context(), server.Address(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.end()) })
	require.NoError(t, p.workBoth(t.Context()))
	contenders, err := p.contenders(t.Context(), 3)
	require.NoError(t, err)
	var process []any
	var events int
	for i, c := range contenders {
		id, err := c.run(t.Context())
		require.NoError(t, err, c.Name)
		calls, n := callsOf(t, p, id)
		require.Len(t, calls, 3, c.Name)
		if i == 0 {
			process, events = calls, n
			continue
		}
		require.Equal(t, process, calls, c.Name)
		require.LessOrEqual(t, events-n, eventsTarget, "events of the process, compared with %s", c.Name)
	}
}

// callsOf returns what the activities of a run were called with, without the ids that tell runs apart.
func callsOf(t *testing.T, p *place, id string) (calls []any, events int) {
	h, err := p.client.History(t.Context(), id, "")
	require.NoError(t, err)
	for _, e := range h.Events {
		if e.EventType != enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED {
			continue
		}
		a := e.GetActivityTaskScheduledEventAttributes()
		var in contract.ConnectorCall
		require.NoError(t, decode(a.Input, &in))
		require.True(t, strings.HasPrefix(in.IdempotencyKey, id+"/"))
		in.IdempotencyKey, in.Context.ProcessInstanceID, in.Context.ProcessDefinitionKey = "", "", ""
		calls = append(calls, []any{
			a.ActivityType.Name, in, a.StartToCloseTimeout.AsDuration(), a.ScheduleToCloseTimeout.AsDuration(), a.HeartbeatTimeout.AsDuration(),
			a.RetryPolicy.String(), string(e.GetUserMetadata().GetSummary().GetData()),
		})
	}
	return calls, len(h.Events)
}
