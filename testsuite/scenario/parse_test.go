package scenario

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const oneCase = "cases:\n  - name: n\n    steps:\n"

func TestMalformed(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"empty":                        {"", "f.yaml:1:1: expected one YAML document with deploy and cases, got none"},
		"two documents":                {"cases: []\n---\ncases: []\n", "f.yaml:2:1: expected one YAML document with deploy and cases, got several"},
		"a list":                       {"- a\n", `f.yaml:1:1: expected deploy, cases, clock and connectors, a map, got a list`},
		"no YAML":                      {"cases: [1, 2\n", "f.yaml:1:8: expected YAML: sequence end token ']' not found"},
		"a key twice":                  {"clock: 2026-03-02\nclock: 2026-03-02\n", `f.yaml:2:1: expected YAML: mapping key "clock" already defined at [1:1]`},
		"no cases":                     {"deploy: [a.bpmn]\n", "f.yaml:1:1: expected the field cases: a list of cases, each with name and steps"},
		"an empty list":                {"cases: []\n", "f.yaml:1:8: expected at least one case"},
		"an unknown field":             {"clok: 2026-03-02\n" + oneCase + "      - cancel: {}\n", `f.yaml:1:1: unknown field "clok", expected one of cases, clock, connectors, deploy`},
		"a wrong clock":                {"clock: nine\n" + oneCase + "      - cancel: {}\n", `f.yaml:1:8: expected a date and time such as 2026-03-02T09:00:00Z, got "nine"`},
		"deploy is text":               {"deploy: a.bpmn\n" + oneCase + "      - cancel: {}\n", `f.yaml:1:9: expected a list of files, got "a.bpmn"`},
		"a case without":               {"cases:\n  - steps: []\n", "f.yaml:2:5: expected the field name: the name of the case"},
		"a field of a case":            {"cases:\n  - name: n\n    stpes: []\n    steps: []\n", `f.yaml:3:5: unknown field "stpes", expected one of name, steps`},
		"steps is a map":               {"cases:\n  - name: n\n    steps: {start: {}}\n", "f.yaml:3:12: expected a list of steps, got a map"},
		"an unknown step":              {oneCase + "      - strat: {process: p}\n", `f.yaml:4:9: unknown step "strat", expected one of advance, bpmnError, cancel, claim, complete, deploy, escalate, expect, extend, fail, fetch, finish, finishScope, incident, message, retries, run, serviceError, set, signal, start, throwError, trigger, unlock`},
		"two keys":                     {oneCase + "      - cancel: {}\n        advance: PT1S\n", "f.yaml:5:9: expected one step, got 2"},
		"no key":                       {oneCase + "      - refused: x\n", "f.yaml:4:9: expected one step, got 0"},
		"fetch of nothing":             {oneCase + "      - fetch: {max: 0, topic: t}\n", "f.yaml:4:22: expected a number from 1"},
		"fetch of no topic":            {oneCase + "      - fetch: {max: 1}\n", "f.yaml:4:16: expected the field topic, or topics"},
		"a job":                        {oneCase + "      - finish: {job: \"a[x]\"}\n", "expected the name of a fetched list, or name[i]"},
		"events":                       {oneCase + "      - expect:\n          eventsInclude: [A]\n", `f.yaml:5:27: expected an event type such as ACTIVITY_COMPLETED, got "A"`},
		"events are text":              {oneCase + "      - expect: {events: TASK_CREATED}\n", "f.yaml:4:26: expected a list of event types, got"},
		"a subscription to two things": {oneCase + "      - expect: {subscriptions: [{signal: s, message: m}]}\n", "expected one of message and signal"},
		"start of nothing":             {oneCase + "      - start: {as: a}\n", "f.yaml:4:16: expected one of process, message and signal"},
		"a name twice":                 {oneCase + "      - start: {process: p, as: a}\n      - start: {process: p, as: b}\n      - start: {process: p, as: a}\n", `f.yaml:6:9: expected another name than "a" (as), which the start in line 4 has`},
		"no name twice":                {oneCase + "      - start: {process: p}\n      - start: {process: p}\n", `f.yaml:5:9: expected another name than "main" (as), which the start in line 4 has`},
		"a number for a refusal":       {oneCase + "      - cancel: {}\n        refused: 5\n", "f.yaml:5:18: expected part of the error's text, or an empty text for any error, in quotes: got 5"},
		"start of both":                {oneCase + "      - start: {process: p, message: m}\n", "f.yaml:4:16: expected one of process, message and signal"},
		"a name with #":                {oneCase + "      - start: {process: p, as: p#1}\n", `f.yaml:4:33: expected a name without # and *, got "p#1"`},
		"an unknown in step":           {oneCase + "      - complete: {task: t, user: kim}\n", `f.yaml:4:29: unknown field "user", expected one of instance, nth, refused, task, variables`},
		"no task":                      {oneCase + "      - complete:\n", "f.yaml:4:9: expected the field task: the name or the element id of a user task"},
		"nth":                          {oneCase + "      - complete: {task: t, nth: 0}\n", "f.yaml:4:34: expected a number from 1, got 0"},
		"nth is text":                  {oneCase + "      - complete: {task: t, nth: first}\n", `f.yaml:4:34: expected a number from 1, got "first"`},
		"variables":                    {oneCase + "      - complete: {task: t, variables: [a]}\n", "f.yaml:4:40: expected variables, a map from names to values, got a list"},
		"no assignee":                  {oneCase + "      - claim: {task: t}\n", "f.yaml:4:16: expected the field assignee"},
		"a duration":                   {oneCase + "      - advance: 15m\n", `f.yaml:4:18: expected an ISO 8601 duration such as PT15M or P1D, got "15m"`},
		"an action":                    {oneCase + "      - incident: {action: mend}\n", `f.yaml:4:28: expected retry, resolve, skip or cancel, got "mend"`},
		"all instances":                {oneCase + `      - cancel: {instance: "*"}` + "\n", `f.yaml:4:28: expected the name of one instance, or KEY#N, got "*"`},
		"state of all":                 {oneCase + `      - expect: {instance: "*", state: active}` + "\n", "f.yaml:4:40: expected no state: instance * speaks of all instances together"},
		"a state":                      {oneCase + "      - expect: {state: done}\n", `f.yaml:4:25: expected active, completed, cancelled or suspended, got "done"`},
		"a refused expect":             {oneCase + "      - expect: {state: active}\n        refused: x\n", "f.yaml:4:9: expected no refused: an expectation is not refused"},
		"refused twice":                {oneCase + "      - cancel: {refused: a}\n        refused: b\n", "f.yaml:4:27: expected refused once, it is beside cancel too"},
		"a call":                       {oneCase + "      - expect: {calls: [{implementation: a.B, input: {}}]}\n", `f.yaml:4:48: unknown field "input", expected one of absentInputs, implementation, inputs`},
		"a count":                      {oneCase + "      - expect: {calls: {a.B: two}}\n", `f.yaml:4:31: expected a number from 0, got "two"`},
		"an incident":                  {oneCase + "      - expect: {incidents: [call]}\n", `f.yaml:4:30: expected an incident with element and message, a map, got "call"`},
		"a stub":                       {"connectors: {a.B: {output: {}}}\n" + oneCase + "      - cancel: {}\n", `f.yaml:1:20: unknown field "output", expected one of error, failure, outputs`},
		"a stub with two":              {"connectors: {a.B: {outputs: {}, error: {code: X}}}\n" + oneCase + "      - cancel: {}\n", "f.yaml:1:40: expected one of outputs, error and failure"},
		"an error":                     {"connectors: {a.B: [{error: {message: m}}]}\n" + oneCase + "      - cancel: {}\n", "f.yaml:1:28: expected the field code: the code of the BPMN error"},
		"no answers":                   {"connectors: {a.B: []}\n" + oneCase + "      - cancel: {}\n", "f.yaml:1:19: expected at least one answer"},
		"an element":                   {"connectors: {a.B@: {}}\n" + oneCase + "      - cancel: {}\n", `f.yaml:1:14: expected IMPLEMENTATION or IMPLEMENTATION@ELEMENT, got "a.B@"`},
		"a tag":                        {oneCase + "      - advance: !!str PT1S\n", "f.yaml:4:18: expected a value without a tag, got !!str"},
		"no anchor":                    {oneCase + "      - advance: *short\n", "f.yaml:4:18: expected the name of an anchor, *short is none"},
		"an endless alias":             {"connectors: &a {a.B: {outputs: {x: *a}}}\n" + oneCase + "      - cancel: {}\n", "expected at most 100 levels of lists and maps"},
		"too deep":                     {oneCase + "      - set: {variables: {a: " + strings.Repeat("[", 150) + strings.Repeat("]", 150) + "}}\n", "expected at most 100 levels of lists and maps"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("f.yaml", []byte(test.text))
			require.ErrorContains(t, err, test.want)
			require.True(t, Malformed(err))
		})
	}
}

