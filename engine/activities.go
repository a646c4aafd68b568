package engine

import (
	"fmt"
	"maps"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/juel"
)

// begin starts an element that waits: first its boundary events, then, as often as its loop says, its own work.
func (m *machine) begin(token int, n *bpmn.Node) {
	t := m.token(token)
	t.Element = n.ID
	var err error
	if m.inner(t, n) {
		err = m.activate(token, n)
	} else {
		err = m.beginOuter(token, n)
	}
	if err != nil {
		m.trouble(token, n, err)
	}
}

// beginOuter begins an activity as a whole. Its boundary events see its input parameters, as in Camunda; those of a loop are each
// instance's.
func (m *machine) beginOuter(token int, n *bpmn.Node) error {
	if n.Loop == nil && len(n.Inputs) > 0 {
		if err := m.localInputs(token, n); err != nil {
			return err
		}
	}
	m.look(token, n)
	if err := m.arm(token, n); err != nil {
		return err
	}
	if n.Loop != nil {
		return m.beginLoop(token, n)
	}
	return m.activate(token, n)
}

// activate does the work of an element once.
func (m *machine) activate(token int, n *bpmn.Node) error {
	if n.Loop != nil && len(n.Inputs) > 0 {
		if err := m.localInputs(token, n); err != nil {
			return err
		}
	}
	if len(n.Listeners) > 0 {
		if err := m.listen(token, n, n.Listeners, "start"); err != nil {
			return err
		}
	}
	m.look(token, n)
	switch n.Kind {
	case bpmn.ServiceTask, bpmn.SendTask, bpmn.BusinessRuleTask:
		return m.work(token, n)
	case bpmn.ThrowEvent, bpmn.EndEvent:
		if n.Implementation == "" && n.Topic == nil && n.Expression == nil && n.Message != nil {
			return m.publish(token, n)
		}
		return m.work(token, n)
	case bpmn.UserTask:
		return m.open(token, n)
	case bpmn.ScriptTask:
		return m.script(token, n)
	case bpmn.ReceiveTask, bpmn.CatchEvent:
		return m.catch(token, n)
	case bpmn.EventBasedGateway:
		return m.race(token, n)
	case bpmn.SubProcess, bpmn.Transaction, bpmn.AdHocSubProcess:
		return m.openSub(token, n)
	case bpmn.CallActivity:
		return m.callProcess(token, n)
	case bpmn.ManualTask, bpmn.UndefinedTask:
		m.complete(token, n, m.token(token).place())
		return nil
	}
	return fmt.Errorf("an element of kind %s cannot be executed", n.Kind)
}

// work is what a service task and its like do: an external task, an expression, or a connector call.
func (m *machine) work(token int, n *bpmn.Node) error {
	switch {
	case n.Topic != nil:
		return m.offer(token, n)
	case n.Expression != nil:
		m.view.sets = true
		value, err := n.Expression.Eval(m)
		if err != nil {
			return fmt.Errorf("expression: %w", err)
		}
		if n.Result != "" {
			if err := m.set(m.view.at, Variables{n.Result: value}); err != nil {
				return fmt.Errorf("result %w", err)
			}
		}
		m.complete(token, n, m.token(token).place())
		return nil
	case n.Implementation == "": // a throwing message event that says nothing to nobody
		m.complete(token, n, m.token(token).place())
		return nil
	}
	inputs, err := m.inputs(n, n.Java || m.p.MapDefault == bpmn.MapAll)
	if err != nil {
		return err
	}
	if len(n.Arguments) > 0 {
		arguments := make([]any, len(n.Arguments))
		for i, a := range n.Arguments {
			if arguments[i], err = a.Eval(m); err != nil {
				return fmt.Errorf("argument %d of %s: %w", i+1, n.Implementation, err)
			}
		}
		if inputs == nil {
			inputs = Variables{}
		}
		inputs["arguments"] = arguments
		if err := fit("the inputs", maxBytes, inputs); err != nil {
			return err
		}
	}
	c := CallConnector{ID: m.nextID(), Element: n.ID, Implementation: n.Implementation, Inputs: inputs}
	m.await(Wait{ID: c.ID, Token: token, Kind: WaitCall, Element: n.ID}, c)
	return nil
}

func (m *machine) script(token int, n *bpmn.Node) error {
	variables, err := m.inputs(n, true)
	if err != nil {
		return err
	}
	for name, value := range variables {
		variables[name] = clone(value) // a script may change what it is given
	}
	c := RunScript{
		ID: m.nextID(), Element: n.ID, Variables: variables, Execution: m.execution(),
		Format: n.Script.Format, Source: n.Script.Source, Result: n.Script.ResultVariable, AutoStore: n.Script.AutoStore,
	}
	m.await(Wait{ID: c.ID, Token: token, Kind: WaitScript, Element: n.ID}, c)
	return nil
}

// completed takes the results of a call, script, task, message or called process.
func (m *machine) completed(ev Completed) error {
	w, n, err := m.answered(ev.ID, WaitCall, WaitScript, WaitTask, WaitOffer, WaitPublish, WaitChild)
	if err != nil {
		return err
	}
	if ev.Await != nil && w.Kind == WaitCall && m.s.Engine >= 3 {
		m.done(w, n, ev)
		m.awaitReply(w, n, ev)
		return nil
	}
	var by By
	if ev.By != nil && w.Kind == WaitOffer {
		by = *ev.By
		m.leased(&w, by)
	}
	m.done(w, n, ev)
	if w.Kind == WaitOffer && len(n.ErrorMappings) > 0 {
		if f, ok := m.mappedError(w, n, ev.Outputs, nil, by); ok {
			m.forget(w.ID)
			m.fail(w.Token, n, f, ev.Outputs)
			return nil
		}
	}
	if task, ok := w.Command.(OpenTask); ok && ev.Assignee != nil {
		task.Assignee = *ev.Assignee
		w.Command = task
	}
	if len(ev.Local)+len(ev.Removed) > 0 && (n.Mapping == nil || n.Mapping.AllOutputs) {
		take := m.takeChanges
		if w.Kind == WaitOffer && m.s.Engine >= 5 {
			take = func(token int, n *bpmn.Node, ev Completed) error { return m.takeLocal(token, n, ev.Local) }
		}
		if err := take(w.Token, n, ev); err != nil {
			m.forget(w.ID)
			m.suspend(w.Token, n, failure(err))
			return nil
		}
	}
	m.brought = by.Token
	m.conclude(w, n, ev.Outputs)
	m.brought = nil
	return nil
}

