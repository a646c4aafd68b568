package client

import (
	"context"
	"math"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors"
)

// What would not fit into a history, or could stand in the place of another workflow, is refused before anything is stored.
func TestCheckEvent(t *testing.T) {
	good := func() connectors.Event {
		return connectors.Event{Name: "SOLD", ID: "../../definition/x\n" + strings.Repeat("ü", 100), Outputs: map[string]any{"n": 1}}
	}
	_, err := checkEvent("till", good())
	require.NoError(t, err)
	id := contract.EventID("till", "SOLD", good().ID)
	require.Regexp(t, `^event/till/SOLD/[0-9a-f]{32}$`, id)
	require.NoError(t, checkID("event", "event/1"), "a process may be called so")
	require.ErrorContains(t, checkID("p", "event/till/SOLD/7"), "Waybill's own")
	require.ErrorContains(t, checkID("p", "echo/t/x/2026030209/1"), "Waybill's own")
	require.ErrorContains(t, checkID("p", "pace/till"), "Waybill's own")
	for _, id := range []string{contract.CredentialID("ann"), contract.AlertsID("r"), contract.AlertRulesID, contract.TemplatesID, contract.PeopleID} {
		require.ErrorContains(t, checkID("p", id), "Waybill's own")
	}
	require.NoError(t, checkID("p", contract.PeopleID+"-of-mine"))

	for want, change := range map[string]func(instance *string, e *connectors.Event){
		"is not the name of a connector": func(instance *string, _ *connectors.Event) { *instance = "a/b" },
		`"A/B" is not the name`:          func(_ *string, e *connectors.Event) { e.Name = "A/B" },
		`"" is not the name`:             func(_ *string, e *connectors.Event) { e.Name = "" },
		"only they tell of":              func(_ *string, e *connectors.Event) { e.Name = "MAILBOX_STOPPED" },
		"an id of 1 to 1000 bytes":       func(_ *string, e *connectors.Event) { e.ID = "" },
		"SOLD of till: an id of 1 to":    func(_ *string, e *connectors.Event) { e.ID = strings.Repeat("x", 1001) },
		"is not plain data":              func(_ *string, e *connectors.Event) { e.Outputs["n"] = math.NaN() },
		"at most 262144 are taken":       func(_ *string, e *connectors.Event) { e.Outputs["n"] = strings.Repeat("x", contract.MaxEvent) },
	} {
		instance, e := "till", good()
		change(&instance, &e)
		_, err := checkEvent(instance, e)
		require.ErrorContains(t, err, want)
		require.True(t, Refused(err), want)
	}
}

func TestSplitSource(t *testing.T) {
	for source, want := range map[string][2]string{
		"connector.till.SOLD": {"till", "SOLD"}, "timer.daily.TIMER_FIRED": {"daily", "TIMER_FIRED"}, "SOLD": {"", "SOLD"}, "": {"", ""},
	} {
		instance, event := contract.SplitSource(source)
		require.Equal(t, want, [2]string{instance, event}, source)
	}
}

// deadOnes are dead events of which a number must be asked at the same time before any answers.
type deadOnes struct {
	temporal.Client
	count, atOnce int

	mu    sync.Mutex
	asked int
	all   chan struct{} // closed when so many are asked
}

func (d *deadOnes) ListWorkflow(context.Context, *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	var list []*workflow.WorkflowExecutionInfo
	for n := range d.count {
		list = append(list, &workflow.WorkflowExecutionInfo{Execution: &common.WorkflowExecution{WorkflowId: "event/till/SOLD/" + strconv.Itoa(n)}})
	}
	return &workflowservice.ListWorkflowExecutionsResponse{Executions: list}, nil
}

func (d *deadOnes) QueryWorkflow(ctx context.Context, id, _, _ string, _ ...any) (converter.EncodedValue, error) {
	d.mu.Lock()
	if d.asked++; d.asked == d.atOnce {
		close(d.all)
	}
	d.mu.Unlock()
	select {
	case <-d.all:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	n, err := strconv.Atoi(strings.TrimPrefix(id, "event/till/SOLD/"))
	state := contract.EventState{ID: strconv.Itoa(n), At: time.Unix(int64(-n), 0)}
	if n > 0 { // the first was handled a moment ago
		state.Failed = []contract.EventFailure{{Reason: "out of paper"}}
	}
	return answered{state}, err
}

type answered struct{ state contract.EventState }

func (answered) HasValue() bool { return true }

func (a answered) Get(to any) error {
	*to.(*contract.EventState) = a.state
	return nil
}

func TestDeadEventsAreAskedAtTheSameTime(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // one after the other none ever answers
	defer cancel()
	all, err := New(&deadOnes{count: 40, atOnce: 16, all: make(chan struct{})}).DeadEvents(ctx, "till", 40)
	require.NoError(t, err)
	require.Len(t, all, 39)
	require.Equal(t, "event/till/SOLD/39", all[0].Workflow, "the oldest comes first")
	require.Equal(t, "event/till/SOLD/1", all[38].Workflow)
}
