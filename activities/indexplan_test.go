package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/testsuite"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

// visible is a visibility store with so many executions by the beginning of a query.
type visible struct {
	temporal.Client
	workers                 int
	ended, started, running int
	queries                 []string
	refuseToken             bool
	suffix                  string // of ids
}

func (v *visible) ListWorkflow(_ context.Context, r *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	if len(r.GetNextPageToken()) == 0 {
		v.queries = append(v.queries, r.GetQuery())
	}
	kind, all := "running", v.running
	switch {
	case strings.Contains(r.GetQuery(), "CloseTime") || strings.HasSuffix(r.GetQuery(), "!= 'Running'"):
		kind, all = "ended", v.ended
	case strings.Contains(r.GetQuery(), "StartTime"):
		kind, all = "started", v.started
	}
	if r.GetPageSize() > 400 { // as a server for development that has been asked for some
		return nil, serviceerror.NewDeadlineExceeded("context deadline exceeded")
	}
	from := 0
	if token := string(r.GetNextPageToken()); token != "" {
		if v.refuseToken {
			return nil, serviceerror.NewInvalidArgument("invalid page token")
		}
		from, _ = strconv.Atoi(token)
	}
	out := &workflowservice.ListWorkflowExecutionsResponse{}
	for n := from; n < min(from+int(r.GetPageSize()), all); n++ {
		out.Executions = append(out.Executions, &workflow.WorkflowExecutionInfo{Execution: &common.WorkflowExecution{WorkflowId: kind + v.suffix, RunId: fmt.Sprint(n)}})
	}
	if from+int(r.GetPageSize()) < all {
		out.NextPageToken = fmt.Append(nil, from+int(r.GetPageSize()))
	}
	return out, nil
}

func (v *visible) CountWorkflow(context.Context, *workflowservice.CountWorkflowExecutionsRequest) (*workflowservice.CountWorkflowExecutionsResponse, error) {
	return &workflowservice.CountWorkflowExecutionsResponse{Count: int64(v.running)}, nil
}

func (v *visible) DescribeTaskQueue(context.Context, string, enums.TaskQueueType) (*workflowservice.DescribeTaskQueueResponse, error) {
	out := &workflowservice.DescribeTaskQueueResponse{}
	for n := range v.workers {
		out.Pollers = append(out.Pollers, &taskqueue.PollerInfo{Identity: fmt.Sprint(n)}, &taskqueue.PollerInfo{Identity: fmt.Sprint(n)})
	}
	return out, nil
}

func (v *visible) WorkflowService() workflowservice.WorkflowServiceClient { return &visibleNamespace{} }

type visibleNamespace struct {
	workflowservice.WorkflowServiceClient
}

func (*visibleNamespace) DescribeNamespace(context.Context, *workflowservice.DescribeNamespaceRequest, ...grpc.CallOption) (*workflowservice.DescribeNamespaceResponse, error) {
	return &workflowservice.DescribeNamespaceResponse{Config: &namespace.NamespaceConfig{WorkflowExecutionRetentionTtl: durationpb.New(72 * time.Hour)}}, nil
}

