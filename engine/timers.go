package engine

import (
	"errors"
	"fmt"
	"time"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/juel"
)

// due is when a timer fires. A cycle fires again left times (-1: for ever) at its interval.
type due struct {
	at    time.Time
	cycle string
	left  int
	end   time.Time // no firing after it; zero: none
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
			return m.cycle(text, t.End)
		}
	default:
		err = errors.New("it has neither a date, nor a duration, nor a cycle")
	}
	return d, err
}

func (m *machine) cycle(text string, until *juel.Expr) (d due, err error) {
	c, err := bpmn.ParseCycle(text)
	if err != nil {
		return d, err
	}
	d.cycle, d.left = text, max(c.Times-1, -1)
	if d.end, err = m.until(until); err != nil {
		return d, err
	}
	at, ok := c.First(m.now)
	if !ok || !d.end.IsZero() && at.After(d.end) {
		return d, fmt.Errorf("the cycle %q is over already", text)
	}
	d.at = at
	return d, nil
}

// until is the end date of a cycle, zero when there is none.
func (m *machine) until(e *juel.Expr) (time.Time, error) {
	text, err := m.text("end date", e)
	if err != nil || text == "" {
		return time.Time{}, err
	}
	return bpmn.ParseDate(text)
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

// rearm starts a cycle's next firing, counted from when this one was due.
func (m *machine) rearm(w Wait, n *bpmn.Node) {
	if w.Left == 0 {
		return
	}
	c, err := bpmn.ParseCycle(w.Cycle)
	if err != nil {
		return // it was read when the timer was armed
	}
	next, ok := c.Next(w.At)
	if !ok {
		return
	}
	at, err := storable(next)
	if err != nil {
		return // after the year 9999
	}
	if !w.End.IsZero() && at.After(w.End) {
		return
	}
	m.begun(Wait{Token: w.Token, Scope: w.Scope, Kind: WaitTimer, Element: n.ID, At: at, Cycle: w.Cycle, Left: max(w.Left-1, -1), End: w.End})
}
