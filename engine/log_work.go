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
	if m.s.Record {
		m.noteAsked(w)
	}
}

func (m *machine) noteAsked(w *Wait) {
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
	x.activity, x.more = w.Activity, workOf(w, ending{})
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
	by            *By // of an external task; nil: not known
}

// over is the end of what asked has told of.
func (m *machine) over(w Wait, kind events.Type, a ending) {
	if w.Ref == 0 {
		return
	}
	m.note(entry{kind: kind, node: m.p.Node(w.Element), token: w.Token, ref: w.Ref, since: w.Since, activity: w.Activity, more: workOf(&w, a)})
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
		m.over(w, events.ExternalTaskEnded, ending{attempts: ev.Attempts, by: ev.By})
	}
}

// undone is the end of what has failed. A user task with a BPMN error is what somebody has made of it.
func (m *machine) undone(w Wait, ev Failed) {
	m.fruitless(w, events.TaskCompleted, ending{code: ev.Failure.Code, message: ev.Failure.Message, attempts: ev.Attempts, by: &ev.By})
}

// givenUp is the end of what nobody waits for any more.
func (m *machine) givenUp(w Wait) {
	m.fruitless(w, events.TaskCancelled, ending{status: events.Cancelled})
}

// fruitless is the end of what has brought no result.
func (m *machine) fruitless(w Wait, task events.Type, a ending) {
	switch w.Kind {
	case WaitTask:
		m.over(w, task, a)
	case WaitCall:
		m.over(w, events.IntegrationError, a)
	case WaitOffer:
		m.over(w, events.ExternalTaskFailed, a)
	}
}

// workOf is what is told of a user task or an external task; of a call the element tells what it is.
func workOf(w *Wait, a ending) detail {
	switch c := w.Command.(type) {
	case OpenTask:
		c.Inputs = nil
		return userTask{c, a}
	case OfferTask:
		return offer{topic: c.Topic, priority: c.Priority, ending: a}
	}
	if a.status == "" && a.code == "" && a.message == "" && a.attempts == 0 {
		return nil
	}
	return a
}

func (a ending) fill(e *events.Event, p *bpmn.Process) {
	e.Status = cmp.Or(a.status, e.Status)
	e.ErrorCode, e.Error, e.Attempts = events.Cut(a.code), events.Cut(a.message), a.attempts
	e.Variables = shown(p, a.variables)
}

// offer is an external task. Who has had it last is told when it ends, too.
type offer struct {
	topic    string
	priority int
	lease    *Lease // that is told; nil: none
	ending
}

func (o offer) fill(e *events.Event, p *bpmn.Process) {
	e.Topic, e.Priority = events.Cut(o.topic), o.priority
	o.ending.fill(e, p)
	if l := o.lease; l != nil {
		e.WorkerID, e.Claimed, e.LockedUntil, e.Attempts = events.Cut(l.Worker), l.At, l.Until, l.Number
		return
	}
	if o.by == nil {
		return
	}
	e.WorkerID = events.Cut(o.by.Worker)
	if n := len(o.by.Leases); n > 0 {
		e.Claimed = o.by.Leases[n-1].At
	}
}

type userTask struct {
	OpenTask
	ending
}

func (t userTask) fill(e *events.Event, p *bpmn.Process) {
	e.Ref, e.TaskKey, e.Revision = strconv.Itoa(t.ID), e.ActivityID, 1
	if e.Type != events.TaskCreated {
		e.Revision = events.MaxRevision
	}
	e.Name, e.Description, e.FormKey, e.Priority, e.Due = events.Cut(t.Name), events.Cut(t.Description), events.Cut(t.FormKey), t.Priority, t.Due
	e.Assignee, e.Owner, e.CandidateUsers, e.CandidateGroups = events.Cut(t.Assignee), events.Cut(t.Owner), t.CandidateUsers, t.CandidateGroups
	t.ending.fill(e, p)
	if t.assignee != nil {
		e.Assignee = events.Cut(*t.assignee)
	}
	if t.owner != nil {
		e.Owner = events.Cut(*t.owner)
	}
	e.Claimed = t.claimed
	if e.Type == events.TaskCompleted {
		e.UserID = e.Assignee
	}
}

// broken is an incident that begins.
func (m *machine) broken(i *Incident) {
	if m.s.Record {
		t := m.token(i.Token)
		i.Activity = t.Activity
		i.Ref = m.note(entry{kind: events.IncidentCreated, node: m.p.Node(i.Element), token: i.Token, activity: i.Activity, more: incident{Incident: *i}})
	}
}

// solved is the end of an incident: by an operator's action, or with what it stopped.
func (m *machine) solved(i Incident, action IncidentAction, status events.Status) {
	if i.Ref != 0 {
		m.note(entry{
			kind: events.IncidentResolved, node: m.p.Node(i.Element), token: i.Token, ref: i.Ref, since: i.At.UnixMilli(), activity: i.Activity,
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
	e.ErrorCode, e.Error, e.Action = events.Cut(i.Code), events.Cut(i.Message), string(i.action)
	e.Status = cmp.Or(i.status, e.Status)
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
		e.SignalName = events.Cut(a.name)
	case events.ActivityMessage:
		e.MessageName = events.Cut(a.name)
	case events.ActivityError:
		e.ErrorCode = events.Cut(a.name)
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
	e.UserID, e.Variables = events.Cut(l.user), shown(p, l.variables)
	if l.end.Outcome != "" {
		e.Status = events.Status(l.end.Outcome)
		e.ErrorCode, e.Error = events.Cut(l.end.Failure.Code), events.Cut(l.end.Failure.Message)
	}
}

var (
	_ detail = ending{}
	_ detail = userTask{}
	_ detail = offer{}
	_ detail = incident{}
	_ detail = arrival{}
	_ detail = lifetime{}
	_ detail = variable{}
)
