package scenario

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/engine"
)

// action is what a step does to the world. Its error is a refusal, or broken.
type action interface{ do(*world) error }

type startStep struct {
	process, message, signal string // one of them
	businessKey, user        string
	variables                map[string]any
	as                       string
}

// taskStep says which open user task a step means: the nth fitting one of an instance, or of all when it names none.
type taskStep struct {
	task, instance string
	nth            int
}

type completeStep struct {
	taskStep
	variables map[string]any
}

type claimStep struct {
	taskStep
	assignee string
}

type messageStep struct {
	name, key         string
	instance, element string // "": whoever waits
	variables         map[string]any
}

type triggerStep struct {
	instance, element string
	variables         map[string]any
}

type setStep struct {
	instance  string
	task      *taskStep // local to it; nil: of the instance
	variables map[string]any
}

type advanceStep struct{ by bpmn.Duration }

type incidentStep struct {
	instance, element string
	action            engine.IncidentAction
	variables         map[string]any
}

type cancelStep struct{ instance string }

type deployStep struct{ *deployment }

// main is the name of an instance that was started without one.
const main = "main"

// all is the instance of an expectation that speaks of all of the case.
const all = "*"

// stepReaders are the steps of this version.
var stepReaders = []struct {
	name string
	read func(f *fields) action
}{
	{"start", readStart},
	{"complete", readComplete},
	{"claim", readClaim},
	{"message", readMessage},
	{"trigger", readTrigger},
	{"set", readSet},
	{"incident", readIncident},
	{"cancel", readCancel},
	{"deploy", readDeploy},
	{"signal", readSignal},
	{"escalate", readEscalate},
	{"throwError", readThrowError},
	{"run", readRun},
	{"finishScope", readFinishScope},
	{"fetch", readFetch},
	{"finish", readAnswer("finish")},
	{"fail", readAnswer("fail")},
	{"bpmnError", readAnswer("bpmnError")},
	{"serviceError", readAnswer("serviceError")},
	{"extend", readAnswer("extend")},
	{"unlock", readAnswer("unlock")},
	{"retries", readAnswer("retries")},
	{"expect", readExpect},
}

// step reads an entry of a case: one key, and refused beside it or among its fields.
func (r *reader) step(n ast.Node) (s step) {
	f := r.fields(n, "a step")
	if f == nil {
		return s
	}
	s.line, _ = position(f.at)
	s.refused = f.refusal()
	names := []string{"advance"}
	for _, reader := range stepReaders {
		names = append(names, reader.name)
	}
	slices.Sort(names)
	var keys []pair
	for _, p := range f.list {
		switch {
		case p.name == "refused":
		case !slices.Contains(names, p.name):
			f.fail(p.key, "unknown step %q, expected one of %s", p.name, strings.Join(names, ", "))
			return s
		default:
			keys = append(keys, p)
		}
	}
	if len(keys) != 1 {
		at := f.at
		if len(keys) > 1 {
			at = keys[1].key
		}
		f.fail(at, "expected one step, got %d; one of %s", len(keys), strings.Join(names, ", "))
		return s
	}
	key := keys[0]
	if key.name == "advance" {
		s.action = advanceStep{by: r.duration(key.value)}
		return s
	}
	i := slices.IndexFunc(stepReaders, func(reader struct {
		name string
		read func(f *fields) action
	}) bool {
		return reader.name == key.name
	})
	in := r.fields(key.value, "the fields of "+key.name)
	if in == nil {
		return s
	}
	if in.list == nil {
		in.at = key.key
	}
	s.action = stepReaders[i].read(in)
	if text := in.refusal(); text != nil {
		if s.refused != nil {
			in.fail(in.get("refused"), "expected refused once, it is beside %s too", key.name)
		}
		s.refused = text
	}
	if s.refused != nil && key.name == "expect" {
		f.fail(key.key, "expected no refused: an expectation is not refused")
	}
	in.done()
	return s
}

