package scenario

import (
	"github.com/goccy/go-yaml/ast"

	"github.com/waybill-io/waybill/activities/contract"
)

// expectStep holds what is expected; a nil field is not compared.
type expectStep struct {
	instance      string // all: of the case together
	state         *string
	tasks         []string
	taskIDs       []string
	assignees     []string
	candidates    []string
	active        []string
	variables     map[string]any
	absent        []string
	taskVariables *expectedTask
	callCounts    map[string]int
	calls         []expectedCall
	incidents     []expectedIncident
	path          []string
	instances     map[string]int
	subscriptions []string // messages and signals, as "message NAME" and "signal NAME"
	enabled       []string
	jobs          *expectedJobs
	events        []string // types of all events, in order
	eventsInclude []string // types of some of them, in order
}

type expectedTask struct {
	task      string
	variables map[string]any
}

type expectedCall struct {
	implementation string
	inputs         map[string]any
	absent         []string
}

type expectedIncident struct{ element, message string }

func readExpect(f *fields) action {
	e := &expectStep{instance: main}
	if n := f.get("instance"); n != nil {
		if e.instance = f.text(n, "the name of an instance, KEY#N or *"); e.instance == "" {
			f.fail(n, "expected the name of an instance, KEY#N or *")
		}
	}
	if n := f.get("state"); n != nil {
		state := f.text(n, "a state")
		switch state {
		case contract.StateActive, contract.StateCompleted, contract.StateCancelled, contract.StateSuspended:
		default:
			f.fail(n, "expected active, completed, cancelled or suspended, got %q", state)
		}
		e.state = &state
	}
	for _, list := range []struct {
		name, what string
		to         *[]string
	}{
		{"tasks", "task name", &e.tasks},
		{"taskIds", "element id", &e.taskIDs},
		{"assignees", "user", &e.assignees},
		{"candidates", "user or group", &e.candidates},
		{"active", "element id", &e.active},
		{"absent", "variable name", &e.absent},
		{"path", "element id", &e.path},
		{"enabled", "element id", &e.enabled},
	} {
		if n := f.get(list.name); n != nil {
			*list.to = f.texts(n, list.what)
		}
	}
	e.variables = f.variables("variables")
	e.taskVariables = f.expectedTask()
	f.expectedCalls(e)
	if n := f.get("incidents"); n != nil {
		e.incidents = f.expectedIncidents(n)
	}
	if n := f.get("instances"); n != nil {
		e.instances = f.counts(n, "process ids")
	}
	if n := f.get("subscriptions"); n != nil {
		e.subscriptions = f.expectedSubscriptions(n)
	}
	e.jobs = f.expectedJobs()
	if n := f.get("events"); n != nil {
		e.events = f.eventTypes(n)
	}
	if n := f.get("eventsInclude"); n != nil {
		e.eventsInclude = f.eventTypes(n)
	}
	if e.instance == all {
		for _, name := range []string{"state", "variables", "absent"} {
			if n := f.get(name); n != nil {
				f.fail(n, "expected no %s: instance * speaks of all instances together", name)
			}
		}
	}
	return e
}

func (f *fields) expectedTask() *expectedTask {
	n := f.get("taskVariables")
	if n == nil {
		return nil
	}
	in := f.fields(n, "task and variables")
	if in == nil {
		return nil
	}
	e := &expectedTask{task: in.required("task", "the name or the element id of a user task"), variables: in.variables("variables")}
	if e.variables == nil {
		in.fail(in.at, "expected the field variables: names and values")
	}
	in.done()
	return e
}

// expectedCalls reads calls in either form: counts by implementation, or a list in order.
func (f *fields) expectedCalls(e *expectStep) {
	n := f.get("calls")
	if n == nil {
		return
	}
	if _, counted := f.resolve(n).(*ast.MappingNode); counted {
		e.callCounts = f.counts(n, "implementations")
		return
	}
	e.calls = []expectedCall{}
	for _, element := range f.reader.list(n, "a map of counts, or a list of calls") {
		in := f.fields(element, "a call with implementation, inputs and absentInputs")
		if in == nil {
			continue
		}
		c := expectedCall{implementation: in.required("implementation", "an implementation such as email.SEND"), inputs: in.variables("inputs")}
		if absent := in.get("absentInputs"); absent != nil {
			c.absent = in.texts(absent, "input name")
		}
		in.done()
		e.calls = append(e.calls, c)
	}
}

// counts reads a map from names to numbers.
func (f *fields) counts(n ast.Node, what string) map[string]int {
	in := f.fields(n, "a map from "+what+" to numbers")
	if in == nil {
		return nil
	}
	counts := map[string]int{}
	for _, p := range in.list {
		counts[p.name] = in.integer(p.value, 0, "a number from 0")
	}
	return counts
}

func (f *fields) expectedIncidents(n ast.Node) []expectedIncident {
	incidents := []expectedIncident{}
	for _, element := range f.reader.list(n, "a list of incidents") {
		in := f.fields(element, "an incident with element and message")
		if in == nil {
			continue
		}
		incidents = append(incidents, expectedIncident{
			element: in.required("element", "an element id"), message: in.optional("message", "part of the text"),
		})
		in.done()
	}
	return incidents
}

func (f *fields) expectedSubscriptions(n ast.Node) []string {
	names := []string{}
	for _, element := range f.reader.list(n, "a list of subscriptions") {
		in := f.fields(element, "a subscription with message or signal")
		if in == nil {
			continue
		}
		message, signal := in.optional("message", "the name of a message"), in.optional("signal", "the name of a signal")
		switch {
		case (message == "") == (signal == ""):
			in.fail(in.at, "expected one of message and signal")
		case message != "":
			names = append(names, "message "+message)
		default:
			names = append(names, "signal "+signal)
		}
		in.done()
	}
	return names
}

var _ action = (*expectStep)(nil)
