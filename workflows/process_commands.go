package workflows

import (
	"cmp"
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

// scriptTimeout bounds one run of a script.
const scriptTimeout = 5 * time.Second

// wait is a command that is under way.
type wait struct {
	h            *host
	id           int
	cancel       workflow.CancelFunc          // connector call, script, external task, timer
	child        workflow.ChildWorkflowFuture // user task, called process
	subscription *contract.Subscription
	subscribed   workflow.Future
	counted      bool // in load.calls
	offer        bool
	number       int        // of an offer: that of its activity; 0: it has none
	paused       bool       // of an offer: nobody is given it
	called       string     // a called process: its key
	resumed      bool       // of an earlier run
	signal       bool       // the subscription is for a signal
	due          *time.Time // timer
	attempts     int32      // of a connector call, at most; 0: any number
	mail         *mail      // a connector call that sends one
}

// carryOut starts what the engine asks for.
func (h *host) carryOut(c engine.Command) {
	switch c := c.(type) {
	case engine.CallConnector, engine.RunScript, engine.Publish:
		h.admit(c)
	case engine.OpenTask:
		h.openTask(c)
	case engine.OfferTask:
		h.offer(c)
	case engine.StartTimer:
		h.startTimer(c)
	case engine.Subscribe:
		h.subscribe(c)
	case engine.SubscribeSignal:
		h.subscribeSignal(c)
	case engine.Broadcast:
		h.broadcast(c)
	case engine.StartChild:
		h.callProcess(c)
	case engine.Escalate:
		h.escalate(c)
	case engine.Stop:
		h.stop(c.ID)
	case engine.Record: // kept already
	case engine.End:
		h.failed = c.Failure // State.Outcome ends the loop
	default:
		panic(fmt.Sprintf("the host does not know the command %T", c))
	}
}

// resume takes up what an earlier run had under way. Tasks, called processes and subscriptions outlived it and know the instance by
// its id; timers were its own, and so were external tasks; calls had not begun.
func (h *host) resume(c engine.Command) {
	switch c := c.(type) {
	case engine.StartTimer:
		h.startTimer(c)
	case engine.Subscribe:
		h.waits[c.ID] = &wait{h: h, id: c.ID, subscription: h.subscription(c.ID, c.Name, c.Key)}
	case engine.SubscribeSignal:
		h.waits[c.ID] = &wait{h: h, id: c.ID, subscription: h.subscription(c.ID, c.Name, ""), signal: true}
	case engine.OpenTask:
		h.waits[c.ID] = &wait{h: h, id: c.ID}
	case engine.StartChild:
		h.waits[c.ID] = &wait{h: h, id: c.ID, called: c.Process, resumed: true}
	default:
		h.carryOut(c)
	}
}

func (h *host) call(c engine.CallConnector) {
	node := h.process.Node(c.Element)
	binding := h.bindings[c.Implementation]
	ctx, cancel := workflow.WithCancel(h.ctx)
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              binding.TaskQueue,
		StartToCloseTimeout:    milliseconds(binding.TimeoutMS),
		ScheduleToStartTimeout: milliseconds(binding.UnclaimedMS),
		HeartbeatTimeout:       contract.CallHeartbeat,
		RetryPolicy:            retryPolicy(binding.Retry, node.Retry),
		Summary:                clip(node.Name),
	})
	f := workflow.ExecuteActivity(ctx, c.Implementation, contract.ConnectorCall{
		IdempotencyKey: h.id + "/" + strconv.Itoa(c.ID),
		Implementation: c.Implementation,
		Inputs:         contract.Variables(c.Inputs),
		Context:        h.callContext(node),
	})
	w := &wait{h: h, id: c.ID, cancel: cancel, counted: true, attempts: retryPolicy(binding.Retry, node.Retry).MaximumAttempts, mail: h.mailOf(c)}
	h.waits[c.ID] = w
	h.selector.AddFuture(f, w.answered)
}

// callContext says on whose behalf something is called.
func (h *host) callContext(n *bpmn.Node) contract.CallContext {
	var caller contract.Caller
	if h.input.Parent != nil {
		caller = *h.input.Parent
	}
	return contract.CallContext{
		RootProcessInstanceID: cmp.Or(caller.Root, caller.Instance), ParentProcessInstanceID: caller.Instance,
		ProcessInstanceID: h.id, ProcessDefinitionKey: h.process.ID, ProcessDefinitionVersion: h.input.Definition.Version,
		BusinessKey: h.input.BusinessKey, ElementID: n.ID, ElementName: n.Name, Tenant: h.tenant,
	}
}

// answered is the answer to a connector call or of an external task.
func (w *wait) answered(f workflow.Future) {
	var result contract.ConnectorResult
	if err := f.Get(w.h.ctx, &result); err != nil {
		w.answer(engine.Failed{ID: w.id, Failure: failure(err), Variables: left(err), Attempts: w.tried(err)})
		return
	}
	w.mailed(result)
	done := engine.Completed{ID: w.id, Outputs: engine.Variables(result.Outputs), Attempts: result.Attempt}
	if a := result.Await; a != nil {
		done.Await = &engine.Await{Name: a.Name, Key: a.Key}
	}
	w.answer(done)
}

// left are the variables that go with a BPMN error.
func left(err error) engine.Variables {
	var result contract.ConnectorResult
	details(err, &result)
	return engine.Variables(result.Outputs)
}