func (f *fields) refusal() *string {
	n := f.get("refused")
	if n == nil {
		return nil
	}
	const what = "part of the error's text, or an empty text for any error"
	switch v := f.resolve(n).(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		f.fail(n, "expected %s, in quotes: got %s", what, kind(v))
		return nil
	}
	text := f.text(n, what)
	return &text
}

func readStart(f *fields) action {
	s := &startStep{
		process: f.optional("process", "the id of a process"), message: f.optional("message", "the name of a message"),
		signal:      f.optional("signal", "the name of a signal"),
		businessKey: f.optional("businessKey", "text"), user: f.optional("user", "the initiator"),
		variables: f.variables("variables"), as: main,
	}
	if n := f.get("as"); n != nil {
		s.as = f.text(n, "a name for the instance")
		if s.as == "" || strings.ContainsAny(s.as, "#*") {
			f.fail(n, "expected a name without # and *, got %q", s.as)
		}
	}
	if count(s.process != "", s.message != "", s.signal != "") != 1 {
		f.fail(f.at, "expected one of process, message and signal")
	}
	return s
}

func count(conditions ...bool) (n int) {
	for _, c := range conditions {
		if c {
			n++
		}
	}
	return n
}

func (f *fields) task() taskStep {
	s := taskStep{task: f.required("task", "the name or the element id of a user task"), instance: f.instance(""), nth: 1}
	if n := f.get("nth"); n != nil {
		s.nth = f.integer(n, 1, "a number from 1")
	}
	return s
}

// instance reads which instance a step means; absent is the meaning of a missing field.
func (f *fields) instance(absent string) string {
	n := f.get("instance")
	if n == nil {
		return absent
	}
	name := f.text(n, "the name of an instance, or KEY#N")
	if name == "" || name == all {
		f.fail(n, "expected the name of one instance, or KEY#N, got %q", name)
	}
	return name
}

func readComplete(f *fields) action {
	return &completeStep{taskStep: f.task(), variables: f.variables("variables")}
}

func readClaim(f *fields) action {
	s := &claimStep{taskStep: f.task(), assignee: f.optional("assignee", "a user")}
	if !f.has("assignee") {
		f.fail(f.at, `expected the field assignee: the user, or "" to give the task back`)
	}
	return s
}

func readMessage(f *fields) action {
	s := &messageStep{
		name: f.required("name", "the name of a message"), key: f.optional("key", "a correlation key"),
		instance: f.instance(""), element: f.optional("element", "the id of the catcher"), variables: f.variables("variables"),
	}
	if s.instance == "" && s.element != "" {
		s.instance = main
	}
	return s
}

func readTrigger(f *fields) action {
	return &triggerStep{
		instance: f.instance(main), element: f.required("element", "the id of a receive task"), variables: f.variables("variables"),
	}
}

func readSet(f *fields) action {
	s := &setStep{variables: f.variables("variables")}
	if f.has("task") {
		task := f.task()
		s.task = &task
	} else {
		s.instance = f.instance(main)
	}
	if len(s.variables) == 0 {
		f.fail(f.at, "expected the field variables: names and values")
	}
	return s
}

func readIncident(f *fields) action {
	s := &incidentStep{
		instance: f.instance(main), element: f.optional("element", "the id of the element"), variables: f.variables("variables"),
	}
	s.action = engine.IncidentAction(f.required("action", "retry, resolve, skip or cancel"))
	switch s.action {
	case engine.IncidentRetry, engine.IncidentResolve, engine.IncidentSkip, engine.IncidentCancel, "":
	default:
		f.fail(f.get("action"), "expected retry, resolve, skip or cancel, got %q", s.action)
	}
	return s
}

func readCancel(f *fields) action { return &cancelStep{instance: f.instance(main)} }

func readDeploy(f *fields) action {
	n := f.get("models")
	if n == nil {
		f.fail(f.at, "expected the field models: a list of files")
		return nil
	}
	return &deployStep{f.deployment(n)}
}
