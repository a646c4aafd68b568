package engine

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/waybill-io/waybill/bpmn"
)

// beginLoop starts the instances of an activity: all at once, or the first. The token of the activity waits for them.
func (m *machine) beginLoop(token int, n *bpmn.Node) error {
	loop, err := m.extent(n)
	if err != nil {
		return err
	}
	parallel := !n.Loop.Standard && !n.Loop.Sequential
	if parallel {
		if err := m.roomFor(loop.Total); err != nil {
			return err
		}
	}
	if n.Loop.Output != "" && loop.Total > 0 {
		loop.Results = make([]any, loop.Total)
	}
	sc := m.openScope(ScopeLoop, token, n, m.token(token).place())
	sc.Loop = &loop
	id := sc.ID
	if n.Loop.Standard {
		more, err := m.again(n, id, m.token(token).place())
		if err != nil {
			m.closeScope(id)
			return err
		}
		if !more {
			m.completeLoop(m.scope(id), n)
			return nil
		}
	}
	switch {
	case loop.Total == 0:
		m.completeLoop(m.scope(id), n)
	case parallel:
		for range loop.Total {
			m.instance(id, n)
		}
	default:
		m.instance(id, n)
	}
	return nil
}

// extent is how many instances a loop has, and over what.
func (m *machine) extent(n *bpmn.Node) (Loop, error) {
	l := n.Loop
	switch {
	case l.Standard:
		return Loop{Total: -1}, nil
	case l.Collection != nil:
		items, err := m.collection(l)
		if err != nil {
			return Loop{}, fmt.Errorf("collection: %w", err)
		}
		return Loop{Total: len(items), Items: items}, nil
	case l.Cardinality != nil:
		value, err := l.Cardinality.Eval(m)
		if err == nil {
			value, err = bpmn.Convert("integer", value)
		}
		if err != nil {
			return Loop{}, fmt.Errorf("cardinality: %w", err)
		}
		number, ok := value.(int64)
		if !ok || number < 0 || number > 1_000_000 {
			return Loop{}, fmt.Errorf("cardinality: %v is no number of instances", value)
		}
		return Loop{Total: int(number)}, nil
	}
	return Loop{}, errors.New("the loop has neither a cardinality nor a collection")
}

// collection is a list, the variable of that name, or words with commas.
func (m *machine) collection(l *bpmn.Loop) ([]any, error) {
	value, err := l.Collection.Eval(m)
	if err != nil {
		return nil, err
	}
	if text, ok := value.(string); ok {
		held, exists := m.Variable(text)
		switch {
		case exists:
			value = held
		case l.Collection.IsLiteral():
			return nil, fmt.Errorf("there is no variable %q", text)
		default:
			value = splitWords(text)
		}
	}
	switch v := value.(type) {
	case []any:
		return v, nil
	case string:
		return splitWords(v), nil
	}
	return nil, fmt.Errorf("%s gives no list", l.Collection.Source())
}

func splitWords(text string) []any {
	list := []any{}
	for word := range strings.SplitSeq(text, ",") {
		if word = strings.TrimSpace(word); word != "" {
			list = append(list, word)
		}
	}
	return list
}

// instance starts the next instance of a loop.
func (m *machine) instance(scope int, n *bpmn.Node) {
	sc := m.scope(scope)
	i := sc.Loop.Started
	sc.Loop.Started++
	local := Variables{"loopCounter": int64(i)}
	if n.Loop.Index != "" {
		local[n.Loop.Index] = int64(i)
	}
	if n.Loop.Element != "" && sc.Loop.Items != nil {
		local[n.Loop.Element] = sc.Loop.Items[i]
	}
	token := m.newToken(scope)
	own := m.openScope(ScopeLocal, token, n, scope)
	own.Variables = local
	t := m.token(token)
	t.Local, t.Element = own.ID, n.ID
	m.written(n, own.ID, nil, local)
	if m.p.History {
		t.Last = m.token(m.scope(scope).Token).Last
	}
	m.wake(token, n)
}

