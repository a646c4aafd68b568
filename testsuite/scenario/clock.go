package scenario

import (
	"fmt"
	"slices"
	"time"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/engine"
	"github.com/waybill-io/waybill/juel"
)

// timer is a timer of an instance, or a timer start event.
type timer struct {
	at time.Time
	command
	start *timerStart // nil: of the instance
}

// timerStart begins an instance each time its timer is due.
type timerStart struct {
	key, element string
	cycle        *bpmn.Cycle // nil: it fires once
	left         int         // firings after this one; -1: for ever
}

// advance moves the clock and fires what is due on the way.
func (w *world) advance(d bpmn.Duration) error {
	target := d.AddTo(w.now)
	for t := w.nextDue(target); t != nil && w.move(); t = w.nextDue(target) {
		if t.at.After(w.now) {
			w.now = t.at
		}
		w.timers = slices.DeleteFunc(w.timers, func(other *timer) bool { return other == t })
		if err := w.fire(t); err != nil {
			return err
		}
		w.settle()
	}
	w.now = target
	return nil
}

// nextDue is the timer that fires first, the one that was made first among equals; nil when none is due.
func (w *world) nextDue(target time.Time) (next *timer) {
	for _, t := range w.timers {
		if !t.at.After(target) && (next == nil || t.at.Before(next.at)) {
			next = t
		}
	}
	return next
}

func (w *world) fire(t *timer) error {
	if t.start == nil {
		if err := w.apply(t.instance, engine.TimerFired{ID: t.id}); err != nil {
			return brokenf("the engine refused a timer of %s: %w", t.instance.name, err)
		}
		return nil
	}
	if _, err := w.begin(t.start.key, t.start.element, startStep{}); err != nil {
		return brokenf("timer start event %q: %w", t.start.element, err)
	}
	w.again(t)
	return nil
}

// again has a timer start event with a cycle fire again.
func (w *world) again(t *timer) {
	if t.start.cycle == nil || t.start.left == 0 {
		return
	}
	again := *t.start
	again.left = max(again.left-1, -1)
	if at, ok := again.cycle.Next(t.at); ok {
		w.timers = append(w.timers, &timer{at: at, start: &again})
	}
}

// startTimers makes the timer start events of a process those of its newest version. They count from now.
func (w *world) startTimers(d deployed) error {
	var timers []*timer
	for _, n := range d.process.Top() {
		if n.Kind != bpmn.StartEvent || n.Event != bpmn.TimerEvent {
			continue
		}
		t := &timer{start: &timerStart{key: d.key, element: n.ID}}
		if err := w.schedule(t, n.Timer); err != nil {
			return fmt.Errorf("timer of start event %q: %w", n.ID, err)
		}
		timers = append(timers, t)
	}
	w.timers = slices.DeleteFunc(w.timers, func(t *timer) bool { return t.start != nil && t.start.key == d.key })
	w.timers = append(w.timers, timers...)
	return nil
}

func (w *world) schedule(t *timer, model *bpmn.Timer) error {
	switch {
	case model.Date != nil:
		text, err := w.text(model.Date)
		if err == nil {
			t.at, err = bpmn.ParseDate(text)
		}
		return err
	case model.Duration != nil:
		text, err := w.text(model.Duration)
		if err != nil {
			return err
		}
		d, err := bpmn.ParseDuration(text)
		t.at = d.AddTo(w.now)
		return err
	}
	text, err := w.text(model.Cycle)
	if err != nil {
		return err
	}
	cycle, err := bpmn.ParseCycle(text)
	if err != nil {
		return err
	}
	t.start.cycle, t.start.left = &cycle, max(cycle.Times-1, -1)
	if at, ok := cycle.First(w.now); ok {
		t.at = at
		return nil
	}
	return fmt.Errorf("the cycle %q is over already", text)
}

// startEnv is what expressions of a start event see: the time, and no variables.
type startEnv struct {
	juel.Vars
	now time.Time
}

func (e startEnv) Now() time.Time { return e.now }

func (w *world) text(e *juel.Expr) (string, error) {
	v, err := e.Eval(startEnv{now: w.now})
	if err != nil {
		return "", err
	}
	return fmt.Sprint(v), nil
}

var _ juel.Env = startEnv{}
