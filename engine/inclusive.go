package engine

import (
	"github.com/waybill-io/waybill/bpmn"
)

// arriveInclusive counts a token at an inclusive join. Whether the join is complete shows when all tokens have come to rest.
func (m *machine) arriveInclusive(token int, n *bpmn.Node, via *bpmn.Flow) {
	scope := m.take(token) // it still counts in its scope
	j := m.joinAt(n, scope)
	j.Arrived[via.ID]++
	m.waitsAt(j, n, token)
}

// joinInclusive lets one inclusive join go on and reports whether there was one. A join waits for every token that can still come to
// it. Where joins wait for each other in a circle, so that nothing else can ever come, the first one goes on.
func (m *machine) joinInclusive() bool {
	circle := -1
	for i := range m.s.Joins {
		n := m.p.Node(m.s.Joins[i].Element)
		if n.Kind != bpmn.InclusiveGateway {
			continue
		}
		awaited, onlyJoins := m.awaited(&m.s.Joins[i], n)
		if !awaited {
			m.completeInclusive(i, n)
			return true
		}
		if onlyJoins && circle < 0 {
			circle = i
		}
	}
	if circle >= 0 && m.inCircle(circle) {
		m.completeInclusive(circle, m.p.Node(m.s.Joins[circle].Element))
		return true
	}
	return false
}

// awaited reports whether some token can still come to a join, and whether all those wait at inclusive joins.
func (m *machine) awaited(j *Join, n *bpmn.Node) (awaited, onlyJoins bool) {
	for i := range m.s.Tokens {
		t := &m.s.Tokens[i]
		if t.Scope == j.Scope && reaches(n, m.p.Node(t.Element)) {
			return true, false
		}
	}
	onlyJoins = true
	for i := range m.s.Joins {
		other := &m.s.Joins[i]
		if from := m.p.Node(other.Element); other.Scope == j.Scope && from != n && reaches(n, from) {
			awaited = true
			onlyJoins = onlyJoins && from.Kind == bpmn.InclusiveGateway
		}
	}
	return awaited, onlyJoins
}

// inCircle reports whether all joins that a join waits for wait for it, too.
func (m *machine) inCircle(i int) bool {
	j := &m.s.Joins[i]
	n := m.p.Node(j.Element)
	for k := range m.s.Joins {
		other := &m.s.Joins[k]
		from := m.p.Node(other.Element)
		if other.Scope != j.Scope || from == n || !reaches(n, from) {
			continue
		}
		if _, onlyJoins := m.awaited(other, from); !onlyJoins {
			return false
		}
	}
	return true
}

// reaches reports whether a token at a node can come to an inclusive gateway.
func reaches(n, from *bpmn.Node) bool {
	for i := range n.Incoming {
		if n.Reaches(from, i) {
			return true
		}
	}
	return false
}

// completeInclusive merges the tokens at a join into one that goes on.
func (m *machine) completeInclusive(i int, n *bpmn.Node) {
	j := m.s.Joins[i]
	arrived := 0
	for _, f := range n.Incoming {
		arrived += j.Arrived[f.ID]
	}
	m.s.Joins = remove(m.s.Joins, i)
	token := m.newToken(j.Scope)
	if j.Scope != 0 {
		m.scope(j.Scope).Live -= arrived
	}
	m.token(token).Element = n.ID
	m.joined(&j, token)
	m.passed(token, n)
	m.ready = append(m.ready, runnable{token: token, node: n, leaving: true})
}
