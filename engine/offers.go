package engine

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/events"
)

// OfferTask offers an external task to the workers of a topic. A task that is offered again, after a failure or with another priority, is the
// same command.
type OfferTask struct {
	ID         int               `json:"id"`
	Task       int               `json:"task,omitempty"` // the ID that it was first offered by: a retry of its incident offers it again. 0 before version 5
	Element    string            `json:"element"`
	Topic      string            `json:"topic"`
	Priority   int               `json:"priority,omitempty"`
	Properties map[string]string `json:"properties,omitempty"` // extension properties of the element
	Inputs     Variables         `json:"inputs,omitempty"`
	Payload    json.RawMessage   `json:"payload,omitempty"` // what process-engine's workers get; nil: the model says nothing of it
	Created    time.Time         `json:"created,omitzero"`  // when it was first offered; zero before version 5
	Leases     int               `json:"leases,omitempty"`  // that it has had
	Report     Report            `json:"report,omitzero"`   // of its last failure
}

// Report is how an external task has failed, and what holds when it is offered again.
type Report struct {
	Message   string    `json:"message,omitempty"`
	Details   string    `json:"details,omitempty"` // at most maxDetails bytes
	Retries   *int      `json:"retries,omitempty"` // that are left; nil: nobody has said
	Worker    string    `json:"worker,omitempty"`  // whose it was
	NotBefore time.Time `json:"notBefore,omitzero"`
}

// maxDetails bounds what a state keeps of the details of a failure, in bytes: they are of a worker, such as a stack trace.
const maxDetails = 4000

// Again says how an external task is offered again.
type Again struct {
	Retries   *int // that are left; nil: nobody has said
	Priority  *int // nil: as before
	NotBefore time.Time
	Set       bool // it has not failed: somebody has set retries or priority
}

// By is who has worked on an external task.
type By struct {
	Worker string
	Leases []Lease // since it was offered, or the last of them
	Token  any     // with a result: what token.current is then; nil: the outputs
}

// Lease is a lock that a worker had on an external task.
type Lease struct {
	Number    int // from 1, of those of the task
	Worker    string
	At, Until time.Time
}

// Offer is what stays of an external task that has an incident.
type Offer struct {
	Task     int       `json:"task"`
	Topic    string    `json:"topic"`
	Priority int       `json:"priority,omitempty"`
	Created  time.Time `json:"created,omitzero"`
	Leases   int       `json:"leases,omitempty"`
	Report   Report    `json:"report,omitzero"`
}

func (m *machine) offer(token int, n *bpmn.Node) error {
	topic, err := m.topic(n)
	if err != nil {
		return err
	}
	priority, err := m.priority(n.JobPriority)
	if err != nil {
		return err
	}
	c := OfferTask{Element: n.ID, Topic: topic, Priority: priority, Properties: n.Properties}
	if err := m.furnish(&c, n); err != nil {
		return err
	}
	c.ID = m.nextID()
	if m.s.Engine >= 5 {
		t := m.token(token)
		c.Task, c.Created = c.ID, m.now
		if o := t.Offer; o != nil {
			c.Task, c.Priority, c.Created, c.Leases, c.Report = o.Task, o.Priority, o.Created, o.Leases, o.Report
			t.Offer = nil
		}
	}
	m.await(Wait{ID: c.ID, Token: token, Kind: WaitOffer, Element: n.ID}, c)
	return nil
}

func (m *machine) topic(n *bpmn.Node) (topic string, err error) {
	if n.TopicScript == nil {
		topic, err = m.text("topic", n.Topic)
	} else {
		var value any
		if value, err = m.evaluateAs(n.TopicScript); err == nil {
			topic, err = asText(value)
		}
		if err != nil {
			err = fmt.Errorf("topic: %w", err)
		}
	}
	if err == nil && topic == "" {
		err = errors.New("topic: it is empty")
	}
	return topic, err
}

// furnish gives an external task what its worker gets, as m.view sees it. Without a payload in a model that reads token, a worker of
// process-engine gets token.current, as there.
func (m *machine) furnish(c *OfferTask, n *bpmn.Node) (err error) {
	if c.Inputs, err = m.inputs(n, true); err != nil {
		return err
	}
	var payload any
	switch {
	case m.s.Engine < 5:
		return nil
	case n.Payload != nil:
		if payload, err = m.evaluateAs(n.Payload); err != nil && n.PayloadPlain {
			return nil
		} else if err != nil {
			return fmt.Errorf("payload: %w", err)
		}
	case m.p.History:
		payload = m.s.Results[m.view.last]
	default:
		return nil
	}
	if err := fit("the payload", maxBytes, payload); err != nil {
		return err
	}
	if c.Payload, err = json.Marshal(payload); err != nil {
		return fmt.Errorf("payload: %w", err)
	}
	return nil
}

// leased tells who has had an external task.
func (m *machine) leased(w *Wait, by By) {
	c := w.Command.(OfferTask)
	for i := range by.Leases {
		c.Leases = by.Leases[i].Number
		if w.Ref != 0 {
			m.note(entry{
				kind: events.ExternalTaskLocked, node: m.p.Node(w.Element), token: w.Token, ref: w.Ref, since: w.Since, activity: w.Activity,
				more: offer{topic: c.Topic, priority: c.Priority, lease: &by.Leases[i]},
			})
		}
	}
	w.Command = c
}

