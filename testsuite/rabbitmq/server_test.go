package rabbitmq

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"
)

// get takes a message from a queue; "" when there is none.
func get(t *testing.T, s *Server, queue string) string {
	t.Helper()
	m, _, err := s.Channel().Get(queue, true)
	require.NoError(t, err)
	return string(m.Body)
}

func put(t *testing.T, s *Server, queue, body string) {
	t.Helper()
	ch := s.Channel()
	require.NoError(t, ch.Confirm(false))
	confirmed, err := ch.PublishWithDeferredConfirm("", queue, true, false, amqp.Publishing{DeliveryMode: amqp.Persistent, Body: []byte(body)})
	require.NoError(t, err)
	require.True(t, confirmed.Wait())
}

func TestMessagesOutliveTheBroker(t *testing.T) {
	s := Start(t)
	_, err := s.Channel().QueueDeclare("q", true, false, false, false, nil)
	require.NoError(t, err)
	s.Sync()
	put(t, s, "q", "one")
	s.Kill()
	_, err = amqp.Dial(s.URL())
	require.Error(t, err)
	s.Run()
	require.Equal(t, "one", get(t, s, "q"))

	put(t, s, "q", "two")
	s.Stop()
	s.Run()
	require.Equal(t, "two", get(t, s, "q"))
	require.Empty(t, get(t, s, "q"))

	pem, err := os.ReadFile(s.CAFile)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(pem))
	c, err := amqp.DialTLS(fmt.Sprintf("amqps://%s:%s@%s:%d/", Username, Password, s.Host, s.TLSPort), &tls.Config{RootCAs: roots})
	require.NoError(t, err)
	require.NoError(t, c.Close())
	_, err = amqp.Dial(fmt.Sprintf("amqp://guest:guest@%s:%d/", s.Host, s.Port))
	require.ErrorIs(t, err, amqp.ErrCredentials)
}
