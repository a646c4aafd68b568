package engine

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/juel"
)

// startVariables merges the variables of a start over the defaults of the properties.
func (m *machine) startVariables(given Variables) (Variables, error) {
	given, err := m.typed(given)
	if err != nil {
		return nil, fmt.Errorf("start variable %w", err)
	}
	variables := make(Variables, len(given)+len(m.p.Properties))
	for _, d := range m.p.Data {
		variables[d.Name] = d.Value
	}
	for i := range m.p.Properties {
		p := &m.p.Properties[i]
		if p.Value != nil {
			variables[p.Name] = p.Value
		}
	}
	maps.Copy(variables, given)
	for i := range m.p.Properties {
		if p := &m.p.Properties[i]; p.Required && variables[p.Name] == nil {
			return nil, fmt.Errorf("start variable %q is required by process %q and is missing", p.Name, m.p.ID)
		}
	}
	if err := fit("the variables", maxBytes, variables); err != nil {
		return nil, err
	}
	if len(variables) == 0 {
		return nil, nil // as it is when the state is read back
	}
	return variables, nil
}

// setInitiator fills the variable that the start event names for the user who started the instance: null when there is
// none and the start has not said otherwise.
func (m *machine) setInitiator(start *bpmn.Node) {
	if start.Initiator == "" {
		return
	}
	var initiator any
	if m.s.Initiator != "" {
		initiator = m.s.Initiator
	} else if _, given := m.s.Variables[start.Initiator]; given {
		return
	}
	m.write(Variables{start.Initiator: initiator})
}

// setFromOutside sets variables that came with an event, as seen at a place. A value that does not fit refuses the event.
func (m *machine) setFromOutside(at int, given Variables) error {
	if err := m.set(at, given); err != nil {
		return fmt.Errorf("variable %w", err)
	}
	return nil
}

// set writes variables, all or none, each where it is: in the nearest scope that has it, seen from a place, else in the process.
func (m *machine) set(at int, given Variables) error {
	if at == 0 {
		return m.setProcess(given)
	}
	values, err := normalized(given)
	if err != nil {
		return err
	}
	outer := maps.Clone(values)
	names := sortedKeys(values)
	for _, name := range names {
		if m.holder(at, name) != nil {
			delete(outer, name)
		}
	}
	if err := m.setProcess(outer); err != nil {
		return err
	}
	for _, name := range names {
		if sc := m.holder(at, name); sc != nil {
			if err := m.setLocal(sc.ID, Variables{name: values[name]}); err != nil {
				return err
			}
		}
	}
	return nil
}

// holder is the nearest scope that has a variable of this name, seen from a place; nil: none but perhaps the process.
func (m *machine) holder(at int, name string) *Scope {
	for id := at; id != 0; {
		sc := m.scope(id)
		if _, ok := sc.Variables[name]; ok {
			return sc
		}
		id = sc.Parent
	}
	return nil
}

// held is a variable that m.view sees.
func (m *machine) held(name string) (any, bool) {
	if sc := m.holder(m.view.at, name); sc != nil {
		return sc.Variables[name], true
	}
	value, ok := m.s.Variables[name]
	return value, ok
}

// visible are all variables that are seen from a place. At the process itself they are the process's own, not a copy.
func (m *machine) visible(at int) Variables {
	if at == 0 {
		return m.s.Variables
	}
	var around []*Scope
	for id := at; id != 0; {
		sc := m.scope(id)
		around = append(around, sc)
		id = sc.Parent
	}
	all := make(Variables, len(m.s.Variables)+4)
	maps.Copy(all, m.s.Variables)
	for _, sc := range slices.Backward(around) {
		if sc.Loop != nil {
			for _, name := range []string{"nrOfInstances", "nrOfActiveInstances", "nrOfCompletedInstances"} {
				all[name], _ = sc.lookup(name)
			}
		}
		maps.Copy(all, sc.Variables)
	}
	return all
}

// setLocal sets variables of a scope when they fit beside its others.
func (m *machine) setLocal(scope int, values Variables) error {
	if len(values) == 0 {
		return nil
	}
	sc := m.scope(scope)
	all := maps.Clone(sc.Variables)
	if all == nil {
		all = make(Variables, len(values))
	}
	maps.Copy(all, values)
	if err := fit("the local variables", maxBytes, all); err != nil {
		return err
	}
	m.written(m.view.node, scope, sc.Variables, values)
	sc.Variables = all
	m.changedAll(values)
	return nil
}

// openLocal gives an activity a place for variables of its own.
func (m *machine) openLocal(token int, n *bpmn.Node) int {
	t := m.token(token)
	if t.Local == 0 {
		sc := m.openScope(ScopeLocal, token, n, t.Scope)
		t.Local = sc.ID
	}
	return t.Local
}

// setProcess writes variables of the process when they fit beside the others.
func (m *machine) setProcess(given Variables) error {
	given, err := m.typed(given)
	if err != nil {
		return err
	}
	if len(given) == 0 {
		return nil
	}
	all := given
	if len(m.s.Variables) > 0 {
		all = maps.Clone(m.s.Variables)
		maps.Copy(all, given)
	}
	if err := fit("the variables", maxBytes, all); err != nil {
		return err
	}
	m.write(given)
	return nil
}

func (m *machine) write(values Variables) {
	m.written(m.view.node, 0, m.s.Variables, values)
	if m.s.Variables == nil {
		m.s.Variables = make(Variables, len(values))
	}
	maps.Copy(m.s.Variables, values)
	m.changedAll(values)
}

// changed remembers what was set, for conditional events.
func (m *machine) changed(name string) {
	m.weight = 0
	if m.p.Conditional() {
		m.changes = append(m.changes, name)
	}
}

func (m *machine) changedAll(values Variables) {
	m.weight = 0
	if m.p.Conditional() {
		m.changes = append(m.changes, sortedKeys(values)...)
	}
}

// typed copies variables in the value model, those that are declared converted to the type of the property.
// Its error starts with the name of the variable.
func (m *machine) typed(given Variables) (Variables, error) {
	typed, err := normalized(given)
	if err != nil {
		return nil, err
	}
	for i := range m.p.Properties {
		p := &m.p.Properties[i]
		value, ok := typed[p.Name]
		if !ok || value == nil {
			continue
		}
		if typed[p.Name], err = bpmn.Convert(p.Type, value); err != nil {
			return nil, fmt.Errorf("%q: %w", p.Name, err)
		}
	}
	return typed, nil
}

func (m *machine) property(name string) *bpmn.Property {
	for i := range m.p.Properties {
		if p := &m.p.Properties[i]; p.Name == name {
			return p
		}
	}
	return nil
}

// normalized copies variables into the value model.
func normalized(given Variables) (Variables, error) {
	if len(given) == 0 {
		return nil, nil
	}
	out := make(Variables, len(given))
	for name, value := range given {
		value, err := juel.Normalize(value)
		if err != nil {
			return nil, firstFailure(given)
		}
		out[name] = value
	}
	return out, nil
}

// firstFailure makes the error of normalized the same in every run.
func firstFailure(given Variables) error {
	for _, name := range sortedKeys(given) {
		if _, err := juel.Normalize(given[name]); err != nil {
			return fmt.Errorf("%q: %w", name, err)
		}
	}
	return errors.New("cannot be read")
}

// clone copies lists and maps.
func clone(value any) any {
	switch v := value.(type) {
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = clone(v[i])
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(v))
		for key, element := range v {
			object[key] = clone(element)
		}
		return object
	}
	return value
}