// offerFailed is an external task that has failed, or is to be offered with something else. What its worker has given is set first, then the
// model may make a BPMN error of it, as in Camunda.
func (m *machine) offerFailed(w Wait, n *bpmn.Node, ev Failed) {
	m.leased(&w, ev.By)
	c, f, again := w.Command.(OfferTask), ev.Failure, ev.Again
	c.report(ev)
	w.Command = c
	given, thrown := ev.Variables, f.Code != "" && !ev.Catchable
	var err error
	if !thrown && (again == nil || !again.Set) {
		if given, err = m.takeReport(w, n, ev); err == nil {
			f, thrown = m.judge(w, n, ev)
		}
	}
	if c.settle(again); again != nil && !thrown && err == nil {
		m.look(w.Token, n)
		if err = m.furnish(&c, n); err == nil {
			i, _ := find(m.s.Waits, w.ID)
			m.s.Waits[i].Command = c
			m.command(c)
			return
		}
	}
	if err != nil {
		f = failure(err)
	}
	m.undone(w, Failed{Failure: f, Attempts: ev.Attempts, By: ev.By})
	m.forget(w.ID)
	if f.Message == "" {
		f.Message = "failed without a message"
	}
	if thrown {
		m.fail(w.Token, n, f, given)
		return
	}
	m.token(w.Token).Offer = &Offer{Task: c.Task, Topic: c.Topic, Priority: c.Priority, Created: c.Created, Leases: c.Leases, Report: c.Report}
	m.suspend(w.Token, n, f)
}

// report takes what is told of a failure. When somebody has set something, that is one that was not told before; without, the rest is as it was.
func (c *OfferTask) report(ev Failed) {
	if ev.Again != nil && ev.Again.Set && ev.Failure.Message == "" {
		return
	}
	c.Report.Message, c.Report.Details, c.Report.Worker = ev.Failure.Message, ev.Failure.Details, ev.Worker
}

// settle takes what holds from now on. Without again no retries are left.
func (c *OfferTask) settle(again *Again) {
	c.Report.Details = events.CutTo(c.Report.Details, maxDetails)
	if again == nil {
		c.Report.Retries, c.Report.NotBefore = new(int), time.Time{}
		return
	}
	c.Report.NotBefore = again.NotBefore
	if again.Retries != nil {
		c.Report.Retries = again.Retries
	}
	if again.Priority != nil {
		c.Priority = *again.Priority
	}
}

// takeReport sets what came with a failure, and returns what is set only where a BPMN error is caught.
func (m *machine) takeReport(w Wait, n *bpmn.Node, ev Failed) (left Variables, err error) {
	if n.Mapping != nil && !n.Mapping.AllOutputs {
		return ev.Variables, nil
	}
	if err := m.takeLocal(w.Token, n, ev.Local); err != nil {
		return nil, err
	}
	m.look(w.Token, n)
	if err := m.set(m.view.at, ev.Variables); err != nil {
		return nil, fmt.Errorf("variable %w", err)
	}
	return nil, nil
}

// takeLocal sets variables local to an activity, for its output mapping.
func (m *machine) takeLocal(token int, n *bpmn.Node, values Variables) error {
	if len(values) == 0 {
		return nil
	}
	values, err := normalized(values)
	if err != nil {
		return fmt.Errorf("local variable %w", err)
	}
	place := m.openLocal(token, n)
	m.look(token, n)
	return m.setLocal(place, values)
}

// judge tells whether the model makes a BPMN error of a failure. Its mapException is for what has failed for good.
func (m *machine) judge(w Wait, n *bpmn.Node, ev Failed) (f Failure, thrown bool) {
	f = ev.Failure
	final := &f
	if ev.Again != nil {
		final = nil
	}
	if mapped, ok := m.mappedError(w, n, ev.Variables, final, ev.By); ok {
		return mapped, true
	}
	if ev.Catchable {
		_, thrown = m.catcher(w.Token, bpmn.ErrorEvent, f.Code)
	}
	return f, thrown
}

// externalTask is what an expression sees of an external task: juel.ExternalTask. Its retries are those before the failure, as in Camunda.
func (m *machine) externalTask(w Wait, n *bpmn.Node, by By) map[string]any {
	c := w.Command.(OfferTask)
	var retries any
	if c.Report.Retries != nil {
		retries = int64(*c.Report.Retries)
	}
	return map[string]any{
		"activityId": n.ID, "businessKey": nullable(m.s.BusinessKey), "errorDetails": nullable(c.Report.Details), "errorMessage": nullable(c.Report.Message),
		"executionId": strconv.Itoa(w.Token), "priority": int64(c.Priority), "processDefinitionId": cmp.Or(m.s.Definition, m.p.ID), "processDefinitionKey": m.p.ID,
		"processInstanceId": m.s.ID, "retries": retries, "topicName": c.Topic, "workerId": nullable(by.Worker),
	}
}
