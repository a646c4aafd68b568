package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/testsuite/rabbitmq"
)

// image is a connector as Activiti Cloud's starter for connectors makes one: it consumes the exchange of an action with a queue of its group,
// and sends results and errors to where the request says.
type image struct {
	action string
	answer func(request) []reply

	mu       sync.Mutex
	requests []request
}

// request is what the image got.
type request struct {
	headers    amqp.Table
	routingKey string
	body       map[string]any
}

func (r request) context() map[string]any { return r.body["integrationContext"].(map[string]any) }

func (r request) id() string { return r.context()["id"].(string) }

func (r request) input(name string) any {
	return r.context()["inBoundVariables"].(map[string]any)[name]
}

// reply is what the image sends.
type reply struct {
	destination string
	body        map[string]any
}

// result is an IntegrationResult.
func (r request) result(outputs map[string]any) reply {
	context := map[string]any{}
	for name, value := range r.context() {
		context[name] = value
	}
	context["outBoundVariables"] = outputs
	return reply{r.body["resultDestination"].(string), r.envelope(map[string]any{"integrationContext": context})}
}

// failure is an IntegrationError; code may be nil.
func (r request) failure(class string, code any, message string) reply {
	return reply{r.body["errorDestination"].(string), r.envelope(map[string]any{
		"integrationContext": r.context(), "errorClassName": class, "errorCode": code, "errorMessage": message,
		"stackTraceElements": []any{map[string]any{"declaringClass": "com.example.Orders", "methodName": "create", "fileName": "Orders.java", "lineNumber": 42}},
	})}
}

func (r request) envelope(body map[string]any) map[string]any {
	for name, value := range map[string]any{
		"integrationRequest": r.body, "appName": "default-app", "appVersion": nil, "serviceName": "orders-connector",
		"serviceFullName": "orders-connector", "serviceType": "connector", "serviceVersion": "7.1",
	} {
		body[name] = value
	}
	return body
}

// startImage runs an image until the test ends. It comes again when the broker does. It returns when its queue is there.
func startImage(t *testing.T, s *rabbitmq.Server, action string, answer func(request) []reply) *image {
	t.Helper()
	c := &image{action: action, answer: answer}
	ctx, cancel := context.WithCancel(t.Context())
	ready, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		once := sync.OnceFunc(func() { close(ready) })
		for ctx.Err() == nil {
			if c.run(ctx, s.URL(), once) != nil {
				select {
				case <-time.After(tick):
				case <-ctx.Done():
				}
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	<-ready
	return c
}

func (c *image) run(ctx context.Context, url string, ready func()) error {
	conn, err := amqp.Dial(url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	ch, err := conn.Channel()
	if err != nil {
		return err
	}
	queue := c.action + ".orders-connector"
	if err := ch.ExchangeDeclare(c.action, "topic", true, false, false, false, nil); err != nil {
		return err
	}
	if _, err := ch.QueueDeclare(queue, true, false, false, false, nil); err != nil {
		return err
	}
	if err := ch.QueueBind(queue, "#", c.action, false, nil); err != nil {
		return err
	}
	if err := ch.Confirm(false); err != nil {
		return err
	}
	deliveries, err := ch.ConsumeWithContext(ctx, queue, "", false, false, false, false, nil)
	if err != nil {
		return err
	}
	ready()
	for d := range deliveries {
		r := request{headers: d.Headers, routingKey: d.RoutingKey}
		if err := json.Unmarshal(d.Body, &r.body); err != nil {
			return err
		}
		c.mu.Lock()
		c.requests = append(c.requests, r)
		c.mu.Unlock()
		for _, a := range c.answer(r) {
			if err := send(ch, a.destination, a.body); err != nil {
				return err
			}
		}
		if err := d.Ack(false); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// send publishes as Spring Cloud Stream does: the destination is a topic exchange and the routing key.
func send(ch *amqp.Channel, destination string, body any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	if err := ch.ExchangeDeclare(destination, "topic", true, false, false, false, nil); err != nil {
		return err
	}
	confirmed, err := ch.PublishWithDeferredConfirm(destination, destination, true, false, amqp.Publishing{
		ContentType: "application/json", DeliveryMode: amqp.Persistent, Body: data,
		Headers: amqp.Table{"targetAppName": "default-app", "targetService": "waybill"},
	})
	if err != nil {
		return err
	}
	if !confirmed.Wait() {
		return fmt.Errorf("not confirmed: %s", destination)
	}
	return nil
}

// got are the requests so far.
func (c *image) got() []request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]request(nil), c.requests...)
}

// drained waits until the bridge has taken all answers that there are.
func drained(t *testing.T, ch *amqp.Channel, destinations ...string) {
	t.Helper()
	for _, d := range destinations {
		require.Eventually(t, func() bool {
			q, err := ch.QueueDeclarePassive(d+".waybill", true, false, false, false, nil)
			return err == nil && q.Messages == 0
		}, patience, tick)
	}
}
