package workflows

import (
	"cmp"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/engine"
)

// callProcess starts another process: its definition is read when it is called, and travels in its own history.
func (h *host) callProcess(c engine.StartChild) {
	f := workflow.ExecuteActivity(steering(h.ctx), contract.LoadDefinitionActivity,
		contract.LoadDefinition{Key: c.Process, Version: c.Version, VersionTag: c.VersionTag})
	w := &wait{h: h, id: c.ID, called: c.Process}
	h.waits[c.ID] = w
	h.closing = append(h.closing, f)
	h.selector.AddFuture(f, func(f workflow.Future) { w.loaded(f, c) })
}

func (w *wait) loaded(f workflow.Future, c engine.StartChild) {
	h := w.h
	if h.waits[w.id] != w {
		return
	}
	var d contract.Definition
	if err := f.Get(h.ctx, &d); err != nil {
		w.answer(engine.Failed{ID: w.id, Failure: failure(err)})
		return
	}
	attributes := []temporal.SearchAttributeUpdate{stateAttribute.ValueSet(contract.StateActive)}
	if c.BusinessKey != "" {
		attributes = append(attributes, businessKeyAttribute.ValueSet(c.BusinessKey))
	}
	if called, err := h.models.Process(d, engine.Version); err == nil { // else it says itself what is wrong with it
		if topics := contract.ShownTopics(called.Topics()); len(topics) > 0 {
			attributes = append(attributes, topicsAttribute.ValueSet(topics))
		}
	}
	ctx := workflow.WithChildOptions(h.ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            contract.ChildID(d.Key, h.id, w.id),
		ParentClosePolicy:     enums.PARENT_CLOSE_POLICY_ABANDON, // it outlives the run that called it
		TypedSearchAttributes: temporal.NewSearchAttributes(attributes...),
		StaticSummary:         clip(title(h.process.Node(c.Element))),
		Memo:                  memo(d),
	})
	w.child = workflow.ExecuteChildWorkflow(ctx, d.Key, contract.ProcessInput{
		Definition: d, Engine: engine.Version, BusinessKey: c.BusinessKey, Initiator: h.input.Initiator,
		Variables: contract.Variables(c.Variables), Parent: h.calls(w.id), Depth: h.state.Depth + 1, Clock: h.input.Clock,
	})
	h.closing = append(h.closing, w.child.GetChildWorkflowExecution())
	h.selector.AddFuture(w.child, w.childEnded)
}

// memo is what lists show of the instances of a definition.
func memo(d contract.Definition) map[string]any {
	if d.Tenant == "" {
		return nil
	}
	return map[string]any{contract.TenantMemo: d.Tenant}
}

// calls makes this instance the caller of another.
func (h *host) calls(command int) *contract.Caller {
	caller := &contract.Caller{Instance: h.id, Command: command}
	if p := h.input.Parent; p != nil {
		caller.Root = cmp.Or(p.Root, p.Instance)
	}
	return caller
}

// childEnded hears of a called process that did not end in good order: that would have told by a signal before. It is terminated, or
// it could not start.
func (w *wait) childEnded(f workflow.Future) {
	if w.h.waits[w.id] != w {
		return
	}
	if err := f.Get(w.h.ctx, nil); err != nil {
		w.answer(engine.Failed{ID: w.id, Failure: engine.Failure{Message: "the called process did not end in good order: " + err.Error()}})
	}
}

// stopChild cancels a called process. One whose definition is still being read never starts.
func (w *wait) stopChild() {
	h := w.h
	if w.child != nil && w.child.GetChildWorkflowExecution().Get(h.ctx, nil) != nil { // moments after the start at most
		return
	}
	if w.child != nil || w.resumed {
		h.closing = append(h.closing, workflow.RequestCancelExternalWorkflow(h.ctx, contract.ChildID(w.called, h.id, w.id), ""))
	}
}

// childDone is the end of a called process.
func (h *host) childDone(c workflow.ReceiveChannel, _ bool) {
	var done contract.ChildDone
	c.Receive(h.ctx, &done)
	w := h.waits[done.Command]
	if w == nil {
		return
	}
	switch done.State {
	case contract.StateCompleted:
		w.answer(engine.Completed{ID: done.Command, Outputs: engine.Variables(done.Variables)})
	case contract.StateFailed:
		w.answer(engine.Failed{ID: done.Command, Failure: engine.Failure{Code: done.Code, Message: done.Message}})
	default:
		w.answer(engine.Failed{ID: done.Command, Failure: engine.Failure{Message: "the called process was cancelled"}})
	}
}

// escalationCame is an escalation of a called process.
func (h *host) escalationCame(c workflow.ReceiveChannel, _ bool) {
	var e contract.Escalation
	c.Receive(h.ctx, &e)
	h.happen(engine.Escalated{ID: e.Command, Code: e.Code, Variables: engine.Variables(e.Variables)})
}

// escalate tells the caller of an escalation.
func (h *host) escalate(c engine.Escalate) {
	if caller := h.input.Parent; caller != nil {
		h.closing = append(h.closing, workflow.SignalExternalWorkflow(h.ctx, caller.Instance, "", contract.EscalationSignal,
			contract.Escalation{Command: caller.Command, Code: c.Code, Variables: contract.Variables(c.Variables)}))
	}
}

// tellCaller says how a called instance has ended. A caller that has ended itself needs no telling.
func (h *host) tellCaller() {
	if caller := h.input.Parent; caller != nil {
		h.closing = append(h.closing, workflow.SignalExternalWorkflow(h.ctx, caller.Instance, "", contract.ChildSignal, contract.ChildDone{
			Command: caller.Command, State: h.shownState(), Variables: contract.Variables(h.state.Variables),
			Code: h.failed.Code, Message: h.failed.Message,
		}))
	}
}
