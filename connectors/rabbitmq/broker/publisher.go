package broker

import (
	"context"
	"errors"
	"fmt"

	amqp "github.com/rabbitmq/amqp091-go"
)

// What became of a message that was not published. A refusal of the broker's, such as an exchange that does not exist, is an *amqp.Error.
var (
	// ErrUnroutable: the broker has no queue for the message.
	ErrUnroutable = errors.New("no queue takes the message")
	// ErrRefused: the broker did not take the message, for instance because a queue is full.
	ErrRefused = errors.New("the broker did not take the message")
	// ErrBroken: the connection broke before the broker confirmed the message, which it may have or not.
	ErrBroken = errors.New("the connection broke before the broker confirmed the message")
)

const (
	frameSize = 128 << 10 // the broker's own default, proposed
	// channels bounds the messages that wait for their confirm; each has a channel of its own, so that returns and refusals are its own.
	channels = 32
)

// Message is a message and where it goes.
type Message struct {
	Exchange   string // "": straight to the queue named by RoutingKey
	RoutingKey string
	Mandatory  bool // unless a queue takes it, it is ErrUnroutable
	amqp.Publishing
}

// Publisher publishes over one connection, which it opens when it is needed and again when it broke. It is safe for concurrent use.
type Publisher struct {
	config  Config
	declare func(*amqp.Channel) error
	slots   chan struct{}
	lock    chan struct{} // of what follows; a channel, so that waiting for it ends with a context
	conn    *amqp.Connection
	idle    []*channel
}

// channel is used by one message at a time.
type channel struct {
	*amqp.Channel
	connection *amqp.Connection
	returned   chan amqp.Return
	closed     chan *amqp.Error
}

// NewPublisher connects to nothing yet. declare, when not nil, runs in each connection before the first message: what it declares is there when
// a message is.
func NewPublisher(c Config, declare func(*amqp.Channel) error) *Publisher {
	return &Publisher{config: c, declare: declare, slots: make(chan struct{}, channels), lock: make(chan struct{}, 1)}
}

// Publish returns nil once the broker has confirmed the message. When ctx ends before, the message may have been published or not.
func (p *Publisher) Publish(ctx context.Context, m Message) error {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("publish a message: %w", ctx.Err())
	}
	result := make(chan error, 1)
	// A broker that is short of memory stops reading, and a write to it does not end with ctx. The slot is free when it does.
	go func() {
		defer func() { <-p.slots }()
		ch, err := p.publish(ctx, m)
		result <- err
		if ch != nil {
			p.release(ch)
		}
	}()
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return fmt.Errorf("publish a message: %w", ctx.Err())
	}
}

// publish also returns the channel that it has used, when others may use it.
func (p *Publisher) publish(ctx context.Context, m Message) (*channel, error) {
	ch, err := p.channel(ctx)
	if err != nil {
		return nil, err
	}
	confirmed, err := ch.PublishWithDeferredConfirm(m.Exchange, m.RoutingKey, m.Mandatory, false, m.Publishing)
	if err != nil {
		_ = ch.Close()
		return nil, fmt.Errorf("publish a message: %w", err)
	}
	select {
	case <-confirmed.Done():
	case <-ctx.Done():
		_ = ch.Close() // a confirm that comes late must not be taken for another message's
		return nil, fmt.Errorf("wait until the broker confirms a message: %w", ctx.Err())
	}
	// A return comes before the confirm, and the reason of an end before the end of what waits. The end closes both channels.
	select {
	case _, returned := <-ch.returned:
		if returned {
			return ch, fmt.Errorf("exchange %q, routing key %q: %w", m.Exchange, m.RoutingKey, ErrUnroutable)
		}
	default:
	}
	select {
	case reason, open := <-ch.closed:
		if !open || reason == nil {
			return nil, ErrBroken
		}
		if !reason.Server || ch.connection.IsClosed() {
			return nil, fmt.Errorf("%w: %w", ErrBroken, reason)
		}
		return nil, fmt.Errorf("publish a message: %w", reason)
	default:
	}
	if !confirmed.Acked() {
		return ch, ErrRefused
	}
	return ch, nil
}

// channel takes one that is idle, or opens one.
func (p *Publisher) channel(ctx context.Context) (*channel, error) {
	select {
	case p.lock <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the connection to the broker: %w", ctx.Err())
	}
	defer func() { <-p.lock }()
	if p.conn == nil || p.conn.IsClosed() {
		p.conn, p.idle = nil, nil
		conn, err := p.connect(ctx)
		if err != nil {
			return nil, err
		}
		p.conn = conn
	}
	for len(p.idle) > 0 {
		last := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		if !last.IsClosed() {
			return last, nil
		}
	}
	return open(p.conn)
}

func (p *Publisher) connect(ctx context.Context) (*amqp.Connection, error) {
	conn, err := p.config.Dial(ctx)
	if err != nil || p.declare == nil {
		return conn, err
	}
	ch, err := conn.Channel()
	if err == nil {
		err = errors.Join(p.declare(ch), ch.Close())
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("declare what messages need: %w", err)
	}
	return conn, nil
}

func open(conn *amqp.Connection) (*channel, error) {
	ch, err := conn.Channel()
	if err != nil {
		return nil, fmt.Errorf("open a channel to the broker: %w", err)
	}
	opened := &channel{
		Channel: ch, connection: conn,
		returned: ch.NotifyReturn(make(chan amqp.Return, 1)), closed: ch.NotifyClose(make(chan *amqp.Error, 1)),
	}
	if err := ch.Confirm(false); err != nil {
		_ = ch.Close()
		return nil, fmt.Errorf("ask the broker for confirms: %w", err)
	}
	return opened, nil
}

func (p *Publisher) release(ch *channel) {
	p.lock <- struct{}{}
	defer func() { <-p.lock }()
	if ch.connection == p.conn {
		p.idle = append(p.idle, ch)
		return
	}
	_ = ch.Close()
}

// Close ends the connection. Messages that wait for their confirm are ErrBroken; the next one opens another connection.
func (p *Publisher) Close() error {
	p.lock <- struct{}{}
	defer func() { <-p.lock }()
	if p.conn == nil {
		return nil
	}
	err := p.conn.Close()
	p.conn, p.idle = nil, nil
	if err != nil && !errors.Is(err, amqp.ErrClosed) {
		return fmt.Errorf("close the connection to the broker: %w", err)
	}
	return nil
}
