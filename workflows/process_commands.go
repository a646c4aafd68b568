package workflows

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/engine"
)

// callHeartbeat is how fast a connector call is given to another worker when its own has died.
const callHeartbeat = 15 * time.Second

// scriptTimeout bounds one run of a script.
const scriptTimeout = 5 * time.Second

// wait is a command that is under way.
type wait struct {
	h            *host
	id           int
	cancel       workflow.CancelFunc          // connector call, script, timer
	child        workflow.ChildWorkflowFuture // user task
	subscription *contract.Subscription
	subscribed   workflow.Future
}

// carryOut starts what the engine asks for.
func (h *host) carryOut(c engine.Command) {
	switch c := c.(type) {
	case engine.CallConnector:
		h.call(c)
	case engine.RunScript:
		h.runScript(c)
	case engine.OpenTask:
		h.openTask(c)
	case engine.StartTimer:
		h.startTimer(c)
	case engine.Subscribe:
		h.subscribe(c)
	case engine.Stop:
		h.stop(c.ID)
	case engine.End:
		// State.Outcome ends the loop.
	default:
		panic(fmt.Sprintf("the host does not know the command %T", c))
	}
}

// resume takes up what an earlier run had under way. Tasks and subscriptions outlived it and know the instance by its
// id; only timers were its own.
func (h *host) resume(c engine.Command) {
	switch c := c.(type) {
	case engine.StartTimer:
		h.startTimer(c)
	case engine.Subscribe:
		h.waits[c.ID] = &wait{h: h, id: c.ID, subscription: h.subscription(c)}
	case engine.OpenTask:
		h.waits[c.ID] = &wait{h: h, id: c.ID}
	default:
		panic(fmt.Sprintf("%T was under way when the earlier run ended", c))
	}
}

func (h *host) call(c engine.CallConnector) {
	node := h.process.Node(c.Element)
	binding := h.input.Definition.Connectors[c.Implementation]
	ctx, cancel := workflow.WithCancel(h.ctx)
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           binding.TaskQueue,
		StartToCloseTimeout: milliseconds(binding.TimeoutMS),
		HeartbeatTimeout:    callHeartbeat,
		RetryPolicy:         retryPolicy(binding.Retry, node.Retry),
		Summary:             clip(node.Name),
	})
	f := workflow.ExecuteActivity(ctx, c.Implementation, contract.ConnectorCall{
		IdempotencyKey: h.id + "/" + strconv.Itoa(c.ID),
		Implementation: c.Implementation,
		Inputs:         contract.Variables(c.Inputs),
		Context: contract.CallContext{
			ProcessInstanceID: h.id, ProcessDefinitionKey: h.process.ID, ProcessDefinitionVersion: h.input.Definition.Version,
			BusinessKey: h.input.BusinessKey, ElementID: node.ID, ElementName: node.Name,
		},
	})
	w := &wait{h: h, id: c.ID, cancel: cancel}
	h.waits[c.ID] = w
	h.selector.AddFuture(f, w.called)
}

// called is the answer to a connector call.
func (w *wait) called(f workflow.Future) {
	var result contract.ConnectorResult
	if err := f.Get(w.h.ctx, &result); err != nil {
		w.answer(engine.Failed{ID: w.id, Failure: failure(err)})
		return
	}
	w.answer(engine.Completed{ID: w.id, Outputs: engine.Variables(result.Outputs)})
}

func (h *host) runScript(c engine.RunScript) {
	ctx, cancel := workflow.WithCancel(h.ctx)
	ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout: scriptTimeout,
		RetryPolicy:         &temporal.RetryPolicy{MaximumAttempts: 1},
		Summary:             clip(h.process.Node(c.Element).Name),
	})
	f := workflow.ExecuteLocalActivity(ctx, contract.ScriptActivity, contract.ScriptInput{
		Format: c.Format, Source: c.Source, Result: c.Result, Variables: contract.Variables(c.Variables),
	})
	w := &wait{h: h, id: c.ID, cancel: cancel}
	h.waits[c.ID] = w
	h.selector.AddFuture(f, w.scripted)
}

// scripted is the result of a script.
func (w *wait) scripted(f workflow.Future) {
	var result contract.ScriptResult
	if err := f.Get(w.h.ctx, &result); err != nil {
		w.answer(engine.Failed{ID: w.id, Failure: failure(err)})
		return
	}
	w.answer(engine.Completed{ID: w.id, Outputs: engine.Variables(result.Variables)})
}

func (h *host) startTimer(c engine.StartTimer) {
	ctx, cancel := workflow.WithCancel(h.ctx)
	delay := max(c.At.Sub(workflow.Now(ctx)), 0)
	node := h.process.Node(c.Element)
	f := workflow.NewTimerWithOptions(ctx, delay, workflow.TimerOptions{Summary: clip(title(node))})
	w := &wait{h: h, id: c.ID, cancel: cancel}
	h.waits[c.ID] = w
	h.selector.AddFuture(f, w.fired)
}

// fired is a timer that is due, or was stopped.
func (w *wait) fired(f workflow.Future) {
	if f.Get(w.h.ctx, nil) == nil {
		w.answer(engine.TimerFired{ID: w.id})
	}
}

