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

// refusedAttrs are extension attributes that would make the model do something else when ignored.
var refusedAttrs = []struct{ name, hint string }{
	{"decisionRef", "DMN decisions come later; use a connector implementation or a topic"},
	{"decisionTableReferenceKey", "DMN decisions come later; use a connector implementation or a topic"},
	{"decisionServiceReferenceKey", "DMN decisions come later; use a connector implementation or a topic"},
	{"ruleVariablesInput", "rules come later; use a connector implementation or a topic"},
	{"caseRef", "cases are not executed"},
	{"skipExpression", "use an exclusive gateway"},
	{"resource", "write the script into the model"},
	{"taskIdVariableName", "list the tasks of the instance"},
	{"processInstanceIdVariableName", "give the called process a business key and find it by that"},
}

// refusedFlags are extension attributes that change what a model does when they are true.
var refusedFlags = []struct{ name, hint string }{
	{"useLocalScopeForResultVariable", "put the task into a sub-process that has a data object of that name"},
	{"storeResultVariableAsTransient", "put the task into a sub-process that has a data object of that name"},
}

// plainCalendars are the names of calendars that only say what is read anyway.
var plainCalendars = []string{"dueDate", "duration", "cycle"}

var refusedElements = map[string]string{
	"eventListener":       "write an execution listener with an expression or a script",
	"collection":          "give the collection as a variable or an expression",
	"variableAggregation": "use loopDataOutputRef and outputDataItem",
	"case":                "cases are not executed",
}

// silentElements are read elsewhere, or hold data for forms and modelling tools only.
var silentElements = map[string]bool{
	"formData": true, "formProperty": true, "potentialStarter": true, "customResource": true, "formField": true,
	"failedJobRetryTimeCycle": true, "value": true, "properties": true, "executionListener": true, "taskListener": true,
	"inputOutput": true, "connector": true, "field": true, "in": true, "out": true, "mapException": true, "script": true,
	"errorEventDefinition": true, "string": true, "expression": true,
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
	for _, a := range refusedFlags {
		if dialectAttr(part, a.name) == "true" {
			p.at(e, "%s=\"true\" is not supported: %s", a.name, a.hint)
		}
	}
	if calendar := dialectAttr(part, "businessCalendarName"); calendar != "" && !slices.Contains(plainCalendars, calendar) {
		p.at(e, "businessCalendarName=%q is not supported: use ISO 8601 dates and durations", clip(calendar))
	}
	if dialectAttr(part, "triggerable") == "true" {
		p.at(e, "triggerable is not supported: use a receive task after the service task")
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
