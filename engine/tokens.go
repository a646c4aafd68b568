package engine

import (
	"fmt"

	"github.com/waybill-io/waybill/bpmn"
)

// runnable is a token that is awake: about to enter an element, by a flow or to do it again, or to leave it.
type runnable struct {
	token   int
	node    *bpmn.Node
	via     *bpmn.Flow // nil: not by a flow
	leaving bool       // the element has done its work
}

func (m *machine) wake(token int, n *bpmn.Node) {
	m.ready = append(m.ready, runnable{token: token, node: n})
}

// run lets all tokens that are awake run until each waits or is gone.
func (m *machine) run() {
	for i := 0; i < len(m.ready) && m.s.Outcome == ""; i++ { // grows while it runs
		r := m.ready[i]
		var flow *bpmn.Flow
		if r.leaving {
			flow = m.leave(r.token, r.node)
		} else {
			flow = m.enter(r.token, r.node, r.via)
		}
		for flow != nil {
			flow = m.enter(r.token, flow.Target, flow)
		}
	}
	if m.s.Outcome == "" && len(m.s.Tokens) == 0 && len(m.s.Joins) == 0 {
		m.end(OutcomeCompleted)
	}
}

// enter lets a token come to an element. It returns the flow by which the token goes on at once, or nil.
func (m *machine) enter(token int, n *bpmn.Node, via *bpmn.Flow) *bpmn.Flow {
	if m.moves++; m.moves > maxMoves {
		t := m.suspend(token, n, Failure{Message: fmt.Sprintf(
			"the instance has entered %d elements without waiting, or fewer with conditions over large variables: look for a loop; a retry lets it go on as far again", maxMoves)})
		if via != nil {
			t.Flow = via.ID
		}
		return nil
	}
	switch n.Kind {
	case bpmn.StartEvent, bpmn.ManualTask, bpmn.UndefinedTask:
		return m.pass(token, n)
	case bpmn.EndEvent:
		m.endEvent(token, n)
		return nil
	case bpmn.ExclusiveGateway:
		return m.choose(token, n)
	case bpmn.ParallelGateway:
		return m.join(token, n, via)
	}
	m.begin(token, n)
	return nil
}

// pass completes an element that has nothing to wait for.
func (m *machine) pass(token int, n *bpmn.Node) *bpmn.Flow {
	m.passed(n)
	return m.leave(token, n)
}

// passed records that an element has completed.
func (m *machine) passed(n *bpmn.Node) {
	if len(m.s.Path) == PathLimit {
		m.s.Path = m.s.Path[1:]
		m.s.Dropped++
	}
	m.s.Path = append(m.s.Path, n.ID)
}

// leave selects the flows by which a token leaves an element: every flow whose condition holds or that has none, or else
// the default flow (BPMN 2.0, 8.3.13); of a parallel gateway all. Without any outgoing flow the token is gone.
func (m *machine) leave(token int, n *bpmn.Node) *bpmn.Flow {
	switch len(n.Outgoing) {
	case 0:
		m.drop(token)
		return nil
	case 1:
		if n.Outgoing[0].Condition == nil {
			return n.Outgoing[0]
		}
	}
	if n.Kind == bpmn.ParallelGateway {
		return m.fork(token, n, n.Outgoing)
	}
	m.scope = scope{node: n}
	var taken []*bpmn.Flow
	for _, f := range n.Outgoing {
		if f == n.Default {
			continue
		}
		ok, err := m.holds(f)
		if err != nil {
			m.suspend(token, n, failure(err)).Done = true
			return nil
		}
		if ok {
			taken = append(taken, f)
		}
	}
	if len(taken) == 0 {
		if n.Default == nil {
			m.suspend(token, n, Failure{Message: noFlow}).Done = true
		}
		return n.Default
	}
	return m.fork(token, n, taken)
}

// fork sends a token along several flows: itself by the first, new ones by the others.
func (m *machine) fork(token int, n *bpmn.Node, flows []*bpmn.Flow) *bpmn.Flow {
	if len(m.s.Tokens)+len(flows)-1 > maxTokens {
		m.suspend(token, n, Failure{Message: fmt.Sprintf(
			"the instance would have more than %d tokens: look for a loop with a fork in it", maxTokens)}).Done = true
		return nil
	}
	for _, f := range flows[1:] {
		m.ready = append(m.ready, runnable{token: m.newToken(), node: f.Target, via: f})
	}
	return flows[0]
}

func (m *machine) newToken() int {
	id := m.nextID()
	m.s.Tokens = append(m.s.Tokens, Token{ID: id})
	return id
}

func (m *machine) token(id int) *Token {
	i, _ := find(m.s.Tokens, id)
	return &m.s.Tokens[i]
}

func (m *machine) drop(id int) {
	i, _ := find(m.s.Tokens, id)
	m.s.Tokens = remove(m.s.Tokens, i)
}

func (t *Token) id() int    { return t.ID }
func (w *Wait) id() int     { return w.ID }
func (i *Incident) id() int { return i.ID }

// find searches what the state holds in order of creation, which is the order of the ids.
func find[T any, P interface {
	*T
	id() int
}](list []T, id int) (int, bool) {
	low, high := 0, len(list)
	for low < high {
		middle := int(uint(low+high) >> 1)
		if P(&list[middle]).id() < id {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, low < len(list) && P(&list[low]).id() == id
}

// remove takes an element out of a list, in order. It moves the shorter side: what was made first mostly ends first, and
// that costs nothing then.
func remove[T any](list []T, i int) []T {
	var zero T
	if i < len(list)/2 {
		copy(list[1:i+1], list[:i])
		list[0] = zero
		return list[1:]
	}
	copy(list[i:], list[i+1:])
	list[len(list)-1] = zero
	return list[:len(list)-1]
}
