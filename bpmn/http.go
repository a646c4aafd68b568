package bpmn

import "strings"

// httpFields are those of Flowable's http task; http reads its method and what becomes of the response.
var httpFields = map[string]injection{
	"requestUrl": {to: "restUrl"}, "requestHeaders": {to: "requestHeaders"}, "requestBody": {to: "requestPayload"},
	"requestTimeout":         {to: "timeout", number: true},
	"requestBodyEncoding":    {advice: "it is UTF-8"},
	"disallowRedirects":      {off: true, advice: "redirects to the same host are followed"},
	"failStatusCodes":        {advice: statusAdvice},
	"handleStatusCodes":      {advice: statusAdvice},
	"ignoreException":        {off: true, advice: ignoreAdvice},
	"saveRequestVariables":   {off: true, advice: "name the request's values as variables before the task"},
	"saveResponseParameters": {off: true, advice: "map the connector's outputs in the extensions file"},
	"resultVariablePrefix":   {advice: "map the connector's outputs in the extensions file"},

	"saveResponseParametersTransient": {off: true, advice: "map the connector's outputs in the extensions file"},
}

const statusAdvice = `with implementation="rest.GET" and the like such statuses are BPMN errors: catch those on the task`

// lenient are the inputs of rest with which every status is a result and every answer a text, as in Flowable and Camunda.
func lenient() []Param {
	return []Param{{Name: "acceptedStatus", Value: "4xx,5xx"}, {Name: "restResultAs", Value: "text"}}
}

// http is Flowable's http task: an action of the connector rest.
func (p *parser) http(e, part *element, n *Node) {
	method, rest, asJSON := "GET", *part, false
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
				asJSON = fieldValue(f) == "true"
			default:
				kept.children = append(kept.children, f)
			}
		}
		rest.children = append(rest.children, &kept)
	}
	n.Implementation = "rest." + method
	n.ResultNames = map[string]string{"result": "restResult"}
	p.fields(e, &rest, n, httpFields)
	n.Mapping.Constants = append(n.Mapping.Constants, lenient()...)
	if asJSON {
		n.Mapping.Constants[len(n.Mapping.Constants)-1].Value = "json"
	}
	sortParams(n.Mapping.Constants)
}
