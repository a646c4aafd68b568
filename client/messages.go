package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/serviceerror"

	"github.com/waybill-io/waybill/activities/contract"
)

// busyPause is how long a place where messages meet takes to begin a new run.
const busyPause = 50 * time.Millisecond

// Catch hands a message to one instance alone, whatever its correlation key. It is an error when the instance does not wait for it.
func (c *Client) Catch(ctx context.Context, instance string, m contract.CatchMessage) error {
	if err := c.updateOnce(ctx, instance, contract.CatchUpdate, m.ID, m, nil); err != nil {
		return fmt.Errorf("message %q for instance %q: %w", m.Name, instance, err)
	}
	return nil
}

// Publish hands a message to the instance that waits for its name and correlation key, or starts a process that begins
// with it, or keeps it for its time to live. It is an error when nobody waits and there is no time to live.
func (c *Client) Publish(ctx context.Context, m contract.Message) (contract.PublishResult, error) {
	var r contract.PublishResult
	if m.Name == "" {
		return r, fmt.Errorf("publish message: a name is required")
	}
	err := insist(ctx, func() error {
		return c.updateWithStart(ctx, contract.MessageID(m.Name, m.Key), contract.MessageWorkflow, contract.PublishUpdate,
			contract.MessageState{Name: m.Name, Key: m.Key}, m, &r)
	})
	if err != nil {
		return r, fmt.Errorf("publish message %q with key %q: %w", m.Name, m.Key, err)
	}
	return r, nil
}

// replyTTL is how long a reply is kept for a call of which the instance does not know yet that it waits: workers may be away.
const replyTTL = time.Hour

// Reply gives a message to the call that waits for it. When none does it is dropped, or kept for an hour if it may have come early.
func (c *Client) Reply(ctx context.Context, m contract.Message, early bool) error {
	if early {
		m.TTL = replyTTL
		_, err := c.Publish(ctx, m)
		return err
	}
	err := insist(ctx, func() error {
		return c.update(ctx, contract.MessageID(m.Name, m.Key), contract.PublishUpdate, m, nil)
	})
	if refusal, ok := errors.AsType[*Error](err); ok && refusal.Type == contract.NobodyWaits || errors.Is(err, ErrNotFound) || errors.Is(err, ErrNotRunning) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reply %q with key %q: %w", m.Name, m.Key, err)
	}
	return nil
}

// Signal broadcasts a signal: every instance that waits for it gets it, and the processes that begin with it are started.
func (c *Client) Signal(ctx context.Context, b contract.SignalBroadcast) (contract.BroadcastResult, error) {
	var r contract.BroadcastResult
	if b.Name == "" {
		return r, fmt.Errorf("broadcast signal: a name is required")
	}
	err := insist(ctx, func() error {
		return c.updateWithStart(ctx, contract.SignalID(b.Name), contract.SignalWorkflow, contract.BroadcastUpdate,
			contract.SignalState{Name: b.Name}, b, &r)
	})
	if err != nil {
		return r, fmt.Errorf("broadcast signal %q: %w", b.Name, err)
	}
	return r, nil
}

// insist tries until a place has taken what is brought to it, or refuses it for good.
func insist(ctx context.Context, try func() error) error {
	for n := 1; ; n++ {
		err := try()
		if err == nil || !again(err, n) || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(busyPause):
		}
	}
}

// again tells whether a message that was not taken is to be published again: its place begins a new run, or something else
// came to it in the moment when its run ended, which throws out what was not accepted yet. The latter looks like a place
// that fails for good, so it is not tried for ever.
func again(err error, try int) bool {
	if refusal, ok := errors.AsType[*Error](err); ok {
		return refusal.Type == contract.Busy
	}
	_, thrownOut := errors.AsType[*serviceerror.WorkflowNotReady](err)
	return thrownOut && try < 5
}
