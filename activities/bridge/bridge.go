package bridge

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	amqp "github.com/rabbitmq/amqp091-go"
	"go.temporal.io/sdk/activity"
	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors/rabbitmq/broker"
)

// Bridge publishes calls and takes their answers.
type Bridge struct {
	config    Config
	client    temporal.Client
	namespace string
	publisher *broker.Publisher
	log       *slog.Logger
	requests  *prometheus.CounterVec // by result
	answers   *prometheus.CounterVec // by outcome
}

// reconnect is the pause after the connection that answers come by broke.
const reconnect = time.Second

// New connects to nothing yet. A worker has one bridge.
func New(c Config, t temporal.Client, namespace string, r prometheus.Registerer, log *slog.Logger) *Bridge {
	b := &Bridge{
		config: c, client: t, namespace: namespace, publisher: broker.NewPublisher(c.Broker, c.declare), log: log.With("part", "bridge"),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waybill_bridge_requests_total", Help: "Requests to connectors over the broker, by result: published, failed.",
		}, []string{"result"}),
		answers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waybill_bridge_answers_total", Help: "Answers of connectors over the broker, by outcome: completed, error, dropped, unreadable.",
		}, []string{"outcome"}),
	}
	r.MustRegister(b.requests, b.answers)
	if c.Broker.Insecure() {
		b.log.Warn("the password of the broker goes over the network in the clear: set BRIDGE_RABBITMQ_TLS, or a URL with amqps://")
	}
	return b
}

// Register adds a worker for each connector; add makes one of a task queue.
func (b *Bridge) Register(add func(queue string) worker.ActivityRegistry) {
	for _, name := range b.config.Connectors {
		add(contract.CustomConnectorQueue(name)).RegisterDynamicActivity(b.call, activity.DynamicRegisterOptions{})
	}
}

// Run takes answers until ctx ends.
func (b *Bridge) Run(ctx context.Context) {
	var running sync.WaitGroup
	for destination, handle := range map[string]func(context.Context, amqp.Delivery) error{
		b.config.resultDestination(): b.result, b.config.errorDestination(): b.failure,
	} {
		running.Go(func() { b.take(ctx, destination, handle) })
	}
	running.Wait()
}

// Close ends the connection that requests go by.
func (b *Bridge) Close() error { return b.publisher.Close() }

// take takes the answers that go to a destination.
func (b *Bridge) take(ctx context.Context, destination string, handle func(context.Context, amqp.Delivery) error) {
	queue := b.config.queue(destination)
	consumer := broker.Consumer{Config: b.config.Broker, Queue: queue, Prefetch: b.config.Prefetch, Declare: b.config.declare, Logger: b.log}
	for ctx.Err() == nil {
		err := consumer.Consume(ctx, handle)
		if err == nil {
			return
		}
		b.log.Warn("no answers are taken until the broker is there again", "queue", queue, "error", err)
		select {
		case <-time.After(reconnect):
		case <-ctx.Done():
		}
	}
}