// details reads those of a BPMN error, which an application error has: a contract.ConnectorResult, or a contract.ExternalResult.
func details(err error, into any) {
	application, ok := errors.AsType[*temporal.ApplicationError](err)
	if ok && strings.HasPrefix(application.Type(), contract.BPMNErrorPrefix) && application.HasDetails() {
		_ = application.Details(into) // what is none says nothing
	}
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
		Execution: contract.Variables(c.Execution), AutoStore: c.AutoStore,
	})
	w := &wait{h: h, id: c.ID, cancel: cancel, counted: true}
	h.waits[c.ID] = w
	if h.log != nil {
		h.scripts = append(h.scripts, f)
	}
	h.selector.AddFuture(f, w.scripted)
}

// scripted is the result of a script.
func (w *wait) scripted(f workflow.Future) {
	var result contract.ScriptResult
	if err := f.Get(w.h.ctx, &result); err != nil {
		w.answer(engine.Failed{ID: w.id, Failure: failure(err), Variables: left(err)})
		return
	}
	w.answer(engine.Completed{
		ID: w.id, Outputs: engine.Variables(result.Variables), Local: engine.Variables(result.Local), Removed: result.Removed,
	})
}

func (h *host) startTimer(c engine.StartTimer) {
	if h.input.Clock != nil {
		h.waits[c.ID] = &wait{h: h, id: c.ID, cancel: func() {}, due: &c.At}
		return
	}
	ctx, cancel := workflow.WithCancel(h.ctx)
	delay := max(c.At.Sub(h.now()), 0)
	node := h.process.Node(c.Element)
	f := workflow.NewTimerWithOptions(ctx, delay, workflow.TimerOptions{Summary: clip(title(node))})
	w := &wait{h: h, id: c.ID, cancel: cancel, due: &c.At}
	h.waits[c.ID] = w
	h.selector.AddFuture(f, w.fired)
}

// fired is a timer that is due, or was stopped.
func (w *wait) fired(f workflow.Future) {
	if f.Get(w.h.ctx, nil) == nil && w.h.waits[w.id] == w { // else it was stopped, or a test's clock was faster
		w.answer(engine.TimerFired{ID: w.id})
	}
}

func (h *host) openTask(c engine.OpenTask) {
	task := contract.Task{
		ID: contract.TaskID(h.id, c.ID), Command: c.ID, Name: c.Name, Element: c.Element, Instance: h.id, Definition: h.ref(),
		BusinessKey: h.input.BusinessKey, State: contract.TaskOpen, Assignee: c.Assignee,
		CandidateUsers: c.CandidateUsers, CandidateGroups: c.CandidateGroups, Priority: c.Priority, FormKey: c.FormKey,
		Description: c.Description, Variables: contract.Variables(c.Inputs), Created: h.now(), Owner: c.Owner,
	}
	if !c.Due.IsZero() {
		task.Due = &c.Due
	}
	if !c.FollowUp.IsZero() {
		task.FollowUp = &c.FollowUp
	}
	ctx := workflow.WithChildOptions(h.ctx, workflow.ChildWorkflowOptions{
		WorkflowID: task.ID,
		// A task outlives the run that opened it, since a long instance goes on in a new run.
		ParentClosePolicy:     enums.PARENT_CLOSE_POLICY_ABANDON,
		TypedSearchAttributes: taskAttributes(task),
		StaticSummary:         clip(task.Name),
	})
	child := workflow.ExecuteChildWorkflow(ctx, contract.TaskWorkflow, contract.TaskInput{Task: task, Command: c.ID, Listens: c.Listens, Mails: h.taskMails(c), Record: h.opened(task.ID)})
	h.waits[c.ID] = &wait{h: h, id: c.ID, child: child}
	// A child that was never started would be lost with this run.
	h.closing = append(h.closing, child.GetChildWorkflowExecution())
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
		h.release(id)
		return
	}
	delete(h.waits, id)
	switch {
	case w.cancel != nil:
		w.cancel()
		w.leave()
	case w.subscription != nil:
		w.unsubscribe()
	case w.called != "":
		w.stopChild()
	default:
		if w.child != nil {
			_ = w.child.GetChildWorkflowExecution().Get(h.ctx, nil) // moments after the start at most
		}
		h.closing = append(h.closing, workflow.RequestCancelExternalWorkflow(h.ctx, contract.TaskID(h.id, id), ""))
	}
}

// leave makes room for what waited for the place of a call.
func (w *wait) leave() {
	if w.counted {
		w.counted = false
		w.h.done()
	}
	if w.offer {
		w.offer = false
		w.h.load.offers--
	}
}

// answer gives the engine the result of a command. A result that nobody waits for any more is dropped, and so is that of an
// external task which this run has taken back for the next one.
func (w *wait) answer(event engine.Event) {
	if w.h.waits[w.id] != w {
		return
	}
	delete(w.h.waits, w.id)
	w.leave()
	w.h.happen(event)
}

// happen gives the engine an event that came from outside, when the instance is not suspended. One that nobody waits for is dropped.
func (h *host) happen(event engine.Event) {
	if h.input.Paused {
		h.deferred = append(h.deferred, func() { h.happen(event) })
		return
	}
	if err := h.step(event); err != nil && !errors.Is(err, engine.ErrStale) {
		panic(fmt.Sprintf("the engine refused %T: %v", event, err))
	}
}

// failure puts Temporal's account of a failed call into the engine's terms.
func failure(err error) engine.Failure {
	if application, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		code, isBPMN := strings.CutPrefix(application.Type(), contract.BPMNErrorPrefix)
		if !isBPMN {
			code = ""
		}
		failure := engine.Failure{Code: code, Message: application.Message()}
		if !isBPMN {
			failure.Type = application.Type()
		}
		return failure
	}
	if timeout, ok := errors.AsType[*temporal.TimeoutError](err); ok {
		if timeout.TimeoutType() == enums.TIMEOUT_TYPE_SCHEDULE_TO_START {
			return engine.Failure{Message: "no worker took the call in time: does one run that answers it?"}
		}
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
