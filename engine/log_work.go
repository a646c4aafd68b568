package engine

import (
	"cmp"
	"strconv"
	"time"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/events"
)

// asked is a user task, a connector call or an external task that a token begins to wait for.
func (m *machine) asked(w *Wait) {
	if !m.s.Record {
		return
	}
	x := entry{node: m.p.Node(w.Element), token: w.Token}
	switch w.Kind {
	case WaitTask:
		x.kind = events.TaskCreated
	case WaitCall:
		x.kind = events.IntegrationRequest
	case WaitOffer:
		x.kind = events.ExternalTaskCreated
	default:
		return
	}
	w.Activity, w.Since = m.token(w.Token).Activity, m.now.UnixMilli()
	x.more = workOf(w)
	w.Ref = m.note(x)
}

// ending is how what a token waited for has ended.
type ending struct {
	status        events.Status // "": that of the event's type
	code, message string
	attempts      int
	assignee      *string
	owner         *string
	claimed       time.Time
	variables     Variables
}

// over is the end of what asked has told of.
func (m *machine) over(w Wait, kind events.Type, a ending) {
	if w.Ref == 0 {
		return
	}
	more := workOf(&w)
	more.ending = a
	m.note(entry{kind: kind, node: m.p.Node(w.Element), token: w.Token, ref: w.Ref, since: w.Since, more: more})
}

// done is the end of what has brought a result.
func (m *machine) done(w Wait, n *bpmn.Node, ev Completed) {
	if w.Ref == 0 {
		return
	}
	switch w.Kind {
	case WaitTask:
		m.over(w, events.TaskCompleted, ending{assignee: ev.Assignee, owner: ev.Owner, claimed: ev.Claimed, variables: m.payload(n, ev.Outputs)})
	case WaitCall:
		m.over(w, events.IntegrationResult, ending{attempts: ev.Attempts})
	case WaitOffer:
		m.over(w, events.ExternalTaskEnded, ending{attempts: ev.Attempts})
	}
}

// undone is the end of what has failed. A user task with a BPMN error is what somebody has made of it.
func (m *machine) undone(w Wait, ev Failed) {
	a := ending{code: ev.Failure.Code, message: ev.Failure.Message, attempts: ev.Attempts}
	switch w.Kind {
	case WaitTask:
		m.over(w, events.TaskCompleted, a)
	case WaitCall:
		m.over(w, events.IntegrationError, a)
	case WaitOffer:
		m.over(w, events.ExternalTaskFailed, a)
	}
}

// givenUp is the end of what nobody waits for any more.
func (m *machine) givenUp(w Wait) {
	a := ending{status: events.Cancelled}
	switch w.Kind {
	case WaitTask:
		m.over(w, events.TaskCancelled, a)
	case WaitCall:
		m.over(w, events.IntegrationError, a)
	case WaitOffer:
		m.over(w, events.ExternalTaskFailed, a)
	}
}

// work is a user task, a connector call or an external task.
type work struct {
	command  Command
	activity int64
	ending   ending
}

func workOf(w *Wait) work {
	c := w.Command
	switch whole := c.(type) { // inputs are not told
	case OpenTask:
		whole.Inputs = nil
		c = whole
	case CallConnector:
		c = CallConnector{ID: whole.ID, Implementation: whole.Implementation}
	case OfferTask:
		c = OfferTask{ID: whole.ID, Topic: whole.Topic, Priority: whole.Priority}
	}
	return work{command: c, activity: w.Activity}
}

func (w work) fill(e *events.Event, p *bpmn.Process) {
	if w.activity != 0 {
		e.Activity = number(w.activity)
	}
	switch c := w.command.(type) {
	case CallConnector:
		e.Implementation = clipped(c.Implementation)
	case OfferTask:
		e.Topic, e.Priority = clipped(c.Topic), c.Priority
	case OpenTask:
		fillTask(e, &c)
	}
	e.Status = cmp.Or(w.ending.status, e.Status)
	e.ErrorCode, e.Error, e.Attempts = clipped(w.ending.code), clipped(w.ending.message), w.ending.attempts
	if a := w.ending.assignee; a != nil {
		e.Assignee = clipped(*a)
	}
	if o := w.ending.owner; o != nil {
		e.Owner = clipped(*o)
	}
	e.Claimed = w.ending.claimed
	if e.Type == events.TaskCompleted {
		e.UserID = e.Assignee
	}
	e.Variables = shown(p, w.ending.variables)
}

func fillTask(e *events.Event, c *OpenTask) {
	e.Ref, e.TaskKey, e.Revision = strconv.Itoa(c.ID), e.ActivityID, 1
	if e.Type != events.TaskCreated {
		e.Revision = events.MaxRevision
	}
	e.Name, e.Description, e.FormKey, e.Priority, e.Due = clipped(c.Name), clipped(c.Description), clipped(c.FormKey), c.Priority, c.Due
	e.Assignee, e.Owner, e.CandidateUsers, e.CandidateGroups = clipped(c.Assignee), clipped(c.Owner), c.CandidateUsers, c.CandidateGroups
}

// broken is an incident that begins.
func (m *machine) broken(i *Incident) {
	if m.s.Record {
		t := m.token(i.Token)
		i.Activity = t.Activity
		i.Ref = m.note(entry{kind: events.IncidentCreated, node: m.p.Node(i.Element), token: i.Token, more: incident{Incident: *i}})
	}
}

// solved is the end of an incident: by an operator's action, or with what it stopped.
func (m *machine) solved(i Incident, action IncidentAction, status events.Status) {
	if i.Ref != 0 {
		m.note(entry{
			kind: events.IncidentResolved, node: m.p.Node(i.Element), token: i.Token, ref: i.Ref, since: i.At.UnixMilli(),
			more: incident{Incident: i, action: action, status: status},
		})
	}
}

type incident struct {
	Incident
	action IncidentAction
	status events.Status
}

func (i incident) fill(e *events.Event, _ *bpmn.Process) {
	e.ErrorCode, e.Error, e.Action = clipped(i.Code), clipped(i.Message), string(i.action)
	e.Status = cmp.Or(i.status, e.Status)
	if i.Activity != 0 {
		e.Activity = number(i.Activity)
	}
}

// arrival is what came to an activity.
type arrival struct {
	kind      events.Type
	name      string
	variables Variables
}

func (a arrival) fill(e *events.Event, p *bpmn.Process) {
	switch a.kind {
	case events.ActivitySignaled:
		e.SignalName = clipped(a.name)
	case events.ActivityMessage:
		e.MessageName = clipped(a.name)
	case events.ActivityError:
		e.ErrorCode = clipped(a.name)
	}
	e.Variables = shown(p, a.variables)
}

// lifetime is the beginning or the end of the process instance.
type lifetime struct {
	user      string
	variables Variables
	end       End
}

func (l lifetime) fill(e *events.Event, p *bpmn.Process) {
	e.UserID, e.Variables = clipped(l.user), shown(p, l.variables)
	if l.end.Outcome != "" {
		e.Status = events.Status(l.end.Outcome)
		e.ErrorCode, e.Error = clipped(l.end.Failure.Code), clipped(l.end.Failure.Message)
	}
}

var (
	_ detail = work{}
	_ detail = incident{}
	_ detail = arrival{}
	_ detail = lifetime{}
	_ detail = variable{}
)