// awaitReply has a connector call that has been made wait for a message.
func (m *machine) awaitReply(w Wait, n *bpmn.Node, ev Completed) {
	m.forget(w.ID)
	outputs, err := normalized(ev.Outputs)
	if err != nil {
		m.look(w.Token, n)
		m.trouble(w.Token, n, fmt.Errorf("result %w", err))
		return
	}
	c := Subscribe{ID: m.nextID(), Element: n.ID, Name: ev.Await.Name, Key: ev.Await.Key}
	m.await(Wait{ID: c.ID, Token: w.Token, Kind: WaitReply, Element: n.ID, Name: c.Name, Key: c.Key, Outputs: outputs}, c)
}

// replied ends a connector call with the reply that it waited for.
func (m *machine) replied(w Wait, n *bpmn.Node, given Variables) {
	outputs := make(Variables, len(w.Outputs)+len(given))
	maps.Copy(outputs, w.Outputs)
	maps.Copy(outputs, given)
	m.heard(w.Token, n, w.Name, nil)
	w.Kind = WaitCall // its outputs are taken as those of any call
	m.conclude(w, n, outputs)
}

// takeChanges takes what a script changed beside the variables that it set.
func (m *machine) takeChanges(token int, n *bpmn.Node, ev Completed) error {
	m.look(token, n)
	m.view.sets = true
	for _, name := range ev.Removed {
		if err := m.RemoveVariable(name); err != nil {
			return err
		}
	}
	for _, name := range sortedKeys(ev.Local) {
		if err := m.SetVariable(name, ev.Local[name], juel.Local); err != nil {
			return err
		}
	}
	return nil
}

// conclude ends an element that waited, with its results. Results that cannot be taken leave the element undone.
func (m *machine) conclude(w Wait, n *bpmn.Node, results Variables) {
	m.forget(w.ID)
	if err := m.settle(w, n, results); err != nil {
		m.trouble(w.Token, n, err)
		return
	}
	m.complete(w.Token, n, m.token(w.Token).place())
}

// settle takes results and tells the listeners of a user task.
func (m *machine) settle(w Wait, n *bpmn.Node, results Variables) error {
	m.look(w.Token, n)
	m.view.owner = w.Token
	if err := m.takeResults(w.Kind, n, results); err != nil {
		return err
	}
	task, ok := w.Command.(OpenTask)
	if !ok {
		return nil
	}
	if n.User != nil && n.User.Completer != "" {
		if err := m.set(m.view.at, Variables{n.User.Completer: nullable(task.Assignee)}); err != nil {
			return err
		}
	}
	return m.listenTask(w.Token, n, "complete", &task)
}

// complete ends an activity, or one instance of its loop: its end listeners run and its outputs are taken where its variables are, at the
// place at, it can be compensated from now on, and the token goes on.
func (m *machine) complete(token int, n *bpmn.Node, at int) {
	t := m.token(token)
	inner, place := m.inner(t, n), t.place()
	var err error
	if len(n.Listeners) > 0 {
		err = m.listenAt(view{node: n, at: at, last: t.Last}, n.Listeners, "end")
		t.Ending = err != nil
	}
	if err == nil {
		err = m.outputs(t, n, at)
	}
	if at != place { // the scope of a sub-process
		m.closeScope(at)
	}
	if err == nil && n.Handler != nil && len(m.s.Compensations) >= maxTokens {
		err = fmt.Errorf("more than %d completed activities wait to be compensated: look for a loop", maxTokens)
	}
	if err != nil {
		m.suspend(token, n, failure(err))
		return
	}
	t = m.token(token)
	if n.Handler != nil && !isSub(n) {
		m.keepCompensation(t, n)
	}
	if inner {
		m.passed(token, n)
		m.instanceDone(token, n)
		return
	}
	m.finish(t, n)
	m.ready = append(m.ready, runnable{token: token, node: n, leaving: true})
}

func isSub(n *bpmn.Node) bool {
	return n.Kind == bpmn.SubProcess || n.Kind == bpmn.Transaction || n.Kind == bpmn.AdHocSubProcess
}

// finish is the end of an element that waited: nothing of it is under way after that.
func (m *machine) finish(t *Token, n *bpmn.Node) {
	m.disarm(t, n)
	m.closeLocal(t)
	t.Ended = true
	m.passed(t.ID, n)
}

// closeLocal takes away the variables of an activity.
func (m *machine) closeLocal(t *Token) {
	if t.Local != 0 {
		m.closeScope(t.Local)
		t.Local = 0
	}
}

// await records that a token waits for a command which the host may have to be given again, and gives it.
func (m *machine) await(w Wait, c Command) {
	w.Command = c
	m.asked(&w)
	m.s.Waits = append(m.s.Waits, w)
	m.command(c)
}

// forget takes a wait out of the state when it is answered.
func (m *machine) forget(id int) {
	i, _ := find(m.s.Waits, id)
	m.s.Waits = remove(m.s.Waits, i)
}
