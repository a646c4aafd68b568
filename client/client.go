package client

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.temporal.io/api/serviceerror"
	temporal "go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/definition"
	"github.com/waybill-io/waybill/engine"
	"github.com/waybill-io/waybill/script"
)

// Client talks to the Waybill workers of one Temporal namespace.
type Client struct {
	Temporal temporal.Client
	models   definition.Cache
	scripts  script.Evaluator
}

// engine is what rehearses the first step of an instance.
func (c *Client) engine() engine.Engine { return engine.Engine{Scripts: &c.scripts} }

// New returns a Client over a Temporal client, which stays the caller's to close.
func New(c temporal.Client) *Client { return &Client{Temporal: c} }

// ErrNotFound is wrapped by errors about something that does not exist.
var ErrNotFound = errors.New("not found")

// ErrNotRunning is wrapped by errors about something that has ended already.
var ErrNotRunning = errors.New("not running")

// update sends an update to a running workflow, waits for its result and makes its errors readable.
func (c *Client) update(ctx context.Context, workflowID, name string, arg, result any) error {
	return c.updateOnce(ctx, workflowID, name, "", arg, result)
}

// updateOnce is update that takes effect once for one id; "" is always another one.
func (c *Client) updateOnce(ctx context.Context, workflowID, name, id string, arg, result any) (err error) {
	for range updatesAtMost {
		var h temporal.WorkflowUpdateHandle
		h, err = c.Temporal.UpdateWorkflow(ctx, temporal.UpdateWorkflowOptions{
			WorkflowID: workflowID, UpdateID: id, UpdateName: name, Args: []any{arg}, WaitForStage: temporal.WorkflowUpdateStageCompleted,
		})
		if err == nil {
			err = h.Get(ctx, result)
		}
		if _, undone := errors.AsType[*serviceerror.WorkflowNotReady](err); !undone || ctx.Err() != nil {
			break
		}
	}
	err = readable(err)
	if errors.Is(err, ErrNotFound) {
		if _, described := c.Temporal.DescribeWorkflowExecution(ctx, workflowID, ""); described == nil {
			return fmt.Errorf("it has ended: %w", ErrNotRunning)
		}
	}
	return err
}

// updatesAtMost bounds how often an update is sent whose workflow task failed, so that it has had no effect: one that ends its workflow, when something
// else came in that moment (UNHANDLED_COMMAND).
const updatesAtMost = 4

// updateWithStart sends an update and starts the workflow first when it does not run.
func (c *Client) updateWithStart(ctx context.Context, workflowID, workflowType, name string, input, arg, result any) error {
	start := c.Temporal.NewWithStartWorkflowOperation(temporal.StartWorkflowOptions{
		ID: workflowID, TaskQueue: contract.ProcessQueue, WorkflowIDConflictPolicy: useExisting,
	}, workflowType, input)
	h, err := c.Temporal.UpdateWithStartWorkflow(ctx, temporal.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: start,
		UpdateOptions: temporal.UpdateWorkflowOptions{
			WorkflowID: workflowID, UpdateName: name, Args: []any{arg}, WaitForStage: temporal.WorkflowUpdateStageCompleted,
		},
	})
	if err == nil {
		err = h.Get(ctx, result)
	}
	return readable(err)
}

// query asks a workflow, running or not, and decodes its answer.
func (c *Client) query(ctx context.Context, workflowID, name string, result any, args ...any) error {
	if strings.ContainsFunc(workflowID, unprintable) { // Temporal could not even be asked: it has ids in headers
		return ErrNotFound
	}
	v, err := c.Temporal.QueryWorkflow(ctx, workflowID, "", name, args...)
	for range queriesAgain {
		if _, given := errors.AsType[*serviceerror.Canceled](err); !given && !NoPoller(err) && !overtaken(err) || ctx.Err() != nil {
			break
		}
		v, err = c.Temporal.QueryWorkflow(ctx, workflowID, "", name, args...)
	}
	if err == nil {
		err = v.Get(result)
	}
	return readable(err)
}

// unprintable tells whether no id has a character.
func unprintable(r rune) bool { return r < ' ' || r > '~' }

// queriesAgain is how often a query is asked again that the history has overtaken, or that the server has given up, as it does when the worker that held
// it was killed, or when no worker has come back yet after the server was restarted. For those it waits itself, most of ten seconds each time.
const queriesAgain = 3

// overtaken tells whether an error is that of a worker which had to read the history for a query, and found more of it than there was when it was
// asked: its SDK takes what is new for a replay that differs (github.com/temporalio/sdk-go/issues/755). A workflow of which it is true answers so each time.
func overtaken(err error) bool {
	failed, ok := errors.AsType[*serviceerror.QueryFailed](err)
	return ok && strings.HasPrefix(failed.Message, "[TMPRL1100] ") // the SDK's name of replays that differ
}

// NoPoller tells whether an error is that of a server at which no worker asked for work, some ten seconds long.
func NoPoller(err error) bool {
	precondition, ok := errors.AsType[*serviceerror.FailedPrecondition](err)
	return ok && precondition.Message == "no poller seen for task queue recently, worker may be down" // errNoRecentPoller in its service/matching/matcher.go
}

// readable strips Temporal's wrapping from errors that our workflows made for people, and marks the two kinds that
// callers ask for.
func readable(err error) error {
	if err == nil {
		return nil
	}
	if application, ok := errors.AsType[*sdk.ApplicationError](err); ok {
		return &Error{Type: application.Type(), Message: application.Message()}
	}
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return err
}

// Error is a refusal by one of Waybill's workflows, in words for people.
type Error struct {
	Type    string
	Message string
}

func (e *Error) Error() string { return e.Message }

// Is implements errors.Is for ErrIndexAway.
func (e *Error) Is(target error) bool {
	return target == ErrIndexAway && e.Type == contract.IndexUnavailable
}

// ErrIndexAway is what the error is of a question to the index of events that Elasticsearch did not answer: ask again later.
var ErrIndexAway = errors.New("the index of events does not answer")

// Refused tells whether an error is a refusal that would come again: a retry mends nothing.
func Refused(err error) bool {
	if _, ok := errors.AsType[*Error](err); ok {
		return true
	}
	_, invalid := errors.AsType[*serviceerror.InvalidArgument](err)
	return invalid || errors.Is(err, ErrNotFound)
}
