package activities

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	temporalclient "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"gocloud.dev/blob/memblob"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/mail"
)

// broken is a source that hands one mail out and not the others.
type broken struct{ source }

func (broken) Fetch(_ context.Context, _, id string, w io.Writer, _ int64) (int64, error) {
	if id != "good" {
		return 0, errors.New("no such message")
	}
	n, err := w.Write([]byte("Subject: Hello\r\n\r\n"))
	return int64(n), err
}

// What the server does not hand out is given up after some tries; what cannot be stored is not, since the mail is good.
func TestFetchGivesUp(t *testing.T) {
	bucket := memblob.OpenBucket(nil)
	w := &Watcher{files: NewFiles(bucket), Metrics: NewMetrics(prometheus.NewRegistry())}
	f := &folder{watch: w.watch(contract.WatchInput{Mailbox: "support"}), source: broken{}}
	fetch := func(id string) (contract.MailRef, error) { return f.fetch(t.Context(), mail.Item{ID: id}) }
	ref, err := fetch("good")
	require.NoError(t, err)
	require.NotEmpty(t, ref.Blob)
	for range fetchTries - 1 {
		_, err = fetch("bad")
		require.ErrorContains(t, err, "no such message")
	}
	ref, err = fetch("bad")
	require.NoError(t, err)
	require.Contains(t, ref.Reason, "no such message (8 tries)")

	require.NoError(t, bucket.Close())
	for range 2 * fetchTries {
		_, err = fetch("good")
		require.Error(t, err)
	}
}

// inHand is a Temporal server where an earlier batch of the folder is in hand for some tries, and then an end to it.
type inHand struct {
	temporalclient.Client
	tries int
	end   error
}

func (t *inHand) UpdateWorkflow(context.Context, temporalclient.UpdateWorkflowOptions) (temporalclient.WorkflowUpdateHandle, error) {
	if t.tries--; t.tries < 0 {
		return nil, t.end
	}
	return nil, temporal.NewNonRetryableApplicationError("an earlier batch of the folder is in hand", contract.Busy, nil)
}

// alive is a source with one new mail, which counts how often it is asked.
type alive struct {
	source
	asked int
	err   error // from the second time on
}

func (a *alive) Next(context.Context, string, mail.Position, int) (mail.Batch, error) {
	if a.asked++; a.asked > 1 && a.err != nil {
		return mail.Batch{}, a.err
	}
	return mail.Batch{Cursor: "7:1", Items: []mail.Item{{ID: "7:1", Old: true}}}, nil
}

// While a batch of a worker that died is in hand, the connection is kept and proved, and the batch handed over again; no error covers up
// what the mail waits for.
func TestBatchInHand(t *testing.T) {
	step := func(tries int, broken error) (server *alive, lasted time.Duration, err error) {
		synctest.Test(t, func(t *testing.T) {
			end := errors.New("the end")
			server = &alive{err: broken}
			w := &Watcher{client: client.New(&inHand{tries: tries, end: end}), Metrics: NewMetrics(prometheus.NewRegistry())}
			f := &folder{watch: w.watch(contract.WatchInput{Mailbox: "support"}), source: server}
			begun := time.Now()
			_, err = f.step(t.Context())
			lasted = time.Since(begun)
		})
		return server, lasted, err
	}
	server, lasted, err := step(100, nil)
	require.ErrorContains(t, err, "the end")
	require.Equal(t, 101, server.asked)
	require.Greater(t, lasted, 10*time.Minute, "the pauses grow")
	require.Less(t, lasted, 100*longestPause)

	server, _, err = step(100, errors.New("cut"))
	require.EqualError(t, err, "cut")
	require.Equal(t, 2, server.asked)
}
