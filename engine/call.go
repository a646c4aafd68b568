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
	from := given
	if from == nil {
		from = m.visible(at)
	}
	out := Variables{}
	for _, t := range list {
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

// returned are the variables that a called process leaves behind.
func (m *machine) returned(n *bpmn.Node, results Variables) (Variables, error) {
	results, err := normalized(results)
	if err != nil {
		return nil, fmt.Errorf("result %w", err)
	}
	if results == nil {
		results = Variables{}
	}
	return m.transfers(n.Call.Out, m.view.at, results)
}
