package activities

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"gocloud.dev/blob/memblob"

	"github.com/waybill-io/waybill/activities/contract"
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