// instanceDone counts an instance that has completed and starts the next one, or ends the loop.
func (m *machine) instanceDone(token int, n *bpmn.Node) {
	t := m.token(token)
	scope, own := t.Scope, m.scope(t.Local)
	sc := m.scope(scope)
	if i, ok := own.Variables["loopCounter"].(int64); ok && i >= 0 && i < int64(len(sc.Loop.Results)) {
		sc.Loop.Results[i] = result(n.Loop, own.Variables)
	}
	sc.Loop.Completed++
	m.view = view{node: n, at: own.ID}
	over, more, err := false, false, error(nil)
	if n.Loop.Until != nil {
		if over, err = m.condition(n.Loop.Until); err != nil {
			err = fmt.Errorf("completion condition: %w", err)
		}
	}
	if err == nil && !over && n.Loop.Standard {
		more, err = m.again(n, scope, own.ID)
	}
	if err != nil {
		m.scope(scope).Loop.Completed--
		m.suspend(token, n, failure(err)).Done = true
		return
	}
	m.closeScope(own.ID)
	m.take(token)
	sc = m.scope(scope)
	sc.Live--
	switch {
	case over:
		m.clearScope(scope, 0)
		m.completeLoop(m.scope(scope), n)
	case n.Loop.Standard && more, n.Loop.Sequential && sc.Loop.Started < sc.Loop.Total:
		m.instance(scope, n)
	case sc.Live == 0:
		m.completeLoop(sc, n)
	}
}

// result is what is collected of an instance.
func result(l *bpmn.Loop, own Variables) any {
	if l.OutputItem != "" {
		return own[l.OutputItem]
	}
	all := map[string]any(maps.Clone(own))
	for _, name := range []string{"loopCounter", l.Element, l.Index} {
		delete(all, name)
	}
	return all
}

// again reports whether a standard loop runs once more. The condition sees the variables at a place.
func (m *machine) again(n *bpmn.Node, scope, at int) (bool, error) {
	started := m.scope(scope).Loop.Started
	if n.Loop.Maximum != nil {
		m.view = view{node: n, at: at}
		value, err := n.Loop.Maximum.Eval(m)
		if err == nil {
			value, err = bpmn.Convert("integer", value)
		}
		if err != nil {
			return false, fmt.Errorf("loop maximum: %w", err)
		}
		if maximum, ok := value.(int64); ok && int64(started) >= maximum {
			return false, nil
		}
	}
	if n.Loop.While == nil || started == 0 && !n.Loop.TestBefore {
		return true, nil
	}
	m.view = view{node: n, at: at, results: Variables{"loopCounter": int64(started)}}
	more, err := m.condition(n.Loop.While)
	if err != nil {
		return false, fmt.Errorf("loop condition: %w", err)
	}
	return more, nil
}

// completeLoop ends an activity whose instances are done. What they can be compensated for is now the activity's.
func (m *machine) completeLoop(sc *Scope, n *bpmn.Node) {
	id, token, loop := sc.ID, sc.Token, sc.Loop
	t := m.token(token)
	for i := range m.s.Compensations {
		if m.s.Compensations[i].Scope == id {
			m.s.Compensations[i].Scope = t.Scope
		}
	}
	m.closeScope(id)
	if n.Loop.Output != "" {
		results := loop.Results
		if results == nil {
			results = []any{}
		}
		if err := m.set(t.Scope, Variables{n.Loop.Output: results}); err != nil {
			m.suspend(token, n, failure(fmt.Errorf("collected results: %w", err)))
			return
		}
		t = m.token(token)
	}
	m.disarm(t, n)
	if loop.Completed == 0 {
		m.passed(token, n)
	}
	m.ready = append(m.ready, runnable{token: token, node: n, leaving: true})
}
