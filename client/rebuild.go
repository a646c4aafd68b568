package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	temporal "go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
)

// AlsoIndex has the indexer write to a generation as well, or no longer. It returns the number of the pass that is under way and does not do
// so yet; 0: there is none.
func (c *Client) AlsoIndex(ctx context.Context, in contract.AlsoIndex) (pass int64, err error) {
	update := contract.AlsoUpdate
	if in.Not {
		update = contract.AlsoNotUpdate
	}
	if err := c.update(ctx, contract.IndexerID, update, in.IndexTarget, &pass); err != nil {
		return 0, fmt.Errorf("have the indexer write to generation %d of tenant %q: %w", in.Generation, in.Tenant, err)
	}
	return pass, nil
}

// ErrUnderWay is wrapped by errors about what can be done once at a time, and is being done.
var ErrUnderWay = errors.New("one is under way")

// StartRebuild begins to rebuild the indexes of a tenant. One at a time does so.
func (c *Client) StartRebuild(ctx context.Context, in contract.GatherInput) error {
	return c.startGathering(ctx, contract.RebuildID(in.Tenant), contract.RebuildWorkflow, "rebuilds the indexes of events", in)
}

// StartVerify begins to compare the indexes of a tenant with histories and archive. One at a time does so.
func (c *Client) StartVerify(ctx context.Context, in contract.GatherInput) error {
	return c.startGathering(ctx, contract.VerifyID(in.Tenant), contract.VerifyWorkflow, "verifies the indexes of events", in)
}

func (c *Client) startGathering(ctx context.Context, id, workflow, summary string, in contract.GatherInput) error {
	if err := c.someIndexer(ctx); err != nil {
		return fmt.Errorf("start %s: %w", GatheringName(id), err)
	}
	_, err := c.Temporal.ExecuteWorkflow(ctx, temporal.StartWorkflowOptions{
		ID: id, TaskQueue: contract.ProcessQueue, StaticSummary: summary, WorkflowExecutionErrorWhenAlreadyStarted: true,
	}, workflow, in)
	if _, ok := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); ok {
		return fmt.Errorf("start %s: %w", GatheringName(id), ErrUnderWay)
	}
	if err != nil {
		return fmt.Errorf("start %s: %w", GatheringName(id), readable(err))
	}
	return nil
}

// pollsWithin is how long after a worker asked for work it is taken to be there: it asks again each minute.
const pollsWithin = 2 * time.Minute