func (h *host) openTask(c engine.OpenTask) {
	task := contract.Task{
		ID: contract.TaskID(h.id, c.ID), Name: c.Name, Element: c.Element, Instance: h.id, Definition: h.ref(),
		BusinessKey: h.input.BusinessKey, State: contract.TaskOpen, Assignee: c.Assignee,
		CandidateUsers: c.CandidateUsers, CandidateGroups: c.CandidateGroups, Priority: c.Priority, FormKey: c.FormKey,
		Description: c.Description, Variables: contract.Variables(c.Inputs), Created: workflow.Now(h.ctx),
	}
	if !c.Due.IsZero() {
		task.Due = &c.Due
	}
	ctx := workflow.WithChildOptions(h.ctx, workflow.ChildWorkflowOptions{
		WorkflowID: task.ID,
		// A task outlives the run that opened it, since a long instance goes on in a new run.
		ParentClosePolicy:     enums.PARENT_CLOSE_POLICY_ABANDON,
		TypedSearchAttributes: taskAttributes(task),
		StaticSummary:         clip(task.Name),
	})
	child := workflow.ExecuteChildWorkflow(ctx, contract.TaskWorkflow, contract.TaskInput{Task: task, Command: c.ID})
	h.waits[c.ID] = &wait{h: h, id: c.ID, child: child}
	// A child that was never started would be lost with this run.
	h.closing = append(h.closing, child.GetChildWorkflowExecution())
}

func (h *host) subscription(c engine.Subscribe) *contract.Subscription {
	return &contract.Subscription{Instance: h.id, Command: c.ID, Name: c.Name, Key: c.Key}
}

func (h *host) subscribe(c engine.Subscribe) {
	w := &wait{h: h, id: c.ID, subscription: h.subscription(c)}
	h.waits[c.ID] = w
	if c.Name == "" {
		return // a receive task without a message waits for CatchUpdate
	}
	w.subscribed = workflow.ExecuteActivity(steering(h.ctx), contract.SubscribeActivity, w.subscription)
	h.closing = append(h.closing, w.subscribed)
	h.selector.AddFuture(w.subscribed, fired) // a moment when nothing is in flight: the next run may begin
}

// steering is the context of activities that talk to Temporal on behalf of the workflow: they are tried until they succeed.
func steering(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           contract.SteeringQueue,
		StartToCloseTimeout: 10 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 200 * time.Millisecond, MaximumInterval: 30 * time.Second},
	})
}

// stop ends a command that nobody waits for any more.
func (h *host) stop(id int) {
	w := h.waits[id]
	if w == nil {
		return
	}
	delete(h.waits, id)
	switch {
	case w.cancel != nil:
		w.cancel()
	case w.subscription != nil && w.subscription.Name == "":
		// nobody was told
	case w.subscription != nil:
		if w.subscribed != nil {
			_ = w.subscribed.Get(h.ctx, nil) // moments after the start at most; then there is somebody to unsubscribe from
		}
		h.closing = append(h.closing, workflow.SignalExternalWorkflow(h.ctx,
			contract.MessageID(w.subscription.Name, w.subscription.Key), "", contract.UnsubscribeSignal, w.subscription))
	default:
		if w.child != nil {
			_ = w.child.GetChildWorkflowExecution().Get(h.ctx, nil) // moments after the start at most
		}
		h.closing = append(h.closing, workflow.RequestCancelExternalWorkflow(h.ctx, contract.TaskID(h.id, id), ""))
	}
}

// answer gives the engine the result of a command. A result that nobody waits for any more is dropped.
func (w *wait) answer(event engine.Event) {
	delete(w.h.waits, w.id)
	if err := w.h.step(event); err != nil && !errors.Is(err, engine.ErrStale) {
		panic(fmt.Sprintf("the engine refused the answer to command %d: %v", w.id, err))
	}
}

// failure puts Temporal's account of a failed call into the engine's terms.
func failure(err error) engine.Failure {
	if application, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		code, isBPMN := strings.CutPrefix(application.Type(), contract.BPMNErrorPrefix)
		if !isBPMN {
			code = ""
		}
		return engine.Failure{Code: code, Message: application.Message()}
	}
	if timeout, ok := errors.AsType[*temporal.TimeoutError](err); ok {
		return engine.Failure{Message: "no answer in time (" + timeout.TimeoutType().String() + ")"}
	}
	return engine.Failure{Message: err.Error()}
}

// retryPolicy is the model's own policy for a task, else the connector's.
func retryPolicy(r contract.Retry, own *bpmn.Retry) *temporal.RetryPolicy {
	if own != nil {
		return &temporal.RetryPolicy{InitialInterval: interval(own), BackoffCoefficient: 1, MaximumAttempts: int32(own.Attempts)}
	}
	return &temporal.RetryPolicy{
		InitialInterval: milliseconds(r.IntervalMS), BackoffCoefficient: r.Coefficient,
		MaximumInterval: milliseconds(r.MaxMS), MaximumAttempts: int32(r.Attempts),
	}
}

// interval is the pause between two calls, at least a millisecond as Temporal asks.
func interval(r *bpmn.Retry) time.Duration {
	d, err := bpmn.ParseDuration(r.Interval)
	if err != nil {
		panic(fmt.Sprintf("retry interval %q passed the parser: %v", r.Interval, err))
	}
	var zero time.Time
	return max(d.AddTo(zero).Sub(zero), time.Millisecond)
}

func milliseconds(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// title is what people call a node.
func title(n *bpmn.Node) string {
	if n.Name != "" {
		return n.Name
	}
	return n.ID
}

// clip keeps a summary within Temporal's 400 bytes.
func clip(s string) string { return strings.ToValidUTF8(s[:min(len(s), 300)], "") }
