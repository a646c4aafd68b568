package bpmn

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExtensionsRefused(t *testing.T) {
	src := between(`<serviceTask id="e" implementation="a.B"/><receiveTask id="r"/>`)
	tests := []struct{ name, ext, want string }{
		{"not JSON", `{`, "x.json: not JSON: unexpected EOF"},
		{"two values", `{} {}`, "x.json: not JSON: text after the JSON value"},
		{"not an object", `[]`, "x.json: $: want an object"},
		{"unknown process", `{"extensions": {"q": {}}}`, "x.json: $.extensions.q: the model has no process with this id"},
		{"field beside extensions", `{"extensions": {}, "mappings": {}}`, "$.mappings: unknown field; known here are id, name, description, type, extensions"},
		{"misspelt field", `{"maping": {}}`, "$.maping: unknown field; known here are properties, mappings"},
		{"misspelt input", `{"mappings": {"e": {"input": {}}}}`, "$.mappings.e.input: unknown field"},
		{"unknown element", `{"extensions": {"p": {"mappings": {"a.b": {}}}}}`, `$.extensions.p.mappings["a.b"]: process "p" has no element with this id`},
		{"constants for an unknown element", `{"constants": {"x": {}}}`, "$.constants.x: process"},
		{"mapping of a start event", `{"mappings": {"s": {}}}`, "$.mappings.s: this element exchanges nothing"},
		{"inputs of a catcher", `{"mappings": {"r": {"inputs": {"a": {"type": "value", "value": 1}}}}}`, "$.mappings.r.inputs: a message catcher has outputs only"},
		{"constants of a catcher", `{"constants": {"r": {"a": {"value": 1}}}}`, "$.constants.r: a message catcher has outputs only"},
		{"mapping type", `{"mappings": {"e": {"mappingType": "ALL"}}}`, `$.mappings.e.mappingType: unknown mapping type "ALL"`},
		{"jsonPatch", `{"mappings": {"e": {"outputs": {"v": {"type": "jsonPatch", "value": []}}}}}`, "$.mappings.e.outputs.v.type: jsonPatch is not supported: map the whole variable"},
		{"parameter type", `{"mappings": {"e": {"inputs": {"v": {"type": "static"}}}}}`, `$.mappings.e.inputs.v.type: unknown type "static": want variable or value`},
		{"no type", `{"mappings": {"e": {"inputs": {"v": {"value": 1}}}}}`, `unknown type ""`},
		{"no variable", `{"mappings": {"e": {"inputs": {"v": {"type": "variable"}}}}}`, "$.mappings.e.inputs.v.value: want the name of a variable"},
		{"variable is a number", `{"mappings": {"e": {"inputs": {"v": {"type": "variable", "value": 1}}}}}`, "$.mappings.e.inputs.v.value: want a text"},
		{"bad expression", `{"mappings": {"e": {"inputs": {"v": {"type": "value", "value": "${"}}}}}`, "$.mappings.e.inputs.v.value: expression, offset"},
		{"bad expression inside", `{"constants": {"e": {"v": {"value": {"a": [1, "#{"]}}}}}`, "$.constants.e.v.value.a[1]: expression, offset"},
		{"constant without value", `{"constants": {"e": {"v": {}}}}`, `$.constants.e.v: want {"value": ...}`},
		{"constant is no object", `{"constants": {"e": {"v": 1}}}`, "$.constants.e.v: want an object"},
		{"huge number", `{"constants": {"e": {"v": {"value": 123456789012345678901234567890}}}}`, "$.constants.e.v.value: "},
		{"property type", `{"properties": {"k": {"name": "n", "type": "float"}}}`, `$.properties.k.type: unknown type "float": want one of string, integer`},
		{"property value", `{"properties": {"k": {"name": "n", "type": "integer", "value": "x"}}}`, "$.properties.k.value: type integer: this text is not an integer"},
		{"property expression", `{"properties": {"k": {"name": "n", "type": "date", "value": "${now()}"}}}`, "$.properties.k.value: an initial value cannot hold expressions"},
		{"property twice", `{"properties": {"k": {"name": "n", "type": "date"}, "l": {"name": "n", "type": "date"}}}`, `$.properties.l.name: the variable "n" is declared twice`},
		{"property reserved", `{"properties": {"k": {"name": "loopCounter", "type": "integer"}}}`, `$.properties.k.name: the name "loopCounter" is reserved`},
		{"property required", `{"properties": {"k": {"name": "n", "type": "date", "required": "yes"}}}`, "$.properties.k.required: want true or false"},
		{"mails of another task", `{"templates": {"tasks": {"r": {}}}}`, "$.templates.tasks.r: only user tasks have mails"},
		{"mails of no task", `{"templates": {"tasks": {"x": {}}}}`, "$.templates.tasks.x: process \"p\" has no element with this id"},
		{"mails misspelt", `{"templates": {"task": {"e": {}}}}`, "$.templates.task: unknown field; known here are tasks, default"},
		{"mails to others", `{"templates": {"default": {"owner": {}}}}`, "$.templates.default.owner: unknown field; known here are assignee, candidate"},
		{"mail of a type", `{"templates": {"default": {"assignee": {"type": "url", "value": "x"}}}}`, `$.templates.default.assignee.type: unknown type "url": want file or variable`},
		{"mail without a file", `{"templates": {"default": {"assignee": {"type": "file"}}}}`, "$.templates.default.assignee.value: want the name of a file"},
		{"mail without a variable", `{"templates": {"default": {"candidate": {"type": "variable", "value": ""}}}}`, "$.templates.default.candidate.value: want the name of the variable"},
		{"mail with more", `{"templates": {"default": {"candidate": {"type": "variable", "value": "v", "bcc": "x"}}}}`, "$.templates.default.candidate.bcc: unknown field"},
		{"analytics misspelt", `{"analytics": {"variable": []}}`, "$.analytics.variable: unknown field; known here are enabled, variables, exclude, mask, maxLength"},
		{"analytics of a later shape", `{"extensions": {"p": {"analytics": {"x": 1}}}}`, "$.extensions.p.analytics.x: unknown field"},
		{"analytics is no object", `{"analytics": true}`, "$.analytics: want an object"},
		{"analytics on", `{"analytics": {"enabled": "yes"}}`, "$.analytics.enabled: want true or false"},
		{"analysed variables", `{"analytics": {"variables": "a"}}`, "$.analytics.variables: want a list of names of variables"},
		{"an analysed variable", `{"analytics": {"exclude": ["a", 1]}}`, "$.analytics.exclude[1]: want the name of a variable"},
		{"a mask", `{"analytics": {"mask": {"a": "stars"}}}`, `$.analytics.mask.a: unknown mask "stars": want redact or last4`},
		{"a mask that is no text", `{"analytics": {"mask": {"a": {}}}}`, "$.analytics.mask.a: want a text"},
		{"a hash", `{"analytics": {"mask": {"a": "hash"}}}`, "$.analytics.mask.a: a hash hides nothing that can be found by trying, such as a number or a name: want redact or last4"},
		{"a long value", `{"analytics": {"maxLength": 1025}}`, "$.analytics.maxLength: want a number of bytes from 1 to 1024"},
		{"no length", `{"analytics": {"maxLength": "long"}}`, "$.analytics.maxLength: want a number of bytes from 1 to 1024"},
		{"assignment", `{"assignments": {"e": {"mode": "sequential"}}}`, "$.assignments.e.mode: only manual assignment is supported"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse("m.bpmn", src, Options{Extensions: []byte(test.ext), ExtensionsName: "x.json"})
			require.ErrorContains(t, err, test.want)
		})
	}
	_, err := Parse("m.bpmn", src, Options{Extensions: []byte(`[]`)})
	require.EqualError(t, err, "m.bpmn (extensions): $: want an object")
	_, err = Parse("m.bpmn", src, Options{Extensions: make([]byte, 2000), Limits: Limits{Bytes: 1000}})
	require.ErrorContains(t, err, "the file has 2000 bytes, the limit is 1000")
}

