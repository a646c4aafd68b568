package bpmn

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/waybill-io/waybill/juel"
)

// dump writes a model as text, one node or flow a line, for golden files and for comparing models.
func dump(m *Model, lines bool) string {
	var b strings.Builder
	line := func(n int) string {
		if !lines {
			return ""
		}
		return fmt.Sprintf(" @%d", n)
	}
	for _, p := range m.Processes {
		fmt.Fprintf(&b, "process %s %q version=%q map=%s%s\n", p.ID, p.Name, p.VersionTag, p.MapDefault, line(p.Line))
		for _, v := range p.Properties {
			fmt.Fprintf(&b, "  property %s %q %s required=%v value=%s\n", v.ID, v.Name, v.Type, v.Required, asJSON(v.Value))
		}
		for i, n := range p.Nodes {
			fmt.Fprintf(&b, "  %d %s %s %q%s%s\n", i, n.Kind, n.ID, n.Name, line(n.Line), dumpNode(n))
		}
		for _, f := range p.Flows {
			fmt.Fprintf(&b, "  flow %s %s -> %s%s%s\n", f.ID, f.Source.ID, f.Target.ID, line(f.Line), condition("if", f.Condition))
		}
	}
	return b.String()
}

func dumpNode(n *Node) string {
	var b strings.Builder
	for _, f := range n.Incoming {
		b.WriteString(" <" + f.ID)
	}
	for _, f := range n.Outgoing {
		b.WriteString(" >" + f.ID)
	}
	if n.Default != nil {
		b.WriteString(" default=" + n.Default.ID)
	}
	if n.AttachedTo != nil {
		fmt.Fprintf(&b, " on=%s interrupting=%v", n.AttachedTo.ID, n.Interrupting)
	}
	for _, x := range n.Boundary {
		b.WriteString(" boundary=" + x.ID)
	}
	if n.Event != NoEvent {
		fmt.Fprintf(&b, " event=%d", n.Event)
	}
	if n.Initiator != "" {
		b.WriteString(" initiator=" + n.Initiator)
	}
	if t := n.Timer; t != nil {
		b.WriteString(field("date", t.Date) + field("duration", t.Duration) + field("cycle", t.Cycle))
	}
	if m := n.Message; m != nil {
		b.WriteString(field("message", m.Name) + field("key", m.Key))
	}
	if n.Implementation != "" {
		fmt.Fprintf(&b, " implementation=%q", n.Implementation)
	}
	if n.Retry != nil {
		fmt.Fprintf(&b, " retry=%+v", *n.Retry)
	}
	if n.Script != nil {
		fmt.Fprintf(&b, " script={%+q %+q %+q}", n.Script.Format, n.Script.Source, n.Script.ResultVariable)
		if n.Script.AutoStore {
			b.WriteString(" auto-store")
		}
	}
	if u := n.User; u != nil {
		b.WriteString(field("title", u.Name) + field("assignee", u.Assignee))
		for _, x := range u.CandidateUsers {
			b.WriteString(field("user", x))
		}
		for _, x := range u.CandidateGroups {
			b.WriteString(field("group", x))
		}
		b.WriteString(field("due", u.DueDate) + field("priority", u.Priority) + field("form", u.FormKey) + field("description", u.Description))
	}
	if m := n.Mapping; m != nil {
		fmt.Fprintf(&b, "\n      mapping allInputs=%v allOutputs=%v", m.AllInputs, m.AllOutputs)
		for i, list := range [][]Param{m.Inputs, m.Outputs, m.Constants} {
			for _, p := range list {
				fmt.Fprintf(&b, "\n        %s %s = %s", []string{"input", "output", "constant"}[i], p.Name, dumpParam(p))
			}
		}
	}
	return b.String()
}

func dumpParam(p Param) string {
	switch {
	case p.Variable != "":
		return "variable " + p.Variable
	case p.Expr != nil:
		return "expression " + p.Expr.Source()
	case p.Dynamic:
		return "dynamic " + asJSON(p.Value)
	}
	return "value " + asJSON(p.Value)
}

func field(name string, x *juel.Expr) string {
	if x == nil {
		return ""
	}
	return fmt.Sprintf(" %s=%q", name, x.Source())
}

func condition(name string, c *Condition) string {
	switch {
	case c == nil:
		return ""
	case c.Script != nil:
		return fmt.Sprintf(" %s=%q", name, c.Script.Format+":"+c.Script.Source)
	}
	return field(name, c.Expr)
}

func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
