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
// under way go on, and so do external tasks that somebody has. The others are given to nobody.
func (h *host) suspend(ctx workflow.Context) error {
	if err := h.request(ctx, &request{do: h.holdAll}); err != nil {
		return err
	}
	return h.pauseOffers(ctx)
}

func (h *host) holdAll() error {
	h.input.Paused = true
	h.show()
	return nil
}

func (h *host) resumeInstance(ctx workflow.Context) error {
	if err := h.request(ctx, &request{do: h.letGo}); err != nil {
		return err
	}
	return h.pauseOffers(ctx)
}

// letGo lets what came in the meantime happen, in order.
func (h *host) letGo() error {
	h.input.Paused = false
	deferred := h.deferred
	h.deferred = nil
	for _, happen := range deferred {
		happen()
	}
	h.show()
	return nil
}

// taskDone is the completion of a user task.
func (h *host) taskDone(c workflow.ReceiveChannel, _ bool) {
	var done contract.TaskDone
	c.Receive(h.ctx, &done)
	delete(h.waits, done.Command)
	h.happen(engine.Completed{
		ID: done.Command, Outputs: engine.Variables(done.Variables), Assignee: done.Assignee, Owner: done.Owner, Claimed: done.Claimed,
	})
}

// taskAssigned is a user task that somebody got or gave back.
func (h *host) taskAssigned(c workflow.ReceiveChannel, _ bool) {
	var a contract.TaskAssigned
	c.Receive(h.ctx, &a)
	h.happen(engine.TaskAssigned{ID: a.Command, Assignee: a.Assignee})
}

func (h *host) validateTaskAnswer(a contract.TaskAnswer) error {
	if a.Code == "" {
		return errors.New("no code given")
	}
	return h.validateActive()
}

// answerTask is a BPMN error or an escalation from a user task.
func (h *host) answerTask(ctx workflow.Context, a contract.TaskAnswer) error {
	if a.Escalate {
		return h.ask(ctx, engine.Escalated{ID: a.Command, Code: a.Code, Variables: engine.Variables(a.Variables)})
	}
	return h.request(ctx, &request{do: func() error {
		err := h.step(engine.Failed{ID: a.Command, Failure: engine.Failure{Code: a.Code, Message: a.Message}, Variables: engine.Variables(a.Variables)})
		if err == nil {
			h.stop(a.Command) // the task does not know yet
		}
		return err
	}})
}

// taskVariables are variables that are local to an open task.
func (h *host) taskVariables(c workflow.ReceiveChannel, _ bool) {
	var v contract.TaskVariables
	c.Receive(h.ctx, &v)
	// A suspended instance takes them too: they change nothing but the task.
	if err := h.step(engine.VariablesSet{Task: v.Command, Variables: engine.Variables(v.Variables)}); err != nil {
		workflow.GetLogger(h.ctx).Warn("variables of a task", "error", err)
	}
}

func (h *host) validateAdvance(a contract.Advance) error {
	if h.input.Clock == nil {
		return errors.New("the clock of this instance cannot be moved: it is no test")
	}
	return h.validateRunning()
}

// advance moves the clock of the instance and fires what is due by then.
func (h *host) advance(ctx workflow.Context, a contract.Advance) error {
	return h.request(ctx, &request{do: func() error { return h.moveClock(a.To) }})
}

func (h *host) moveClock(to time.Time) error {
	for {
		var next *wait
		for _, id := range workflow.DeterministicKeys(h.waits) {
			if w := h.waits[id]; w.due != nil && !w.due.After(to) && (next == nil || w.due.Before(*next.due)) {
				next = w
			}
		}
		if next == nil {
			h.input.Clock = &to
			return nil
		}
		if next.due.After(h.now()) {
			h.input.Clock = next.due
		}
		delete(h.waits, next.id)
		if err := h.step(engine.TimerFired{ID: next.id}); err != nil && !errors.Is(err, engine.ErrStale) {
			return fmt.Errorf("fire timer: %w", err)
		}
	}
}

// subscriptions are the messages and signals that the instance waits for.
func (h *host) subscriptions() (list []string) {
	for _, w := range h.state.Waits {
		switch {
		case w.Kind == engine.WaitMessage && w.Name != "":
			list = append(list, "message "+w.Name)
		case w.Kind == engine.WaitReply:
			list = append(list, "reply to "+w.Element)
		case w.Kind == engine.WaitSignal:
			list = append(list, "signal "+w.Name)
		}
	}
	return list
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
