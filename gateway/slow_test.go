package gateway

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	temporal "go.temporal.io/sdk/client"

	"github.com/waybill-io/waybill/client"
)

// away is a Temporal whose workers do not answer.
type away struct{ temporal.Client }

func (away) ExecuteActivity(context.Context, temporal.StartActivityOptions, any, ...any) (temporal.ActivityHandle, error) {
	return unanswered{}, nil
}

type unanswered struct{ temporal.ActivityHandle }

func (unanswered) Get(ctx context.Context, _ any) error {
	<-ctx.Done()
	return ctx.Err()
}

func (unanswered) Describe(context.Context, temporal.DescribeActivityOptions) (*temporal.ActivityExecutionDescription, error) {
	return nil, context.DeadlineExceeded
}

// How long a request may take to come says nothing of how long its answer may: net/http lifts the deadline when the body has been read,
// and does not watch the connection before.
func TestAnswersOutlastTheReadTimeout(t *testing.T) {
	const reads = 250 * time.Millisecond
	s, err := Listen(Options{Address: "127.0.0.1:0", Client: client.New(away{}), sendWait: 2 * reads})
	require.NoError(t, err)
	s.http.ReadTimeout = reads
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()

	const mail = `{
		"Credentials": {"UserName":"u@x.org","Password":"env:WAYBILL_MAILBOX_P","smtpUrl":"smtps://smtp.x.org"},
		"Email": {"MessageId":"<1@x.org>","To":"bob@x.org","Body":"Hello"}}`
	for name, content := range map[string]io.Reader{"length": strings.NewReader(mail), "chunked": io.MultiReader(strings.NewReader(mail))} {
		answer, err := http.Post(s.URL()+"/api/listeners/send", "application/json", content)
		require.NoError(t, err, name)
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err, name)
		require.Equal(t, http.StatusAccepted, answer.StatusCode, "%s: %s", name, body)
		require.JSONEq(t, `{"MessageId":"<1@x.org>","State":"sending","Message":""}`, string(body))
	}
	cancel()
	require.NoError(t, <-served)
}

// A body that does not come is given up, and one that is too large is not read.
func TestBodiesThatAreNotTaken(t *testing.T) {
	s, err := Listen(Options{Address: "127.0.0.1:0"})
	require.NoError(t, err)
	s.http.ReadTimeout = 100 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()

	never, sender := io.Pipe()
	defer sender.Close()
	for name, body := range map[string]io.Reader{"slow": never, "large": strings.NewReader(strings.Repeat(" ", maxBody+1))} {
		answer, err := http.Post(s.URL()+"/api/listeners/state", "application/json", body)
		require.NoError(t, err, name)
		require.Equal(t, http.StatusBadRequest, answer.StatusCode, name)
		require.NoError(t, answer.Body.Close())
	}
	cancel()
	require.NoError(t, <-served)
}
