package ews

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/waybill-io/waybill/mail"
)

const (
	// survived is how long a streaming connection must last to count as a success. A server that drops it right after
	// it was set up would otherwise be asked again at once, for ever.
	survived       = time.Minute
	longestPause   = time.Minute
	moveInProgress = 30 * time.Second // a mailbox that moves to another server is not there so soon
	// pollFor is how long to poll before the server is asked again for a streaming connection.
	pollFor = 30 * time.Minute
)

// push is what Wait keeps between its calls. Only pollUntil is for other goroutines.
type push struct {
	stream    *stream
	again     time.Time // not before this is another stream opened
	failures  int       // streams in a row that did not survive
	pollUntil atomic.Int64

	subscription atomic.Pointer[string]
}

// Wait blocks until it is worth calling Next for each folder: something was announced, a streaming connection was opened
// (of what happened before, the server tells nothing), or a few minutes passed. An error does not end the account: call
// Wait again, after a pause that grows.
//
// The streaming connection outlives the call, so that what is announced while the caller is busy counts for the next one.
func (a *Account) Wait(ctx context.Context) error {
	const op = "wait for mail"
	over := time.NewTimer(a.cfg.SyncInterval)
	defer over.Stop()
	for {
		select {
		case <-a.changed:
			return nil
		default:
		}
		// Neither channel is ready while there is no stream, or one is not to be opened yet.
		var streamEnded <-chan error
		var again <-chan time.Time
		pause := time.Until(a.push.again)
		switch {
		case !a.Pushes():
			again = time.After(min(a.cfg.PollInterval, a.cfg.SyncInterval))
		case a.push.stream != nil:
			streamEnded = a.push.stream.ended
		case pause > 0:
			again = time.After(pause)
		default:
			if err := a.listen(ctx); err != nil {
				if err := a.judge(err); err != nil {
					return err
				}
			}
			continue
		}
		select {
		case <-a.changed:
			return nil
		case <-over.C:
			return nil
		case <-again:
			if !a.Pushes() {
				return nil
			}
		case err := <-streamEnded:
			lasted := a.push.stream.lasted()
			a.push.stream = nil
			a.pace(lasted)
			if err := a.judge(err); err != nil {
				return err
			}
			// What was announced on a connection that was cut may not have come through.
			if lasted > 0 {
				a.wake()
			}
		case <-ctx.Done():
			return ended(ctx, op)
		case <-a.life.Done():
			return ended(a.life, op)
		}
	}
}

// pace sets when the next stream may be opened.
func (a *Account) pace(lasted time.Duration) {
	if lasted >= survived {
		a.push.failures = 0
	}
	var pause time.Duration
	if a.push.failures > 0 {
		pause = min(time.Second<<min(a.push.failures-1, 10), longestPause)
	}
	a.push.failures++
	a.push.again = time.Now().Add(pause)
}

// judge decides what follows from the end of a stream: nil to open another one, or the error for the caller.
func (a *Account) judge(err error) error {
	if err == nil {
		return nil // its time was over
	}
	failure := new(Error)
	if !errors.As(err, &failure) {
		return err
	}
	switch {
	case failure.overLimit():
		a.push.pollUntil.Store(time.Now().Add(pollFor).UnixNano())
		return nil
	case failure.ends(a.subscription()):
		// The answer to a code is always a new subscription, whatever the connection's status says beside it.
		// What the old one would have told is lost, so the caller looks.
		a.push.subscription.Store(nil)
		a.newAffinity()
		a.wake()
		if failure.Code == errMailboxMove {
			a.push.again = time.Now().Add(moveInProgress)
		}
		return nil
	case failure.Kind == mail.KindNetwork && errors.Is(err, errCut):
		return nil // the subscription outlives the connection
	}
	return err
}

// listen subscribes, unless there is a subscription, and opens a stream.
func (a *Account) listen(ctx context.Context) error {
	if a.subscription() == "" {
		if err := a.subscribe(ctx); err != nil {
			return err
		}
	}
	a.push.stream = a.openStream(a.subscription())
	return nil
}
