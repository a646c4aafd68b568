package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// ErrPoison is wrapped by the error of a handler that no message like this one will ever satisfy.
var ErrPoison = errors.New("the message cannot be used")

// Consumer takes messages from a queue.
type Consumer struct {
	Config   Config
	Queue    string
	Prefetch int // how many messages may be handled at the same time
	// Declare, when not nil, sees to it that there is a queue.
	Declare func(*amqp.Channel) error
	// Pause is before a message that failed is given back. It is twice as long for each failure without a success between them, a minute
	// at most. 0: a second.
	Pause  time.Duration
	Logger *slog.Logger
}

// maxPause bounds the pauses of a consumer whose messages all fail.
const maxPause = time.Minute

// Consume calls handle for each message until ctx ends, then returns nil, or until the connection breaks. A message is acknowledged when
// handle returns nil. It is rejected when the error is ErrPoison: the queue's dead letter exchange has it then, if there is one. Any other error
// gives it back to the queue after a pause, for this consumer or another.
func (c Consumer) Consume(ctx context.Context, handle func(context.Context, amqp.Delivery) error) error {
	conn, err := c.Config.Dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.CloseDeadline(time.Now().Add(5 * time.Second)) }()
	ch, err := conn.Channel()
	if err != nil {
		return fmt.Errorf("open a channel to the broker: %w", err)
	}
	if c.Declare != nil {
		if err := c.Declare(ch); err != nil {
			return fmt.Errorf("declare queue %s: %w", c.Queue, err)
		}
	}
	if err := ch.Qos(c.Prefetch, 0, false); err != nil {
		return fmt.Errorf("ask the broker for %d messages at a time: %w", c.Prefetch, err)
	}
	closed, cancelled := ch.NotifyClose(make(chan *amqp.Error, 1)), ch.NotifyCancel(make(chan string, 1))
	deliveries, err := ch.Consume(c.Queue, "", false, false, false, false, nil)
	if err != nil {
		return fmt.Errorf("consume queue %s: %w", c.Queue, err)
	}
	// The handlers end before the connection does, so that what they have done is acknowledged.
	handling, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	for range c.Prefetch {
		running.Go(func() { c.work(handling, deliveries, handle) })
	}
	defer running.Wait()
	defer stop()
	var reason *amqp.Error
	select {
	case <-ctx.Done():
		return nil
	case reason = <-closed:
	case _, told := <-cancelled:
		if told {
			return fmt.Errorf("consume queue %s: the broker ended it; was the queue deleted?", c.Queue)
		}
		reason = <-closed // both are closed when the channel is, and this holds the reason
	}
	if reason != nil {
		return fmt.Errorf("consume queue %s: %w", c.Queue, reason)
	}
	return fmt.Errorf("consume queue %s: the connection to the broker is closed", c.Queue)
}

// work handles one message at a time.
func (c Consumer) work(ctx context.Context, deliveries <-chan amqp.Delivery, handle func(context.Context, amqp.Delivery) error) {
	failures := 0
	for {
		select {
		case <-ctx.Done():
			return
		case d, open := <-deliveries:
			if !open {
				return
			}
			err := handle(ctx, d)
			if err == nil {
				failures = 0
			} else {
				failures++
			}
			c.settle(ctx, d, err, failures)
		}
	}
}

// settle tells the broker what became of a message. Its errors are of a connection that is gone: the broker gives the message to another then.
func (c Consumer) settle(ctx context.Context, d amqp.Delivery, err error, failures int) {
	switch {
	case err == nil:
		_ = d.Ack(false)
	case errors.Is(err, ErrPoison):
		c.Logger.Error("a message is rejected", "queue", c.Queue, "exchange", d.Exchange, "routingKey", d.RoutingKey, "messageId", d.MessageId, "error", err)
		_ = d.Reject(false)
	case ctx.Err() != nil:
		// The end of the channel gives it back.
	default:
		pause := c.pause(failures)
		c.Logger.Warn("a message failed and goes back to its queue", "queue", c.Queue, "messageId", d.MessageId, "after", pause, "error", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
		_ = d.Nack(false, true)
	}
}

func (c Consumer) pause(failures int) time.Duration {
	first := c.Pause
	if first == 0 {
		first = time.Second
	}
	return min(first<<min(failures-1, 16), maxPause)
}
