package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/quartz"
)

// recording are the workflows that may record events: processes, what belongs to one, and those of Waybill that handle or send mail.
const recording = "(" + contract.StateAttribute + " IS NOT NULL OR " + contract.InstanceAttribute + " IS NOT NULL OR WorkflowType IN ('" +
	contract.MailboxWorkflow + "', '" + contract.AlertsWorkflow + "'))"

// listPage bounds a page of visibility. A server for development reads its database again for each execution that it lists, at a rate that it limits:
// with 800 it does not answer within the ten seconds that a call has.
const listPage = 200

// askAgain is how long what a namespace and its workers are is taken to be the same.
const askAgain = time.Minute

// Plan finds executions to index, in this order: those that have ended since a time, those that have started since and run, and a part of all that
// run. It answers with at most contract.IndexLimit and what is of the sweep, and no more than contract.IndexPlanSize, and where to go on.
func (x *Indexer) Plan(ctx context.Context, in contract.IndexPlanInput) (contract.IndexPlan, error) {
	defer keepAlive(ctx, nil)()
	out := contract.IndexPlan{Sweep: in.Sweep}
	if err := x.tell(ctx, &out.Settings); err != nil {
		return out, err
	}
	cursor := contract.IndexCursor{}
	if in.Cursor != nil {
		cursor = *in.Cursor
	}
	room, page := contract.IndexPlanSize/2, listPage // the rest is for the sweep
	for ; cursor.Query < 2; cursor = (contract.IndexCursor{Query: cursor.Query + 1}) {
		for {
			left := contract.IndexLimit - len(out.Executions)
			if left <= 0 {
				out.Next = &cursor
				return out, nil
			}
			listed, next, err := x.list(ctx, query(cursor.Query, in.Since), cursor.Token, min(left, page))
			if err != nil {
				return out, err
			}
			found := executions(listed)
			if size := sizeOf(found); size <= room || len(found) == 1 {
				room -= size
			} else if len(out.Executions) > 0 {
				out.Next = &cursor
				return out, nil
			} else { // of long ids
				page = len(found) / 2
				continue
			}
			for i := range found { // these are read wholly: a note of what they recorded before may have been lost
				if found[i].Ended = cursor.Query == 0; found[i].Ended && !x.ended.has(found[i].Run) {
					x.lately.add(found[i].Run, listed[i].GetMemo())
				}
			}
			out.Executions = append(out.Executions, found...)
			if cursor.Token = next; len(next) == 0 {
				break
			}
		}
	}
	return out, x.sweep(ctx, in, &out)
}

// query lists what has ended, or what has started and runs.
func query(n int, since time.Time) string {
	status, field := "!=", "CloseTime"
	if n == 1 {
		status, field = "=", "StartTime"
	}
	q := fmt.Sprintf("%s AND ExecutionStatus %s 'Running'", recording, status)
	if !since.IsZero() {
		q += fmt.Sprintf(" AND %s >= '%s'", field, since.UTC().Format(time.RFC3339Nano))
	}
	return q
}

// before is a time less the overlap, as executions have it.
func before(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Add(-contract.IndexOverlap).UnixMilli()
}

// sweep adds the next part of the sweep.
func (x *Indexer) sweep(ctx context.Context, in contract.IndexPlanInput, out *contract.IndexPlan) error {
	running := recording + " AND ExecutionStatus = 'Running'"
	if in.Quota < 0 {
		counted, err := x.client.Temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: running})
		if err != nil {
			return fmt.Errorf("count the executions to sweep: %w", err)
		}
		out.Sweep.Total = counted.GetCount()
		return nil
	}
	room, page := contract.IndexPlanSize/2, int64(listPage)
	for left := in.Quota; left > 0; {
		listed, next, err := x.list(ctx, running, out.Sweep.Token, int(min(left, page)))
		if _, refused := errors.AsType[*serviceerror.InvalidArgument](err); refused && len(out.Sweep.Token) > 0 {
			x.logger.Warn("a sweep begins again, since Temporal does not take the place where it was", "error", err)
			out.Sweep.Token, out.Sweep.Visited = nil, 0
			return nil
		}
		if err != nil {
			return err
		}
		found := executions(listed)
		if room -= sizeOf(found); room < 0 && len(found) > 1 {
			if left < in.Quota { // the next pass visits what is missing
				return nil
			}
			room, page = contract.IndexPlanSize/2, int64(len(found)/2)
			continue
		}
		for i := range found {
			found[i].Since = before(in.Swept)
		}
		out.Executions = append(out.Executions, found...)
		out.Sweep.Visited += int64(len(found))
		left -= int64(len(found))
		if out.Sweep.Token = next; len(next) == 0 {
			out.Swept = true
			return nil
		}
	}
	return nil
}

func sizeOf(list []contract.Execution) (size int) {
	for _, e := range list {
		size += e.Size()
	}
	return size
}

// list returns a page of executions.
func (x *Indexer) list(ctx context.Context, query string, token []byte, size int) ([]*workflow.WorkflowExecutionInfo, []byte, error) {
	page, err := x.client.Temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: query, NextPageToken: token, PageSize: int32(size)})
	if err != nil {
		return nil, nil, fmt.Errorf("list executions: %w", err)
	}
	return page.GetExecutions(), page.GetNextPageToken(), nil
}

func executions(listed []*workflow.WorkflowExecutionInfo) []contract.Execution {
	found := make([]contract.Execution, len(listed))
	for i, e := range listed {
		found[i] = contract.Execution{ID: e.GetExecution().GetWorkflowId(), Run: e.GetExecution().GetRunId()}
	}
	return found
}

// tell says how to index.
func (x *Indexer) tell(ctx context.Context, s *contract.IndexSetting) error {
	x.mu.Lock()
	workers, retention, known := x.workers, x.retention, time.Since(x.asked) < askAgain
	x.mu.Unlock()
	if !known {
		d, err := x.client.Temporal.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: x.settings.Namespace})
		if err != nil {
			return fmt.Errorf("ask for the retention of namespace %q: %w", x.settings.Namespace, err)
		}
		retention = d.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration()
		queue, err := x.client.Temporal.DescribeTaskQueue(ctx, contract.IndexerQueue, enums.TASK_QUEUE_TYPE_ACTIVITY)
		if err != nil {
			return fmt.Errorf("ask for the workers of %s: %w", contract.IndexerQueue, err)
		}
		identities := map[string]bool{}
		for _, p := range queue.GetPollers() {
			identities[p.GetIdentity()] = true
		}
		workers = max(len(identities), 1)
		x.mu.Lock()
		x.workers, x.retention, x.asked = workers, retention, time.Now()
		x.mu.Unlock()
	}
	*s = contract.IndexSetting{
		BlockSize: x.settings.BlockSize, LockMS: x.settings.LockTime.Milliseconds(), SweepMS: x.settings.Sweep.Milliseconds(),
		Parallel: min(x.settings.BlocksAtOnce*workers, x.settings.BlocksAtMost), RetentionMS: retention.Milliseconds(),
	}
	if e, err := quartz.Parse(x.settings.Expression); err == nil { // else nobody could put the schedule, and that is told
		s.Next, _ = e.Next(time.Now().UTC())
	}
	return nil
}
