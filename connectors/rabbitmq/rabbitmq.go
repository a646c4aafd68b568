package rabbitmq

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/rabbitmq/broker"
)

//go:embed rabbitmq.json
var definition []byte

// Codes of this connector's own, listed in its definition.
const (
	codeNoRoute    = "NO_ROUTE"
	codeRefused    = "REFUSED"
	codeConnection = "CONNECTION_ERROR"
)

// Template is the connector as it is built in, with a policy that outlasts the restart of a broker: an hour of retries.
func Template() connectors.Template {
	d := connectors.MustParseDefinition("rabbitmq.json", definition)
	d.Policy = connectors.Policy{
		Retry:   connectors.Retry{Attempts: 20, Interval: time.Second, Coefficient: 2, MaxInterval: 5 * time.Minute},
		Timeout: 30 * time.Second,
	}
	return connectors.Template{Definition: d, New: fromSettings}
}

func fromSettings(i connectors.Instance) (connectors.Connector, error) {
	config, ok := broker.Read(i.Settings, "")
	config.Name = "waybill " + i.Definition.Name
	queue, prefetch := i.Settings.Text("RABBITMQ_QUEUE"), i.Settings.Int("RABBITMQ_PREFETCH", 20, 1, 1000)
	if !ok && queue != "" {
		i.Settings.Errorf("RABBITMQ_QUEUE", "is set, and the broker is not: set RABBITMQ_URL, or RABBITMQ_HOST")
	}
	c := &Connector{definition: i.Definition, config: config, queue: queue, prefetch: prefetch}
	if ok {
		c.publisher = broker.NewPublisher(config, nil)
	}
	return c, nil
}

// Connector publishes and consumes messages.
type Connector struct {
	definition *connectors.Definition
	config     broker.Config
	publisher  *broker.Publisher // nil: nobody has set up a broker
	queue      string            // "": no events
	prefetch   int
	pause      time.Duration // of broker.Consumer
}

// Definition implements connectors.Connector.
func (c *Connector) Definition() *connectors.Definition { return c.definition }

// Warnings implements connectors.Warner.
func (c *Connector) Warnings() []string {
	if c.publisher != nil && c.config.Insecure() {
		return []string{"the password of the broker goes over the network in the clear: set RABBITMQ_TLS, or a URL with amqps://"}
	}
	return nil
}

// Call implements connectors.Connector: the action PUBLISH.
func (c *Connector) Call(ctx context.Context, call connectors.Call) (map[string]any, error) {
	if call.Action != "PUBLISH" {
		return nil, &connectors.Error{Kind: connectors.Permanent, Code: connectors.CodeUnknownAction, Public: fmt.Sprintf("rabbitmq has no action %q; it has PUBLISH", call.Action)}
	}
	if c.publisher == nil {
		return nil, &connectors.Error{Kind: connectors.Permanent, Code: connectors.CodeNotConfigured,
			Public: "connector " + c.definition.Name + " is not configured: set RABBITMQ_URL or RABBITMQ_HOST, RABBITMQ_USERNAME and RABBITMQ_PASSWORD for the worker, then retry"}
	}
	m, err := compose(call)
	if err != nil {
		return nil, &connectors.Error{Kind: connectors.BPMN, Code: connectors.CodeInvalidInput, Public: err.Error()}
	}
	if err := c.publisher.Publish(ctx, m); err != nil {
		return nil, classify(err)
	}
	return map[string]any{"messageId": m.MessageId}, nil
}

// Listen implements connectors.Listener: the event MESSAGE_RECEIVED.
func (c *Connector) Listen(ctx context.Context, emit func(context.Context, connectors.Event) error) error {
	if c.publisher == nil || c.queue == "" {
		<-ctx.Done()
		return nil
	}
	consumer := broker.Consumer{Config: c.config, Queue: c.queue, Prefetch: c.prefetch, Pause: c.pause, Logger: slog.Default().With("connector", c.definition.Name)}
	return consumer.Consume(ctx, func(ctx context.Context, d amqp.Delivery) error {
		e, err := event(d)
		if err != nil {
			return err
		}
		return emit(ctx, e)
	})
}

// classify turns a failure to publish into the connector's error.
func classify(err error) error {
	failure := &connectors.Error{Kind: connectors.Retryable, Code: codeConnection, Public: "the broker cannot be reached, or the connection broke", Err: err}
	var refusal *amqp.Error
	switch {
	case errors.Is(err, broker.ErrUnroutable):
		failure.Kind, failure.Code = connectors.BPMN, codeNoRoute
		failure.Public = "no queue takes the message: bind one to the exchange for this routing key, or call with mandatory false"
	case errors.Is(err, broker.ErrRefused):
		failure.Code, failure.Public = codeRefused, "the broker did not take the message, for instance because a queue is full"
	case errors.Is(err, broker.ErrBroken), !errors.As(err, &refusal):
	case refusal.Code == amqp.NotFound:
		failure.Kind, failure.Code, failure.Public = connectors.BPMN, connectors.CodeNotFound, "there is no such exchange at the broker"
	case refusal.Code == amqp.PreconditionFailed:
		failure.Kind, failure.Code, failure.Public = connectors.BPMN, connectors.CodeInvalidInput, "the broker takes no message this large"
	case refusal.Code == amqp.AccessRefused, refusal.Code == amqp.NotAllowed:
		failure.Kind, failure.Code = connectors.Permanent, connectors.CodeUnauthorized
		failure.Public = "the broker does not allow this account to do that; see RABBITMQ_USERNAME, RABBITMQ_PASSWORD, RABBITMQ_VHOST and its permissions"
	}
	return failure
}

var (
	_ connectors.Connector = (*Connector)(nil)
	_ connectors.Listener  = (*Connector)(nil)
	_ connectors.Warner    = (*Connector)(nil)
)
