package bpmn

import "slices"

// dialects are the extension namespaces whose attributes and elements have the same meaning here.
var dialects = []string{"http://activiti.org/bpmn", "http://camunda.org/schema/1.0/bpmn", "http://flowable.org/bpmn"}

// dialectAttr returns an extension attribute in whichever dialect it is written, or "".
func dialectAttr(e *element, local string) string {
	for _, ns := range dialects {
		if v := e.attr(ns, local); v != "" {
			return v
		}
	}
	return ""
}

// dialectElements returns the children of extensionElements that belong to a dialect.
func dialectElements(e *element) []*element {
	var found []*element
	for _, ext := range e.all("extensionElements") {
		for _, c := range ext.children {
			if slices.Contains(dialects, c.name.Space) {
				found = append(found, c)
			}
		}
	}
	return found
}

const useImplementation = `set implementation="connector.ACTION" instead`

// refusedAttrs are extension attributes that would make the model do something else when ignored.
var refusedAttrs = []struct{ name, hint string }{
	{"class", useImplementation},
	{"delegateExpression", useImplementation},
	{"expression", useImplementation},
	{"type", useImplementation},
	{"topic", useImplementation},
	{"decisionRef", useImplementation},
	{"skipExpression", "use an exclusive gateway"},
	{"messageExpression", "set messageRef to a message whose name holds the expression"},
	{"businessCalendarName", "use ISO 8601 dates and durations"},
	{"endDate", "use a repeating interval with a number, as in R3/PT10M"},
	{"resource", "write the script into the model"},
}

var refusedElements = map[string]string{
	"executionListener": "listeners are not supported",
	"taskListener":      "listeners are not supported",
	"eventListener":     "listeners are not supported",
	"inputOutput":       "use a mapping in the extensions file",
	"connector":         useImplementation,
	"field":             "use constants in the extensions file",
	"in":                "use a mapping in the extensions file",
	"out":               "use a mapping in the extensions file",
	"script":            "use a script task",
	"mapException":      "error mappings are not supported",

	"errorEventDefinition": "error mappings are not supported",
}

// silentElements hold data for forms and modelling tools only.
var silentElements = map[string]bool{
	"properties": true, "formData": true, "formProperty": true, "potentialStarter": true, "customResource": true,
	"failedJobRetryTimeCycle": true, "value": true,
}

// dialect refuses what a dialect adds to an element, or to the part of it that is given, and this version does not do.
// What concerns only the engine that the model was drawn for, such as async and exclusive, is ignored.
func (p *parser) dialect(e, part *element) {
	for _, a := range refusedAttrs {
		value := dialectAttr(part, a.name)
		if value == "" || a.name == "resource" && e.name.Local != "scriptTask" {
			continue
		}
		p.at(e, "%s=%q is not supported: %s", a.name, clip(value), a.hint)
		p.refused[e.id()] = true
	}
	if dialectAttr(part, "triggerable") == "true" {
		p.at(e, "triggerable is not supported: use a receive task after the service task")
	}
	if dialectAttr(part, "resultVariable") != "" && !e.is("scriptTask") {
		p.at(e, "resultVariable is supported on script tasks only: use an output mapping in the extensions file")
	}
	told := map[string]bool{}
	for _, c := range dialectElements(part) {
		if told[c.name.Local] {
			continue
		}
		told[c.name.Local] = true
		if hint, ok := refusedElements[c.name.Local]; ok {
			p.at(e, "%s is not supported: %s", c.name.Local, hint)
		} else if !silentElements[c.name.Local] {
			p.notice("ignored-extension", e, "the extension element %s is ignored", c.name.Local)
		}
	}
}
