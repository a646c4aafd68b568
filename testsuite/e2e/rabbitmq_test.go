package e2e_test

import (
	"fmt"
	"strconv"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/testsuite/rabbitmq"
)

// TestRabbitMQ has messages start processes, which publish messages. Workers and the broker are killed meanwhile.
func TestRabbitMQ(t *testing.T) {
	s := rabbitmq.Start(t)
	i := installTemporal(t, options{})
	i.environment = []string{
		"RABBITMQ_URL=amqp://" + rabbitmq.Username + "@" + s.Host + ":" + strconv.Itoa(s.Port), "RABBITMQ_PASSWORD=" + rabbitmq.Password, "RABBITMQ_QUEUE=orders",
	}
	ch := s.Channel()
	for _, queue := range []string{"orders", "confirmed"} {
		_, err := ch.QueueDeclare(queue, true, false, false, false, nil)
		require.NoError(t, err)
	}
	require.NoError(t, ch.QueueBind("orders", "orders.#", "amq.topic", false, nil))
	s.Sync()
	roles := []string{"--roles", "process,connectors"}
	i.startWorker(roles...)
	w := i.startWorker(roles...)
	p := i.load("testdata/rabbitmq")
	i.deployDefinitions(p)
	i.deployTriggers(p)

	const n = 120
	published := 0
	some := func(ch *amqp.Channel) {
		t.Helper()
		require.NoError(t, ch.Confirm(false))
		for range n / 4 {
			for _, key := range []string{"orders.new", "orders.other"} { // the second is nobody's
				confirmed, err := ch.PublishWithDeferredConfirm("amq.topic", key, true, false, amqp.Publishing{
					MessageId: fmt.Sprint(key, "-", published), DeliveryMode: amqp.Persistent, ContentType: "application/json", Body: fmt.Appendf(nil, `{"number":%d}`, published),
				})
				require.NoError(t, err)
				require.True(t, confirmed.Wait())
			}
			published++
		}
	}
	orders := func() []client.Instance {
		list, err := i.client.List(t.Context(), client.Filter{Key: "order", Limit: 10_000})
		require.NoError(t, err)
		return list
	}
	some(ch)
	i.eventually(func() string { return "no process starts" }, func() bool { return len(orders()) > n/8 })
	w.kill()
	some(ch)
	w = i.startWorker(roles...)
	some(ch)
	s.Kill()
	s.Run()
	ch = s.Channel()
	w.stop()
	some(ch)
	i.startWorker(roles...)

	// A message that was published again has the id of the first one.
	confirmed := map[string]string{}
	i.eventually(func() string { return fmt.Sprintf("%d of %d are confirmed", len(confirmed), n) }, func() bool {
		m, ok, err := ch.Get("confirmed", true)
		require.NoError(t, err)
		for ok {
			confirmed[m.MessageId] = string(m.Body)
			m, ok, err = ch.Get("confirmed", true)
			require.NoError(t, err)
		}
		return len(confirmed) >= n
	})
	texts := map[string]bool{}
	for _, text := range confirmed {
		texts[text] = true
	}
	require.Len(t, texts, n)
	for k := range n {
		require.Contains(t, texts, fmt.Sprintf("order %d is confirmed", k))
	}
	require.Eventually(t, func() bool {
		q, err := ch.QueueDeclarePassive("orders", true, false, false, false, nil)
		return err == nil && q.Messages == 0
	}, patience, tick)
	keys := map[string]int{}
	for _, o := range orders() {
		keys[o.BusinessKey]++
	}
	require.Len(t, keys, n)
	for key, times := range keys {
		require.Equal(t, 1, times, key)
	}
}
