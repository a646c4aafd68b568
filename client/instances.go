package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	sdk "go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/engine"
)

const (
	useExisting = enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING
	// pageSize is how many executions one visibility request returns.
	pageSize = 200
)

// StartOptions say what to start.
type StartOptions struct {
	Key         string // process id
	Version     int    // 0: the latest
	VersionTag  string // "": any
	ID          string // instance id; "": a new one. Starting the same id again is a no-op that is reported.
	Element     string // start event; "": the none start event
	BusinessKey string
	Initiator   string
	Variables   map[string]any
	Clock       *time.Time // in tests: its time, which stands still until it is advanced
}

// Started is an instance that was asked to be started.
type Started struct {
	ID  string
	Run string // of Temporal, its first one; "" when it is not known
	New bool   // false: an instance of this id had been started before
}

// Start starts an instance of a deployed process. started is false when an instance of this id had been started before.
func (c *Client) Start(ctx context.Context, o StartOptions) (id string, started bool, err error) {
	d, err := c.DefinitionFor(ctx, o.Key, o.Version, o.VersionTag)
	if err != nil {
		return "", false, err
	}
	i, err := c.StartDefinition(ctx, d, o)
	return i.ID, i.New, err
}

// StartDefinition is Start for a caller that holds the definition.
func (c *Client) StartDefinition(ctx context.Context, d contract.Definition, o StartOptions) (Started, error) {
	if o.ID == "" {
		o.ID = d.Key + "/" + strings.ToLower(rand.Text()[:16])
	}
	if err := checkID(d.Key, o.ID); err != nil {
		return Started{}, err
	}
	if err := c.rehearse(d, o); err != nil {
		return Started{}, err
	}
	options, input, err := c.Launch(d, o)
	if err != nil {
		return Started{}, err
	}
	run, err := c.Temporal.ExecuteWorkflow(ctx, options, d.Key, input)
	if _, ok := err.(*serviceerror.WorkflowExecutionAlreadyStarted); ok {
		return Started{ID: o.ID}, nil
	}
	if err != nil {
		return Started{}, fmt.Errorf("start process %q: %w", d.Key, err)
	}
	return Started{ID: o.ID, Run: run.GetRunID(), New: true}, nil
}

