package engine

import (
	"errors"
	"fmt"
	"maps"

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

// setFromOutside sets variables that came with an event. A value that does not fit refuses the event.
func (m *machine) setFromOutside(given Variables) error {
	given, err := m.typed(given)
	if err != nil {
		return fmt.Errorf("variable %w", err)
	}
	return m.put(given)
}

// set writes variables, all or none.
func (m *machine) set(given Variables) error {
	given, err := m.typed(given)
	if err != nil {
		return err
	}
	return m.put(given)
}

// put writes variables when they fit beside the others.
func (m *machine) put(given Variables) error {
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
	if m.s.Variables == nil {
		m.s.Variables = make(Variables, len(values))
	}
	maps.Copy(m.s.Variables, values)
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
