package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/rabbitmq/broker"
	"github.com/waybill-io/waybill/testsuite/rabbitmq"
)

// inbox stores events, as whoever runs a listener does.
type inbox struct {
	mu     sync.Mutex
	events []connectors.Event
	fail   func(connectors.Event) error // nil: stores all
}

func (i *inbox) emit(_ context.Context, e connectors.Event) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.fail != nil {
		if err := i.fail(e); err != nil {
			return err
		}
	}
	i.events = append(i.events, e)
	return nil
}

func (i *inbox) all() []connectors.Event {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]connectors.Event(nil), i.events...)
}

// ids are how often each event has come.
func (i *inbox) ids() map[string]int {
	counts := map[string]int{}
	for _, e := range i.all() {
		counts[e.ID]++
	}
	return counts
}

func (i *inbox) wait(t *testing.T, n int) []connectors.Event {
	t.Helper()
	require.Eventually(t, func() bool { return len(i.all()) >= n }, patience, 5*time.Millisecond)
	return i.all()
}

// listen runs the listener until the test or the function it returns ends it, again and again as a worker does.
func listen(t *testing.T, c *Connector, i *inbox) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if err := c.Listen(ctx, i.emit); err != nil {
				select {
				case <-time.After(50 * time.Millisecond):
				case <-ctx.Done():
				}
			}
		}
	}()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

// put publishes a message and waits for the confirm.
func put(t *testing.T, ch *amqp.Channel, queue string, m amqp.Publishing) {
	t.Helper()
	require.NoError(t, ch.Confirm(false))
	m.DeliveryMode = amqp.Persistent
	confirmed, err := ch.PublishWithDeferredConfirm("", queue, true, false, m)
	require.NoError(t, err)
	require.True(t, confirmed.Wait())
}

func left(t *testing.T, ch *amqp.Channel, queue string) int {
	t.Helper()
	q, err := ch.QueueDeclarePassive(queue, true, false, false, false, nil)
	require.NoError(t, err)
	return q.Messages
}

