package main

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	temporal "go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/waybill-io/waybill/activities/contract"
)

// gatherTemporal has a rebuild or a verification, of which it tells how it stands.
type gatherTemporal struct {
	fakeTemporal
	starts, asks, ends error // of what it does
	status             enums.WorkflowExecutionStatus
	closedAt           time.Time
	cancelled          []string
}

func (f *gatherTemporal) dial(context.Context, string, string) (temporal.Client, error) {
	return f, nil
}

func (f *gatherTemporal) ExecuteWorkflow(context.Context, temporal.StartWorkflowOptions, any, ...any) (temporal.WorkflowRun, error) {
	return nil, f.starts
}

func (f *gatherTemporal) ExecuteActivity(context.Context, temporal.StartActivityOptions, any, ...any) (temporal.ActivityHandle, error) {
	return &gatherAnswer{err: f.asks}, nil
}

func (f *gatherTemporal) GetWorkflow(context.Context, string, string) temporal.WorkflowRun {
	return &gatherRun{f: f}
}

func (f *gatherTemporal) CancelWorkflow(_ context.Context, id, _ string) error {
	f.cancelled = append(f.cancelled, id)
	return nil // also where it has ended
}

func (f *gatherTemporal) DescribeWorkflowExecution(_ context.Context, id, _ string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	if f.status == 0 {
		return nil, serviceerror.NewNotFound("workflow not found for ID: " + id)
	}
	info := &workflowpb.WorkflowExecutionInfo{Status: f.status}
	if !f.closedAt.IsZero() {
		info.CloseTime = timestamppb.New(f.closedAt)
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: info}, nil
}

type gatherAnswer struct {
	temporal.ActivityHandle
	err error
}

func (a *gatherAnswer) Get(context.Context, any) error { return a.err }

type gatherRun struct {
	temporal.WorkflowRun
	f *gatherTemporal
}

func (r *gatherRun) Get(context.Context, any) error { return r.f.ends }

// While Elasticsearch is away, those who ask may ask again; what is refused is refused.
func TestEventsWhileTheIndexIsAway(t *testing.T) {
	away := sdk.NewApplicationError("ask Elasticsearch: connection refused", contract.IndexUnavailable)
	refused := sdk.NewApplicationError("Elasticsearch answers 403", "Error")
	for _, args := range [][]string{
		{"export"}, {"export", "--file", filepath.Join(t.TempDir(), "x")}, {"deadletters", "list"}, {"deadletters", "retry", "1"}, {"deadletters", "retry", "--all"}, {"deadletters", "drop", "1"}, {"drop-old"},
	} {
		for err, code := range map[error]int{away: exitUnreachable, refused: exitRefused} {
			f := &gatherTemporal{asks: err}
			s := newShell(&f.fakeTemporal)
			s.dial = f.dial
			require.Equal(t, code, s.run(t.Context(), append([]string{"events"}, args...)...), "%v: %s", args, s.err.String())
			require.Contains(t, s.err.String(), err.(*sdk.ApplicationError).Message())
		}
	}
}

// Nothing was compared, and nothing rebuilt: that is neither a difference nor a failure.
func TestGatheringThatIsUnderWay(t *testing.T) {
	for _, command := range []string{"rebuild", "verify"} {
		f := &gatherTemporal{starts: serviceerror.NewWorkflowExecutionAlreadyStarted("started", "", "")}
		s := newShell(&f.fakeTemporal)
		s.dial = f.dial
		require.Equal(t, exitNotDone, s.run(t.Context(), "events", command), s.err.String())
		require.Contains(t, s.err.String(), "one is under way: --follow shows it, --cancel gives it up")
	}
}
