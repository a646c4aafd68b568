package engine

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/waybill-io/waybill/bpmn"
)

// due is when a timer fires. A cycle fires again left times (-1: for ever) at its interval.
type due struct {
	at    time.Time
	cycle string
	left  int
}

func (m *machine) due(t *bpmn.Timer) (due, error) {
	d, err := m.read(t)
	if err == nil {
		d.at, err = storable(d.at)
	}
	if err != nil {
		return due{}, fmt.Errorf("timer: %w", err)
	}
	return d, nil
}

func (m *machine) read(t *bpmn.Timer) (d due, err error) {
	var text string
	switch {
	case t == nil:
		err = errors.New("it has no definition")
	case t.Date != nil:
		if text, err = m.text("date", t.Date); err == nil {
			d.at, err = bpmn.ParseDate(text)
		}
	case t.Duration != nil:
		if text, err = m.text("duration", t.Duration); err == nil {
			d.at, err = m.after(text)
		}
	case t.Cycle != nil:
		if text, err = m.text("cycle", t.Cycle); err == nil {
			return m.cycle(text)
		}
	default:
		err = errors.New("it has neither a date, nor a duration, nor a cycle")
	}
	return d, err
}

func (m *machine) cycle(text string) (due, error) {
	n, interval, err := bpmn.ParseCycle(text)
	if err != nil {
		return due{}, err
	}
	return due{at: interval.AddTo(m.now), cycle: text, left: max(n-1, -1)}, nil
}

func (m *machine) after(duration string) (time.Time, error) {
	d, err := bpmn.ParseDuration(duration)
	if err != nil {
		return time.Time{}, err
	}
	return d.AddTo(m.now), nil
}

// storable refuses times that JSON cannot hold (RFC 3339: four digits for the year), since the state must be readable.
func storable(at time.Time) (time.Time, error) {
	at = at.UTC()
	if year := at.Year(); year < 1 || year > 9999 {
		return at, fmt.Errorf("the year %d is out of range", year)
	}
	return at, nil
}

// arm starts the timers of an activity's boundary events, all or none, in document order.
func (m *machine) arm(token int, n *bpmn.Node) error {
	t := m.token(token)
	if len(n.Boundary) == 0 || t.Armed {
		return nil
	}
	timers := make([]due, len(n.Boundary))
	for i, b := range n.Boundary {
		if b.Event != bpmn.TimerEvent {
			return fmt.Errorf("boundary event %q: only timers can be executed", b.ID)
		}
		var err error
		if timers[i], err = m.due(b.Timer); err != nil {
			return fmt.Errorf("boundary event %q: %w", b.ID, err)
		}
		if b.Interrupting {
			timers[i] = due{at: timers[i].at} // its first firing ends the activity
		}
	}
	for i, b := range n.Boundary {
		m.startTimer(token, b, timers[i])
	}
	t.Armed = true
	return nil
}

// disarm stops what is still under way for an activity. At most one wait per boundary event can be left, its own
// included when a boundary event has fired.
func (m *machine) disarm(t *Token, n *bpmn.Node) {
	t.Armed = false
	left := len(n.Boundary)
	for i := 0; i < len(m.s.Waits) && left > 0; {
		w := m.s.Waits[i]
		if w.Token != t.ID {
			i++
			continue
		}
		m.command(Stop{ID: w.ID})
		m.s.Waits = remove(m.s.Waits, i)
		left--
	}
}

func (m *machine) startTimer(token int, n *bpmn.Node, d due) {
	id := m.nextID()
	m.await(
		Wait{ID: id, Token: token, Kind: WaitTimer, Element: n.ID, At: d.at, Cycle: d.cycle, Left: d.left},
		StartTimer{ID: id, Element: n.ID, At: d.at},
	)
}

func (m *machine) timerFired(ev TimerFired) error {
	w, n, err := m.answered(ev.ID, WaitTimer)
	if err != nil {
		return err
	}
	if n.Kind != bpmn.BoundaryEvent {
		m.conclude(w, n, nil)
		return nil
	}
	m.forget(w.ID)
	token := w.Token
	if n.Interrupting {
		m.interrupt(m.token(token), n.AttachedTo)
	} else {
		m.rearm(w, n)
		token = m.newToken()
	}
	m.passed(n)
	m.ready = append(m.ready, runnable{token: token, node: n, leaving: true})
	return nil
}

// interrupt takes a token out of an activity that has not completed.
func (m *machine) interrupt(t *Token, activity *bpmn.Node) {
	m.disarm(t, activity)
	t.Flow, t.Done = "", false
	if i := slices.IndexFunc(m.s.Incidents, func(i Incident) bool { return i.Token == t.ID }); i >= 0 {
		m.s.Incidents = remove(m.s.Incidents, i)
	}
}

// rearm starts a cycle's next firing, counted from when this one was due.
func (m *machine) rearm(w Wait, n *bpmn.Node) {
	if w.Left == 0 {
		return
	}
	_, interval, err := bpmn.ParseCycle(w.Cycle)
	if err != nil {
		return // it was read when the timer was armed
	}
	at, err := storable(interval.AddTo(w.At))
	if err != nil {
		return // after the year 9999
	}
	m.startTimer(w.Token, n, due{at: at, cycle: w.Cycle, left: max(w.Left-1, -1)})
}
