package scenario

import (
	"context"
	"encoding/json"
	"errors"
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
	outputs, err := w.runScript(c)
	if err != nil {
		message := err.Error()
		if application, ok := errors.AsType[*temporal.ApplicationError](err); ok {
			message = application.Message()
		}
		return engine.Failed{ID: c.ID, Failure: engine.Failure{Message: message}}
	}
	return engine.Completed{ID: c.ID, Outputs: outputs}
}

func (w *world) runScript(c engine.RunScript) (outputs engine.Variables, err error) {
	ctx, cancel := context.WithTimeout(w.ctx, scriptTimeout)
	defer cancel()
	in := contract.ScriptInput{Format: c.Format, Source: c.Source, Result: c.Result, Variables: map[string]any{}}
	if err := throughJSON(map[string]any(c.Variables), &in.Variables); err != nil {
		return nil, err
	}
	result, err := activities.RunScript(ctx, in)
	if err != nil {
		return nil, err
	}
	err = throughJSON(result.Variables, &outputs)
	return outputs, err
}

func throughJSON(from, to any) error {
	text, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, to)
}
