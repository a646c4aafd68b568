package workflows_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors"
)

// odd has the start of a process fail some times, for a reason that nobody understands.
type odd struct {
	interceptor.ClientInterceptorBase
	process string
	fails   atomic.Int32 // yet
}

func (o *odd) InterceptClient(next interceptor.ClientOutboundInterceptor) interceptor.ClientOutboundInterceptor {
	return &oddly{interceptor.ClientOutboundInterceptorBase{Next: next}, o}
}

type oddly struct {
	interceptor.ClientOutboundInterceptorBase
	*odd
}

func (o *oddly) ExecuteWorkflow(ctx context.Context, in *interceptor.ClientExecuteWorkflowInput) (temporal.WorkflowRun, error) {
	if in.WorkflowType == o.process && o.fails.Add(-1) >= 0 {
		return nil, errors.New("something is odd")
	}
	return o.Next.ExecuteWorkflow(ctx, in)
}

// While one trigger of an event cannot be fired, what another calls is called; the first is fired again alone, and its history replays.
func TestEventFiresTheRestLater(t *testing.T) {
	o := &odd{process: "oddity"}
	o.fails.Store(3)
	connection, err := temporal.DialContext(t.Context(), temporal.Options{
		HostPort: server.Address(t), Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)), Interceptors: []interceptor.ClientInterceptor{o},
	})
	require.NoError(t, err)
	t.Cleanup(connection.Close)
	d := &desk{answer: answers(map[string]any{"said": "sold"})}
	c := startWorkerOn(t, connection, d)
	definition := define(t, "oddity", oneCall, "")
	_, err = c.Deploy(t.Context(), definition)
	require.NoError(t, err)

	const source = "connector.desk.SOLD"
	bound, err := json.Marshal(definition.Connectors["desk.CALL"])
	require.NoError(t, err)
	put := func(name, action, deployed string) {
		t.Helper()
		require.NoError(t, c.PutTrigger(t.Context(), source, name,
			json.RawMessage(`{"name":"`+name+`","event":{"source":"`+source+`","inputs":{}},"action":`+action+deployed+`}`)))
	}
	put("calls", `{"source":"desk.CALL","payload":{"text":"sold"}}`, `,"deployed":{"binding":`+string(bound)+`}`)
	put("starts", `{"source":"command-consumer","payload":{"payloadType":"StartProcessPayload","processDefinitionKey":"oddity","name":"n"}}`, "")
	_, err = c.Emit(t.Context(), "desk", "", connectors.Event{Name: "SOLD", ID: "later"})
	require.NoError(t, err)

	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var state contract.EventState
	require.NoError(t, c.Temporal.GetWorkflow(ctx, contract.EventID("desk", "SOLD", "later"), "").Get(ctx, &state))
	require.Empty(t, state.Failed)
	require.Equal(t, 1, state.Tries)
	require.Len(t, state.Fired, 2)
	require.Negative(t, o.fails.Load())
	history, err := c.History(t.Context(), contract.EventID("desk", "SOLD", "later"), "")
	require.NoError(t, err)
	var kinds []string
	for _, e := range history.GetEvents() {
		if scheduled := e.GetActivityTaskScheduledEventAttributes(); scheduled != nil {
			kinds = append(kinds, scheduled.GetActivityType().GetName())
		}
	}
	require.Equal(t, []string{contract.FireActivity, "desk.CALL", contract.FireActivity, contract.FireActivity, contract.FireActivity}, kinds)
}
