package engine

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/juel"
)

func (m *machine) open(token int, n *bpmn.Node) error {
	c := OpenTask{Element: n.ID, Name: n.Name}
	if n.User != nil {
		if err := m.people(&c, n.User); err != nil {
			return err
		}
	}
	if len(n.Listeners) > 0 {
		if err := m.listenTask(token, n, "create", &c); err != nil {
			return err
		}
		if c.Assignee != "" {
			if err := m.listenTask(token, n, "assignment", &c); err != nil {
				return err
			}
		}
	}
	if err := searchable(&c); err != nil {
		return err
	}
	m.look(token, n) // who works on the task sees what the listeners have set
	var err error
	if c.Inputs, err = m.inputs(n, true); err != nil {
		return err
	}
	c.Listens = slices.ContainsFunc(n.Listeners, func(l bpmn.Listener) bool { return l.Task && l.Event == "assignment" })
	c.ID = m.nextID()
	m.await(Wait{ID: c.ID, Token: token, Kind: WaitTask, Element: n.ID}, c)
	return nil
}

// taskAssigned tells the listeners of an open user task whose it is now. One that fails leaves an incident in place of the task,
// which a retry opens again.
func (m *machine) taskAssigned(ev TaskAssigned) error {
	w, n, err := m.answered(ev.ID, WaitTask)
	if err != nil {
		return err
	}
	task, _ := w.Command.(OpenTask)
	if task.Assignee == ev.Assignee {
		return nil
	}
	task.Assignee = ev.Assignee
	i, _ := find(m.s.Waits, w.ID)
	m.s.Waits[i].Command = task
	if task.Assignee == "" {
		return nil
	}
	if err := m.listenTask(w.Token, n, "assignment", &task); err != nil {
		m.forget(w.ID)
		m.stop(w)
		m.trouble(w.Token, n, err)
	}
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
	if c.Owner, err = m.text("owner", u.Owner); err != nil {
		return err
	}
	if c.Due, err = m.dueDate("due date", u.DueDate); err != nil {
		return err
	}
	if c.FollowUp, err = m.dueDate("follow-up date", u.FollowUpDate); err != nil {
		return err
	}
	c.Priority, err = m.priority(u.Priority)
	return err
}

// searchable refuses more people than lists of tasks can be searched by.
func searchable(c *OpenTask) error {
	if err := fit("the candidates", maxSearchBytes, slices.Concat(c.CandidateUsers, c.CandidateGroups)); err != nil {
		return err
	}
	return fit("the assignee", maxSearchBytes, c.Assignee)
}

// dueDate reads a date, or a duration from now as Activiti's calendars do. The zero time is none.
func (m *machine) dueDate(what string, e *juel.Expr) (time.Time, error) {
	text, err := m.text(what, e)
	if err != nil || text == "" {
		return time.Time{}, err
	}
	at, err := m.date(text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s: %w", what, err)
	}
	return at, nil
}

// date reads a date, or a duration from now. The zero time is none.
func (m *machine) date(text string) (at time.Time, err error) {
	switch {
	case text == "":
		return at, nil
	case strings.HasPrefix(text, "P"):
		at, err = m.after(text)
	default:
		at, err = bpmn.ParseDate(text)
	}
	if err == nil {
		at, err = storable(at)
	}
	if err != nil {
		return time.Time{}, err
	}
	return at, nil
}

func (m *machine) priority(e *juel.Expr) (int, error) {
	if e == nil {
		return 0, nil
	}
	value, err := e.Eval(m)
	if err != nil {
		return 0, fmt.Errorf("priority: %w", err)
	}
	number, err := priority(value)
	if err != nil {
		return 0, fmt.Errorf("priority: %w", err)
	}
	return number, nil
}

func priority(value any) (int, error) {
	value, err := bpmn.Convert("integer", value)
	if err != nil {
		return 0, err
	}
	number, _ := value.(int64) // null is no priority
	if number < math.MinInt32 || number > math.MaxInt32 {
		return 0, fmt.Errorf("%d is out of range", number)
	}
	return int(number), nil
}

// variablesSet sets variables from outside: of the instance, or those that are local to an open user task.
func (m *machine) variablesSet(ev VariablesSet) error {
	if ev.Task == 0 {
		return m.setFromOutside(0, ev.Variables)
	}
	w, n, err := m.answered(ev.Task, WaitTask)
	if err != nil {
		return err
	}
	values, err := normalized(ev.Variables)
	if err != nil {
		return fmt.Errorf("variable %w", err)
	}
	if m.token(w.Token).Local == 0 { // not opened before it is sure that they fit: a refused event changes nothing
		if err := fit("the local variables", maxBytes, values); err != nil {
			return err
		}
	}
	return m.setLocal(m.openLocal(w.Token, n), values)
}