// Known tells whether an instance of this id was ever started, or the id was taken by a message that would have started it: as long as
// Temporal remembers.
func (c *Client) Known(ctx context.Context, id string) (bool, error) {
	_, err := c.Temporal.DescribeWorkflowExecution(ctx, id, "")
	if err = readable(err); errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// maxID leaves room for what the ids of an instance's tasks add; Temporal takes 1000 bytes.
const maxID = 900

// checkID refuses an id that Temporal cannot carry, and those of Waybill's own workflows: an instance in the place of
// definition/KEY would keep the process KEY from ever being deployed.
func checkID(key, id string) error {
	for i := range len(id) {
		if id[i] < ' ' || id[i] > '~' {
			return &Error{Type: "refused", Message: fmt.Sprintf("the instance id %q holds more than plain ASCII", id)}
		}
	}
	if len(id) > maxID {
		return &Error{Type: "refused", Message: fmt.Sprintf("the instance id has %d bytes, at most %d are possible", len(id), maxID)}
	}
	if slices.Contains([]string{contract.AlertRulesID, contract.TemplatesID, contract.PeopleID}, id) {
		return &Error{Type: "refused", Message: fmt.Sprintf("the instance id %q is Waybill's own", id)}
	}
	if first, _, found := strings.Cut(id, "/"); found && first != key {
		for _, own := range []string{
			contract.DefinitionID(""), contract.TriggersID(""), contract.MailboxID(""), "message/", contract.MessageStartsID(""), contract.SignalID(""), contract.SignalStartsID(""), "task/", "watchers/", contract.WebhooksID(""), contract.EventPrefix, "echo/", contract.PaceID(""), contract.AlertsID(""), contract.CredentialID(""),
		} {
			if strings.HasPrefix(id, own) {
				return &Error{Type: "refused", Message: fmt.Sprintf("the instance id %q begins with %q, which is Waybill's own", id, own)}
			}
		}
	}
	return nil
}

// rehearse runs the first step of an instance without carrying it out, so that a start with wrong input is refused
// before anything has happened.
func (c *Client) rehearse(d contract.Definition, o StartOptions) error {
	p, err := c.models.Process(d, engine.Version)
	if err != nil {
		return &Error{Type: "refused", Message: err.Error()}
	}
	state := engine.New(engine.Options{ID: o.ID, BusinessKey: o.BusinessKey, Initiator: o.Initiator})
	if _, err := c.engine().Step(p, state, engine.Started{Element: o.Element, Variables: o.Variables}, time.Now()); err != nil {
		return &Error{Type: "refused", Message: fmt.Sprintf("start process %q: %v", d.Key, err)}
	}
	return nil
}

// Launch makes the workflow options and the input of an instance: for Start and for Temporal Schedules alike.
func (c *Client) Launch(d contract.Definition, o StartOptions) (temporal.StartWorkflowOptions, contract.ProcessInput, error) {
	packed, err := c.models.Pack(d)
	if err != nil {
		return temporal.StartWorkflowOptions{}, contract.ProcessInput{}, err
	}
	attributes := []sdk.SearchAttributeUpdate{
		sdk.NewSearchAttributeKeyKeyword(contract.StateAttribute).ValueSet(contract.StateActive),
	}
	if o.BusinessKey != "" {
		attributes = append(attributes, sdk.NewSearchAttributeKeyKeyword(contract.BusinessKeyAttribute).ValueSet(o.BusinessKey))
	}
	topics, err := c.topics(d)
	if err != nil {
		return temporal.StartWorkflowOptions{}, contract.ProcessInput{}, err
	}
	attributes = append(attributes, topics...)
	var memo map[string]any
	if d.Tenant != "" {
		memo = map[string]any{contract.TenantMemo: d.Tenant}
	}
	return temporal.StartWorkflowOptions{
			Memo:                                     memo,
			ID:                                       o.ID,
			TaskQueue:                                contract.ProcessQueue,
			WorkflowIDReusePolicy:                    enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
			WorkflowIDConflictPolicy:                 enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
			WorkflowExecutionErrorWhenAlreadyStarted: true,
			TypedSearchAttributes:                    sdk.NewSearchAttributes(attributes...),
			StaticSummary:                            summary(d, o),
		}, contract.ProcessInput{
			Definition: contract.Definition{Key: d.Key, Version: d.Version}, Packed: packed, Engine: engine.Version, Element: o.Element,
			BusinessKey: o.BusinessKey, Initiator: o.Initiator, Variables: o.Variables, Clock: o.Clock,
		}, nil
}

func summary(d contract.Definition, o StartOptions) string {
	name := d.Name
	if name == "" {
		name = d.Key
	}
	text := fmt.Sprintf("%s, version %d", name, d.Version)
	if o.BusinessKey != "" {
		text += ", " + o.BusinessKey
	}
	// Temporal refuses summaries over 400 bytes.
	return strings.ToValidUTF8(text[:min(len(text), 300)], "")
}

// Get returns the state of an instance, running or ended.
func (c *Client) Get(ctx context.Context, id string) (contract.ProcessResult, error) {
	var r contract.ProcessResult
	if err := c.query(ctx, id, contract.StateQuery, &r); err != nil {
		return r, fmt.Errorf("read instance %q: %w", id, err)
	}
	return r, nil
}

// Wait blocks until an instance has ended or ctx is done.
func (c *Client) Wait(ctx context.Context, id string) (contract.ProcessResult, error) {
	return c.WaitFor(ctx, Started{ID: id})
}

// WaitFor is Wait for a caller that started the instance: knowing its run spares the server a look-up.
func (c *Client) WaitFor(ctx context.Context, i Started) (contract.ProcessResult, error) {
	var r contract.ProcessResult
	if err := c.Temporal.GetWorkflow(ctx, i.ID, i.Run).Get(ctx, &r); err != nil {
		return r, fmt.Errorf("wait for instance %q: %w", i.ID, readable(err))
	}
	return r, nil
}

// Cancel ends an instance in good order: its tasks, timers and calls are stopped.
func (c *Client) Cancel(ctx context.Context, id string) error {
	if err := c.update(ctx, id, contract.CancelUpdate, nil, nil); err != nil {
		return fmt.Errorf("cancel instance %q: %w", id, err)
	}
	return nil
}

// SetVariables changes variables of a running instance.
func (c *Client) SetVariables(ctx context.Context, id string, variables map[string]any) error {
	if err := c.update(ctx, id, contract.VariablesUpdate, variables, nil); err != nil {
		return fmt.Errorf("set variables of instance %q: %w", id, err)
	}
	return nil
}

// Suspend keeps back all that happens to an instance until Resume.
func (c *Client) Suspend(ctx context.Context, id string) error {
	return c.operate(ctx, "suspend", id, contract.SuspendUpdate, nil)
}

// Resume lets a suspended instance go on.
func (c *Client) Resume(ctx context.Context, id string) error {
	return c.operate(ctx, "resume", id, contract.ResumeInstanceUpdate, nil)
}

// Activate starts an activity of an ad-hoc sub-process.
func (c *Client) Activate(ctx context.Context, id, element string) error {
	return c.operate(ctx, "start an activity of", id, contract.ActivateUpdate, contract.ElementInput{Element: element})
}

// FinishScope completes an ad-hoc sub-process in which nothing runs.
func (c *Client) FinishScope(ctx context.Context, id, element string) error {
	return c.operate(ctx, "complete a sub-process of", id, contract.FinishScopeUpdate, contract.ElementInput{Element: element})
}

// Advance moves the clock of an instance of a test and fires what is due by then.
func (c *Client) Advance(ctx context.Context, id string, to time.Time) error {
	return c.operate(ctx, "advance the clock of", id, contract.AdvanceUpdate, contract.Advance{To: to})
}

func (c *Client) operate(ctx context.Context, what, id, update string, arg any) error {
	if err := c.update(ctx, id, update, arg, nil); err != nil {
		return fmt.Errorf("%s instance %q: %w", what, id, err)
	}
	return nil
}

// AnswerIncident answers an open incident of an instance.
func (c *Client) AnswerIncident(ctx context.Context, id string, answer contract.IncidentAnswer) (contract.ProcessResult, error) {
	var r contract.ProcessResult
	if err := c.update(ctx, id, contract.IncidentUpdate, answer, &r); err != nil {
		return r, fmt.Errorf("answer incident of instance %q: %w", id, err)
	}
	return r, nil
}

// Instance is a line of a list of instances.
type Instance struct {
	ID          string     `json:"id"`
	Key         string     `json:"key"`
	State       string     `json:"state"`
	BusinessKey string     `json:"businessKey,omitempty"`
	Started     time.Time  `json:"started"`
	Ended       *time.Time `json:"ended,omitempty"`
	Tenant      string     `json:"tenant,omitempty"` // of its definition
}

// Filter narrows a list of instances. Empty fields do not.
type Filter struct {
	Key         string
	State       string // active, suspended, completed, cancelled, terminated, failed
	BusinessKey string
	Limit       int // 0: 100
}

// List returns instances, the newest first. It reads Temporal's visibility store, which is some moments behind.
func (c *Client) List(ctx context.Context, f Filter) ([]Instance, error) {
	query := contract.StateAttribute + " IS NOT NULL"
	if f.Key != "" {
		query += " AND WorkflowType = " + Literal(f.Key)
	} else {
		query += " AND WorkflowType != " + Literal(contract.EventWorkflow)
	}
	if f.BusinessKey != "" {
		query += " AND " + contract.BusinessKeyAttribute + " = " + Literal(f.BusinessKey)
	}
	clause, err := stateClause(f.State)
	if err != nil {
		return nil, err
	}
	limit := f.Limit
	if limit <= 0 {
		limit = 100
	}
	var list []Instance
	err = c.visit(ctx, query+clause, limit, func(e *execution) bool {
		i := Instance{
			ID: e.GetExecution().GetWorkflowId(), Key: e.GetType().GetName(), Started: e.GetStartTime().AsTime(),
			State: keyword(e, contract.StateAttribute), BusinessKey: keyword(e, contract.BusinessKeyAttribute),
		}
		if p := e.GetMemo().GetFields()[contract.TenantMemo]; p != nil {
			_ = converter.GetDefaultDataConverter().FromPayload(p, &i.Tenant) // of another shape: none
		}
		if e.GetCloseTime() != nil {
			t := e.GetCloseTime().AsTime()
			i.Ended = &t
			i.State = ended(e.GetStatus(), i.State)
		}
		list = append(list, i)
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("list instances: %w", err)
	}
	return list, nil
}

func stateClause(state string) (string, error) {
	switch state {
	case "":
		return " AND ExecutionStatus != 'ContinuedAsNew'", nil
	case contract.StateActive, contract.StateSuspended, contract.StatePaused:
		return " AND ExecutionStatus = 'Running' AND " + contract.StateAttribute + " = " + Literal(state), nil
	case contract.StateCompleted:
		return " AND ExecutionStatus = 'Completed' AND " + contract.StateAttribute + " != 'cancelled' AND " + contract.StateAttribute + " != 'failed'", nil
	case contract.StateCancelled:
		return " AND " + contract.StateAttribute + " = 'cancelled'", nil
	case "terminated":
		return " AND ExecutionStatus = 'Terminated'", nil
	case "failed":
		return " AND (ExecutionStatus = 'Failed' OR " + contract.StateAttribute + " = 'failed')", nil
	}
	return "", fmt.Errorf("unknown state %q: active, suspended, paused, completed, cancelled, terminated or failed", state)
}

func ended(status enums.WorkflowExecutionStatus, state string) string {
	switch {
	case status == enums.WORKFLOW_EXECUTION_STATUS_TERMINATED:
		return "terminated"
	case status == enums.WORKFLOW_EXECUTION_STATUS_FAILED, status == enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT:
		return "failed"
	case state == contract.StateFailed:
		return contract.StateFailed
	case state == contract.StateCancelled, status == enums.WORKFLOW_EXECUTION_STATUS_CANCELED:
		return contract.StateCancelled
	}
	return contract.StateCompleted
}

// visit calls fn for each execution that a visibility query finds, at most limit of them, until it gives false.
func (c *Client) visit(ctx context.Context, query string, limit int, fn func(*execution) bool) error {
	if strings.ContainsRune(query, 0) || !utf8.ValidString(query) { // nothing is named so, and Temporal's store would be asked again and again
		return nil
	}
	request := &workflowservice.ListWorkflowExecutionsRequest{Query: query, PageSize: int32(min(pageSize, limit))}
	for n := 0; ; {
		page, err := c.Temporal.ListWorkflow(ctx, request)
		if err != nil {
			return err
		}
		for _, e := range page.GetExecutions() {
			if n == limit {
				return nil
			}
			if !fn(e) {
				return nil
			}
			n++
		}
		if request.NextPageToken = page.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return nil
		}
	}
}
