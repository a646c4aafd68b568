package testsuite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	info "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/proto"

	waybill "github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/definition"
	"github.com/waybill-io/waybill/workflows"
)

// Replay runs recorded histories, as `starter history ID > FILE` writes them, through the workflows of this version. An error
// means that instances which run now would break on an upgrade: it names every file that does not replay. A pattern
// that matches no file is an error too.
func Replay(patterns ...string) error {
	replayer := worker.NewWorkflowReplayer()
	workflows.Register(replayer, &definition.Cache{}, workflows.Recording{})
	var errs []error
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		if err == nil && len(files) == 0 {
			err = errors.New("no such file")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("replay %s: %w", pattern, err))
		}
		for _, file := range files {
			if err := replayFile(replayer, file); err != nil {
				errs = append(errs, fmt.Errorf("replay %s: %w", file, err))
			}
		}
	}
	return errors.Join(errs...)
}

func replayFile(replayer worker.WorkflowReplayer, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	h, err := client.HistoryFromJSON(f, client.HistoryJSONOptions{})
	if err != nil {
		return err
	}
	return replayOne(replayer, h)
}

// replayOne replays a history under the id that it ran with, since the ids of tasks are made from it.
func replayOne(replayer worker.WorkflowReplayer, h *history.History) error {
	if len(h.GetEvents()) == 0 {
		return errors.New("the history has no events")
	}
	if !slices.ContainsFunc(h.GetEvents(), decided) {
		return nil // nobody has run any of it yet: there is nothing to compare with, and the SDK refuses it
	}
	started := h.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
	return replayer.ReplayWorkflowHistoryWithOptions(log.NewStructuredLogger(slog.New(slog.DiscardHandler)), h, worker.ReplayWorkflowHistoryOptions{
		OriginalExecution: workflow.Execution{ID: started.GetWorkflowId(), RunID: started.GetOriginalExecutionRunId()},
	})
}

func decided(e *history.HistoryEvent) bool {
	return e.GetEventType() == enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
}

// ReplayServer runs the histories of everything that a server has run so far, in the namespace of c, through the workflows of this version. It
// finds code that does not do the same again. With record, a folder, each history is also written there, as a file for Replay.
func ReplayServer(ctx context.Context, c *waybill.Client, record string) error {
	replayer := worker.NewWorkflowReplayer()
	workflows.Register(replayer, &definition.Cache{}, workflows.Recording{})
	request := &workflowservice.ListWorkflowExecutionsRequest{PageSize: 200}
	var errs []error
	for {
		page, err := c.Temporal.ListWorkflow(ctx, request)
		if err != nil {
			return errors.Join(append(errs, fmt.Errorf("list executions: %w", err))...)
		}
		for _, execution := range page.GetExecutions() {
			if err := replayExecution(ctx, replayer, c, execution, record); err != nil {
				errs = append(errs, fmt.Errorf("replay %s: %w", execution.GetExecution().GetWorkflowId(), err))
			}
		}
		if request.NextPageToken = page.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return errors.Join(errs...)
		}
	}
}

func replayExecution(ctx context.Context, replayer worker.WorkflowReplayer, c *waybill.Client, e *info.WorkflowExecutionInfo, record string) error {
	kind := e.GetType().GetName()
	if strings.HasPrefix(kind, "temporal-sys-") {
		return nil
	}
	run := e.GetExecution().GetRunId()
	h, err := c.History(ctx, e.GetExecution().GetWorkflowId(), run)
	if err != nil {
		return err
	}
	// The SDK merges search attributes that a workflow sets into those of the first event.
	if err = replayOne(replayer, proto.Clone(h).(*history.History)); err == nil && record != "" {
		err = writeHistory(filepath.Join(record, strings.ReplaceAll(kind, "/", "-")+"-"+run[len(run)-12:]+".json"), h)
	}
	return err
}

func writeHistory(file string, h *history.History) error {
	text, err := temporalproto.CustomJSONMarshalOptions{}.Marshal(h)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644)
}
