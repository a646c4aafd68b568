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
	begun   bool       // what the element waits for has happened: the instance began with it
}

// atEnd marks a token that stands for the process as such, whose end a listener keeps back.
const atEnd = "#end"

func (m *machine) wake(token int, n *bpmn.Node) {
	m.ready = append(m.ready, runnable{token: token, node: n})
}

// run lets all tokens that are awake run until each waits or is gone, and then what depends on all of them: inclusive joins,
// conditional events, completion conditions.
func (m *machine) run() {
	for m.s.Outcome == "" {
		if m.next == len(m.ready) {
			if m.settled() {
				break
			}
			continue
		}
		r := m.ready[m.next] // grows while it runs
		m.next++
		if m.reaped && !m.alive(r.token) {
			continue
		}
		var flow *bpmn.Flow
		switch {
		case r.leaving:
			flow = m.leave(r.token, r.node)
		case r.begun:
			flow = m.pass(r.token, r.node)
		default:
			flow = m.enter(r.token, r.node, r.via)
		}
		for flow != nil {
			flow = m.enter(r.token, flow.Target, flow)
		}
	}
	if m.s.Outcome == "" && len(m.s.Tokens) == 0 && len(m.s.Joins) == 0 {
		if len(m.p.Listeners) > 0 {
			if err := m.listenProcess("end"); err != nil {
				m.suspend(m.newToken(0), m.p.Top()[0], failure(err)).Flow = atEnd
				return
			}
		}
		m.end(OutcomeCompleted)
	}
}

// settled lets what depends on all tokens go on; it reports that nothing did.
func (m *machine) settled() bool {
	if len(m.s.Joins) > 0 && m.joinInclusive() {
		return false
	}
	if len(m.adHoc) > 0 {
		m.completeAdHoc()
		return false
	}
	if len(m.changes)+len(m.fresh) > 0 {
		m.heed()
		return false
	}
	return true
}

// enter lets a token come to an element. It returns the flow by which the token goes on at once, or nil.
func (m *machine) enter(token int, n *bpmn.Node, via *bpmn.Flow) *bpmn.Flow {
	if m.moves++; m.moves > maxMoves {
		m.suspend(token, n, Failure{Message: fmt.Sprintf(
			"the instance has entered %d elements without waiting, or fewer with conditions over large variables: look for a loop; a retry lets it go on as far again", maxMoves)}).came(via)
		return nil
	}
	if via != nil && len(via.Listeners) > 0 {
		if err := m.listen(token, n, via.Listeners, "take"); err != nil {
			m.suspend(token, n, failure(fmt.Errorf("flow %q: %w", via.ID, err))).came(via)
			return nil
		}
	}
	m.entered(token, n, via)
	switch n.Kind {
	case bpmn.BoundaryEvent: // again, after an incident
		return m.passThrough(token, n)
	case bpmn.StartEvent:
		if n.Parent == nil && !m.s.Armed {
			if err := m.armProcess(); err != nil {
				m.suspend(token, n, failure(err))
				return nil
			}
		}
		return m.passThrough(token, n)
	case bpmn.ManualTask, bpmn.UndefinedTask:
		if n.Loop == nil && len(n.Inputs)+len(n.Outputs) == 0 && n.Handler == nil { // boundary events have no time to happen
			return m.passThrough(token, n)
		}
	case bpmn.EndEvent, bpmn.ThrowEvent:
		return m.throw(token, n)
	case bpmn.ExclusiveGateway:
		return m.choose(token, n)
	case bpmn.ParallelGateway:
		return m.join(token, n, via)
	case bpmn.InclusiveGateway:
		if len(n.Incoming) > 1 && via != nil {
			m.arriveInclusive(token, n, via)
			return nil
		}
		return m.passThrough(token, n)
	}
	m.begin(token, n)
	return nil
}

// came remembers how a token came that was suspended before it entered an element.
func (t *Token) came(via *bpmn.Flow) {
	if via != nil {
		t.Flow = via.ID
	}
}

