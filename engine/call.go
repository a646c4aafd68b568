package engine

import (
	"errors"
	"fmt"
	"maps"

	"github.com/waybill-io/waybill/bpmn"
)

// maxDepth bounds how deep calls nest: a process that calls itself would otherwise never stop.
const maxDepth = 100

// callProcess is a call activity.
func (m *machine) callProcess(token int, n *bpmn.Node) error {
	if m.s.Depth >= maxDepth {
		return fmt.Errorf("calls nest %d levels deep: look for a process that calls itself, over others perhaps", maxDepth)
	}
	c := StartChild{Element: n.ID}
	var err error
	if c.Process, err = m.text("called element", n.Call.Element); err != nil {
		return err
	}
	if c.Process == "" {
		return errors.New("called element: it is empty")
	}
	if n.Call.Version != nil {
		value, err := n.Call.Version.Eval(m)
		if err == nil {
			value, err = bpmn.Convert("integer", value)
		}
		version, ok := value.(int64)
		if err != nil || !ok || version < 1 {
			return fmt.Errorf("version of the called element: %s is no version: %w", n.Call.Version.Source(), err)
		}
		c.Version = int(version)
	}
	if c.VersionTag, err = m.text("version tag of the called element", n.Call.VersionTag); err != nil {
		return err
	}
	switch {
	case n.Call.BusinessKey != nil:
		if c.BusinessKey, err = m.text("business key", n.Call.BusinessKey); err != nil {
			return err
		}
	case n.Call.Inherit:
		c.BusinessKey = m.s.BusinessKey
	}
	if c.Variables, err = m.inputs(n, m.p.MapDefault == bpmn.MapAll && len(n.Call.In) == 0); err != nil {
		return err
	}
	in, err := m.transfers(n.Call.In, m.view.at, nil)
	if err != nil {
		return err
	}
	if c.Variables == nil {
		c.Variables = in
	} else {
		maps.Copy(c.Variables, in)
	}
	if err := fit("the variables of the called process", maxBytes, c.Variables); err != nil {
		return err
	}
	c.ID = m.nextID()
	m.await(Wait{ID: c.ID, Token: token, Kind: WaitChild, Element: n.ID}, c)
	return nil
}

// transfers copies variables: those at a place, or given ones. What does not exist becomes null, as in Camunda.
func (m *machine) transfers(list []bpmn.Transfer, at int, given Variables) (Variables, error) {
	if len(list) == 0 {
		return nil, nil
	}
	around := given
	if around == nil {
		around = m.visible(at)
	}
	out := Variables{}
	for _, t := range list {
		from := around
		if t.Local && given == nil {
			from = m.own(at)
		}
		switch {
		case t.All:
			maps.Copy(out, from)
		case t.Expr != nil:
			m.view.results = given
			value, err := t.Expr.Eval(m)
			m.view.results = nil
			if err != nil {
				return nil, fmt.Errorf("variable %q: %w", t.Target, err)
			}
			out[t.Target] = value
		default:
			out[t.Target] = from[t.Source]
		}
	}
	return out, nil
}

// own are the variables of the activity at a place, without those around it.
func (m *machine) own(at int) Variables {
	if at != 0 {
		if sc := m.scope(at); sc.Kind == ScopeLocal {
			return sc.Variables
		}
	}
	return nil
}

// takeReturned takes the variables that a called process leaves behind: around the call activity, or local to it, where only its
// output parameters see them.
func (m *machine) takeReturned(n *bpmn.Node, results Variables) error {
	results, err := normalized(results)
	if err != nil {
		return fmt.Errorf("result %w", err)
	}
	if results == nil {
		results = Variables{}
	}
	var around, local []bpmn.Transfer
	for _, t := range n.Call.Out {
		if t.Local {
			local = append(local, t)
		} else {
			around = append(around, t)
		}
	}
	at := m.view.at
	out, err := m.transfers(around, at, results)
	if err != nil {
		return err
	}
	own, err := m.transfers(local, at, results)
	if err != nil {
		return err
	}
	if err := m.set(at, out); err != nil || len(own) == 0 {
		return err
	}
	return m.setLocal(m.openLocal(m.view.owner, n), own)
}
