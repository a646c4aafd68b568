package bpmn

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// inputOutput reads camunda:inputOutput: variables local to an activity, and those that it leaves behind.
func (p *parser) inputOutput(e *element, n *Node) {
	n.Inputs, n.Outputs = p.parameters(e, e)
}

// parameters reads the inputOutput element of an element, or of a connector.
func (p *parser) parameters(e, holder *element) (inputs, outputs []Assignment) {
	block := p.extension(holder, "inputOutput")
	for _, c := range holder.children { // a connector has it without extensionElements
		if c.name.Local == "inputOutput" {
			block = c
		}
	}
	if block == nil {
		return nil, nil
	}
	for _, c := range block.children {
		name := c.attr("", "name")
		switch {
		case dialectAttr(e, "modelerTemplate") != "" && unfilled(c):
		case name == "":
			p.at(e, "%s has no name", c.name.Local)
		case c.name.Local == "inputParameter":
			inputs = append(inputs, Assignment{name, p.value(e, "input parameter "+strconv.Quote(clip(name)), c)})
		case c.name.Local == "outputParameter":
			outputs = append(outputs, Assignment{name, p.value(e, "output parameter "+strconv.Quote(clip(name)), c)})
		default:
			p.at(e, "inputOutput: %s is not known", clip(c.name.Local))
		}
	}
	return inputs, outputs
}

// unfilled tells of fields of an element template that nobody has filled in: an input without a value, an output without a variable.
// They would hide variables of the process that have the input's name.
func unfilled(c *element) bool {
	switch c.name.Local {
	case "inputParameter":
		return len(c.children) == 0 && c.text() == ""
	case "outputParameter":
		return c.attr("", "name") == ""
	}
	return false
}

// value reads the content of a parameter: text, a list, a map or a script.
func (p *parser) value(e *element, what string, holder *element) Value {
	for _, c := range holder.children {
		switch c.name.Local {
		case "list":
			v := Value{Empty: len(c.children) == 0}
			for _, item := range c.children {
				v.List = append(v.List, p.item(e, what, item))
			}
			return v
		case "map":
			v := Value{IsMap: true, Empty: len(c.children) == 0}
			for _, entry := range c.children {
				v.Map = append(v.Map, Assignment{entry.attr("", "key"), p.value(e, what, entry)})
			}
			return v
		case "script":
			return Value{Script: p.dialectScript(e, what, c)}
		}
	}
	if holder.text() == "" {
		return Value{}
	}
	return Value{Expr: p.expr(e, what, holder.text())}
}

// item reads an element of a list: a value, a script, or a list or map again.
func (p *parser) item(e *element, what string, c *element) Value {
	switch c.name.Local {
	case "script":
		return Value{Script: p.dialectScript(e, what, c)}
	case "list", "map":
		return p.value(e, what, &element{name: c.name, children: []*element{c}})
	}
	return p.value(e, what, c)
}

// dialectScript reads a script element of a dialect.
func (p *parser) dialectScript(e *element, what string, c *element) *Script {
	format := strings.ToLower(firstOf(c.attr("", "scriptFormat"), dialectAttr(c, "scriptFormat")))
	switch {
	case c.attr("", "resource") != "" || dialectAttr(c, "resource") != "":
		p.at(e, "%s: a script in an external resource is not supported: write it into the model", what)
	case format == "groovy":
		p.at(e, `%s: Groovy is not supported: write the script in JavaScript, scriptFormat="javascript"`, what)
	case !isJavaScript(format):
		p.at(e, "%s: scriptFormat %q is not supported: use javascript", what, clip(format))
	}
	return p.inPlace(e, what, c.text())
}

// dataObject reads a data object: a variable when a dialect gives it a value.
func (p *parser) dataObject(e *element, parent *Node) {
	for _, c := range dialectElements(e) {
		if c.name.Local != "value" {
			continue
		}
		value, err := typedValue(reference(e, "itemSubjectRef"), c.text())
		if err != "" {
			p.at(e, "value: %s", err)
		}
		d := Datum{Name: firstOf(e.attr("", "name"), e.id()), Value: value}
		if parent == nil {
			p.proc.Data = append(p.proc.Data, d)
		} else {
			parent.Data = append(parent.Data, d)
		}
	}
}

// typedValue reads a text as an XML Schema type; the error is a text.
func typedValue(typ, text string) (any, string) {
	switch strings.ToLower(typ) {
	case "", "string":
		return text, ""
	case "int", "integer", "long", "short":
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n, ""
		}
	case "double", "float", "decimal":
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			return f, ""
		}
	case "boolean":
		if text == "true" || text == "false" {
			return text == "true", ""
		}
	case "datetime", "date":
		if t, err := ParseDate(text); err == nil {
			return t.Format(time.RFC3339Nano), ""
		}
	case "json":
		if json.Valid([]byte(text)) {
			return fromText(text), ""
		}
	default:
		return nil, "the type " + strconv.Quote(clip(typ)) + " is not supported: use string, int, long, double, boolean, datetime or json"
	}
	return nil, strconv.Quote(clip(text)) + " is no " + typ
}

// subProcess reads a sub-process of any sort with all that is in it.
func (p *parser) subProcess(e *element, n *Node) {
	n.Triggered = p.boolean(e, "triggeredByEvent", false)
	if n.Triggered && (n.Kind != SubProcess || n.Loop != nil) {
		p.at(e, "triggeredByEvent: only a plain sub-process without a loop can be an event sub-process")
	}
	if n.Kind == AdHocSubProcess {
		n.AdHoc = &AdHoc{
			Sequential:      strings.EqualFold(e.attr("", "ordering"), "sequential"),
			CancelRemaining: p.boolean(e, "cancelRemainingInstances", true),
		}
		if c := e.child("completionCondition"); c != nil && c.text() != "" {
			n.AdHoc.Until = p.conditionOf(e, "completionCondition", c)
		}
	}
	p.children(e, n)
}
