package bpmn

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/juel"
)

// known are the variables that the model declares or sets by name, sorted.
func (l *linter) known() []string {
	names := map[string]bool{}
	for _, prop := range l.p.Properties {
		names[prop.Name] = true
	}
	for _, n := range l.p.Nodes {
		if n.Initiator != "" {
			names[n.Initiator] = true
		}
		if n.Script != nil && n.Script.ResultVariable != "" {
			names[n.Script.ResultVariable] = true
		}
		for _, name := range sets(n) {
			names[name] = true
		}
		if n.Mapping != nil {
			for _, out := range n.Mapping.Outputs {
				names[out.Name] = true
			}
		}
	}
	for _, d := range l.p.Data {
		names[d.Name] = true
	}
	delete(names, "")
	return sorted(names)
}

// beans refuses methods of variables that would become calls of Java beans, which nobody answers.
func (m *Model) beans() []error {
	found := problems{file: m.Name}
	for _, p := range m.Processes {
		known := (&linter{p: p}).known()
		for _, n := range p.Nodes {
			if n.Bean != "" && n.Bean != n.Result && slices.Contains(known, n.Bean) {
				found.add(&Error{
					Line: n.Line, Kind: n.Kind.String(), Element: n.ID,
					Msg: fmt.Sprintf("expression calls %s, but %s is a variable, which has no such method: compute the value in a script task", n.Implementation, n.Bean),
				})
			}
		}
	}
	return found.all()
}

// sets are the variables that a node sets by name beside its mapping; "" for none.
func sets(n *Node) []string {
	names := []string{n.Result}
	if l := n.Loop; l != nil {
		names = append(names, l.Element, l.Index, l.Output, "loopCounter", "nrOfInstances", "nrOfActiveInstances", "nrOfCompletedInstances")
	}
	for _, a := range slices.Concat(n.Inputs, n.Outputs) {
		names = append(names, a.Name)
	}
	if n.User != nil {
		names = append(names, n.User.Completer)
	}
	if e := n.Error; e != nil {
		names = append(names, e.CodeVariable, e.MessageVariable)
	}
	if e := n.Escalation; e != nil {
		names = append(names, e.CodeVariable)
	}
	for _, d := range n.Data {
		names = append(names, d.Name)
	}
	if n.Call != nil {
		for _, t := range n.Call.Out {
			names = append(names, t.Target)
		}
	}
	return names
}

// variables warns of outputs that may be dropped and of reads that may fail. A process that declares nothing gets its
// variables from whoever starts it, so its reads prove nothing.
func (l *linter) variables() {
	declared := map[string]bool{"initiator": true}
	for _, prop := range l.p.Properties {
		declared[prop.Name] = true
	}
	for _, n := range l.p.Nodes {
		if n.Mapping == nil || n.Mapping.Creates {
			continue
		}
		for _, out := range n.Mapping.Outputs {
			if !declared[out.Name] {
				l.warn(n, "undeclared-output", "output to %q is dropped unless the variable exists by then: declare it as a property", out.Name)
			}
		}
	}
	if len(l.p.Properties) == 0 || l.effects() {
		return
	}
	for _, name := range l.known() {
		declared[name] = true
	}
	var scripts []string
	for _, n := range l.p.Nodes {
		if n.Script != nil {
			scripts = append(scripts, n.Script.Source)
		}
	}
	check := func(line int, kind, element string, names []string) {
		for _, name := range names {
			if declared[name] || slices.ContainsFunc(scripts, func(s string) bool { return strings.Contains(s, name) }) {
				continue
			}
			l.warnings = append(l.warnings, Warning{
				File: l.file, Line: line, Kind: kind, Element: element, Code: "unknown-variable",
				Msg: fmt.Sprintf("reads the variable %q, which nothing declares or sets", name),
			})
		}
	}
	for _, n := range l.p.Nodes {
		check(n.Line, n.Kind.String(), n.ID, reads(n))
	}
	for _, f := range l.p.Flows {
		if f.Condition != nil {
			check(f.Line, "sequenceFlow", f.ID, f.Condition.variables())
		}
	}
}

// effects reports whether a listener or a called process may set variables that nothing names.
func (l *linter) effects() bool {
	any := len(l.p.Listeners) > 0
	for _, n := range l.p.Nodes {
		any = any || len(n.Listeners) > 0 || n.Java || n.Topic != nil || n.Expression != nil && n.Expression.Effects() ||
			n.Call != nil && slices.ContainsFunc(n.Call.Out, func(t Transfer) bool { return t.All })
	}
	for _, f := range l.p.Flows {
		any = any || len(f.Listeners) > 0
	}
	return any
}

// reads are the variables that a node's expressions and inputs name, sorted.
func reads(n *Node) []string {
	names := map[string]bool{}
	expr := func(list ...*juel.Expr) {
		for _, x := range list {
			if x == nil {
				continue
			}
			for _, name := range x.Variables() {
				names[name] = true
			}
		}
	}
	if t := n.Timer; t != nil {
		expr(t.Date, t.Duration, t.Cycle)
	}
	if m := n.Message; m != nil {
		expr(m.Name, m.Key)
	}
	if u := n.User; u != nil {
		expr(u.Name, u.Assignee, u.DueDate, u.Priority, u.FormKey)
		expr(u.CandidateUsers...)
		expr(u.CandidateGroups...)
	}
	if l := n.Loop; l != nil {
		expr(l.Cardinality, l.Collection, l.Maximum)
	}
	expr(n.Topic, n.JobPriority, n.Expression)
	expr(n.Arguments...)
	if m := n.Mapping; m != nil {
		for _, param := range slices.Concat(m.Inputs, m.Constants) {
			if param.Variable != "" {
				names[param.Variable] = true
			}
			expr(param.Expr)
			if param.Dynamic {
				inside(param.Value, func(x *juel.Expr) { expr(x) })
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// inside visits the expressions in a value that Parse has checked.
func inside(v any, visit func(*juel.Expr)) {
	switch v := v.(type) {
	case string:
		if x, err := juel.Parse(v); err == nil {
			visit(x)
		}
	case []any:
		for _, inner := range v {
			inside(inner, visit)
		}
	case map[string]any:
		for _, key := range sorted(v) {
			inside(v[key], visit)
		}
	}
}
