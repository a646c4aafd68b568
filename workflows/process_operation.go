package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/engine"
)

var errPaused = errors.New("the instance is suspended: resume it first")

// validateActive refuses what a suspended instance does not do.
func (h *host) validateActive() error {
	if h.input.Paused {
		return errPaused
	}
	return h.validateRunning()
}

func (h *host) validateElement(e contract.ElementInput) error {
	if e.Element == "" {
		return errors.New("no element given")
	}
	return h.validateActive()
}

func (h *host) activate(ctx workflow.Context, e contract.ElementInput) error {
	return h.ask(ctx, engine.Activated{Element: e.Element})
}

func (h *host) finishScope(ctx workflow.Context, e contract.ElementInput) error {
	return h.ask(ctx, engine.ScopeFinished{Element: e.Element})
}

// suspend keeps back all that happens from now on: results, timers, messages and people's answers wait until resume. Calls that are
// under way go on.
func (h *host) suspend(ctx workflow.Context) error { return h.request(ctx, &request{do: h.pause}) }

func (h *host) pause() error {
	h.input.Paused = true
	h.show()
	return nil
}

func (h *host) resumeInstance(ctx workflow.Context) error {
	return h.request(ctx, &request{do: h.unpause})
}

// unpause lets what came in the meantime happen, in order.
func (h *host) unpause() error {
	h.input.Paused = false
	events := h.deferred
	h.deferred = nil
	for _, e := range events {
		h.happen(e)
	}
	h.show()
	return nil
}

// taskDone is the completion of a user task, or the BPMN error that it ended with.
func (h *host) taskDone(c workflow.ReceiveChannel, _ bool) {
	var done contract.TaskDone
	c.Receive(h.ctx, &done)
	delete(h.waits, done.Command)
	if done.Code != "" {
		h.happen(engine.Failed{
			ID: done.Command, Failure: engine.Failure{Code: done.Code, Message: done.Message}, Variables: engine.Variables(done.Variables),
		})
		return
	}
	h.happen(engine.Completed{ID: done.Command, Outputs: engine.Variables(done.Variables)})
}

// taskEscalated is an escalation by whoever works on a task. One that nothing catches was refused to them, or comes too late.
func (h *host) taskEscalated(c workflow.ReceiveChannel, _ bool) {
	var e contract.TaskEscalated
	c.Receive(h.ctx, &e)
	event := engine.Escalated{ID: e.Command, Code: e.Code, Variables: engine.Variables(e.Variables)}
	if h.input.Paused {
		h.deferred = append(h.deferred, event)
		return
	}
	if err := h.step(event); err != nil {
		workflow.GetLogger(h.ctx).Warn("escalation of a task", "error", err)
	}
}

// taskVariables are variables that are local to an open task.
func (h *host) taskVariables(c workflow.ReceiveChannel, _ bool) {
	var v contract.TaskVariables
	c.Receive(h.ctx, &v)
	if err := h.step(engine.VariablesSet{Task: v.Command, Variables: engine.Variables(v.Variables)}); err != nil {
		workflow.GetLogger(h.ctx).Warn("variables of a task", "error", err)
	}
}

func (h *host) validateAdvance(a contract.Advance) error {
	if !h.testClock {
		return errors.New("this worker does not move clocks: it is no test")
	}
	return h.validateRunning()
}

// advance moves the clock of the instance and fires what is due by then.
func (h *host) advance(ctx workflow.Context, a contract.Advance) error {
	return h.request(ctx, &request{do: func() error { return h.moveClock(a.To) }})
}

func (h *host) moveClock(to time.Time) error {
	if by := to.Sub(h.now()); by > 0 {
		h.input.Skew += by
	}
	for {
		var next *wait
		for _, id := range workflow.DeterministicKeys(h.waits) {
			if w := h.waits[id]; w.due != nil && !w.due.After(to) && (next == nil || w.due.Before(*next.due)) {
				next = w
			}
		}
		if next == nil {
			return nil
		}
		next.cancel()
		delete(h.waits, next.id)
		if err := h.step(engine.TimerFired{ID: next.id}); err != nil && !errors.Is(err, engine.ErrStale) {
			return fmt.Errorf("fire timer: %w", err)
		}
	}
}

// due is when the next timer fires; nil: none runs.
func (h *host) due() (due *time.Time) {
	for _, id := range workflow.DeterministicKeys(h.waits) {
		if w := h.waits[id]; w.due != nil && (due == nil || w.due.Before(*due)) {
			due = w.due
		}
	}
	return due
}
