package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/waybill-io/waybill/activities/contract"
)

// TaskFilter narrows a list of open user tasks. Empty fields do not.
type TaskFilter struct {
	Assignee  string
	Candidate string // a user or a group
	Instance  string
	Limit     int // 0: 100
}

// Tasks returns open user tasks, the newest first. It finds them through Temporal's visibility store, which is some
// moments behind, and reads each from its workflow.
func (c *Client) Tasks(ctx context.Context, f TaskFilter) ([]contract.Task, error) {
	query := "WorkflowType = " + quote(contract.TaskWorkflow) + " AND ExecutionStatus = 'Running'"
	for name, value := range map[string]string{
		contract.AssigneeAttribute: f.Assignee, contract.CandidatesAttribute: f.Candidate, contract.InstanceAttribute: f.Instance,
	} {
		if value != "" {
			query += " AND " + name + " = " + quote(value)
		}
	}
	limit := f.Limit
	if limit <= 0 {
		limit = 100
	}
	var ids []string
	if err := c.visit(ctx, query, limit, func(e *execution) { ids = append(ids, e.GetExecution().GetWorkflowId()) }); err != nil {
		return nil, fmt.Errorf("list tasks: %w", err)
	}
	var tasks []contract.Task
	for _, id := range ids {
		t, err := c.Task(ctx, id)
		if errors.Is(err, ErrNotFound) || err == nil && t.State != contract.TaskOpen {
			continue // ended since the list was made
		}
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, t)
	}
	return tasks, nil
}

// Task returns a user task by its id.
func (c *Client) Task(ctx context.Context, id string) (contract.Task, error) {
	var t contract.Task
	if err := c.query(ctx, id, contract.TaskQuery, &t); err != nil {
		return t, fmt.Errorf("read task %q: %w", id, err)
	}
	return t, nil
}

// ClaimTask gives an open task to a user; "" gives it back to its candidates.
func (c *Client) ClaimTask(ctx context.Context, id, assignee string) (contract.Task, error) {
	var t contract.Task
	if err := c.update(ctx, id, contract.ClaimTaskUpdate, contract.ClaimTask{Assignee: assignee}, &t); err != nil {
		err = c.taskEnded(ctx, id, err)
		return t, fmt.Errorf("claim task %q: %w", id, err)
	}
	return t, nil
}

// CompleteTask ends an open task. It returns when the process has accepted the results.
func (c *Client) CompleteTask(ctx context.Context, id string, results contract.CompleteTask) (contract.Task, error) {
	var t contract.Task
	if err := c.update(ctx, id, contract.CompleteTaskUpdate, results, &t); err != nil {
		err = c.taskEnded(ctx, id, err)
		return t, fmt.Errorf("complete task %q: %w", id, err)
	}
	return t, nil
}

// taskEnded says how a task ended that cannot be changed any more.
func (c *Client) taskEnded(ctx context.Context, id string, err error) error {
	if !errors.Is(err, ErrNotRunning) {
		return err
	}
	t, queried := c.Task(ctx, id)
	switch {
	case queried != nil:
		return err
	case t.Assignee != "":
		return fmt.Errorf("the task is %s, by %s: %w", t.State, t.Assignee, ErrNotRunning)
	}
	return fmt.Errorf("the task is %s: %w", t.State, ErrNotRunning)
}
