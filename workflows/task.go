package workflows

import (
	"cmp"
	"errors"
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
)

var (
	businessKeyAttribute = temporal.NewSearchAttributeKeyKeyword(contract.BusinessKeyAttribute)
	assigneeAttribute    = temporal.NewSearchAttributeKeyKeyword(contract.AssigneeAttribute)
	instanceAttribute    = temporal.NewSearchAttributeKeyKeyword(contract.InstanceAttribute)
	candidatesAttribute  = temporal.NewSearchAttributeKeyKeywordList(contract.CandidatesAttribute)
)

// taskAttributes are what lists of tasks filter by.
func taskAttributes(t contract.Task) temporal.SearchAttributes {
	attributes := []temporal.SearchAttributeUpdate{instanceAttribute.ValueSet(t.Instance)}
	if t.Assignee != "" {
		attributes = append(attributes, assigneeAttribute.ValueSet(t.Assignee))
	}
	if candidates := append(append([]string{}, t.CandidateUsers...), t.CandidateGroups...); len(candidates) > 0 {
		attributes = append(attributes, candidatesAttribute.ValueSet(candidates))
	}
	return temporal.NewSearchAttributes(attributes...)
}

// task is one user task, open until somebody completes it or its process stops waiting for it.
type task struct {
	contract.Task
	command int  // engine id
	listens bool // the process wants to hear of assignments
	mail    *taskMail
	log     taskLog
}

// Run is the workflow of a user task.
func (w *Tasks) Run(ctx workflow.Context, input contract.TaskInput) (contract.Task, error) {
	t := &task{Task: input.Task, command: input.Command, listens: input.Listens}
	t.log.begin(ctx, w.recording, input.Record)
	if input.Mails != nil {
		t.mail = &taskMail{TaskMails: *input.Mails, ctx: ctx}
		t.mail.begin()
	}
	err := errors.Join(
		workflow.SetQueryHandler(ctx, contract.TaskQuery, t.query),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.ClaimTaskUpdate, t.claim,
			workflow.UpdateHandlerOptions{Validator: t.validateClaim, Description: "claim the task, or give it back"}),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.CompleteTaskUpdate, t.complete,
			workflow.UpdateHandlerOptions{Validator: t.validateComplete, Description: "complete the task with results"}),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.DelegateTaskUpdate, t.delegate,
			workflow.UpdateHandlerOptions{Validator: t.validateDelegate, Description: "have somebody else work on the task, who gives it back"}),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.ResolveTaskUpdate, t.resolve,
			workflow.UpdateHandlerOptions{Validator: t.validateResolve, Description: "give a delegated task back to its owner"}),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.TaskVariablesUpdate, t.setVariables,
			workflow.UpdateHandlerOptions{Validator: t.validateOpen, Description: "set variables of the task alone"}),
	)
	if err != nil {
		return t.Task, err
	}
	workflow.SetCurrentDetails(ctx, t.details())
	t.opened()
	err = workflow.Await(ctx, t.closed)
	if temporal.IsCanceledError(err) {
		t.State = contract.TaskCancelled
		err = nil
	}
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	if t.State == contract.TaskCancelled {
		t.cancelled(ctx)
	}
	err = errors.Join(err, workflow.Await(ctx, handlersFinished(ctx)))
	t.awaitMails(ctx)
	return t.Task, err
}

// handlersFinished tells, for an Await, whether every update has its answer.
func handlersFinished(ctx workflow.Context) func() bool {
	return func() bool { return workflow.AllHandlersFinished(ctx) }
}

func (t *task) closed() bool { return t.State != contract.TaskOpen }

func (t *task) query() (contract.Task, error) { return t.Task, nil }

// maxAssignee keeps a user within what Temporal can search by; it ends a workflow that asks for more.
const maxAssignee = 2000

func (t *task) validateClaim(c contract.ClaimTask) error {
	if len(c.Assignee) > maxAssignee {
		return fmt.Errorf("a user has at most %d bytes", maxAssignee)
	}
	if t.closed() {
		return fmt.Errorf("the task is %s", t.State)
	}
	if c.Assignee != "" && t.Assignee != "" && t.Assignee != c.Assignee {
		return fmt.Errorf("the task is claimed by %q", t.Assignee)
	}
	return nil
}

func (t *task) claim(ctx workflow.Context, c contract.ClaimTask) (contract.Task, error) {
	before := t.Assignee
	t.log.claim(ctx, c.Assignee)
	result, err := t.assign(ctx, c.Assignee, cmp.Or(c.By, c.Assignee))
	t.reassigned(before, c.By == "" || c.By == c.Assignee)
	return result, err
}

func (t *task) validateComplete(c contract.CompleteTask) error {
	if t.closed() {
		return fmt.Errorf("the task is %s", t.State)
	}
	if t.Delegated {
		return fmt.Errorf("the task is delegated to %q, who has to resolve it first", t.Assignee)
	}
	if c.User != "" && t.Assignee != "" && t.Assignee != c.User {
		return fmt.Errorf("the task is claimed by %q", t.Assignee)
	}
	return nil
}

// complete returns when the process has the results. While it tells the process, nobody else can complete the task.
func (t *task) complete(ctx workflow.Context, c contract.CompleteTask) (contract.Task, error) {
	if t.closed() {
		return t.Task, temporal.NewNonRetryableApplicationError("the task is "+t.State, "refused", nil)
	}
	if c.User != "" {
		t.Assignee = c.User
	}
	t.State = contract.TaskCompleted
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	done := contract.TaskDone{Command: t.command, Variables: c.Variables, Assignee: &t.Assignee, Claimed: t.log.claimed}
	if t.log.log != nil {
		done.Owner = &t.Owner
	}
	if err := workflow.SignalExternalWorkflow(ctx, t.Instance, "", contract.TaskSignal, done).Get(ctx, nil); err != nil {
		t.State = contract.TaskCancelled
		return t.Task, temporal.NewNonRetryableApplicationError("the process of the task has ended: "+t.Instance, "refused", err)
	}
	return t.Task, nil
}

func (t *task) details() string {
	text := fmt.Sprintf("**%s** of `%s`", t.Name, t.Instance)
	if t.Assignee != "" {
		text += ", claimed by " + t.Assignee
	}
	return text + "\n\n" + t.Description
}
