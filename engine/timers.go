package engine

import (
	"errors"
	"fmt"
	"time"

	"github.com/waybill-io/waybill/bpmn"
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
	if !w.End.IsZero() && at.After(w.End) {
		return
	}
	m.begun(Wait{Token: w.Token, Scope: w.Scope, Kind: WaitTimer, Element: n.ID, At: at, Cycle: w.Cycle, Left: max(w.Left-1, -1), End: w.End})
}
