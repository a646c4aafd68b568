package bpmn

import (
	"regexp"
	"strings"

	"github.com/waybill-io/waybill/juel"
)

// external reads an external task. With process-engine the topic and the payload may be JavaScript, evaluated when the task is offered.
func (p *parser) external(e, part *element, n *Node) {
	topic := dialectAttr(part, "topic")
	if n.Topic = p.expr(e, "topic", topic); n.Topic == nil {
		p.at(e, "type=%q: an external task needs a topic", dialectAttr(part, "type"))
	}
	if !p.options.since(5) {
		return
	}
	if readsToken.MatchString(topic) && !juel.HoldsExpression(topic) {
		n.TopicScript = p.overToken(e, "topic", topic)
	}
	payload := strings.TrimSpace(n.Properties["payload"])
	switch {
	case readsAny.MatchString(payload):
		n.Payload = p.overToken(e, "payload", payload)
	case looksLikeValue.MatchString(payload):
		n.Payload, n.PayloadPlain = &Script{Format: "javascript", Source: asValue(payload)}, true
	}
}

// readsToken tells a topic of process-engine from a name with dots, readsAny a payload from a property that means nothing here, and
// looksLikeValue one that reads nothing.
var (
	readsToken     = regexp.MustCompile(`\btoken\.(current|history)\b`)
	readsAny       = regexp.MustCompile(`\b(token|identity)\b`)
	looksLikeValue = regexp.MustCompile("^([{\\[\"'`\\d-]|(true|false|null)\\b)")
)

// overToken is a JavaScript of process-engine over its token, which makes the instance keep the results of its elements.
func (p *parser) overToken(e *element, what, text string) *Script {
	p.proc.History = true
	return p.inPlace(e, what, asValue(text))
}

// asValue makes an expression of what process-engine returns: an object in braces is no block.
func asValue(text string) string {
	return "(" + strings.TrimRight(strings.TrimSpace(text), "; \t\r\n") + "\n)"
}

// thrownWhen checks the expression of an errorEventDefinition.
func (p *parser) thrownWhen(e *element, m ErrorMapping) {
	switch {
	case m.When == nil:
		p.at(e, "errorEventDefinition has no expression: say when the error is thrown, as in ${externalTask.getErrorDetails().contains('timeout')}")
	case m.When.IsLiteral():
		p.at(e, "errorEventDefinition: %q is not an expression: write JUEL, as in ${externalTask.getErrorDetails().contains('timeout')}", clip(m.When.Source()))
	default:
		p.pure(e, "errorEventDefinition", m.When)
	}
}

// errorMappings reads what turns a failure or a result into a BPMN error.
func (p *parser) errorMappings(e *element, n *Node) {
	for _, c := range dialectElements(e) {
		switch c.name.Local {
		case "mapException":
			code := c.attr("", "errorCode")
			if code == "" {
				p.at(e, "mapException has no errorCode")
			}
			n.ErrorMappings = append(n.ErrorMappings, ErrorMapping{Code: code, Class: c.text()})
		case "errorEventDefinition":
			m := ErrorMapping{Code: p.errorCode(e, firstOf(reference(c, "errorRef"), c.attr("", "errorRef")))}
			if m.Code == "" {
				p.at(e, "errorEventDefinition has no errorRef")
			}
			m.When = p.expr(e, "errorEventDefinition", firstOf(c.attr("", "expression"), dialectAttr(c, "expression")))
			if p.options.since(5) {
				p.thrownWhen(e, m)
			}
			n.ErrorMappings = append(n.ErrorMappings, m)
		}
	}
}

// properties reads camunda:properties, which go with an external task.
func (p *parser) properties(e *element) map[string]string {
	list := p.extension(e, "properties")
	if list == nil {
		return nil
	}
	properties := map[string]string{}
	for _, c := range list.children {
		if c.name.Local == "property" && c.attr("", "name") != "" {
			properties[c.attr("", "name")] = c.attr("", "value")
		}
	}
	return properties
}
