package bpmn

import (
	"slices"
	"strings"
)

// exchange gives the tasks that call a connector and have no mapping of their own the parameters of the model as one: the input
// parameters are the inputs of the call, the output parameters are over its results. That is what an element template writes.
// With the mapping default all, every variable goes in and comes out, these among them, and nothing is to be done.
func (m *Model) exchange() {
	for _, p := range m.Processes {
		if p.MapDefault == MapAll {
			continue
		}
		for _, n := range p.Nodes {
			if n.Mapping == nil {
				n.Mapping = m.parameters(n)
			}
		}
	}
}

// parameters is the mapping that the parameters of a task are, or nil. Input parameters stay variables of the task, which its boundary
// events see.
func (m *Model) parameters(n *Node) *Mapping {
	if n.Implementation == "" || n.Java || len(n.Inputs)+len(n.Outputs) == 0 {
		return nil
	}
	mapping := &Mapping{Creates: true}
	for _, in := range n.Inputs {
		switch v := in.Value; {
		case v.Expr != nil && v.Expr.IsLiteral() && !strings.Contains(v.Expr.Source(), `\`): // nothing is escaped
			mapping.Inputs = append(mapping.Inputs, Param{Name: in.Name, Value: v.Expr.Source()})
		case v.Expr != nil || v.Script != nil || v.List != nil || v.Map != nil || v.Empty: // not left empty
			mapping.Inputs = append(mapping.Inputs, Param{Name: in.Name, Variable: in.Name})
		}
	}
	n.Outputs = slices.DeleteFunc(slices.Clone(n.Outputs), func(out Assignment) bool {
		if out.Value.Expr == nil { // a list, a map or a script, which has nothing of the results
			return false
		}
		if reads := out.Value.Expr.Variables(); len(reads) > 0 && !slices.ContainsFunc(reads, func(name string) bool { return !given(n, name) }) {
			return false // over what came in, as it is when the task ends
		}
		if given(n, out.Name) {
			m.notices = append(m.notices, Warning{
				File: m.Name, Line: n.Line, Kind: n.Kind.String(), Element: n.ID, Code: "local-output",
				Msg: "output parameter " + clip(out.Name) + " has the name of an input parameter, so it ends with the task: name another variable",
			})
		}
		mapping.Outputs = append(mapping.Outputs, Param{Name: out.Name, Expr: out.Value.Expr})
		return true
	})
	sortParams(mapping.Inputs)
	sortParams(mapping.Outputs)
	return mapping
}

// given tells whether a task has an input parameter of this name.
func given(n *Node, name string) bool {
	return slices.ContainsFunc(n.Inputs, func(in Assignment) bool { return in.Name == name })
}
