package project

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/connectors"
)

// shop is a connector with a parameter of every type that counts, and errors.
const shop = `{"name":"shop","actions":{"o":{"id":"1","name":"ORDER","inputs":[
	{"id":"1","name":"item","type":"string","required":true},{"id":"2","name":"count","type":"integer"},{"id":"3","name":"gift","type":"boolean"},
	{"id":"4","name":"on","type":"date"},{"id":"5","name":"headers","type":"json"},{"id":"6","name":"tags","type":"array"},
	{"id":"7","name":"accessToken","type":"string"}],
	"outputs":[{"id":"1","name":"number","type":"string"}]}},
	"errors":[{"name":"SOLD_OUT"},{"name":"CLOSED","code":"SHOP_CLOSED"}]}`

// loose says nothing of its errors; old tells them by an output.
const (
	loose = `{"name":"loose","actions":{"o":{"id":"1","name":"ORDER"}}}`
	old   = `{"name":"old","actions":{"o":{"id":"1","name":"ORDER","outputs":[{"id":"1","name":"restError","type":"string"}]}}}`
)

// lintModel is a process with one call on line 4, what is attached to it, and what is around it.
func lintModel(implementation, inside, attached string) string {
	return `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" targetNamespace="t">
<error id="soldOut" errorCode="SOLD_OUT"/><error id="sold" errorCode="SOLD_OUTT"/><error id="closed" errorCode="SHOP_CLOSED"/><process id="order" isExecutable="true">
<startEvent id="start"/>
<serviceTask id="call" implementation="` + implementation + `">` + inside + `</serviceTask>
<sequenceFlow id="f1" sourceRef="start" targetRef="call"/><sequenceFlow id="f2" sourceRef="call" targetRef="end"/><endEvent id="end"/>
` + attached + `
</process></definitions>`
}

// catching is a boundary event of the call; ref "" catches every error.
func catching(ref string) string {
	reference := ""
	if ref != "" {
		reference = ` errorRef="` + ref + `"`
	}
	return `<boundaryEvent id="on-` + ref + `" attachedToRef="call"><errorEventDefinition` + reference + `/></boundaryEvent>`
}