func TestExtensionsOfManyProcesses(t *testing.T) {
	src := []byte(`<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="a"><startEvent id="s"/></process><process id="b"><startEvent id="t"/></process><process id="c" isExecutable="false"/></definitions>`)
	_, err := Parse("m.bpmn", src, Options{Extensions: []byte(`{"properties": {}}`)})
	require.ErrorContains(t, err, "the model has 2 processes")
	m, err := Parse("m.bpmn", src, Options{Extensions: []byte(`{"extensions": {"b": {"properties": {"v": {"type": "string", "value": ""}}}, "c": {"unknown": 1}}}`)})
	require.NoError(t, err, "entries of a process that is not executable are ignored with it")
	require.Empty(t, m.Processes[0].Properties)
	require.Equal(t, []Property{{ID: "v", Name: "v", Type: "string", Value: ""}}, m.Processes[1].Properties)
}

func TestFileValues(t *testing.T) {
	file := map[string]any{"content": "Dear ${name}"} // as the connector takes it
	m, err := Parse("m.bpmn", between(`<serviceTask id="e" implementation="a.B"/>`), Options{Extensions: []byte(`{
		"mappings": {"e": {"inputs": {"a": {"type": "file", "value": {"content": "Dear ${name}"}}, "b": {"type": "value", "value": {"type": "file", "value": {"content": "Dear ${name}"}}}}}},
		"constants": {"e": {"c": {"type": "file", "value": {"content": "Dear ${name}"}}, "d": {"value": {"type": "file", "value": {"content": "Dear ${name}"}}}}}}`)})
	require.NoError(t, err)
	mapping := m.Processes[0].Node("e").Mapping
	require.Equal(t, []Param{{Name: "a", Value: file}, {Name: "b", Value: file}}, mapping.Inputs)
	require.Equal(t, []Param{{Name: "c", Value: file}, {Name: "d", Value: file}}, mapping.Constants)
}

func TestMappingTypeBeatsParameters(t *testing.T) {
	m, err := Parse("m.bpmn", between(`<serviceTask id="e" implementation="a.B"/>`), Options{Extensions: []byte(`{"mappings": {"e": {"mappingType": "MAP_ALL",
		"inputs": {"a": {"type": "value", "value": 1}}, "outputs": {"b": {"type": "value", "value": 1}}}}}`)})
	require.NoError(t, err)
	require.Equal(t, &Mapping{AllInputs: true, AllOutputs: true}, m.Processes[0].Node("e").Mapping)
	require.Contains(t, codes(Lint(m)), "ignored-mapping")
}