func planned(t *testing.T, v *visible, in contract.IndexPlanInput) (out contract.IndexPlan) {
	t.Helper()
	x := NewIndexer(client.New(v), nil, IndexerSettings{}, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(x.Plan)
	answer, err := env.ExecuteActivity(x.Plan, in)
	require.NoError(t, err)
	require.NoError(t, answer.Get(&out))
	return out
}

// A plan is bounded, and the next goes on where it ended: every execution comes once.
func TestPlansAreBounded(t *testing.T) {
	v := &visible{ended: 4321, started: 1500, running: 10, workers: 3}
	in := contract.IndexPlanInput{Since: monday, Sweep: contract.IndexSweep{Began: monday, Total: 10}, Quota: 4, Swept: monday}
	count := map[string]int{}
	plans := 0
	for {
		out := planned(t, v, in)
		plans++
		require.LessOrEqual(t, len(out.Executions), contract.IndexLimit+4)
		for _, e := range out.Executions {
			count[e.ID+e.Run]++
			require.Equal(t, e.ID == "ended", e.Ended)
			require.Equal(t, e.ID == "running", e.Since > 0, "only what runs is known in part")
		}
		require.WithinRange(t, out.Settings.Next, time.Now().Add(-time.Minute), time.Now().Add(31*time.Second))
		out.Settings.Next = time.Time{}
		require.Equal(t, contract.IndexSetting{BlockSize: 100, LockMS: 600_000, Parallel: 12, SweepMS: 600_000, RetentionMS: 259_200_000}, out.Settings)
		if in.Cursor = out.Next; in.Cursor == nil {
			require.Equal(t, contract.IndexSweep{Began: monday, Total: 10, Visited: 4, Token: []byte("4")}, out.Sweep)
			require.False(t, out.Swept)
			break
		}
		require.Equal(t, in.Sweep, out.Sweep, "only the last plan sweeps")
	}
	require.Equal(t, 3, plans)
	require.Len(t, count, 4321+1500+4)
	for execution, n := range count {
		require.Equal(t, 1, n, execution)
	}
	require.Contains(t, v.queries[0], "ExecutionStatus != 'Running' AND CloseTime >= '2026-03-02T12:00:00Z'")
	require.Contains(t, v.queries[1], "ExecutionStatus = 'Running' AND StartTime >= '2026-03-02T12:00:00Z'")
}

// Ids may be long, and answers of Temporal's activities are at most 2 MiB: what there is no room for the next plan has, or the next pass.
func TestPlansOfLongIDs(t *testing.T) {
	suffix := strings.Repeat("<", 900)
	v := &visible{ended: 150, started: 70, running: 1000, workers: 1, suffix: suffix}
	in := contract.IndexPlanInput{Since: monday, Sweep: contract.IndexSweep{Began: monday, Total: 1000}, Quota: 1000, Swept: monday}
	count := map[string]int{}
	for plans := 1; ; plans++ {
		require.Less(t, plans, 20)
		out := planned(t, v, in)
		text, err := json.Marshal(out)
		require.NoError(t, err)
		require.Less(t, len(text), contract.IndexPlanSize+1000)
		for _, e := range out.Executions {
			count[strings.TrimSuffix(e.ID, suffix)+e.Run]++
		}
		if in.Cursor = out.Next; in.Cursor == nil {
			require.Greater(t, out.Sweep.Visited, int64(20))
			require.Len(t, count, 150+70+int(out.Sweep.Visited))
			require.False(t, out.Swept)
			break
		}
	}
	for execution, n := range count {
		require.Equal(t, 1, n, execution)
	}
}

func TestPlanSweeps(t *testing.T) {
	v := &visible{running: 10, workers: 30}
	out := planned(t, v, contract.IndexPlanInput{Sweep: contract.IndexSweep{Began: monday}, Quota: -1})
	require.Equal(t, contract.IndexSweep{Began: monday, Total: 10}, out.Sweep, "it is counted first")
	require.Len(t, out.Executions, 10, "the first pass reads all that there is")
	require.Equal(t, 16, out.Settings.Parallel, "of however many workers")
	require.NotContains(t, v.queries[0], "CloseTime")

	out = planned(t, v, contract.IndexPlanInput{Since: monday, Sweep: contract.IndexSweep{Began: monday, Total: 10, Visited: 6, Token: []byte("6")}, Quota: 100})
	require.True(t, out.Swept)
	require.Len(t, out.Executions, 4)
	require.Zero(t, out.Executions[0].Since, "nothing has been swept yet")

	v.refuseToken = true
	out = planned(t, v, contract.IndexPlanInput{Since: monday, Sweep: contract.IndexSweep{Began: monday, Total: 10, Visited: 6, Token: []byte("of another server")}, Quota: 2})
	require.Equal(t, contract.IndexSweep{Began: monday, Total: 10}, out.Sweep, "it begins again")
	require.False(t, out.Swept)
}

func TestIndexMetrics(t *testing.T) {
	state := contract.IndexerState{Created: time.Now().Add(-time.Hour), Watermark: time.Now().Add(-time.Minute), Waiting: 3, Dropped: 2}
	r := prometheus.NewRegistry()
	r.MustRegister(newIndexCollector(func(context.Context) (contract.IndexerState, error) { return state, nil }))
	families, err := r.Gather()
	require.NoError(t, err)
	have := map[string]float64{}
	for _, f := range families {
		m := f.GetMetric()[0]
		have[f.GetName()] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
	}
	require.InDelta(t, 60, have["waybill_index_lag_seconds"], 5)
	require.InDelta(t, 3600, have["waybill_index_sweep_age_seconds"], 5)
	delete(have, "waybill_index_lag_seconds")
	delete(have, "waybill_index_sweep_age_seconds")
	require.Equal(t, map[string]float64{"waybill_index_notes": 3, "waybill_index_notes_refused_total": 2, "waybill_index_paused": 0, "waybill_index_known": 1}, have)
}
