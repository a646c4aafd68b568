package engine

import (
	"slices"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/events"
)

func (m *machine) scope(id int) *Scope {
	i, _ := find(m.s.Scopes, id)
	return &m.s.Scopes[i]
}

// openScope makes a scope that belongs to a token. The pointer is good until the next scope is made.
func (m *machine) openScope(kind ScopeKind, token int, n *bpmn.Node, parent int) *Scope {
	m.s.Scopes = append(m.s.Scopes, Scope{ID: m.nextID(), Kind: kind, Parent: parent, Token: token, Element: n.ID})
	return &m.s.Scopes[len(m.s.Scopes)-1]
}

func (m *machine) closeScope(id int) {
	i, _ := find(m.s.Scopes, id)
	m.s.Scopes = remove(m.s.Scopes, i)
}

// place is the scope whose variables a token sees first; 0: the process.
func (t *Token) place() int {
	if t.Local != 0 {
		return t.Local
	}
	return t.Scope
}

// inner reports whether a token is one instance of the loop of its activity, which another token waits for.
func (m *machine) inner(t *Token, n *bpmn.Node) bool {
	if t.Scope == 0 || n.Loop == nil {
		return false
	}
	sc := m.scope(t.Scope)
	return sc.Kind == ScopeLoop && sc.Element == n.ID
}

// emptied goes on when the last token of a scope is gone.
func (m *machine) emptied(sc *Scope) {
	owner, err := m.node(sc.Element)
	if err != nil {
		return // the model was checked when the scope was made
	}
	switch sc.Kind {
	case ScopeCompensation:
		m.compensated(sc)
	case ScopeLoop: // an instance ended in silence
		m.completeLoop(sc, owner)
	case ScopeSub:
		if owner.Kind == bpmn.AdHocSubProcess {
			m.heedAdHoc(sc)
			return
		}
		m.completeScope(sc)
	}
}

// completeScope ends a sub-process whose tokens are all gone, and with it the activity.
func (m *machine) completeScope(sc *Scope) {
	id, token := sc.ID, sc.Token
	n := m.p.Node(sc.Element)
	m.keepCompensations(sc, n)
	m.dropWaits(func(w *Wait) bool { return w.Token == 0 && w.Scope == id })
	m.complete(token, n, id)
}

// doomed are tokens and scopes that are to go.
type doomed struct{ tokens, scopes map[int]bool }

// doom finds all that goes with some tokens and scopes: what runs in the scopes, and the scopes that belong to the tokens. What
// belongs to something is made after it, so that one walk in order of the ids finds all.
func (m *machine) doom(token func(*Token) bool, scope func(*Scope) bool) doomed {
	m.moves += 1 + (len(m.s.Tokens)+len(m.s.Scopes))/elementsPerMove
	d := doomed{map[int]bool{}, map[int]bool{}}
	t, sc := m.s.Tokens, m.s.Scopes
	for len(t)+len(sc) > 0 {
		if len(sc) == 0 || len(t) > 0 && t[0].ID < sc[0].ID {
			if d.scopes[t[0].Scope] || token(&t[0]) {
				d.tokens[t[0].ID] = true
			}
			t = t[1:]
			continue
		}
		if d.scopes[sc[0].Parent] || d.tokens[sc[0].Token] || scope(&sc[0]) {
			d.scopes[sc[0].ID] = true
		}
		sc = sc[1:]
	}
	return d
}

// reap takes away what is doomed, with all that it waits for. What is under way in it is cut off.
func (m *machine) reap(d doomed) {
	m.cutOff(func(t *Token) bool { return d.tokens[t.ID] })
	m.takeAway(d)
}

// takeAway removes what is doomed without a word.
func (m *machine) takeAway(d doomed) {
	m.reaped = true
	m.dropWaits(func(w *Wait) bool { return d.tokens[w.Token] || w.Token == 0 && d.scopes[w.Scope] })
	m.gone(d)
	m.s.Incidents = slices.DeleteFunc(m.s.Incidents, func(i Incident) bool { return d.tokens[i.Token] })
	m.s.Joins = slices.DeleteFunc(m.s.Joins, func(j Join) bool { return d.scopes[j.Scope] })
	m.s.Compensations = slices.DeleteFunc(m.s.Compensations, func(c Compensation) bool { return d.scopes[c.Scope] })
	m.s.Tokens = slices.DeleteFunc(m.s.Tokens, func(t Token) bool { return d.tokens[t.ID] })
	m.s.Scopes = slices.DeleteFunc(m.s.Scopes, func(s Scope) bool { return d.scopes[s.ID] })
}

// dropWaits stops what is waited for, in order.
func (m *machine) dropWaits(which func(*Wait) bool) {
	m.moves += len(m.s.Waits) / elementsPerMove
	kept := m.s.Waits[:0]
	for i := range m.s.Waits {
		w := m.s.Waits[i]
		if which(&w) {
			m.stop(w)
			continue
		}
		kept = append(kept, w)
	}
	clear(m.s.Waits[len(kept):])
	m.s.Waits = kept
}

// stop tells the host that nobody waits any more.
func (m *machine) stop(w Wait) {
	if w.Ref != 0 {
		m.givenUp(w)
	}
	if w.Kind != WaitCondition {
		m.command(Stop{ID: w.ID})
	}
}

// interrupt takes a token out of an activity that has not completed: what the activity had under way is stopped, its
// incident is over, and the token is free to go elsewhere.
func (m *machine) interrupt(token int, activity *bpmn.Node) {
	var d doomed
	if len(m.s.Scopes) > 0 {
		d = m.doom(func(*Token) bool { return false }, func(s *Scope) bool { return s.Token == token })
	}
	m.cutOff(func(t *Token) bool { return d.tokens[t.ID] || t.ID == token })
	if len(d.scopes) > 0 {
		m.takeAway(d)
	}
	t := m.token(token)
	m.disarm(t, activity)
	t.Flow, t.Done, t.Ending, t.Ended, t.Local = "", false, false, false, 0
	m.closeIncident(token)
	m.cancel(t)
}

func (m *machine) closeIncident(token int) {
	if i := slices.IndexFunc(m.s.Incidents, func(i Incident) bool { return i.Token == token }); i >= 0 {
		m.solved(m.s.Incidents[i], "", events.Cancelled)
		m.s.Incidents = remove(m.s.Incidents, i)
	}
}

// clearScope takes away all that runs in a scope but one token (0: none); 0 is the process. The scope itself stays.
func (m *machine) clearScope(id, but int) {
	d := m.doom(func(t *Token) bool { return t.Scope == id && t.ID != but }, func(*Scope) bool { return false })
	m.reap(d)
	m.dropWaits(func(w *Wait) bool { return w.Token == 0 && w.Scope == id })
	m.s.Joins = slices.DeleteFunc(m.s.Joins, func(j Join) bool {
		if j.Scope == id {
			m.cancelJoin(&j)
		}
		return j.Scope == id
	})
	if id != 0 {
		m.scope(id).Live = 0
		if but != 0 {
			m.scope(id).Live = 1
		}
	}
}