func TestLintOfCalls(t *testing.T) {
	const eventSubProcess = `<subProcess id="handler" triggeredByEvent="true"><startEvent id="failed"><errorEventDefinition/></startEvent></subProcess>`
	const parameters = `<extensionElements><camunda:inputOutput><camunda:inputParameter name="item">pen</camunda:inputParameter><camunda:inputParameter name="count">3</camunda:inputParameter>
		<camunda:inputParameter name="colour">red</camunda:inputParameter></camunda:inputOutput></extensionElements>`
	secret := "xoxb-" + strings.Repeat("7", 12)
	tests := map[string]struct {
		implementation   string // shop.ORDER
		inside, attached string
		mapping          string // of the task; "": inputs with the item
		constants        string
		properties       string
		errors, warnings []string
		uncaught         bpmn.Uncaught
	}{
		"nothing to say":         {attached: catching("")},
		"every code is caught":   {attached: catching("soldOut") + catching("closed")},
		"by an event subprocess": {attached: eventSubProcess},
		"the definition does not say which errors there are": {
			implementation: "loose.ORDER", mapping: `{}`, attached: catching("sold"),
		},
		"an error that is never thrown": {
			attached: catching("sold") + catching(""),
			warnings: []string{`order.bpmn: line 6: boundaryEvent "on-sold": catches error "SOLD_OUTT", which shop.ORDER never throws; did you mean "SOLD_OUT"?`},
		},
		"errors where there are outputs": {
			implementation: "old.ORDER", mapping: `{}`, attached: catching("sold"),
			warnings: []string{`order.bpmn: line 6: boundaryEvent "on-sold": catches error "SOLD_OUTT", but old throws none`},
		},
		"some errors are never caught": {
			attached: catching("soldOut"),
			warnings: []string{`order.bpmn: line 4: serviceTask "call": shop.ORDER may throw SHOP_CLOSED, which nothing catches: that is an incident – add an error boundary event where the process is to go on [uncaught-error]`},
		},
		"none is caught, and uncaught errors end": {
			uncaught: bpmn.UncaughtEnd,
			warnings: []string{`order.bpmn: line 4: serviceTask "call": shop.ORDER may throw SOLD_OUT, SHOP_CLOSED, which nothing catches: it might fail silently – add an error boundary event [uncaught-error]`},
		},
		"a required input is missing": {
			mapping: `{"inputs":{"count":{"type":"value","value":2}}}`, attached: catching(""),
			warnings: []string{`order-extensions.json: process "order": inputs of call: shop.ORDER requires input "item", which nothing is mapped to`},
		},
		"a required input is empty": {
			mapping: `{"inputs":{"item":{"type":"value","value":""}}}`, attached: catching(""),
			warnings: []string{`order-extensions.json: process "order": inputs of call: shop.ORDER requires input "item", which nothing is mapped to`},
		},
		"a required input is a constant":   {mapping: `{}`, constants: `{"item":{"value":"pen"}}`, attached: catching("")},
		"all variables are sent":           {mapping: `{"mappingType":"MAP_ALL"}`, attached: catching("")},
		"values of their types":            {constants: `{"count":{"value":2},"gift":{"value":true},"on":{"value":"2026-01-31"},"headers":{"value":{"a":1}},"tags":{"value":[1]}}`, attached: catching("")},
		"values of their types, as texts":  {constants: `{"count":{"value":"2"},"gift":{"value":"true"},"tags":{"value":"[1]"}}`, attached: catching("")},
		"expressions are of any type":      {constants: `{"count":{"value":"${n}"},"tags":{"value":["${n}"]}}`, properties: `{"n":{"id":"n","name":"n","type":"integer"}}`, attached: catching("")},
		"an empty value is none of a type": {constants: `{"count":{"value":""}}`, attached: catching("")},
		"an unknown constant":              {constants: `{"colour":{"value":"red"}}`, attached: catching(""), errors: []string{`order-extensions.json: process "order": constants of call: shop.ORDER has no input "colour"; known: `}},
		"values of other types": {
			constants: `{"count":{"value":"two"},"gift":{"value":"yes"},"on":{"value":"31.1.2026"},"tags":{"value":{"a":1}}}`, attached: catching(""),
			errors: []string{
				`order-extensions.json: process "order": constants of call: count: a value of type integer is expected, not this text`,
				`order-extensions.json: process "order": constants of call: gift: a value of type boolean is expected, not this text`,
				`order-extensions.json: process "order": constants of call: on: a date such as 2026-01-31 is expected, not this text`,
				`order-extensions.json: process "order": constants of call: tags: a list is expected, not an object`,
			},
		},
		"a variable that nothing sets": {
			mapping: `{"inputs":{"item":{"type":"variable","value":"itemm"}}}`, properties: `{"n":{"id":"n","name":"item","type":"string"}}`, attached: catching(""),
			warnings: []string{`order.bpmn: line 4: serviceTask "call": reads the variable "itemm", which nothing declares or sets [unknown-variable]`},
		},
		"secrets": {
			constants: `{"accessToken":{"value":"hunter2"},"headers":{"value":{"Authorization":"Bearer 0123456789abcdef"}},"item":{"value":"` + secret + `"}}`, attached: catching(""),
			warnings: []string{
				`order-extensions.json: process "order": constants of call: accessToken looks like a secret`,
				`order-extensions.json: process "order": constants of call: headers.Authorization looks like a secret`,
				`order-extensions.json: process "order": constants of call: item looks like a secret`,
			},
		},
		"a secret that is a variable": {constants: `{"accessToken":{"value":"${token}"}}`, attached: catching("")},
		"parameters of the model": {
			inside: parameters, mapping: "none", attached: catching(""),
			errors: []string{
				`order.bpmn: line 4: serviceTask "call": inputs: shop.ORDER has no input "colour"`,
				`order.bpmn: line 4: serviceTask "call": inputs: count: a value of type integer is expected, not this text`,
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			implementation := test.implementation
			if implementation == "" {
				implementation = "shop.ORDER"
			}
			mapping := test.mapping
			switch mapping {
			case "":
				mapping = `"call":{"inputs":{"item":{"type":"value","value":"pen"}}}`
			case "none":
				mapping = ""
			default:
				mapping = `"call":` + mapping
			}
			constants, properties := test.constants, test.properties
			if constants != "" {
				constants = `"call":` + constants
			}
			if properties == "" {
				properties = "{}"
			}
			dir := t.TempDir()
			write(t, dir, map[string]string{
				"order.bpmn":            lintModel(implementation, test.inside, test.attached),
				"order-extensions.json": `{"extensions":{"order":{"properties":` + properties + `,"mappings":{` + mapping + `},"constants":{` + constants + `}}}}`,
				"connectors/shop.json":  shop, "connectors/loose.json": loose, "connectors/old.json": old,
			})
			o := Options{BuiltIn: []*connectors.Definition{email(t)}, Advice: true, Uncaught: test.uncaught}
			p, err := Load([]string{dir}, o)
			var errs []string
			if err != nil {
				errs = strings.Split(strings.ReplaceAll(err.Error(), dir+"/", ""), "\n")
			}
			begin(t, test.errors, errs, dir)
			begin(t, test.warnings, p.Warnings, dir)
			for _, w := range p.Warnings {
				require.NotContains(t, w, secret)
				require.NotContains(t, w, "hunter2")
			}
		})
	}
}

// What is no mistake does not keep anybody from deploying in peace.
func TestCallsThatGetNothing(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"order.bpmn": lintModel("shop.ORDER", "", ""), "connectors/shop.json": shop})
	p, err := Load([]string{dir}, Options{Advice: true})
	require.NoError(t, err)
	require.Contains(t, strings.Join(p.Warnings, "\n"), "and nothing is mapped to it: every call will fail")
	p, err = Load([]string{dir}, Options{Advice: true, MapDefault: bpmn.MapAll})
	require.NoError(t, err)
	require.NotContains(t, strings.Join(p.Warnings, "\n"), "every call will fail")
}

func TestUnknownTemplates(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"connectors/x.json": `{"name":"mail-2","template":"emial"}`})
	p, err := Load([]string{dir}, Options{BuiltIn: []*connectors.Definition{{Name: "email"}}})
	require.NoError(t, err)
	require.Contains(t, strings.Join(p.Warnings, "\n"), `template: "emial" is not a built-in connector; known: email`)
}

func TestAdviceIsForLint(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"order.bpmn": lintModel("shop.ORDER", "", ""), "connectors/shop.json": shop,
		"order-extensions.json": `{"mappings":{"call":{"inputs":{"item":{"type":"value","value":"pen"}}}}}`,
	})
	p, err := Load([]string{dir}, Options{})
	require.NoError(t, err)
	require.Empty(t, p.Warnings)
}
