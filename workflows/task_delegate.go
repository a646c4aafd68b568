package workflows

import (
	"errors"
	"fmt"
	"maps"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
)

func (t *task) validateOpen(contract.Variables) error {
	if t.closed() {
		return fmt.Errorf("the task is %s", t.State)
	}
	return nil
}

func (t *task) validateDelegate(c contract.ClaimTask) error {
	switch {
	case c.Assignee == "":
		return errors.New("no user given")
	case len(c.Assignee) > maxAssignee:
		return fmt.Errorf("a user has at most %d bytes", maxAssignee)
	}
	return t.validateOpen(nil)
}

// delegate has somebody else work on the task. It stays its owner's: of whom it had been assigned to, when it has none.
func (t *task) delegate(ctx workflow.Context, c contract.ClaimTask) (contract.Task, error) {
	if t.Owner == "" {
		t.Owner = t.Assignee
	}
	t.Delegated = true
	before := t.Assignee
	result, err := t.assign(ctx, c.Assignee, c.By)
	t.reassigned(before, c.By == c.Assignee)
	return result, err
}

func (t *task) validateResolve(v contract.Variables) error {
	if !t.Delegated {
		return errors.New("the task is not delegated")
	}
	return t.validateOpen(v)
}

// resolve gives a delegated task back to its owner, with what came of it.
func (t *task) resolve(ctx workflow.Context, v contract.Variables) (contract.Task, error) {
	t.Delegated = false
	if len(v) > 0 {
		if _, err := t.setVariables(ctx, v); err != nil {
			return t.Task, err
		}
	}
	before := t.Assignee
	result, err := t.assign(ctx, t.Owner, before)
	t.reassigned(before, false)
	return result, err
}

func (t *task) assign(ctx workflow.Context, user, by string) (contract.Task, error) {
	t.Assignee = user
	attribute := assigneeAttribute.ValueUnset()
	if user != "" {
		attribute = assigneeAttribute.ValueSet(user)
	}
	workflow.SetCurrentDetails(ctx, t.details())
	err := workflow.UpsertTypedSearchAttributes(ctx, attribute)
	t.assigned(ctx, by)
	if err != nil || !t.listens {
		return t.Task, err
	}
	assigned := contract.TaskAssigned{Command: t.command, Assignee: user}
	if err := workflow.SignalExternalWorkflow(ctx, t.Instance, "", contract.TaskAssignedSignal, assigned).Get(ctx, nil); err != nil {
		return t.Task, temporal.NewNonRetryableApplicationError("the process of the task has ended: "+t.Instance, "refused", err)
	}
	return t.Task, nil
}

// setVariables sets variables of the task alone: those who work on it see them, and so do the expressions of its element.
func (t *task) setVariables(ctx workflow.Context, v contract.Variables) (contract.Task, error) {
	all := maps.Clone(t.Variables)
	if all == nil {
		all = contract.Variables{}
	}
	maps.Copy(all, v)
	t.Variables = all
	set := contract.TaskVariables{Command: t.command, Variables: v}
	if err := workflow.SignalExternalWorkflow(ctx, t.Instance, "", contract.TaskVariablesSignal, set).Get(ctx, nil); err != nil {
		return t.Task, temporal.NewNonRetryableApplicationError("the process of the task has ended: "+t.Instance, "refused", err)
	}
	return t.Task, nil
}