func TestListen(t *testing.T) {
	s := rabbitmq.Start(t)
	ch := s.Channel()
	declare(t, ch, "dead", nil)

	t.Run("events", func(t *testing.T) {
		declare(t, ch, "in", nil)
		require.NoError(t, ch.QueueBind("in", "orders.#", "amq.topic", false, nil))
		at := time.Date(2026, 11, 28, 10, 0, 0, 0, time.UTC)
		require.NoError(t, ch.Publish("amq.topic", "orders.new", true, false, amqp.Publishing{
			ContentType: "application/json", Body: []byte(`{"item":"pen"}`), MessageId: "m-1", Timestamp: at, Headers: amqp.Table{"priority": int32(3)},
		}))
		var i inbox
		stop := listen(t, connect(t, settings(s, "RABBITMQ_QUEUE", "in")), &i)
		e := i.wait(t, 1)[0]
		require.True(t, at.Equal(e.Time))
		e.Time = time.Time{}
		require.Equal(t, connectors.Event{Name: "MESSAGE_RECEIVED", ID: "m-1", Outputs: map[string]any{
			"message": map[string]any{"item": "pen"}, "headers": map[string]any{"priority": int64(3)},
			"routingKey": "orders.new", "exchange": "amq.topic", "messageId": "m-1", "redelivered": false,
		}}, e)
		for range 2 {
			put(t, ch, "in", amqp.Publishing{Body: []byte("click")})
		}
		all := i.wait(t, 3)
		require.NotEqual(t, all[1].ID, all[2].ID, "two clicks are two")
		stop()
		require.Zero(t, left(t, ch, "in"))
	})
	t.Run("what is not stored comes again", func(t *testing.T) {
		declare(t, ch, "again", nil)
		c := connect(t, settings(s, "RABBITMQ_QUEUE", "again"))
		c.pause = time.Millisecond
		attempts := map[string]int{}
		i := inbox{fail: func(e connectors.Event) error {
			if attempts[e.ID]++; attempts[e.ID] < 4 {
				return errors.New("no room")
			}
			return nil
		}}
		put(t, ch, "again", amqp.Publishing{MessageId: "a", Body: []byte("x")})
		stop := listen(t, c, &i)
		require.Equal(t, true, i.wait(t, 1)[0].Outputs["redelivered"])
		stop()
		require.Equal(t, map[string]int{"a": 4}, attempts)
		require.Equal(t, map[string]int{"a": 1}, i.ids())
		require.Zero(t, left(t, ch, "again"))
	})
	t.Run("what is under way when it ends comes again", func(t *testing.T) {
		declare(t, ch, "cut", nil)
		put(t, ch, "cut", amqp.Publishing{MessageId: "a", Body: []byte("x")})
		entered := make(chan struct{}, 1)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- connect(t, settings(s, "RABBITMQ_QUEUE", "cut")).Listen(ctx, func(ctx context.Context, _ connectors.Event) error {
				entered <- struct{}{}
				<-ctx.Done()
				return ctx.Err()
			})
		}()
		<-entered
		cancel()
		require.NoError(t, <-ended)
		require.Equal(t, "a", take(t, ch, "cut").MessageId)
	})
	t.Run("poison", func(t *testing.T) {
		declare(t, ch, "poison", amqp.Table{"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"})
		for id, m := range map[string]amqp.Publishing{
			"bytes": {Body: []byte{0xff, 0xfe}}, "no JSON": {ContentType: "application/json", Body: []byte("{")}, "large": {Body: []byte(strings.Repeat("x", maxMessage+1))},
		} {
			m.MessageId = id
			put(t, ch, "poison", m)
		}
		put(t, ch, "poison", amqp.Publishing{MessageId: "good", ContentType: "text/plain", Body: []byte("{")})
		var i inbox
		listen(t, connect(t, settings(s, "RABBITMQ_QUEUE", "poison", "RABBITMQ_PREFETCH", "1")), &i)
		require.Equal(t, "{", i.wait(t, 1)[0].Outputs["message"])
		dead := map[string]bool{}
		for range 3 {
			dead[take(t, ch, "dead").MessageId] = true
		}
		require.Equal(t, map[string]bool{"bytes": true, "no JSON": true, "large": true}, dead)
	})
	t.Run("no queue", func(t *testing.T) {
		err := connect(t, settings(s, "RABBITMQ_QUEUE", "nowhere")).Listen(t.Context(), nil)
		require.ErrorContains(t, err, "nowhere")
		require.ErrorContains(t, err, "NOT_FOUND")
		declare(t, ch, "deleted", nil)
		ended := make(chan error, 1)
		go func() { ended <- connect(t, settings(s, "RABBITMQ_QUEUE", "deleted")).Listen(t.Context(), nil) }()
		require.Eventually(t, func() bool {
			q, err := ch.QueueDeclarePassive("deleted", true, false, false, false, nil)
			return err == nil && q.Consumers == 1
		}, patience, 5*time.Millisecond)
		_, err = ch.QueueDelete("deleted", false, false, false)
		require.NoError(t, err)
		require.ErrorContains(t, <-ended, "was the queue deleted?")

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.NoError(t, connect(t, settings(s)).Listen(ctx, nil), "no queue is set, and nothing to listen to")
	})
	t.Run("the broker is killed while two workers listen", func(t *testing.T) {
		declare(t, ch, "many", nil)
		s.Sync()
		const n = 500
		for i := range n {
			put(t, ch, "many", amqp.Publishing{MessageId: fmt.Sprint(i), Body: []byte("x")})
		}
		var i inbox
		for range 2 {
			listen(t, connect(t, settings(s, "RABBITMQ_QUEUE", "many")), &i)
		}
		i.wait(t, n/10)
		s.Kill()
		s.Run()
		require.Eventually(t, func() bool { return len(i.ids()) == n }, patience, 10*time.Millisecond)
		after := s.Channel()
		require.Eventually(t, func() bool { return left(t, after, "many") == 0 }, patience, 10*time.Millisecond)
	})
}

func TestRead(t *testing.T) {
	for name, tc := range map[string]struct {
		contentType, body string
		want              any
	}{
		"JSON":               {"application/json;charset=UTF-8", `{"a":9007199254740993}`, map[string]any{"a": int64(9007199254740993)}},
		"kind of JSON":       {"application/cloudevents+json", `[1]`, []any{int64(1)}},
		"unsaid JSON":        {"", `{"a":9007199254740993}`, map[string]any{"a": int64(9007199254740993)}},
		"default of clients": {"application/octet-stream", `7`, int64(7)},
		"unsaid text":        {"", `hello`, "hello"},
		"text that is JSON":  {"text/plain", `{"a":1}`, `{"a":1}`},
		"other":              {"application/xml", `<a/>`, `<a/>`},
		"empty":              {"", ``, ""},
	} {
		t.Run(name, func(t *testing.T) {
			value, err := read(tc.contentType, []byte(tc.body))
			require.NoError(t, err)
			require.Equal(t, tc.want, value)
		})
	}
	at := time.Date(2026, 11, 28, 10, 0, 0, 0, time.UTC)
	require.Equal(t, map[string]any{
		"at": "2026-11-28T10:00:00Z", "bytes": "text", "binary": "/w==", "money": 1.25, "short": int64(-3), "float": 0.5, "none": nil,
		"death": []any{map[string]any{"count": int64(2)}},
	}, valueOf(amqp.Table{
		"at": at, "bytes": []byte("text"), "binary": []byte{0xff}, "money": amqp.Decimal{Scale: 2, Value: 125}, "short": int16(-3), "float": float32(0.5), "none": nil,
		"death": []any{amqp.Table{"count": int64(2)}},
	}))
	_, err := event(amqp.Delivery{Body: []byte{0xff}})
	require.ErrorIs(t, err, broker.ErrPoison)
}