// someIndexer refuses what would wait for a worker for ever. One that starts is waited for.
func (c *Client) someIndexer(ctx context.Context) error {
	for began := time.Now(); ; {
		queue, err := c.Temporal.DescribeTaskQueue(ctx, contract.IndexerQueue, enums.TASK_QUEUE_TYPE_ACTIVITY)
		if err != nil {
			return fmt.Errorf("ask for the workers of %s: %w", contract.IndexerQueue, readable(err))
		}
		for _, p := range queue.GetPollers() {
			if time.Since(p.GetLastAccessTime().AsTime()) < pollsWithin {
				return nil
			}
		}
		if time.Since(began) > unclaimed {
			return fmt.Errorf("%w: %s", ErrUnclaimed, needsIndexer)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// GatherProgress asks a rebuild or a verification, by its workflow id, how far it is.
func (c *Client) GatherProgress(ctx context.Context, id string) (p contract.GatherProgress, err error) {
	if err := c.query(ctx, id, contract.ProgressQuery, &p); err != nil {
		return p, fmt.Errorf("ask %s: %w", GatheringName(id), err)
	}
	return p, nil
}

// GatheringWaits says which call of a rebuild or a verification fails again and again, and why; "": none.
func (c *Client) GatheringWaits(ctx context.Context, id string) (string, error) {
	d, err := c.Temporal.DescribeWorkflowExecution(ctx, id, "")
	if err != nil {
		return "", fmt.Errorf("look at %s: %w", GatheringName(id), readable(err))
	}
	return pendingError(d), nil
}

// AwaitGathering waits until a rebuild or a verification ends. ErrNotDone is wrapped when it was given up, and ErrNotFound when there was none.
func (c *Client) AwaitGathering(ctx context.Context, id string) (p contract.GatherProgress, err error) {
	err = c.Temporal.GetWorkflow(ctx, id, "").Get(ctx, &p)
	if err == nil || ctx.Err() != nil {
		return p, err
	}
	if _, cancelled := errors.AsType[*sdk.CanceledError](err); cancelled {
		return p, fmt.Errorf("%s: %w: it was given up", GatheringName(id), ErrNotDone)
	}
	if _, terminated := errors.AsType[*sdk.TerminatedError](err); terminated {
		return p, fmt.Errorf("%s: %w: somebody has terminated its workflow %s; the next one takes away what it has left", GatheringName(id), ErrNotDone, id)
	}
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return p, fmt.Errorf("%s: %w", GatheringName(id), errNoGathering)
	}
	return p, readable(err)
}

// ErrNotDone is wrapped by the error of what ended before it was done.
var ErrNotDone = errors.New("it has not come to its end")

// errNoGathering is of what was never there, or so long ago that Temporal has forgotten it.
var errNoGathering = fmt.Errorf("there is none that Temporal remembers: %w", ErrNotFound)

// CancelGathering has a rebuild or a verification end, and leave nothing behind. One that has ended is an error that says when.
func (c *Client) CancelGathering(ctx context.Context, id string) error {
	err := c.cancelGathering(ctx, id)
	if err != nil {
		return fmt.Errorf("cancel %s: %w", GatheringName(id), err)
	}
	return nil
}

func (c *Client) cancelGathering(ctx context.Context, id string) error {
	d, err := c.Temporal.DescribeWorkflowExecution(ctx, id, "")
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return errNoGathering
	}
	if err != nil {
		return readable(err)
	}
	// For Temporal it is no error to cancel what has ended.
	if info := d.GetWorkflowExecutionInfo(); info.GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return fmt.Errorf("it has ended (%s) at %s, and --follow shows how", strings.ToLower(info.GetStatus().String()), info.GetCloseTime().AsTime().UTC().Format(time.RFC3339))
	}
	return readable(c.Temporal.CancelWorkflow(ctx, id, ""))
}

// GatheringName is what people call the rebuild or the verification of a workflow id.
func GatheringName(id string) string {
	kind, tenant, _ := strings.Cut(id, "/")
	name := "the rebuild"
	if kind == "verify" {
		name = "the verification"
	}
	if tenant == "" {
		return name + " of the default tenant"
	}
	return name + " of tenant " + tenant
}

// DropReplaced drops the generations of the indexes of a tenant that rebuilds have replaced.
func (c *Client) DropReplaced(ctx context.Context, tenant string) (d contract.DroppedGenerations, err error) {
	if err := c.askIndexer(ctx, contract.DropReplacedActivity, tenant, &d); err != nil {
		return d, fmt.Errorf("drop the replaced indexes of tenant %q: %w", tenant, err)
	}
	return d, nil
}

// ExportEvents returns a page of documents.
func (c *Client) ExportEvents(ctx context.Context, in contract.ExportInput) (p contract.ExportPage, err error) {
	if err := c.askIndexer(ctx, contract.ExportActivity, in, &p); err != nil {
		return p, fmt.Errorf("export events: %w", err)
	}
	return p, nil
}

// indexerTimeout bounds each try of a question to the index, which changes nothing, or may be done twice.
const indexerTimeout = 2 * time.Minute

func (c *Client) askIndexer(ctx context.Context, activity string, in, out any) error {
	return c.askOnce(ctx, question{activity: activity, queue: contract.ReportQueue, hint: needsIndexer, timeout: indexerTimeout, heartbeat: contract.IndexHeartbeat, tries: 3}, out, in)
}
