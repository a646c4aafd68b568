package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities"
	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/engine"
)

// scriptTimeout bounds one run of a script in real time, as the process host does.
const scriptTimeout = 5 * time.Second

// pending is a connector call or a script that has not been answered yet.
type pending struct {
	command
	answer func() engine.Event
}

// call is a connector call that was made.
type call struct {
	instance                string
	element, implementation string
	inputs                  map[string]any
}

// answers are the stubs of a case, and how often each has answered.
type answers struct {
	stubs    map[string][]answer // by IMPLEMENTATION or IMPLEMENTATION@ELEMENT
	answered map[string]int
}

func newAnswers(stubs map[string][]answer) *answers {
	return &answers{stubs: stubs, answered: map[string]int{}}
}

// next is what the next call of an element gets.
func (a *answers) next(implementation, element string) (answer, bool) {
	stub := implementation + "@" + element
	list := a.stubs[stub]
	if list == nil {
		stub = implementation
		list = a.stubs[stub]
	}
	if list == nil {
		return answer{}, false
	}
	n := min(a.answered[stub], len(list)-1)
	a.answered[stub]++
	return list[n], true
}

// call records a connector call and looks up its answer: what the stub says is settled in the order of the calls.
func (w *world) call(i *instance, c engine.CallConnector) {
	w.calls = append(w.calls, call{i.name, c.Element, c.Implementation, c.Inputs})
	a, ok := w.answers.next(c.Implementation, c.Element)
	if !ok {
		w.fail(brokenf("connector %s is called at element %q and has no stub: add it to connectors", c.Implementation, c.Element))
		return
	}
	var event engine.Event = engine.Completed{ID: c.ID, Outputs: a.outputs}
	if a.failed {
		event = engine.Failed{ID: c.ID, Failure: engine.Failure{Code: a.code, Message: a.message}}
	}
	w.later(i, c.ID, func() engine.Event { return event })
}

// script runs a script as the workers do. Variables go in and out as JSON, which is how they travel there.
func (w *world) script(c engine.RunScript) engine.Event {
	result, err := w.runScript(c)
	if err != nil {
		return scriptFailed(c.ID, err)
	}
	completed := engine.Completed{ID: c.ID, Removed: result.Removed}
	if err := errors.Join(throughJSON(result.Variables, &completed.Outputs), throughJSON(result.Local, &completed.Local)); err != nil {
		return engine.Failed{ID: c.ID, Failure: engine.Failure{Message: err.Error()}}
	}
	return completed
}

// scriptFailed is what the process host makes of the error of a script.
func scriptFailed(id int, err error) engine.Event {
	failed := engine.Failed{ID: id, Failure: engine.Failure{Message: err.Error()}}
	application, ok := errors.AsType[*temporal.ApplicationError](err)
	if !ok {
		return failed
	}
	failed.Failure.Message = application.Message()
	if code, ok := strings.CutPrefix(application.Type(), contract.BPMNErrorPrefix); ok {
		failed.Failure.Code = code
		var left contract.ConnectorResult
		if err := application.Details(&left); err == nil {
			failed.Variables = engine.Variables(left.Outputs)
		}
	}
	return failed
}

func (w *world) runScript(c engine.RunScript) (contract.ScriptResult, error) {
	ctx, cancel := context.WithTimeout(w.ctx, scriptTimeout)
	defer cancel()
	in := contract.ScriptInput{
		Format: c.Format, Source: c.Source, Result: c.Result, Variables: map[string]any{}, Execution: contract.Variables(c.Execution),
		AutoStore: c.AutoStore,
	}
	if err := throughJSON(map[string]any(c.Variables), &in.Variables); err != nil {
		return contract.ScriptResult{}, err
	}
	return activities.RunScript(ctx, in)
}

func throughJSON(from, to any) error {
	text, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, to)
}
