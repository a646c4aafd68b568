package engine

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/waybill-io/waybill/bpmn"
)

// begin starts an element that waits: first the timers of its boundary events, then its own command.
func (m *machine) begin(token int, n *bpmn.Node) {
	m.token(token).Element = n.ID
	m.scope = scope{node: n}
	err := m.arm(token, n)
	if err == nil {
		err = m.execute(token, n)
	}
	if err != nil {
		m.suspend(token, n, failure(err))
	}
}

func (m *machine) execute(token int, n *bpmn.Node) error {
	switch n.Kind {
	case bpmn.ServiceTask, bpmn.SendTask:
		return m.call(token, n)
	case bpmn.UserTask:
		return m.open(token, n)
	case bpmn.ScriptTask:
		return m.script(token, n)
	case bpmn.ReceiveTask:
		return m.subscribe(token, n)
	case bpmn.CatchEvent:
		return m.catch(token, n)
	}
	return fmt.Errorf("an element of kind %d cannot be executed", n.Kind)
}

func (m *machine) call(token int, n *bpmn.Node) error {
	inputs, err := m.inputs(n, m.p.MapDefault == bpmn.MapAll)
	if err != nil {
		return err
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
		ID: m.nextID(), Element: n.ID, Variables: variables,
		Format: n.Script.Format, Source: n.Script.Source, Result: n.Script.ResultVariable,
	}
	m.await(Wait{ID: c.ID, Token: token, Kind: WaitScript, Element: n.ID}, c)
	return nil
}

func (m *machine) open(token int, n *bpmn.Node) error {
	inputs, err := m.inputs(n, true)
	if err != nil {
		return err
	}
	c := OpenTask{Element: n.ID, Name: n.Name, Inputs: inputs}
	if n.User != nil {
		if err := m.people(&c, n.User); err != nil {
			return err
		}
	}
	c.ID = m.nextID()
	m.await(Wait{ID: c.ID, Token: token, Kind: WaitTask, Element: n.ID}, c)
	return nil
}

// people fills in what a user task tells the people who work on it.
func (m *machine) people(c *OpenTask, u *bpmn.UserTaskInfo) (err error) {
	if u.Name != nil {
		if c.Name, err = m.text("name", u.Name); err != nil {
			return err
		}
	}
	if c.Description, err = m.text("documentation", u.Description); err != nil {
		return err
	}
	if c.Assignee, err = m.text("assignee", u.Assignee); err != nil {
		return err
	}
	if c.CandidateUsers, err = m.texts("candidate users", u.CandidateUsers); err != nil {
		return err
	}
	if c.CandidateGroups, err = m.texts("candidate groups", u.CandidateGroups); err != nil {
		return err
	}
	if c.FormKey, err = m.text("form key", u.FormKey); err != nil {
		return err
	}
	if c.Due, err = m.dueDate(u); err != nil {
		return err
	}
	if err = fit("the candidates", maxSearchBytes, slices.Concat(c.CandidateUsers, c.CandidateGroups)); err != nil {
		return err
	}
	if err = fit("the assignee", maxSearchBytes, c.Assignee); err != nil {
		return err
	}
	c.Priority, err = m.priority(u)
	return err
}

// dueDate reads a date, or a duration from now as Activiti's calendars do. The zero time is none.
func (m *machine) dueDate(u *bpmn.UserTaskInfo) (time.Time, error) {
	text, err := m.text("due date", u.DueDate)
	if err != nil || text == "" {
		return time.Time{}, err
	}
	var at time.Time
	if strings.HasPrefix(text, "P") {
		at, err = m.after(text)
	} else {
		at, err = bpmn.ParseDate(text)
	}
	if err == nil {
		at, err = storable(at)
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("due date: %w", err)
	}
	return at, nil
}

func (m *machine) priority(u *bpmn.UserTaskInfo) (int, error) {
	if u.Priority == nil {
		return 0, nil
	}
	value, err := u.Priority.Eval(m)
	if err == nil {
		value, err = bpmn.Convert("integer", value)
	}
	if err != nil {
		return 0, fmt.Errorf("priority: %w", err)
	}
	number, _ := value.(int64) // null is no priority
	if number < math.MinInt32 || number > math.MaxInt32 {
		return 0, fmt.Errorf("priority: %d is out of range", number)
	}
	return int(number), nil
}

// completed takes the results of a call, script or user task.
func (m *machine) completed(ev Completed) error {
	w, n, err := m.answered(ev.ID, WaitCall, WaitScript, WaitTask)
	if err != nil {
		return err
	}
	m.conclude(w, n, ev.Outputs)
	return nil
}

// conclude ends an element that waited, with its results. Results that cannot be taken leave the element undone.
func (m *machine) conclude(w Wait, n *bpmn.Node, results Variables) {
	m.forget(w.ID)
	m.scope = scope{node: n}
	if err := m.takeResults(w.Kind, n, results); err != nil {
		m.suspend(w.Token, n, failure(err))
		return
	}
	m.finish(m.token(w.Token), n)
	m.ready = append(m.ready, runnable{token: w.Token, node: n, leaving: true})
}

// finish is the end of an element that waited: nothing of it is under way after that.
func (m *machine) finish(t *Token, n *bpmn.Node) {
	m.disarm(t, n)
	m.passed(n)
}

// await records that a token waits for a command, and gives the command.
func (m *machine) await(w Wait, c Command) {
	switch w.Kind {
	case WaitCall, WaitScript, WaitTask:
		w.Command = c
	}
	m.s.Waits = append(m.s.Waits, w)
	m.command(c)
}

// forget takes a wait out of the state when it is answered.
func (m *machine) forget(id int) {
	i, _ := find(m.s.Waits, id)
	m.s.Waits = remove(m.s.Waits, i)
}
