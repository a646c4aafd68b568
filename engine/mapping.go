package engine

import (
	"fmt"
	"maps"
	"slices"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/juel"
)

// inputs are what a task gives to its connector, script or user. all says what holds without a mapping entry. Constants
// win over mapped inputs; a mapped variable that does not exist is not sent.
func (m *machine) inputs(n *bpmn.Node, all bool) (Variables, error) {
	mapping := n.Mapping
	if mapping == nil {
		if all {
			variables := m.visible(m.view.at)
			if m.view.at == 0 {
				variables = maps.Clone(variables)
			}
			return variables, nil
		}
		return nil, nil
	}
	inputs := make(Variables, len(mapping.Inputs)+len(mapping.Constants))
	params := mapping.Inputs
	if mapping.AllInputs {
		maps.Copy(inputs, m.visible(m.view.at))
		params = nil
	}
	for _, list := range [2][]bpmn.Param{params, mapping.Constants} {
		for i := range list {
			p := &list[i]
			value, ok, err := m.param(p, nil)
			if err != nil {
				return nil, fmt.Errorf("input %q: %w", p.Name, err)
			}
			if ok {
				inputs[p.Name] = value
			}
		}
	}
	return inputs, fit("the inputs", maxBytes, inputs)
}

// param is the value of one line of a mapping; ok is false when it copies a variable that does not exist, of from or, when that is
// nil, one that the element sees.
func (m *machine) param(p *bpmn.Param, from Variables) (value any, ok bool, err error) {
	switch {
	case p.Variable != "":
		if from != nil {
			value, ok = from[p.Variable]
		} else {
			value, ok = m.held(p.Variable)
		}
		return value, ok, nil
	case p.Expr != nil:
		value, err = p.Expr.Eval(m)
	case p.Dynamic:
		value, err = m.resolve(p.Value)
	default:
		value = p.Value
	}
	return value, err == nil, err
}

