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
	instance                *instance
	element, implementation string
	inputs                  map[string]any
}

// call records a connector call and looks up its answer: what the stub says is settled in the order of the calls.
func (w *world) call(i *instance, c engine.CallConnector) {
	w.calls = append(w.calls, call{i, c.Element, c.Implementation, c.Inputs})
	stub := c.Implementation + "@" + c.Element
	answers := w.stubs[stub]
	if answers == nil {
		stub = c.Implementation
		answers = w.stubs[stub]
	}
	if answers == nil {
		w.fail(brokenf("connector %s is called at element %q and has no stub: add it to connectors", c.Implementation, c.Element))
		return
	}
	a := answers[min(w.answered[stub], len(answers)-1)]
	w.answered[stub]++
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
