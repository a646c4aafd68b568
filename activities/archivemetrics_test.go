package activities

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	temporaltest "go.temporal.io/sdk/testsuite"
	"gocloud.dev/blob"
	"gocloud.dev/blob/memblob"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/analytics/archive"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/events"
)

// What is damaged stays and is counted; a manifest that is damaged keeps all from the archive, and is counted, too.
func TestMoveIsMeasured(t *testing.T) {
	bucket := memblob.OpenBucket(nil)
	defer bucket.Close()
	registry := prometheus.NewPedanticRegistry()
	b := NewRebuilder(client.New(newKept()), nil, bucket, IndexerSettings{}, RebuildSettings{Metrics: registry}, slog.New(slog.DiscardHandler))
	a := archive.New(bucket)
	documents := events.Batch{Process: events.Process{Instance: "order/1", Key: "order", Began: monday}, Events: []events.Event{
		{Sequence: 1, Type: events.ProcessStarted, Time: monday, Status: events.Active},
	}}.Documents()
	move := func() (m contract.MovedArchive, err error) {
		var suite temporaltest.WorkflowTestSuite
		env := suite.NewTestActivityEnvironment()
		env.RegisterActivity(b.Move)
		v, err := env.ExecuteActivity(b.Move)
		if err == nil {
			require.NoError(t, v.Get(&m))
		}
		return m, err
	}
	value := func(name string) float64 {
		all, err := registry.Gather()
		require.NoError(t, err)
		for _, f := range all {
			if f.GetName() == name {
				m := f.GetMetric()[0]
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
		t.Fatal("there is no metric " + name)
		return 0
	}

	require.NoError(t, a.Stage(t.Context(), "one", documents))
	require.NoError(t, bucket.WriteAll(t.Context(), "events-staged/bad-0-"+strings.Repeat("0", 32)+".ndjson.gz", []byte("x"), nil))
	m, err := move()
	require.NoError(t, err)
	require.Equal(t, 1, m.Blocks)
	require.Equal(t, 1, m.Waiting)
	require.Len(t, m.Damaged, 1)
	require.EqualValues(t, 1, value("waybill_archive_damaged_files"))
	require.EqualValues(t, 1, value("waybill_archive_staged_files"))
	require.EqualValues(t, 1, value("waybill_archive_documents_total"))
	require.EqualValues(t, 0, value("waybill_archive_move_failures_total"))
	require.Positive(t, value("waybill_archive_last_move_seconds"))

	require.NoError(t, a.Stage(t.Context(), "two", documents))
	var manifest string
	for files := bucket.List(&blob.ListOptions{Prefix: "events/"}); ; {
		o, err := files.Next(t.Context())
		if err != nil {
			break
		}
		if strings.HasSuffix(o.Key, "manifest.json") {
			manifest = o.Key
		}
	}
	require.NoError(t, bucket.WriteAll(t.Context(), manifest, []byte("{"), nil))
	_, err = move()
	require.ErrorContains(t, err, "2 files are staged")
	require.EqualValues(t, 1, value("waybill_archive_move_failures_total"))
}
