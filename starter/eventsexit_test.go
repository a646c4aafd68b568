package main

import (
	"context"
	"fmt"
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

// A rebuild and a verification are called by what the command takes: the tenant.
func TestGatheringThatHasEnded(t *testing.T) {
	const notFound, running, completed, cancelled = enums.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED, enums.WORKFLOW_EXECUTION_STATUS_RUNNING, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED, enums.WORKFLOW_EXECUTION_STATUS_CANCELED
	ended := func(err error) error {
		return fmt.Errorf("workflow execution error (type: waybill/verify, workflowID: verify/acme, runID: 1): %w", err)
	}
	for name, test := range map[string]struct {
		args   []string
		status enums.WorkflowExecutionStatus
		ends   error
		code   int
		out    string
		err    string
	}{
		"cancel":       {[]string{"rebuild", "--cancel", "--tenant", "acme"}, running, nil, exitOK, "the rebuild of tenant acme is given up\n", ""},
		"default":      {[]string{"verify", "--cancel"}, running, nil, exitOK, "the verification of the default tenant is given up\n", ""},
		"begun":        {[]string{"rebuild", "--no-wait"}, running, nil, exitOK, "the rebuild of the default tenant has begun; --follow shows it\n", ""},
		"cancel ended": {[]string{"rebuild", "--cancel"}, completed, nil, exitRefused, "", "error: cancel the rebuild of the default tenant: it has ended (completed) at 2026-03-02T12:00:00Z, and --follow shows how\n"},
		"cancel twice": {[]string{"rebuild", "--cancel"}, cancelled, nil, exitRefused, "", "error: cancel the rebuild of the default tenant: it has ended (canceled) at 2026-03-02T12:00:00Z, and --follow shows how\n"},
		"cancel none":  {[]string{"rebuild", "--cancel"}, notFound, nil, exitNotFound, "", "error: cancel the rebuild of the default tenant: there is none that Temporal remembers: not found\n"},
		"cancelled":    {[]string{"verify", "--follow", "--tenant", "acme"}, cancelled, ended(sdk.NewCanceledError()), exitNotDone, "", "error: the verification of tenant acme: it has not come to its end: it was given up\n"},
		"terminated": {[]string{"rebuild", "--follow"}, cancelled, ended(&sdk.TerminatedError{}), exitNotDone, "",
			"error: the rebuild of the default tenant: it has not come to its end: somebody has terminated its workflow rebuild/; the next one takes away what it has left\n"},
		"follow none": {[]string{"verify", "--follow"}, notFound, serviceerror.NewNotFound("workflow not found for ID: verify/"), exitNotFound, "", "error: the verification of the default tenant: there is none that Temporal remembers: not found\n"},
		"refused":     {[]string{"rebuild", "--follow"}, completed, ended(sdk.NewNonRetryableApplicationError("there is no index", contract.RebuildRefused, nil)), exitRefused, "", "error: there is no index\n"},
	} {
		t.Run(name, func(t *testing.T) {
			f := &gatherTemporal{status: test.status, ends: test.ends}
			if test.status != running {
				f.closedAt = noon
			}
			s := newShell(&f.fakeTemporal)
			s.dial = f.dial
			require.Equal(t, test.code, s.run(t.Context(), append([]string{"events"}, test.args...)...), s.err.String())
			require.Equal(t, test.out, s.out.String())
			require.Equal(t, test.err, s.err.String())
			require.Equal(t, test.code == exitOK && test.args[1] == "--cancel", len(f.cancelled) == 1)
		})
	}
}
