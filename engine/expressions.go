package engine

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/juel"
)

// view is where an expression is evaluated.
type view struct {
	node    *bpmn.Node
	at      int            // the scope whose variables come first; 0: the process
	results Variables      // in an output mapping: the results come before the variables
	task    map[string]any // in a task listener: the data of the task
	open    *OpenTask      // in a task listener that may change the task: the task
	last    string         // the element whose result is token.current
	sets    bool           // variables may be set
	event   string         // in a listener: what it hears of
	owner   int            // the token whose activity may get variables of its own; 0: none
}

// look makes expressions see what a token sees at a node.
func (m *machine) look(token int, n *bpmn.Node) {
	t := m.token(token)
	m.view = view{node: n, at: t.place(), last: t.Last}
}

// Variable is what a name in an expression means: a result, a variable, execution or initiator. initiator is null when
// nobody started the instance, such as a mail, so that a task assigned to it has no assignee.
func (m *machine) Variable(name string) (any, bool) {
	if value, ok := m.view.results[name]; ok {
		return value, true
	}
	for id := m.view.at; id != 0; {
		sc := m.scope(id)
		if value, ok := sc.lookup(name); ok {
			return value, true
		}
		id = sc.Parent
	}
	if value, ok := m.s.Variables[name]; ok {
		return value, true
	}
	switch name {
	case "execution":
		return m.executionWithVariables(), true
	case "task":
		if m.view.task != nil {
			return m.view.task, true
		}
	case "initiator":
		if m.s.Initiator == "" {
			return nil, true
		}
		return m.s.Initiator, true
	}
	return nil, false
}

// lookup finds a variable of a scope. A loop has those that count its instances (BPMN 2.0, table 10.30).
func (sc *Scope) lookup(name string) (any, bool) {
	if value, ok := sc.Variables[name]; ok {
		return value, true
	}
	if sc.Loop == nil {
		return nil, false
	}
	switch name {
	case "nrOfInstances":
		return int64(max(sc.Loop.Total, sc.Loop.Started)), true
	case "nrOfActiveInstances":
		return int64(sc.Loop.Started - sc.Loop.Completed), true
	case "nrOfCompletedInstances":
		return int64(sc.Loop.Completed), true
	}
	return nil, false
}

// SetVariable and RemoveVariable are execution.setVariable and its like, where an expression may have effects: in a listener or
// in the expression of a service task.
func (m *machine) SetVariable(name string, value any, reach juel.Reach) error {
	if !m.view.sets {
		return errors.New("variables cannot be set here: use a listener, a script task or a service task")
	}
	if reach == juel.Nearest {
		return m.set(m.view.at, Variables{name: value})
	}
	values, err := normalized(Variables{name: value})
	if err != nil {
		return err
	}
	if n := m.view.node; m.view.owner != 0 && (reach == juel.LocalToTask || isSub(n) || n.Kind == bpmn.CallActivity) {
		m.view.at = m.openLocal(m.view.owner, n)
	}
	if m.view.at == 0 {
		return m.set(0, values)
	}
	return m.setLocal(m.view.at, values)
}

// RemoveVariable removes a variable where it is.
func (m *machine) RemoveVariable(name string) error {
	if !m.view.sets {
		return errors.New("variables cannot be removed here: use a listener, a script task or a service task")
	}
	if sc := m.holder(m.view.at, name); sc != nil {
		m.removed(sc.ID, sc.Variables, name)
		delete(sc.Variables, name)
	} else {
		m.removed(0, m.s.Variables, name)
		delete(m.s.Variables, name)
	}
	m.changed(name)
	return nil
}

func (m *machine) Now() time.Time { return m.now }

// execution holds the properties of Activiti's and Camunda's execution that are data.
func (m *machine) execution() map[string]any {
	properties := map[string]any{
		"id":                   m.s.ID,
		"processInstanceId":    m.s.ID,
		"processBusinessKey":   m.s.BusinessKey,
		"businessKey":          m.s.BusinessKey,
		"processDefinitionKey": m.p.ID,
		"processDefinitionId":  cmp.Or(m.s.Definition, m.p.ID),
		"eventName":            nil,
	}
	if m.view.event != "" {
		properties["eventName"] = m.view.event
	}
	if n := m.view.node; n != nil {
		properties["currentActivityId"] = n.ID
		properties["currentActivityName"] = n.Name
	}
	return properties
}

// executionWithVariables is execution in JUEL. JavaScript has a method for the variables, which costs nothing where it is not called.
func (m *machine) executionWithVariables() map[string]any {
	execution := m.execution()
	execution["variables"] = map[string]any(m.visible(m.view.at))
	return execution
}

// text evaluates an expression that must give text; no expression, null and spaces are "". what names it in errors.
func (m *machine) text(what string, e *juel.Expr) (string, error) {
	if e == nil {
		return "", nil
	}
	value, err := e.Eval(m)
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	text, err := asText(value)
	if err != nil {
		return "", fmt.Errorf("%s: %s: %w", what, e.Source(), err)
	}
	return text, nil
}

// texts evaluates a list of expressions, each of which gives one text, several with commas, or a list.
func (m *machine) texts(what string, list []*juel.Expr) ([]string, error) {
	var out []string
	for _, e := range list {
		value, err := e.Eval(m)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		elements, ok := value.([]any)
		if !ok {
			elements = []any{value}
		}
		for _, element := range elements {
			text, err := asText(element)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", what, e.Source(), err)
			}
			for part := range strings.SplitSeq(text, ",") {
				if part = strings.TrimSpace(part); part != "" {
					out = append(out, part)
				}
			}
		}
	}
	return out, nil
}

func asText(value any) (string, error) {
	switch v := value.(type) {
	case nil:
		return "", nil
	case string:
		return strings.TrimSpace(v), nil
	case bool, int64, float64:
		return fmt.Sprint(v), nil
	}
	return "", fmt.Errorf("it gives a list or a map, not text")
}

var _ juel.Env = (*machine)(nil)
