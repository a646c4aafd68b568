package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	temporal "go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/trigger"
)

// TooLarge is the type of the Error about an event that has more to say than is taken.
const TooLarge = "too-large"

// maxEventID bounds what the other side calls an event.
const maxEventID = 1000

// eventName is what an event may be called: its name stands in the id of a workflow.
var eventName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)

// Emit has the triggers of an event fired, durably: when it returns without an error the event is not lost any more. started is false
// when the event is known already; it is known for as long as Temporal keeps what has ended. template is what the instance is made of,
// "" for a connector that is not built in. An event that cannot be taken, however often it is tried, is an *Error.
func (c *Client) Emit(ctx context.Context, instance, template string, e connectors.Event) (started bool, err error) {
	content, err := checkEvent(instance, e)
	if err != nil {
		return false, err
	}
	return c.handle(ctx, contract.EventInput{Event: contract.Event{
		Source: contract.EventSource(instance, e.Name), ID: e.ID, Template: template, Content: content,
	}})
}

// Bury keeps an event that Emit refused as a dead letter, without its outputs, so that somebody sees it.
func (c *Client) Bury(ctx context.Context, instance string, e connectors.Event, reason string) error {
	if !connectors.ValidName(instance) {
		return &Error{Type: "refused", Message: fmt.Sprintf("%q is not the name of a connector: %s", instance, connectors.NameRule)}
	}
	name, id := e.Name, e.ID
	if !eventName.MatchString(name) {
		name = "INVALID_NAME"
	}
	if id == "" || len(id) > maxEventID {
		// What it would be known by is wrong, too; each such event is still another one.
		sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %v", e.Name, e.ID, e.Outputs))
		id = hex.EncodeToString(sum[:])
	}
	_, err := c.handle(ctx, contract.EventInput{Event: contract.Event{Source: contract.EventSource(instance, name), ID: id}, Refused: reason})
	return err
}

// Handle carries out, durably, what triggers say about an event that was matched already. started is false when it is in hand, or was.
func (c *Client) Handle(ctx context.Context, source, id string, firings ...contract.Firing) (started bool, err error) {
	return c.handle(ctx, contract.EventInput{Event: contract.Event{Source: source, ID: id}, Firings: firings})
}

func checkEvent(instance string, e connectors.Event) (json.RawMessage, error) {
	refused := func(kind, format string, args ...any) error {
		return &Error{Type: kind, Message: fmt.Sprintf(format, args...)}
	}
	switch {
	case !connectors.ValidName(instance):
		return nil, refused("refused", "%q is not the name of a connector: %s", instance, connectors.NameRule)
	case !eventName.MatchString(e.Name):
		return nil, refused("refused", "%q is not the name of an event: 1 to 100 letters, digits, _ and -", e.Name)
	case trigger.OfMailbox(e.Name):
		return nil, refused("refused", "%s is an event of mailboxes, which only they tell of", e.Name)
	case e.ID == "" || len(e.ID) > maxEventID:
		return nil, refused("refused", "event %s of %s: an id of 1 to %d bytes is required: by it an event that comes again is known", e.Name, instance, maxEventID)
	}
	content, err := json.Marshal(e)
	if err != nil {
		return nil, refused("refused", "event %s of %s is not plain data: %v", e.Name, instance, err)
	}
	if len(content) > contract.MaxEvent {
		return nil, refused(TooLarge, "event %s of %s has %d bytes, at most %d are taken: put what is large into files and name them", e.Name, instance, len(content), contract.MaxEvent)
	}
	return content, nil
}

func (c *Client) handle(ctx context.Context, in contract.EventInput) (started bool, err error) {
	instance, event := contract.SplitSource(in.Source)
	started, err = c.startOnce(ctx, contract.EventID(instance, event, in.ID), contract.EventWorkflow, in.Source, in)
	if err != nil {
		return false, fmt.Errorf("store event %s: %w", in.Source, err)
	}
	return started, nil
}

// startOnce starts a workflow under an id that Temporal gives once; started is false when it was given before.
func (c *Client) startOnce(ctx context.Context, id, kind, summary string, arg any) (started bool, err error) {
	_, err = c.Temporal.ExecuteWorkflow(ctx, temporal.StartWorkflowOptions{
		ID: id, TaskQueue: contract.ProcessQueue,
		WorkflowIDReusePolicy:                    enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowIDConflictPolicy:                 enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            summary,
	}, kind, arg)
	if _, known := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); known {
		return false, nil
	}
	return err == nil, err
}

// Take takes an id for a holder, and tells who holds it: whoever took it first.
func (c *Client) Take(ctx context.Context, id, holder string) (string, error) {
	started, err := c.startOnce(ctx, id, contract.TakenWorkflow, "", holder)
	if err == nil && !started {
		err = c.Temporal.GetWorkflow(ctx, id, "").Get(ctx, &holder)
	}
	if err != nil {
		return "", fmt.Errorf("take %s: %w", id, err)
	}
	return holder, nil
}

// DeadEvent is an event that could not be handled, under the id of its workflow.
type DeadEvent struct {
	Workflow string `json:"workflow"`
	contract.EventState
}

// DeadEvents returns the events of an instance that are dead letters, at most limit of them; instance "" is all.
func (c *Client) DeadEvents(ctx context.Context, instance string, limit int) ([]DeadEvent, error) {
	query := "WorkflowType = " + Literal(contract.EventWorkflow) + " AND ExecutionStatus = 'Running' AND " + contract.StateAttribute + " = " + Literal(contract.StateDead)
	if instance != "" {
		query += " AND WorkflowId STARTS_WITH " + Literal(contract.EventPrefix+instance+"/")
	}
	var ids []string
	err := c.visit(ctx, query, limit, func(e *execution) bool {
		ids = append(ids, e.GetExecution().GetWorkflowId())
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	all := make([]DeadEvent, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(askedAtOnce)
	for i, id := range ids {
		group.Go(func() error {
			state, err := c.Event(ctx, id)
			all[i] = DeadEvent{Workflow: id, EventState: state}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(e DeadEvent) bool { return len(e.Failed) == 0 }) // visibility is some moments behind
	slices.SortFunc(all, func(a, b DeadEvent) int { return a.At.Compare(b.At) })
	return all, nil
}

// Event returns the state of an event by the id of its workflow.
func (c *Client) Event(ctx context.Context, workflow string) (contract.EventState, error) {
	var state contract.EventState
	if err := checkEventID(workflow); err != nil {
		return state, err
	}
	if err := c.query(ctx, workflow, contract.EventQuery, &state); err != nil {
		return state, fmt.Errorf("read event %q: %w", workflow, err)
	}
	return state, nil
}

// ChangeEvent retries or drops an event that is a dead letter: update is contract.RetryEventUpdate or DropEventUpdate.
func (c *Client) ChangeEvent(ctx context.Context, workflow, update string) error {
	if err := checkEventID(workflow); err != nil {
		return err
	}
	if err := c.update(ctx, workflow, update, nil, nil); err != nil {
		return fmt.Errorf("%s event %q: %w", update, workflow, err)
	}
	return nil
}

func checkEventID(workflow string) error {
	if !strings.HasPrefix(workflow, contract.EventPrefix) {
		return fmt.Errorf("event %q: the id of an event begins with %s: %w", workflow, contract.EventPrefix, ErrNotFound)
	}
	return nil
}
