package engine

import (
	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/events"
)

// note adds an event to the log and returns its sequence.
func (m *machine) note(x entry) int64 {
	if m.log == nil {
		m.log = make([]entry, 0, 8)
	}
	m.log = append(m.log, x)
	m.s.Logged++
	return m.s.Logged
}

// recorded gives the host what the step has added to the log.
func (m *machine) recorded() {
	if n := len(m.log); n > 0 {
		m.command(Record{process: m.p, at: m.now.UnixMilli(), first: m.s.Logged - int64(n) + 1, entries: m.log})
	}
}

// begins is the beginning of the instance.
func (m *machine) begins() {
	if !m.s.Record {
		return
	}
	m.s.Began = m.now.UnixMilli()
	m.note(entry{kind: events.ProcessStarted, more: lifetime{user: m.s.Initiator, variables: m.payload(nil, m.s.Variables)}})
	m.written(nil, 0, nil, m.s.Variables)
}

// beginsAt is the event that the instance begins with, at a start event or what stands for one.
func (m *machine) beginsAt(token int, n *bpmn.Node) {
	if !m.s.Record {
		return
	}
	m.entered(token, n, nil)
	if n.Event != bpmn.MessageEvent && n.Event != bpmn.SignalEvent && n.Kind != bpmn.ReceiveTask {
		return
	}
	if name, told := m.cause(n); told {
		m.heard(token, n, name, nil)
	}
}

// cause is the message or signal that the instance began with.
func (m *machine) cause(n *bpmn.Node) (name string, told bool) {
	before := m.view
	defer func() { m.view = before }()
	m.view = view{node: n}
	switch {
	case n.Signal != nil:
		name, _ = m.text("signal name", n.Signal.Name)
	case n.Message != nil:
		name, _ = m.text("message name", n.Message.Name)
	}
	return name, name != ""
}

// ends is the end of the instance. What is still under way has been taken away before.
func (m *machine) ends(end End) {
	if !m.s.Record {
		return
	}
	for _, i := range m.s.Incidents {
		m.solved(i, "", events.Cancelled)
	}
	for i := len(m.s.Tokens) - 1; i >= 0; i-- {
		m.cancel(&m.s.Tokens[i])
	}
	for i := range m.s.Joins {
		m.cancelJoin(&m.s.Joins[i])
	}
	m.note(entry{kind: events.ProcessEnded, since: m.s.Began, more: lifetime{user: m.s.Initiator, end: end}})
}

// gone tells of what is taken away, the innermost first.
func (m *machine) gone(d doomed) {
	if !m.s.Record {
		return
	}
	for _, i := range m.s.Incidents {
		if d.tokens[i.Token] {
			m.solved(i, "", events.Cancelled)
		}
	}
	for i := range m.s.Joins {
		if j := &m.s.Joins[i]; d.scopes[j.Scope] {
			m.cancelJoin(j)
		}
	}
	for i := len(m.s.Tokens) - 1; i >= 0; i-- {
		if t := &m.s.Tokens[i]; d.tokens[t.ID] {
			m.cancel(t)
		}
	}
}

// entered is a token that comes to an element, by a flow or not. Tokens that wait for others at a gateway enter it together, and a loop
// is entered by its instances.
func (m *machine) entered(token int, n *bpmn.Node, via *bpmn.Flow) {
	if m.s.Record {
		m.noteEntered(token, n, via)
	}
}

func (m *machine) noteEntered(token int, n *bpmn.Node, via *bpmn.Flow) {
	if via != nil {
		m.note(entry{kind: events.FlowTaken, flow: via, token: token})
		if len(n.Incoming) > 1 && (n.Kind == bpmn.ParallelGateway || n.Kind == bpmn.InclusiveGateway) {
			return
		}
	}
	t := m.token(token)
	if t.Activity != 0 || n.Loop != nil && !m.inner(t, n) { // it does it again after an incident
		return
	}
	t.Activity, t.Since = m.note(entry{kind: events.ActivityStarted, node: n, token: token}), m.now.UnixMilli()
}

// waitsAt is a token that has come to a join.
func (m *machine) waitsAt(j *Join, n *bpmn.Node, token int) {
	if m.s.Record && j.Activity == 0 {
		j.Activity, j.Since = m.note(entry{kind: events.ActivityStarted, node: n, token: token}), m.now.UnixMilli()
	}
}

// joined makes what a join has begun the token's that goes on.
func (m *machine) joined(j *Join, token int) {
	if m.s.Record {
		t := m.token(token)
		t.Activity, t.Since, j.Activity, j.Since = j.Activity, j.Since, 0, 0
	}
}

// left is an element that has completed.
func (m *machine) left(token int, n *bpmn.Node) {
	if m.s.Record {
		m.noteEnd(m.token(token), n, events.ActivityCompleted)
	}
}

// cancel is an element that ends before its time.
func (m *machine) cancel(t *Token) {
	if m.s.Record {
		m.noteEnd(t, m.p.Node(t.Element), events.ActivityCancelled)
	}
}

func (m *machine) noteEnd(t *Token, n *bpmn.Node, kind events.Type) {
	if t.Activity == 0 {
		return
	}
	x := entry{kind: kind, node: n, token: t.ID, ref: t.Activity, since: t.Since}
	if t.Heard != "" {
		x.more = arrival{kind: reception(n, t.Heard), name: t.Heard}
	}
	m.note(x)
	t.Activity, t.Since, t.Heard = 0, 0, ""
}

// cancelJoin is a gateway at which the tokens that it waits for will not come.
func (m *machine) cancelJoin(j *Join) {
	if m.s.Record && j.Activity != 0 {
		m.note(entry{kind: events.ActivityCancelled, node: m.p.Node(j.Element), ref: j.Activity, since: j.Since})
		j.Activity, j.Since = 0, 0
	}
}

// heard is what an element has waited for: name is that of a message or signal, or the code of an error.
func (m *machine) heard(token int, n *bpmn.Node, name string, given Variables) {
	if !m.s.Record {
		return
	}
	kind := reception(n, name)
	if kind == "" {
		return
	}
	t := m.token(token)
	t.Heard = name
	x := entry{kind: kind, node: n, token: token, ref: t.Activity, since: t.Since, more: arrival{kind: kind, name: name, variables: m.payload(n, given)}}
	m.note(x)
}

// reception is the type of event that tells what has come to an element; "" for timers and the like, which bring nothing.
func reception(n *bpmn.Node, name string) events.Type {
	switch n.Event {
	case bpmn.SignalEvent:
		return events.ActivitySignaled
	case bpmn.ErrorEvent:
		return events.ActivityError
	case bpmn.CompensationEvent:
		return events.ActivityCompensate
	case bpmn.MessageEvent, bpmn.NoEvent:
		if n.Kind == bpmn.ReceiveTask && name == "" { // somebody has woken it
			return events.ActivitySignaled
		}
		return events.ActivityMessage
	}
	return ""
}

// compensates is an activity that compensates another one and begins.
func (m *machine) compensates(token int, n *bpmn.Node) {
	if !m.s.Record {
		return
	}
	m.entered(token, n, nil)
	t := m.token(token)
	m.note(entry{kind: events.ActivityCompensate, node: n, token: token, ref: t.Activity, since: t.Since})
}
