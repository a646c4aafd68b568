package engine

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/juel"
)

// condition evaluates a condition in m.view.
func (m *machine) condition(c *bpmn.Condition) (bool, error) {
	switch {
	case c == nil:
		return true, nil
	case c.Expr != nil:
		return juel.EvalBool(c.Expr, m)
	}
	value, err := m.evaluate(c.Script, false)
	if err != nil {
		return false, err
	}
	switch v := value.(type) { // what is false in JavaScript
	case nil:
		return false, nil
	case bool:
		return v, nil
	case string:
		return v != "", nil
	case int64:
		return v != 0, nil
	case float64:
		return v != 0, nil
	}
	return true, nil
}

// evaluate runs a JavaScript in place, in m.view.
func (m *machine) evaluate(s *bpmn.Script, sets bool) (any, error) {
	return m.evaluateFor(nil, s, sets)
}

// evaluateAs runs a JavaScript of process-engine that knows who has started the instance.
func (m *machine) evaluateAs(s *bpmn.Script) (any, error) {
	return m.evaluateFor(map[string]any{"userId": m.s.Initiator}, s, false)
}

func (m *machine) evaluateFor(identity map[string]any, s *bpmn.Script, sets bool) (any, error) {
	if m.scripts == nil {
		return nil, errors.New("JavaScript cannot be evaluated here")
	}
	env := ScriptEnv{Identity: identity, Variables: m.visible(m.view.at), Execution: m.execution(), Task: m.view.task, Token: m.history()}
	if len(m.view.results) > 0 {
		all := make(Variables, len(env.Variables)+len(m.view.results))
		maps.Copy(all, env.Variables)
		maps.Copy(all, m.view.results)
		env.Variables = all
	}
	if sets {
		env.Set, env.Remove, env.Change = m.SetVariable, m.RemoveVariable, m.ChangeTask
	}
	return m.scripts.Evaluate(s, env)
}

// history is process-engine's token: the result of the element before, and those of all elements.
func (m *machine) history() map[string]any {
	if !m.p.History {
		return nil
	}
	return map[string]any{"current": m.s.Results[m.view.last], "history": map[string]any(m.s.Results)}
}

// heed lets conditional events look at the variables that have changed. One that cannot be evaluated does not hold, as in Camunda:
// its variables need not be there yet. An event fires each time that a change finds its condition true.
func (m *machine) heed() {
	changes, fresh := m.changes, m.fresh
	m.changes, m.fresh = nil, nil
	var ids []int
	m.moves += len(m.s.Waits) / elementsPerMove
	for i := range m.s.Waits {
		if w := &m.s.Waits[i]; w.Kind == WaitCondition {
			ids = append(ids, w.ID)
		}
	}
	for _, id := range ids {
		i, ok := find(m.s.Waits, id)
		if !ok || m.s.Outcome != "" {
			continue
		}
		w := m.s.Waits[i]
		n := m.p.Node(w.Element)
		if !slices.Contains(fresh, id) && !concerns(n, changes) {
			continue
		}
		if m.moves++; m.moves > maxMoves {
			return // a loop of events that set what they wait for; the next change goes on
		}
		m.view = view{node: n, at: w.Scope}
		if w.Token != 0 {
			m.look(w.Token, n)
		}
		if holds, err := m.condition(n.Condition); err == nil && holds {
			m.fire(w, n, nil)
		}
	}
}

func concerns(n *bpmn.Node, changes []string) bool {
	if len(n.Variables) == 0 {
		return len(changes) > 0
	}
	return slices.ContainsFunc(n.Variables, func(name string) bool { return slices.Contains(changes, name) })
}

// completeAdHoc looks at the completion conditions of ad-hoc sub-processes in which something has ended.
func (m *machine) completeAdHoc() {
	ids := m.adHoc
	m.adHoc = nil
	for _, id := range ids {
		i, ok := find(m.s.Scopes, id)
		if !ok {
			continue
		}
		sc := &m.s.Scopes[i]
		n := m.p.Node(sc.Element)
		if n.AdHoc == nil || n.AdHoc.Until == nil {
			continue
		}
		m.view = view{node: n, at: id}
		over, err := m.condition(n.AdHoc.Until)
		if err != nil {
			if _, open := find(m.s.Tokens, sc.Token); open && !m.hasIncident(sc.Token) {
				m.suspend(sc.Token, n, failure(fmt.Errorf("completion condition: %w", err)))
			}
			continue
		}
		if !over || sc.Live > 0 && !n.AdHoc.CancelRemaining {
			continue
		}
		m.finishAdHoc(id)
	}
}

func (m *machine) hasIncident(token int) bool {
	return slices.ContainsFunc(m.s.Incidents, func(i Incident) bool { return i.Token == token })
}