// passThrough is an element that has nothing to wait for.
func (m *machine) passThrough(token int, n *bpmn.Node) *bpmn.Flow {
	if len(n.Listeners) > 0 {
		if err := m.listen(token, n, n.Listeners, "start"); err != nil {
			m.suspend(token, n, failure(err))
			return nil
		}
	}
	return m.pass(token, n)
}

// pass completes an element that has nothing to wait for.
func (m *machine) pass(token int, n *bpmn.Node) *bpmn.Flow {
	m.passed(token, n)
	return m.leave(token, n)
}

// passed records that an element has completed.
func (m *machine) passed(token int, n *bpmn.Node) {
	m.left(token, n)
	if len(m.s.Path) == PathLimit {
		m.s.Path = m.s.Path[1:]
		m.s.Dropped++
	}
	m.s.Path = append(m.s.Path, n.ID)
}

// leave ends the stay of a token at an element, whose end listeners run if they have not yet. It returns the flow by which the token
// goes on at once, or nil.
func (m *machine) leave(token int, n *bpmn.Node) *bpmn.Flow {
	if n.Loop != nil && m.inner(m.token(token), n) { // an incident of its completion condition was answered
		m.instanceDone(token, n)
		return nil
	}
	if len(n.Listeners) > 0 && n.Loop == nil && !m.token(token).Ended { // those of a loop have run for each instance
		if err := m.listen(token, n, n.Listeners, "end"); err != nil {
			m.suspend(token, n, failure(err)).Done = true
			return nil
		}
		m.token(token).Ended = true
	}
	if len(n.Outgoing) > 0 && m.endsAdHoc(token, n) { // else when the token is gone
		return nil
	}
	flow := m.wayOut(token, n)
	if flow != nil {
		m.token(token).Ended = false
	}
	return flow
}

// wayOut selects the flows by which a token leaves an element: every flow whose condition holds or that has none, or else
// the default flow (BPMN 2.0, 8.3.13); of a parallel gateway all. Without any outgoing flow the token is gone.
func (m *machine) wayOut(token int, n *bpmn.Node) *bpmn.Flow {
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
	m.look(token, n)
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
	if err := m.roomFor(len(flows) - 1); err != nil {
		m.suspend(token, n, failure(err)).Done = true
		return nil
	}
	for _, f := range flows[1:] {
		t := m.token(token)
		next := m.newToken(t.Scope)
		if m.p.History {
			m.token(next).Last = m.token(token).Last
		}
		m.ready = append(m.ready, runnable{token: next, node: f.Target, via: f})
	}
	return flows[0]
}

// roomFor refuses more tokens than an instance can have.
func (m *machine) roomFor(more int) error {
	limit := maxTokens
	if m.s.Engine == 1 {
		limit = maxTokensOf1
	}
	if len(m.s.Tokens)+more > limit {
		return fmt.Errorf("the instance would have more than %d tokens: look for a loop with a fork in it", limit)
	}
	return nil
}

func (m *machine) newToken(scope int) int {
	id := m.nextID()
	m.s.Tokens = append(m.s.Tokens, Token{ID: id, Scope: scope})
	if scope != 0 {
		m.scope(scope).Live++
	}
	return id
}

func (m *machine) token(id int) *Token {
	i, _ := find(m.s.Tokens, id)
	return &m.s.Tokens[i]
}

func (m *machine) alive(id int) bool {
	_, ok := find(m.s.Tokens, id)
	return ok
}

// drop takes a token away that has come to its end. The scope it was the last in is done.
func (m *machine) drop(id int) {
	scope := m.take(id)
	if scope == 0 {
		return
	}
	sc := m.scope(scope)
	if sc.Live--; sc.Live == 0 {
		m.emptied(sc)
	} else if sc.Kind == ScopeSub {
		m.heedAdHoc(sc)
	}
}

// take removes a token without a word to its scope, and returns that.
func (m *machine) take(id int) (scope int) {
	i, _ := find(m.s.Tokens, id)
	scope = m.s.Tokens[i].Scope
	m.s.Tokens = remove(m.s.Tokens, i)
	return scope
}

func (t *Token) id() int    { return t.ID }
func (w *Wait) id() int     { return w.ID }
func (i *Incident) id() int { return i.ID }
func (s *Scope) id() int    { return s.ID }

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
