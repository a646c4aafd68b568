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

// DelegateTask has somebody else work on an open task. Its owner completes it when it was resolved.
func (c *Client) DelegateTask(ctx context.Context, id, user string) (contract.Task, error) {
	return c.changeTask(ctx, "delegate", id, contract.DelegateTaskUpdate, contract.ClaimTask{Assignee: user})
}

// ResolveTask gives a delegated task back to its owner, with variables of the task.
func (c *Client) ResolveTask(ctx context.Context, id string, variables map[string]any) (contract.Task, error) {
	return c.changeTask(ctx, "resolve", id, contract.ResolveTaskUpdate, contract.Variables(variables))
}

// SetTaskVariables sets variables that are local to an open task.
func (c *Client) SetTaskVariables(ctx context.Context, id string, variables map[string]any) (contract.Task, error) {
	return c.changeTask(ctx, "set variables of", id, contract.TaskVariablesUpdate, contract.Variables(variables))
}

func (c *Client) changeTask(ctx context.Context, what, id, update string, arg any) (contract.Task, error) {
	var t contract.Task
	if err := c.update(ctx, id, update, arg, &t); err != nil {
		return t, fmt.Errorf("%s task %q: %w", what, id, c.taskEnded(ctx, id, err))
	}
	return t, nil
}

// EscalateTask escalates from an open task. The task goes on, unless an interrupting event catches the escalation; it is an
// error when nothing does.
func (c *Client) EscalateTask(ctx context.Context, id, code string, variables map[string]any) error {
	return c.answerTask(ctx, "escalate from", id, contract.TaskAnswer{Escalate: true, Code: code, Variables: variables})
}

// FailTask ends an open task with a BPMN error.
func (c *Client) FailTask(ctx context.Context, id, code, message string, variables map[string]any) error {
	return c.answerTask(ctx, "fail", id, contract.TaskAnswer{Code: code, Message: message, Variables: variables})
}

func (c *Client) answerTask(ctx context.Context, what, id string, answer contract.TaskAnswer) error {
	t, err := c.Task(ctx, id)
	if err == nil && t.State != contract.TaskOpen {
		err = c.taskEnded(ctx, id, ErrNotRunning)
	}
	if err == nil {
		answer.Command = t.Command
		err = c.update(ctx, t.Instance, contract.TaskAnswerUpdate, answer, nil)
	}
	if err != nil {
		return fmt.Errorf("%s task %q: %w", what, id, err)
	}
	return nil
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
