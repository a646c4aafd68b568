package external

import (
	"context"
	"errors"
)

// locking is what becomes of the tasks that a request is given: they are locked side by side.
type locking struct {
	broker      *Broker
	ctx         context.Context
	worker      string
	begun, left int
	ended       chan locked
	found       []*Task
	err         error
}

type locked struct {
	task *Task
	err  error
}

func (l *locking) begin(g gift) {
	l.begun++
	l.left++
	go func() {
		t, err := l.broker.source.Lock(l.ctx, g.offered, l.worker, g.lock)
		if err != nil && !errors.Is(err, ErrGone) {
			l.broker.giveBack(g.offered)
		}
		l.ended <- locked{t, err}
	}()
}

func (l *locking) end(ended locked) {
	l.left--
	switch {
	case ended.err == nil:
		l.found = append(l.found, ended.task)
	case !errors.Is(ended.err, ErrGone):
		l.err = ended.err
	}
}
