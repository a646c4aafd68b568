package rabbitmq

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/connectortest"
	"github.com/waybill-io/waybill/connectors/rabbitmq/broker"
	"github.com/waybill-io/waybill/testsuite/rabbitmq"
)

const patience = time.Minute

// settings are those of the server; what is given in pairs comes on top.
func settings(s *rabbitmq.Server, pairs ...string) map[string]string {
	values := map[string]string{
		"RABBITMQ_HOST": s.Host, "RABBITMQ_PORT": strconv.Itoa(s.Port), "RABBITMQ_USERNAME": rabbitmq.Username, "RABBITMQ_PASSWORD": rabbitmq.Password,
	}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	return values
}

func connect(t *testing.T, values map[string]string) *Connector {
	t.Helper()
	d := Template().Definition
	made, err := Template().Make(connectors.Instance{Definition: d, Settings: connectortest.Settings(d, values)})
	require.NoError(t, err)
	c := made.(*Connector)
	t.Cleanup(func() {
		if c.publisher != nil {
			require.NoError(t, c.publisher.Close())
		}
	})
	return c
}

func publish(inputs map[string]any) connectors.Call {
	return connectors.Call{Action: "PUBLISH", IdempotencyKey: "instance/7", Inputs: inputs}
}

// take waits for a message in a queue.
func take(t *testing.T, ch *amqp.Channel, queue string) amqp.Delivery {
	t.Helper()
	var d amqp.Delivery
	require.Eventually(t, func() bool {
		var ok bool
		var err error
		d, ok, err = ch.Get(queue, true)
		require.NoError(t, err)
		return ok
	}, patience, 5*time.Millisecond)
	return d
}

func declare(t *testing.T, ch *amqp.Channel, queue string, arguments amqp.Table) {
	t.Helper()
	_, err := ch.QueueDeclare(queue, true, false, false, false, arguments)
	require.NoError(t, err)
}