// resolve evaluates the expressions inside a value of the model. It visits maps in key order, so that of two failures it
// is always the same one that is told.
func (m *machine) resolve(value any) (any, error) {
	switch v := value.(type) {
	case string:
		if !juel.HoldsExpression(v) {
			return v, nil
		}
		e, err := juel.Parse(v)
		if err != nil {
			return nil, err
		}
		return e.Eval(m)
	case []any:
		list := make([]any, len(v))
		for i := range v {
			var err error
			if list[i], err = m.resolve(v[i]); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[string]any:
		object := make(map[string]any, len(v))
		for _, key := range sortedKeys(v) {
			resolved, err := m.resolve(v[key])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			object[key] = resolved
		}
		return object, nil
	}
	return value, nil
}

// takeResults writes the results of an element to the variables, all or none.
//
// What a connector returns may come from anywhere, and a value with an expression in it would be evaluated by an engine
// that looks for expressions in values; it is refused, as Activiti does. Results of users and scripts and the variables of
// messages are data as well and never evaluated here.
func (m *machine) takeResults(kind WaitKind, n *bpmn.Node, results Variables) error {
	mapping := n.Mapping
	switch {
	case kind == WaitPublish:
		return nil // nobody answers
	case kind == WaitChild && mapping == nil && len(n.Call.Out) > 0:
		return m.takeReturned(n, results)
	}
	named := n.Result != "" && kind == WaitCall
	all := kind != WaitCall && kind != WaitChild || m.p.MapDefault == bpmn.MapAll || n.Java && !named
	if mapping != nil {
		all = mapping.AllOutputs
	}
	if m.p.History {
		given, err := normalized(results)
		if err != nil {
			return fmt.Errorf("result %w", err)
		}
		if err := m.keepResult(n, given); err != nil {
			return err
		}
	}
	if !all && !named && (mapping == nil || len(mapping.Outputs) == 0) || all && len(results) == 0 {
		return nil
	}
	results, err := normalized(results)
	if err != nil {
		return fmt.Errorf("result %w", err)
	}
	if kind == WaitCall {
		for _, name := range sortedKeys(results) {
			if juel.HoldsExpression(results[name]) {
				return fmt.Errorf("result %q: it contains ${ or #{; expressions in results are refused", name)
			}
		}
	}
	var value any = map[string]any(results)
	known := withNames(n.ResultNames, results)
	if named {
		if only, ok := known["result"]; ok {
			value = only
		}
	}
	if !all {
		if results, err = m.mapOutputs(mapping, known); err != nil {
			return err
		}
	}
	if named {
		if results == nil {
			results = Variables{}
		}
		results[n.Result] = value
	}
	if n.Loop != nil && n.Loop.Output != "" { // collected from there
		return m.setLocal(m.view.at, results)
	}
	return m.set(m.view.at, results)
}

// withNames adds what the model calls the outputs of its connector.
func withNames(names map[string]string, results Variables) Variables {
	if len(names) == 0 {
		return results
	}
	known := maps.Clone(results)
	for name, output := range names {
		if value, there := results[output]; there {
			known[name] = value
		}
	}
	return known
}

// mapOutputs computes the variables that the output lines of a mapping write: declared or existing ones only, unless the mapping
// creates them.
func (m *machine) mapOutputs(mapping *bpmn.Mapping, results Variables) (Variables, error) {
	if mapping == nil {
		return nil, nil
	}
	if results == nil {
		results = Variables{}
	}
	m.view.results = results
	written := make(Variables, len(mapping.Outputs))
	for i := range mapping.Outputs {
		p := &mapping.Outputs[i]
		if _, exists := m.held(p.Name); !exists && !mapping.Creates && m.property(p.Name) == nil {
			continue
		}
		value, ok, err := m.param(p, results)
		if err != nil {
			return nil, fmt.Errorf("output to variable %q: %w", p.Name, err)
		}
		if ok {
			written[p.Name] = value
		}
	}
	return written, nil
}

func sortedKeys[M ~map[string]any](m M) []string { return slices.Sorted(maps.Keys(m)) }

// takeFrom takes what came with an event, at a place.
func (m *machine) takeFrom(kind WaitKind, n *bpmn.Node, place int, given Variables) error {
	m.view = view{node: n, at: place}
	return m.takeResults(kind, n, given)
}

// keepResult remembers the result of an element for the scripts that read token.
func (m *machine) keepResult(n *bpmn.Node, results Variables) error {
	all := maps.Clone(m.s.Results)
	if all == nil {
		all = Variables{}
	}
	all[n.ID] = map[string]any(results)
	if m.brought != nil {
		all[n.ID] = m.brought
	}
	if err := fit("the results that token.history holds", maxBytes, all); err != nil {
		return err
	}
	m.s.Results = all
	for i := range m.s.Tokens {
		if t := &m.s.Tokens[i]; t.Element == n.ID {
			t.Last = n.ID
		}
	}
	return nil
}

// localInputs sets the variables of an activity that its model gives it (camunda:inputParameter), one after the other.
func (m *machine) localInputs(token int, n *bpmn.Node) error {
	place := m.openLocal(token, n)
	for i := range n.Inputs {
		m.look(token, n)
		value, err := m.value(&n.Inputs[i].Value)
		if err == nil {
			value, err = juel.Normalize(value)
		}
		if err == nil {
			err = m.setLocal(place, Variables{n.Inputs[i].Name: value})
		}
		if err != nil {
			return fmt.Errorf("input parameter %q: %w", n.Inputs[i].Name, err)
		}
	}
	return nil
}

// outputs sets variables around an activity from those in it (camunda:outputParameter).
func (m *machine) outputs(t *Token, n *bpmn.Node, at int) error {
	for i := range n.Outputs {
		if err := m.output(t, view{node: n, at: at, last: t.Last}, &n.Outputs[i]); err != nil {
			return fmt.Errorf("output parameter %q: %w", n.Outputs[i].Name, err)
		}
	}
	return nil
}

func (m *machine) output(t *Token, from view, o *bpmn.Assignment) error {
	m.view = from
	value, err := m.value(&o.Value)
	if err != nil {
		return err
	}
	return m.set(t.Scope, Variables{o.Name: value})
}

// value evaluates a value of the model.
func (m *machine) value(v *bpmn.Value) (any, error) {
	switch {
	case v.Expr != nil:
		return v.Expr.Eval(m)
	case v.Script != nil:
		return m.evaluate(v.Script, false)
	case len(v.List) > 0:
		list := make([]any, len(v.List))
		for i := range v.List {
			var err error
			if list[i], err = m.value(&v.List[i]); err != nil {
				return nil, err
			}
		}
		return list, nil
	case len(v.Map) > 0:
		object := make(map[string]any, len(v.Map))
		for i := range v.Map {
			value, err := m.value(&v.Map[i].Value)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", v.Map[i].Name, err)
			}
			object[v.Map[i].Name] = value
		}
		return object, nil
	case v.Empty && v.IsMap:
		return map[string]any{}, nil
	case v.Empty:
		return []any{}, nil
	}
	return nil, nil
}
