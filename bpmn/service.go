package bpmn

import (
	"slices"
	"strconv"
	"strings"

	"github.com/waybill-io/waybill/juel"
)

// service reads who does the work of a service, send or business rule task, and the model's own retry policy.
func (p *parser) service(e *element, n *Node) {
	n.Properties = p.properties(e)
	p.worker(e, e, n, true)
	p.retries(e, n)
	p.errorMappings(e, n)
}

// worker reads who does the work of e: a connector, an external worker, an expression or what the model asks of Java. part has the
// attributes: e itself or its message event definition.
func (p *parser) worker(e, part *element, n *Node, required bool) {
	n.Result = firstOf(dialectAttr(part, "resultVariable"), dialectAttr(part, "resultVariableName"))
	n.JobPriority = p.expr(e, "taskPriority", dialectAttr(part, "taskPriority"))
	connector := p.extension(part, "connector")
	switch typ := dialectAttr(part, "type"); {
	case typ == "external", typ == "external-worker", typ == "" && dialectAttr(part, "topic") != "":
		p.external(e, part, n)
	case typ == "mail":
		n.Implementation = "email.SEND"
		p.fields(e, part, n, mailFields)
	case typ == "http":
		p.http(e, part, n)
	case typ != "":
		p.at(e, "type=%q is not supported: no connector does the same; set implementation=\"connector.ACTION\"", clip(typ))
		p.refused[n.ID] = true
	case connector != nil:
		p.connector(e, connector, n)
	case dialectAttr(part, "class") != "":
		n.Implementation, n.Java = dialectAttr(part, "class"), true
		p.javaFields(e, part, n)
	case dialectAttr(part, "delegateExpression") != "":
		p.delegate(e, part, n)
	case dialectAttr(part, "expression") != "":
		p.expression(e, dialectAttr(part, "expression"), n)
	default:
		p.implementation(e, part, n, required)
	}
	switch {
	case n.Bean != "":
		p.notice("java", e, "calls the activity %q: a worker in any language must answer it; should %s be a variable, it has no such method", n.Implementation, n.Bean)
	case n.Java && n.Implementation != "":
		p.notice("java", e, "calls the activity %q: a worker in any language must answer it", n.Implementation)
	}
}

func (p *parser) implementation(e, part *element, n *Node, required bool) {
	switch impl := part.attr("", "implementation"); {
	case impl == "", strings.HasPrefix(impl, "##"): // ##WebService and ##unspecified are what tools write for "none"
		if required && !p.refused[n.ID] { // by dialect, which has said what to do
			p.at(e, `has no implementation: set implementation="connector.ACTION"`)
			p.refused[n.ID] = true
		}
	case juel.HoldsExpression(impl):
		p.at(e, "implementation %q: expressions are not supported, it names a connector.ACTION", clip(impl))
	default:
		n.Implementation = impl
	}
}

// delegate reads ${bean}: a call of the bean's name.
func (p *parser) delegate(e, part *element, n *Node) {
	text := dialectAttr(part, "delegateExpression")
	inner, ok := strings.CutPrefix(strings.Replace(text, "#{", "${", 1), "${")
	inner, closed := strings.CutSuffix(inner, "}")
	if inner = strings.TrimSpace(inner); !ok || !closed || strings.ContainsAny(inner, "${}()[] ") || inner == "" {
		p.at(e, "delegateExpression %q: want the name of a bean, as in ${notifier}", clip(text))
		p.refused[n.ID] = true
		return
	}
	n.Implementation, n.Java = inner, true
	p.javaFields(e, part, n)
}

// expression reads an expression that a task evaluates, or the method of a Java bean that it calls.
func (p *parser) expression(e *element, text string, n *Node) {
	if bean, method, args, ok := juel.ParseCall(text); ok {
		n.Implementation, n.Java, n.Arguments, n.Bean = bean+"."+method, true, args, bean
		return
	}
	n.Expression = p.expr(e, "expression", text)
	if n.Expression == nil {
		p.refused[n.ID] = true
	}
}

