package bpmn

import "strings"

// httpFields are those of Flowable's http task; http reads its method and what becomes of the response.
var httpFields = map[string]injection{
	"requestUrl": {to: "restUrl"}, "requestHeaders": {to: "requestHeaders"}, "requestBody": {to: "requestPayload"},
	"requestTimeout":         {to: "timeout", number: true},
	"requestBodyEncoding":    {advice: "it is UTF-8"},
	"failStatusCodes":        {advice: statusAdvice},
	"handleStatusCodes":      {advice: statusAdvice},
	"ignoreException":        {off: true, advice: ignoreAdvice},
	"saveRequestVariables":   {off: true, advice: "name the request's values as variables before the task"},
	"saveResponseParameters": {off: true, advice: "map the connector's outputs in the extensions file"},
	"resultVariablePrefix":   {advice: "map the connector's outputs in the extensions file"},

	"saveResponseParametersTransient": {off: true, advice: "map the connector's outputs in the extensions file"},
}

const statusAdvice = `with implementation="rest.GET" and the like such statuses are BPMN errors: catch those on the task`

// lenient are the inputs of rest with which errors are results and every answer is a text, as in Flowable and Camunda.
func lenient(statuses, as string) []Param {
	return []Param{{Name: "acceptedStatus", Value: statuses}, {Name: "restResultAs", Value: as}}
}

// http is Flowable's http task: an action of the connector rest.
func (p *parser) http(e, part *element, n *Node) {
	method, statuses, as, rest := "GET", "4xx,5xx", "text", *part
	rest.children = nil
	for _, c := range part.children {
		if !c.is("extensionElements") {
			rest.children = append(rest.children, c)
			continue
		}
		kept := *c
		kept.children = nil
		for _, f := range c.children {
			switch f.attr("", "name") {
			case "requestMethod":
				method = strings.ToUpper(fieldValue(f))
			case "responseVariableName":
				n.Result = fieldValue(f)
			case "saveResponseVariableAsJson":
				if fieldValue(f) == "true" {
					as = "json"
				}
			case "disallowRedirects":
				if fieldValue(f) == "true" {
					statuses = "3xx,4xx,5xx" // a redirect that is accepted is not followed
				}
			default:
				kept.children = append(kept.children, f)
			}
		}
		rest.children = append(rest.children, &kept)
	}
	n.Implementation = "rest." + method
	n.ResultNames = map[string]string{"result": "restResult"}
	p.fields(e, &rest, n, httpFields)
	n.Mapping.Constants = append(n.Mapping.Constants, lenient(statuses, as)...)
	sortParams(n.Mapping.Constants)
	if !p.options.since(3) {
		customRest(n)
	}
}

// customRest makes a call of the built-in connector rest one of the connector of that name that models before version 3 of the engine's
// behaviour brought with them.
func customRest(n *Node) {
	names := map[string]string{"restUrl": "url", "requestHeaders": "headers", "requestPayload": "body"}
	var constants []Param
	for _, c := range n.Mapping.Constants {
		if old := names[c.Name]; old != "" {
			c.Name = old
			constants = append(constants, c)
		}
	}
	sortParams(constants)
	n.Mapping.Constants, n.ResultNames = constants, nil
}
