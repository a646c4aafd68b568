// Package elementtemplate writes the actions of a connector as element templates of Camunda Modeler (for Camunda 7), so that they can be
// dragged into a model: a service task with its implementation set, a field for each input, and one for each output, where the
// variable is named that receives it.
//
// What the Modeler makes of a template are the attribute implementation, camunda:inputParameter and camunda:outputParameter; package
// bpmn reads those as the inputs and outputs of the call. Values are texts there, so an input of another type wants an expression:
// ${30}, ${order}. The schema is that of @camunda/element-templates-json-schema.
package elementtemplate

import (
	"fmt"

	"github.com/waybill-io/waybill/connectors"
)

const schema = "https://unpkg.com/@camunda/element-templates-json-schema/resources/schema.json"

// Template is one element template, of one action.
type Template struct {
	Schema      string      `json:"$schema"`
	Name        string      `json:"name"`
	ID          string      `json:"id"` // the Modeler writes it into the model, and finds the template by it
	Description string      `json:"description,omitempty"`
	AppliesTo   []string    `json:"appliesTo"`
	ElementType ElementType `json:"elementType"`
	Groups      []Group     `json:"groups,omitempty"`
	Properties  []Property  `json:"properties"`
}

// ElementType is what an element becomes by a template.
type ElementType struct {
	Value string `json:"value"`
}

// Group is a heading of the properties panel.
type Group struct {
	ID    string `json:"id"`
	Label string `json:"label"`
}

// Property is a field of the properties panel and what it writes into the model.
type Property struct {
	Label       string       `json:"label,omitempty"`
	Description string       `json:"description,omitempty"`
	Type        string       `json:"type"`
	Value       string       `json:"value,omitempty"`
	Group       string       `json:"group,omitempty"`
	Binding     Binding      `json:"binding"`
	Choices     []Choice     `json:"choices,omitempty"`
	Constraints *Constraints `json:"constraints,omitempty"`
}

// Binding is where a property is written to.
type Binding struct {
	Type   string `json:"type"`
	Name   string `json:"name,omitempty"`
	Source string `json:"source,omitempty"`
}

// Choice is a value of a dropdown.
type Choice struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Constraints are what the Modeler checks while somebody types.
type Constraints struct {
	NotEmpty bool     `json:"notEmpty,omitempty"`
	Pattern  *Pattern `json:"pattern,omitempty"`
}

// Pattern is a regular expression, and what to say where it does not hold.
type Pattern struct {
	Value   string `json:"value"`
	Message string `json:"message"`
}

// Of are the templates of a connector, one for each action.
func Of(d *connectors.Definition) []Template {
	all := make([]Template, 0, len(d.Actions))
	for _, action := range d.Actions {
		all = append(all, of(d, action))
	}
	return all
}

func of(d *connectors.Definition, action connectors.Feature) Template {
	implementation := d.Name + "." + action.Name
	t := Template{
		Schema: schema, Name: implementation, ID: "io.waybill." + implementation, Description: action.Description,
		AppliesTo: []string{"bpmn:Task", "bpmn:ServiceTask"}, ElementType: ElementType{"bpmn:ServiceTask"},
		Properties: []Property{{Type: "Hidden", Value: implementation, Binding: Binding{Type: "property", Name: "implementation"}}},
	}
	if len(action.Inputs) > 0 {
		t.Groups = append(t.Groups, Group{"inputs", "Inputs"})
	}
	for _, p := range action.Inputs {
		t.Properties = append(t.Properties, input(p))
	}
	if len(action.Outputs) > 0 {
		t.Groups = append(t.Groups, Group{"outputs", "Outputs"})
	}
	for _, p := range action.Outputs {
		source := "${" + p.Name + "}"
		if !isName(p.Name) { // such as email.error
			continue
		}
		t.Properties = append(t.Properties, Property{
			Label: p.Name, Description: sentence(p.Description, "Name of the variable that gets it; empty: nobody does."),
			Type: "String", Group: "outputs", Binding: Binding{Type: "camunda:outputParameter", Source: source},
		})
	}
	return t
}

func input(p connectors.Parameter) Property {
	property := Property{
		Label: p.Name, Description: p.Description, Type: "String", Group: "inputs", Binding: Binding{Type: "camunda:inputParameter", Name: p.Name},
	}
	var c Constraints
	c.NotEmpty = p.Required
	switch p.Type {
	case connectors.TypeBoolean:
		property.Type = "Dropdown"
		property.Choices = []Choice{{"true", "${true}"}, {"false", "${false}"}}
		if !p.Required {
			property.Choices = append([]Choice{{"(not set)", ""}}, property.Choices...)
		}
	case connectors.TypeInteger, connectors.TypeJSON, connectors.TypeArray, connectors.TypeFile:
		example := "${" + p.Name + "}"
		if p.Type == connectors.TypeInteger {
			example = "${30}"
		}
		message := fmt.Sprintf("a value of type %s is an expression, such as %s", p.Type, example)
		property.Description = sentence(p.Description, "An expression, such as "+example+".")
		c.Pattern = &Pattern{Value: `^(\$\{[\s\S]+\})?$`, Message: message}
	}
	if c != (Constraints{}) {
		property.Constraints = &c
	}
	return property
}

func sentence(before, after string) string {
	if before == "" {
		return after
	}
	return before + " " + after
}

// isName tells what an expression can name.
func isName(s string) bool {
	for i, r := range s {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}
