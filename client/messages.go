package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/waybill-io/waybill/activities/contract"
)

// busyPause is how long a place where messages meet takes to begin a new run.
const busyPause = 50 * time.Millisecond

// Catch hands a message to one instance alone, whatever its correlation key. It is an error when the instance does not wait for it.
func (c *Client) Catch(ctx context.Context, instance string, m contract.CatchMessage) error {
	if err := c.update(ctx, instance, contract.CatchUpdate, m, nil); err != nil {
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
	for {
		err := c.updateWithStart(ctx, contract.MessageID(m.Name, m.Key), contract.MessageWorkflow, contract.PublishUpdate,
			contract.MessageState{Name: m.Name, Key: m.Key}, m, &r)
		if err == nil {
			return r, nil
		}
		if refusal, ok := errors.AsType[*Error](err); ok && refusal.Type == contract.Busy && ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-time.After(busyPause):
			}
			continue
		}
		return r, fmt.Errorf("publish message %q with key %q: %w", m.Name, m.Key, err)
	}
}