func TestAllErrorsAreTold(t *testing.T) {
	_, err := Parse("f.yaml", []byte("a: 1\n"+oneCase+"      - start: {}\n      - advance: x\n"))
	require.Len(t, strings.Split(err.Error(), "\n"), 3, "%v", err)
}

func TestAliasesAndMergeKeys(t *testing.T) {
	f, err := Parse("f.yaml", []byte(`
cases:
  - name: n
    steps:
      - set: &set {variables: &v {a: 1, b: 2.0, c: 2.5}}
      - set: *set
      - set:
          variables: {<<: *v, a: text, d: "1"}
`))
	require.NoError(t, err)
	steps := f.Cases[0].steps
	require.Equal(t, steps[0].action, steps[1].action)
	require.Equal(t, map[string]any{"a": "text", "b": int64(2), "c": 2.5, "d": "1"}, steps[2].action.(*setStep).variables)
	require.Equal(t, defaultClock, f.clock)
}

func TestRefusedStandsBesideOrAmongTheFields(t *testing.T) {
	f, err := Parse("f.yaml", []byte(oneCase+"      - cancel: {refused: \"\"}\n      - advance: PT0S\n        refused: no\n      - cancel: {}\n      - start: {process: p, refused: x}\n      - start: {process: p}\n"))
	require.NoError(t, err)
	require.Equal(t, "", *f.Cases[0].steps[0].refused)
	require.Equal(t, "no", *f.Cases[0].steps[1].refused)
	require.Nil(t, f.Cases[0].steps[2].refused)
	require.Equal(t, 5, f.Cases[0].steps[1].line)
}
