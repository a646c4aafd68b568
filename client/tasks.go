package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/waybill-io/waybill/activities/contract"
)

// TaskFilter narrows a list of open user tasks. Empty fields do not.
type TaskFilter struct {
	Assignee   string
	Unassigned bool
	Owner      string
	Candidates []string // users or groups, any of them
	Instance   string
	Key        string // of the process
	Text       string // in the name or the description, in any case
	DueBefore  time.Time
	Skip       int // so many fitting ones before the first: the next page
	Limit      int // 0: 100
}

// fits compares what Temporal cannot search by.
func (f *TaskFilter) fits(t contract.Task) bool {
	text := strings.ToLower(f.Text)
	return t.State == contract.TaskOpen &&
		(!f.Unassigned || t.Assignee == "") &&
		(f.Owner == "" || t.Owner == f.Owner) &&
		(f.Key == "" || t.Definition.Key == f.Key) &&
		(f.DueBefore.IsZero() || t.Due != nil && t.Due.Before(f.DueBefore)) &&
		(text == "" || strings.Contains(strings.ToLower(t.Name), text) || strings.Contains(strings.ToLower(t.Description), text))
}

// maxTasks bounds how many tasks one list looks at.
const maxTasks = 10_000

// Tasks returns open user tasks, the newest first. It finds them through Temporal's visibility store, which is some
// moments behind, and reads each from its workflow; it looks at 10,000 at most, those of the other fields of the filter.
func (c *Client) Tasks(ctx context.Context, f TaskFilter) ([]contract.Task, error) {
	query := "WorkflowType = " + Literal(contract.TaskWorkflow) + " AND ExecutionStatus = 'Running'"
	for _, clause := range []struct{ name, value string }{{contract.AssigneeAttribute, f.Assignee}, {contract.InstanceAttribute, f.Instance}} {
		if clause.value != "" {
			query += " AND " + clause.name + " = " + Literal(clause.value)
		}
	}
	if len(f.Candidates) > 0 {
		var any []string
		for _, candidate := range f.Candidates {
			any = append(any, contract.CandidatesAttribute+" = "+Literal(candidate))
		}
		query += " AND (" + strings.Join(any, " OR ") + ")"
	}
	if f.Unassigned {
		query += " AND " + contract.AssigneeAttribute + " IS NULL"
	}
	limit := f.Limit
	if limit <= 0 {
		limit = 100
	}
	var tasks []contract.Task
	var failed error
	err := c.visit(ctx, query, maxTasks, func(e *execution) bool {
		t, err := c.Task(ctx, e.GetExecution().GetWorkflowId())
		switch {
		case errors.Is(err, ErrNotFound): // ended since the list was made
		case err != nil:
			failed = err
			return false
		case f.fits(t):
			if f.Skip--; f.Skip < 0 {
				tasks = append(tasks, t)
			}
		}
		return len(tasks) < limit
	})
	if err = errors.Join(failed, err); err != nil {
		return nil, fmt.Errorf("list tasks: %w", err)
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
	return c.GiveTask(ctx, id, assignee, "")
}

// GiveTask gives an open task to a user on behalf of another, by, so that the user gets mail of it when the task sends mails. Without by, it
// is ClaimTask.
func (c *Client) GiveTask(ctx context.Context, id, user, by string) (contract.Task, error) {
	var t contract.Task
	if err := c.update(ctx, id, contract.ClaimTaskUpdate, contract.ClaimTask{Assignee: user, By: by}, &t); err != nil {
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