func TestPublish(t *testing.T) {
	s := rabbitmq.Start(t)
	ch := s.Channel()
	declare(t, ch, "orders", nil)
	declare(t, ch, "full", amqp.Table{"x-max-length": int32(1), "x-overflow": "reject-publish"})
	require.NoError(t, ch.Publish("", "full", false, false, amqp.Publishing{Body: []byte("1")}))
	c := connect(t, settings(s))

	t.Run("kit", func(t *testing.T) { kit(t, s, ch, c) })
	t.Run("message", func(t *testing.T) { messages(t, ch, c) })
	t.Run("URL and TLS", func(t *testing.T) {
		secured := connect(t, map[string]string{
			"RABBITMQ_URL":      fmt.Sprintf("amqps://%s@%s:%d/", rabbitmq.Username, s.Host, s.TLSPort),
			"RABBITMQ_PASSWORD": rabbitmq.Password, "RABBITMQ_CA": s.CAFile,
		})
		_, err := secured.Call(t.Context(), publish(map[string]any{"routingKey": "orders", "message": "secured"}))
		require.NoError(t, err)
		require.Equal(t, "secured", string(take(t, ch, "orders").Body))

		unknown := connect(t, settings(s, "RABBITMQ_PORT", strconv.Itoa(s.TLSPort), "RABBITMQ_TLS", "true"))
		_, err = unknown.Call(t.Context(), publish(map[string]any{"routingKey": "orders", "message": "x"}))
		require.ErrorContains(t, err, "certificate")
	})
	t.Run("at the same time", func(t *testing.T) {
		var all sync.WaitGroup
		failures := make(chan error, 200)
		for i := range 200 {
			all.Go(func() { // every other one has no route, and takes no other's return for its own
				key := []string{"orders", "nowhere"}[i%2]
				_, err := c.Call(t.Context(), publish(map[string]any{"routingKey": key, "message": "x"}))
				if routed := err == nil; routed != (key == "orders") {
					failures <- fmt.Errorf("%s: %w", key, err)
				}
			})
		}
		all.Wait()
		require.Empty(t, failures)
		for range 100 {
			take(t, ch, "orders")
		}
	})
	t.Run("the broker is short of memory", func(t *testing.T) {
		s.Block()
		for range 64 { // more than may be under way
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			_, err := c.Call(ctx, publish(map[string]any{"routingKey": "orders", "message": "blocked"}))
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
		s.Unblock()
		_, err := c.Call(t.Context(), publish(map[string]any{"routingKey": "orders", "message": "unblocked"}))
		require.NoError(t, err)
		require.Eventually(t, func() bool { return string(take(t, ch, "orders").Body) == "unblocked" }, patience, time.Millisecond)
	})
	t.Run("the broker is killed and comes again", func(t *testing.T) {
		s.Sync()
		s.Kill()
		_, err := c.Call(t.Context(), publish(map[string]any{"routingKey": "orders", "message": "x"}))
		failure := connectors.AsError(err)
		require.Equal(t, "retryable CONNECTION_ERROR", failure.Kind.String()+" "+failure.Code, "%v", err)
		s.Run()
		_, err = c.Call(t.Context(), publish(map[string]any{"routingKey": "orders", "message": "again"}))
		require.NoError(t, err)
		// The crash brings back what was taken a moment before.
		again := s.Channel()
		require.Eventually(t, func() bool { return string(take(t, again, "orders").Body) == "again" }, patience, time.Millisecond)
	})
}

func kit(t *testing.T, s *rabbitmq.Server, ch *amqp.Channel, good *Connector) {
	require.NoError(t, ch.ExchangeDeclare("inner", "fanout", true, false, true, false, nil))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	gone := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	fail := func(name string, c connectors.Connector, kind connectors.Kind, code string, inputs map[string]any) connectortest.Failure {
		for key, value := range map[string]any{"routingKey": "orders", "message": "x"} {
			if _, given := inputs[key]; !given {
				inputs[key] = value
			}
		}
		return connectortest.Failure{Name: name, Connector: c, Call: publish(inputs), Kind: kind, Code: code}
	}
	const wrong = "hare-and-tortoise"
	connectortest.Run(t, connectortest.Kit{
		Connector: good,
		Samples: map[string]map[string]any{"PUBLISH": {
			"routingKey": "orders", "message": map[string]any{"item": "pen"}, "headers": map[string]any{"priority": 3.0}, "persistent": true,
		}},
		Stuck: func(t *testing.T) (connectors.Connector, <-chan struct{}) {
			address, connections := connectortest.Silent(t)
			_, port, err := net.SplitHostPort(address)
			require.NoError(t, err)
			return connect(t, settings(s, "RABBITMQ_PORT", port)), connections
		},
		Failures: []connectortest.Failure{
			fail("no queue", good, connectors.BPMN, "NO_ROUTE", map[string]any{"routingKey": "nowhere"}),
			fail("no route in an exchange", good, connectors.BPMN, "NO_ROUTE", map[string]any{"exchange": "amq.topic", "mandatory": true}),
			fail("no exchange", good, connectors.BPMN, "NOT_FOUND", map[string]any{"exchange": "nowhere"}),
			fail("full queue", good, connectors.Retryable, "REFUSED", map[string]any{"routingKey": "full"}),
			fail("too large", good, connectors.BPMN, "INVALID_INPUT", map[string]any{"message": strings.Repeat("x", rabbitmq.MaxMessage+1)}),
			fail("forbidden", good, connectors.Permanent, "UNAUTHORIZED", map[string]any{"exchange": "inner"}),
			fail("long key", good, connectors.BPMN, "INVALID_INPUT", map[string]any{"routingKey": strings.Repeat("k", 256)}),
			fail("headers", good, connectors.BPMN, "INVALID_INPUT", map[string]any{"headers": []any{"a"}}),
			fail("large headers", good, connectors.BPMN, "INVALID_INPUT", map[string]any{"headers": map[string]any{"a": strings.Repeat("x", maxHeaders)}}),
			fail("long header", good, connectors.BPMN, "INVALID_INPUT", map[string]any{"headers": map[string]any{"a": map[string]any{strings.Repeat("n", 256): ""}}}),
			fail("no JSON", good, connectors.BPMN, "INVALID_INPUT", map[string]any{"message": "{", "contentType": "application/json"}),
			fail("password", connect(t, settings(s, "RABBITMQ_PASSWORD", wrong)), connectors.Permanent, "UNAUTHORIZED", map[string]any{}),
			fail("virtual host", connect(t, settings(s, "RABBITMQ_VHOST", "nowhere")), connectors.Permanent, "UNAUTHORIZED", map[string]any{}),
			fail("nobody there", connect(t, settings(s, "RABBITMQ_PORT", gone)), connectors.Retryable, "CONNECTION_ERROR", map[string]any{}),
			fail("not set up", connect(t, nil), connectors.Permanent, "NOT_CONFIGURED", map[string]any{}),
		},
		Secrets: []string{rabbitmq.Password, wrong},
		Key: func() string {
			last := take(t, ch, "orders")
			for {
				d, ok, err := ch.Get("orders", true)
				require.NoError(t, err)
				if !ok {
					return last.MessageId
				}
				last = d
			}
		},
	})
}

func messages(t *testing.T, ch *amqp.Channel, c *Connector) {
	for name, tc := range map[string]struct {
		inputs      map[string]any
		body        string
		contentType string
		mode        uint8
	}{
		"text":          {map[string]any{"message": "Grüße"}, "Grüße", "text/plain", amqp.Persistent},
		"object":        {map[string]any{"message": map[string]any{"a": 1.5}}, `{"a":1.5}`, "application/json", amqp.Persistent},
		"list":          {map[string]any{"message": []any{int64(1), "b"}}, `[1,"b"]`, "application/json", amqp.Persistent},
		"text of JSON":  {map[string]any{"message": `{"a":1}`, "contentType": "application/json"}, `{"a":1}`, "application/json", amqp.Persistent},
		"other type":    {map[string]any{"message": "<a/>", "contentType": "application/xml"}, "<a/>", "application/xml", amqp.Persistent},
		"transient":     {map[string]any{"message": true, "persistent": false}, "true", "application/json", amqp.Transient},
		"not mandatory": {map[string]any{"message": "x", "mandatory": false}, "x", "text/plain", amqp.Persistent},
	} {
		t.Run(name, func(t *testing.T) {
			tc.inputs["routingKey"] = "orders"
			outputs, err := c.Call(t.Context(), publish(tc.inputs))
			require.NoError(t, err)
			d := take(t, ch, "orders")
			require.Equal(t, tc.body, string(d.Body))
			require.Equal(t, tc.contentType, d.ContentType)
			require.Equal(t, tc.mode, d.DeliveryMode)
			require.Equal(t, "instance/7", d.MessageId)
			require.Equal(t, map[string]any{"messageId": "instance/7"}, outputs)
		})
	}
	_, err := c.Call(t.Context(), publish(map[string]any{"routingKey": "nowhere", "message": "x", "mandatory": false}))
	require.NoError(t, err)

	// Headers come back as they went.
	headers := `{"text":"a","whole":3,"half":1.5,"yes":true,"nothing":null,"list":[1,"b",{"c":2}],"object":{"d":"e"}}`
	var value map[string]any
	require.NoError(t, json.Unmarshal([]byte(headers), &value))
	_, err = c.Call(t.Context(), publish(map[string]any{"routingKey": "orders", "message": "x", "headers": value}))
	require.NoError(t, err)
	d := take(t, ch, "orders")
	require.Equal(t, int64(3), d.Headers["whole"])
	back, err := json.Marshal(valueOf(d.Headers))
	require.NoError(t, err)
	require.JSONEq(t, headers, string(back))

	require.Len(t, messageID(strings.Repeat("k", 300)), 64)
	require.NotEqual(t, messageID(strings.Repeat("k", 300)), messageID(strings.Repeat("k", 301)))
}

func TestSettings(t *testing.T) {
	d := Template().Definition
	all := broker.Settings("")
	require.Equal(t, all, d.Config[:len(all)], "the definition lists what is read")
	for name, tc := range map[string]struct {
		values map[string]string
		want   string
	}{
		"password in the URL": {map[string]string{"RABBITMQ_URL": "amqp://u:s3cret@h"}, "put it into RABBITMQ_PASSWORD"},
		"no URL":              {map[string]string{"RABBITMQ_URL": "http://u:s3cret@h"}, "not a URL such as amqps://"},
		"parameters":          {map[string]string{"RABBITMQ_URL": "amqp://u@h/?verify=none"}, "parameters"},
		"both":                {map[string]string{"RABBITMQ_URL": "amqp://u@h", "RABBITMQ_HOST": "h"}, "keep one of both"},
		"neither":             {map[string]string{"RABBITMQ_USERNAME": "u"}, "RABBITMQ_HOST is not set"},
		"no account":          {map[string]string{"RABBITMQ_HOST": "h"}, "RABBITMQ_USERNAME is not set"},
		"queue alone":         {map[string]string{"RABBITMQ_QUEUE": "q"}, "the broker is not"},
		"prefetch":            {map[string]string{"RABBITMQ_HOST": "h", "RABBITMQ_USERNAME": "u", "RABBITMQ_PREFETCH": "0"}, "1 to 1000"},
		"CA":                  {map[string]string{"RABBITMQ_HOST": "h", "RABBITMQ_USERNAME": "u", "RABBITMQ_CA": "/nowhere.pem"}, "/nowhere.pem"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Template().Make(connectors.Instance{Definition: d, Settings: connectortest.Settings(d, tc.values)})
			require.ErrorContains(t, err, tc.want)
			require.NotContains(t, err.Error(), "s3cret")
		})
	}
	c := connect(t, map[string]string{"RABBITMQ_URL": "amqps://u@broker.example.com/orders", "RABBITMQ_PASSWORD": "p"})
	require.Equal(t, "broker.example.com:5671 orders u", fmt.Sprintf("%s:%d %s %s", c.config.Host, c.config.Port, c.config.VHost, c.config.Username))
	require.Empty(t, c.Warnings())
	require.Len(t, connect(t, map[string]string{"RABBITMQ_HOST": "broker.example.com", "RABBITMQ_USERNAME": "u"}).Warnings(), 1)
	require.Empty(t, connect(t, map[string]string{"RABBITMQ_HOST": "127.0.0.1", "RABBITMQ_USERNAME": "u"}).Warnings())
}