// retries reads failedJobRetryTimeCycle, an attribute or an element.
func (p *parser) retries(e *element, n *Node) {
	text := dialectAttr(e, "failedJobRetryTimeCycle")
	if c := p.extension(e, "failedJobRetryTimeCycle"); c != nil {
		text = c.text()
	}
	if text == "" {
		return
	}
	attempts, _, err := parseRepeat(text)
	switch {
	case err != nil:
		p.at(e, "failedJobRetryTimeCycle: %v", err)
	case attempts < 0:
		p.at(e, "failedJobRetryTimeCycle %q: say how many calls, as in R3/PT10M", clip(text))
	default:
		_, interval, _ := strings.Cut(text, "/")
		n.Retry = &Retry{Attempts: attempts, Interval: interval}
	}
}

// extension is the first extension element of a dialect with this name, or nil.
func (p *parser) extension(e *element, local string) *element {
	for _, c := range dialectElements(e) {
		if c.name.Local == local {
			return c
		}
	}
	return nil
}

// injection is what becomes of a field injection.
type injection struct {
	to       string // the input of the connector; "": there is none
	variable bool   // the value names the variable that has it
	number   bool   // the input is a whole number
	off      bool   // false, or nothing, is what happens anyway
	advice   string // what to do instead
}

const ignoreAdvice = "turn failures into a BPMN error with mapException and catch it on the task"

var mailFields = map[string]injection{
	"to": {to: "to"}, "from": {to: "from"}, "cc": {to: "cc"}, "bcc": {to: "bcc"}, "subject": {to: "subject"}, "charset": {to: "charset"},
	"text": {to: "text"}, "textVar": {to: "text", variable: true}, "html": {to: "html"}, "htmlVar": {to: "html", variable: true},
	"replyTo": {to: "replyTo"}, "attachments": {to: "attachments"},
	"ignoreException": {off: true, advice: ignoreAdvice}, "exceptionVariableName": {advice: ignoreAdvice},
}

// fieldValue is the text of a field injection.
func fieldValue(f *element) string {
	if v := firstOf(f.attr("", "stringValue"), f.attr("", "expression")); v != "" {
		return v
	}
	for _, c := range f.children {
		if c.name.Local == "string" || c.name.Local == "expression" {
			return c.text()
		}
	}
	return ""
}

// fields makes inputs of a connector of field injections, and refuses those that the connector does not know.
func (p *parser) fields(e, part *element, n *Node, known map[string]injection) {
	m := &Mapping{}
	for _, f := range dialectElements(part) {
		if f.name.Local != "field" {
			continue
		}
		name, value := f.attr("", "name"), fieldValue(f)
		i := known[name]
		switch {
		case i.to != "" && i.variable && value != "" && !juel.HoldsExpression(value):
			m.Constants = append(m.Constants, Param{Name: i.to, Variable: value})
		case i.to != "" && i.variable:
			p.at(e, "field %q: want the name of a variable, without ${}", name)
		case i.to != "" && i.number && !juel.HoldsExpression(value):
			number, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				p.at(e, "field %q: want a whole number", name)
			}
			m.Constants = append(m.Constants, Param{Name: i.to, Value: number})
		case i.to != "":
			m.Constants = append(m.Constants, p.constant(e, i.to, value))
		case i.off && (value == "" || value == "false"):
		case i.advice != "":
			p.at(e, "field %q is not supported: %s", name, i.advice)
		default:
			p.at(e, "field %q: the connector %s has nothing for it; it has %s", clip(name), n.Implementation, strings.Join(inputsOf(known), " "))
		}
	}
	sortParams(m.Constants)
	n.Mapping = m
}

// inputsOf are the fields that become inputs.
func inputsOf(known map[string]injection) (names []string) {
	for _, name := range sorted(known) {
		if known[name].to != "" {
			names = append(names, name)
		}
	}
	return names
}

