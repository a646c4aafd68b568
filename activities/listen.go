package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors"
)

// The pause before a connector listens again: twice as long each time, of which a random part is waited. A connection that held for
// listenedWell begins anew.
const (
	firstListen   = time.Second
	longestListen = time.Minute
	listenedWell  = time.Minute
)

// Emitter stores events, as *client.Client does.
type Emitter interface {
	Emit(ctx context.Context, instance, template string, e connectors.Event) (started bool, err error)
	Bury(ctx context.Context, instance string, e connectors.Event, reason string) error
}

// Listen has a connector listen until ctx ends, again whenever its connection breaks. What it tells of is stored before the other side hears
// that it was taken. An event that can never be taken is a dead letter, or the other side would tell of it for ever.
func Listen(ctx context.Context, c connectors.Listener, to Emitter, logger *slog.Logger) {
	l := &listening{connector: c, to: to, log: logger.With("connector", c.Definition().Name), first: firstListen, longest: longestListen}
	l.run(ctx)
}

type listening struct {
	connector      connectors.Listener
	to             Emitter
	log            *slog.Logger
	first, longest time.Duration
}

func (l *listening) run(ctx context.Context) {
	pause := l.first
	for ctx.Err() == nil {
		begun := time.Now()
		err := l.listen(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(begun) > listenedWell {
			pause = l.first
		}
		wait := time.Duration(rand.Int64N(int64(pause))) + 1 // full jitter: all workers lose their connections at the same time
		failure := cmp.Or(connectors.AsError(err), &connectors.Error{})
		if failure.After > wait {
			wait = failure.After
		}
		l.log.Warn("a connector does not listen any more; it is tried again", "error", err, "pause", wait)
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		pause = min(2*pause, l.longest)
	}
}

// listen has the connector listen once. A panic of its is an error, as one in a call is: it must not take the worker along, with all else that
// this does.
func (l *listening) listen(ctx context.Context) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v", cause)
			l.log.Error("a connector panicked while it listened", "error", err, "stack", string(debug.Stack()))
		}
	}()
	return l.connector.Listen(ctx, l.emit)
}

func (l *listening) emit(ctx context.Context, e connectors.Event) error {
	d := l.connector.Definition()
	_, err := l.to.Emit(ctx, d.Name, cmp.Or(d.Template, d.Name), e)
	if refusal, refused := errors.AsType[*client.Error](err); refused {
		l.log.Error("an event is refused; it is a dead letter", "event", e.Name, "reason", refusal.Message)
		return l.to.Bury(ctx, d.Name, e, refusal.Message)
	}
	return err
}
