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
			return maps.Clone(m.s.Variables), nil
		}
		return nil, nil
	}
	inputs := make(Variables, len(mapping.Inputs)+len(mapping.Constants))
	params := mapping.Inputs
	if mapping.AllInputs {
		maps.Copy(inputs, m.s.Variables)
		params = nil
	}
	for _, list := range [2][]bpmn.Param{params, mapping.Constants} {
		for i := range list {
			p := &list[i]
			value, ok, err := m.param(p, m.s.Variables)
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

// param is the value of one line of a mapping; ok is false when it copies a variable that does not exist.
func (m *machine) param(p *bpmn.Param, from Variables) (value any, ok bool, err error) {
	switch {
	case p.Variable != "":
		value, ok = from[p.Variable]
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
	all := kind != WaitCall || m.p.MapDefault == bpmn.MapAll
	if mapping != nil {
		all = mapping.AllOutputs
	}
	if !all && (mapping == nil || len(mapping.Outputs) == 0) || all && len(results) == 0 {
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
	if !all {
		if results, err = m.mapOutputs(mapping, results); err != nil {
			return err
		}
	}
	return m.set(results)
}

// mapOutputs computes the variables that the output lines of a mapping write: declared or existing ones only.
func (m *machine) mapOutputs(mapping *bpmn.Mapping, results Variables) (Variables, error) {
	m.scope.results = results
	written := make(Variables, len(mapping.Outputs))
	for i := range mapping.Outputs {
		p := &mapping.Outputs[i]
		if _, exists := m.s.Variables[p.Name]; !exists && m.property(p.Name) == nil {
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
