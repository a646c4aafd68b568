package engine

import (
	"fmt"
	"strings"
	"time"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/juel"
)

// scope is where an expression is evaluated.
type scope struct {
	node    *bpmn.Node
	results Variables // in an output mapping: the results come before the variables
}

// Variable is what a name in an expression means: a result, a variable, execution or initiator. initiator is null when
// nobody started the instance, such as a mail, so that a task assigned to it has no assignee.
func (m *machine) Variable(name string) (any, bool) {
	if value, ok := m.scope.results[name]; ok {
		return value, true
	}
	if value, ok := m.s.Variables[name]; ok {
		return value, true
	}
	switch name {
	case "execution":
		return m.execution(), true
	case "initiator":
		if m.s.Initiator == "" {
			return nil, true
		}
		return m.s.Initiator, true
	}
	return nil, false
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
	}
	if n := m.scope.node; n != nil {
		properties["currentActivityId"] = n.ID
		properties["currentActivityName"] = n.Name
	}
	return properties
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
