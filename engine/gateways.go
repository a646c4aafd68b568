package engine

import (
	"fmt"
	"slices"

	"github.com/waybill-io/waybill/bpmn"
)

const noFlow = "no outgoing flow was selected: no condition is true and there is no default flow"

// choose is an exclusive gateway: the first flow in document order whose condition is true, or the default flow.
func (m *machine) choose(token int, n *bpmn.Node) *bpmn.Flow {
	if len(n.Listeners) > 0 {
		if err := m.listenAround(token, n); err != nil {
			m.suspend(token, n, failure(err))
			return nil
		}
	}
	m.look(token, n)
	for _, f := range n.Outgoing {
		if f == n.Default {
			continue
		}
		ok, err := m.holds(f)
		if err != nil {
			m.suspend(token, n, failure(err))
			return nil
		}
		if ok {
			m.passed(token, n)
			return f
		}
	}
	switch {
	case n.Default != nil:
		m.passed(token, n)
		return n.Default
	case len(n.Outgoing) == 0:
		m.passed(token, n)
		m.drop(token)
	default:
		m.suspend(token, n, Failure{Message: noFlow})
	}
	return nil
}

// holds evaluates the condition of a flow in the scope of its source.
func (m *machine) holds(f *bpmn.Flow) (bool, error) {
	if f.Condition == nil {
		return true, nil
	}
	m.weigh()
	ok, err := m.condition(f.Condition)
	if err != nil {
		return false, fmt.Errorf("condition of flow %q: %w", f.ID, err)
	}
	return ok, nil
}

// weigh counts the moves of reading or writing variables once.
func (m *machine) weigh() {
	if m.weight == 0 { // not known since variables were set
		m.weight = 1 + size(m.s.Variables, func(text string) int { return len(text) })/bytesPerMove
	}
	m.moves += m.weight
}

// join is a parallel gateway. It waits until a token has come by every incoming flow, takes one of each and forks along
// all outgoing flows; conditions do not count (BPMN 2.0, 13.4.1). Further tokens of a flow stay for the next round.
func (m *machine) join(token int, n *bpmn.Node, via *bpmn.Flow) *bpmn.Flow {
	if len(n.Incoming) > 1 && via != nil && !m.arrived(token, n, via) {
		m.take(token) // it still counts in its scope
		return nil
	}
	return m.passThrough(token, n)
}

// arrived counts a token at a join and reports whether it completes the set, which then is taken.
func (m *machine) arrived(token int, n *bpmn.Node, via *bpmn.Flow) bool {
	j := m.joinAt(n, m.token(token).Scope)
	j.Arrived[via.ID]++
	m.waitsAt(j, n, token)
	if len(j.Arrived) < len(n.Incoming) {
		return false
	}
	m.joined(j, token)
	for _, f := range n.Incoming {
		if j.Arrived[f.ID]--; j.Arrived[f.ID] == 0 {
			delete(j.Arrived, f.ID)
		}
	}
	if j.Scope != 0 {
		m.scope(j.Scope).Live -= len(n.Incoming) - 1 // the token that goes on counts for all
	}
	if len(j.Arrived) == 0 {
		m.s.Joins = slices.DeleteFunc(m.s.Joins, func(other Join) bool { return other.Element == n.ID && other.Scope == j.Scope })
	} else {
		m.waitsAt(j, n, 0) // others have come for the next round
	}
	return true
}

// joinAt is the join of a gateway in a scope, made when it is the first token's.
func (m *machine) joinAt(n *bpmn.Node, scope int) *Join {
	i := slices.IndexFunc(m.s.Joins, func(j Join) bool { return j.Element == n.ID && j.Scope == scope })
	if i < 0 {
		i = len(m.s.Joins)
		m.s.Joins = append(m.s.Joins, Join{Element: n.ID, Scope: scope, Arrived: make(map[string]int, len(n.Incoming))})
	}
	return &m.s.Joins[i]
}