// javaFields are the field injections of a Java delegate: inputs beside the variables.
func (p *parser) javaFields(e, part *element, n *Node) {
	var constants []Param
	for _, f := range dialectElements(part) {
		if f.name.Local == "field" && f.attr("", "name") != "" {
			constants = append(constants, p.constant(e, f.attr("", "name"), fieldValue(f)))
		}
	}
	if len(constants) > 0 {
		sortParams(constants)
		n.Mapping = &Mapping{AllInputs: true, AllOutputs: n.Result == "", Constants: constants}
	}
}

func (p *parser) constant(e *element, name, text string) Param {
	if !juel.HoldsExpression(text) {
		return Param{Name: name, Value: text}
	}
	return Param{Name: name, Expr: p.expr(e, name, text)}
}

func sortParams(list []Param) {
	slices.SortStableFunc(list, func(a, b Param) int { return strings.Compare(a.Name, b.Name) })
}

// connector is camunda:connector: the built-in ones that a connector here does as well.
func (p *parser) connector(e, c *element, n *Node) {
	id := ""
	for _, child := range c.children {
		if child.name.Local == "connectorId" {
			id = child.text()
		}
	}
	names := map[string]map[string]string{
		"http-connector": {"url": "restUrl", "headers": "requestHeaders", "payload": "requestPayload", "method": "method"},
		"mail-send":      {"to": "to", "from": "from", "cc": "cc", "bcc": "bcc", "subject": "subject", "text": "text", "html": "html"},
	}[id]
	if names == nil {
		p.at(e, "connector %q is not supported: set implementation=\"connector.ACTION\"", clip(id))
		p.refused[n.ID] = true
		return
	}
	n.Implementation = "email.SEND"
	inputs, outputs := p.parameters(e, c)
	m := &Mapping{Creates: true}
	for _, a := range inputs {
		to := names[a.Name]
		switch {
		case to == "":
			p.at(e, "connector %q: nothing here takes its input %q", id, clip(a.Name))
		case to == "method":
			if a.Value.Expr == nil || !a.Value.Expr.IsLiteral() {
				p.at(e, "connector %q: the method must be a constant", id)
			} else {
				n.Implementation = "rest." + strings.ToUpper(a.Value.Expr.Source())
			}
		case a.Value.Expr != nil:
			m.Constants = append(m.Constants, Param{Name: to, Expr: a.Value.Expr})
		default:
			m.Constants = append(m.Constants, p.static(e, to, &a.Value))
		}
	}
	if id == "http-connector" {
		if n.Implementation == "email.SEND" {
			n.Implementation = "rest.GET"
		}
		m.Constants = append(m.Constants, lenient("4xx,5xx", "text")...)
		n.ResultNames = map[string]string{"statusCode": "restStatus", "response": "restResult", "headers": "responseHeaders"}
	}
	for _, a := range outputs {
		if a.Value.Expr == nil {
			p.at(e, "connector %q: output %q: write an expression over its results", id, clip(a.Name))
			continue
		}
		m.Outputs = append(m.Outputs, Param{Name: a.Name, Expr: a.Value.Expr})
	}
	sortParams(m.Constants)
	sortParams(m.Outputs)
	n.Mapping = m
	if id == "http-connector" && !p.options.since(3) {
		customRest(n)
	}
}

// static makes one parameter of a list or a map of the model.
func (p *parser) static(e *element, name string, v *Value) Param {
	value := p.plain(e, v)
	return Param{Name: name, Value: value, Dynamic: juel.HoldsExpression(value)}
}

func (p *parser) plain(e *element, v *Value) any {
	switch {
	case v.Expr != nil:
		return v.Expr.Source()
	case v.Script != nil:
		p.at(e, "a script inside of a connector's inputs is not supported: use an expression")
		return nil
	case v.IsMap:
		object := map[string]any{}
		for _, a := range v.Map {
			object[a.Name] = p.plain(e, &a.Value)
		}
		return object
	}
	list := []any{}
	for i := range v.List {
		list = append(list, p.plain(e, &v.List[i]))
	}
	return list
}
