package workflows_test

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	temporal "go.temporal.io/sdk/client"
	"gocloud.dev/blob/memblob"

	"github.com/waybill-io/waybill/activities"
	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/analytics"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/quartz"
	"github.com/waybill-io/waybill/testsuite"
	"github.com/waybill-io/waybill/worker/app"
)

// index is one in memory.
type index struct {
	mu       sync.Mutex
	versions map[string]int64 // by index and id
}

func (x *index) Write(_ context.Context, documents []events.Document) (w analytics.Written, _ error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, d := range documents {
		key := d.Index() + " " + d.ID()
		if x.versions[key] >= d.Version() {
			w.Known++
			continue
		}
		x.versions[key] = d.Version()
		w.New++
	}
	return w, nil
}

func (x *index) holds(want map[string]int64) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	for key, version := range want {
		if x.versions[key] != version {
			return false
		}
	}
	return true
}

// logged are the documents that histories make of instances.
func logged(t *testing.T, c *client.Client, ids ...string) map[string]int64 {
	t.Helper()
	want := map[string]int64{}
	for _, id := range ids {
		log, err := c.EventLog(t.Context(), id)
		require.NoError(t, err)
		for _, d := range log {
			key := d.Index() + " " + d.ID()
			want[key] = max(want[key], d.Version())
		}
	}
	return want
}

// startIndexer runs a worker with an index in memory. What it did is replayed, and recorded, at the end.
func startIndexer(t *testing.T, temporal temporal.Client, x *index) *client.Client {
	t.Helper()
	bucket := memblob.OpenBucket(nil)
	a, err := app.New(t.Context(), app.Options{
		Temporal: temporal, Namespace: "default", Roles: []app.Role{app.Process, app.Connectors, app.Indexer}, Files: bucket,
		Indexing: &app.Indexing{Sink: x, Settings: activities.IndexerSettings{Expression: "0/2 * * * * ?", BlockSize: 3, Sweep: 2 * time.Second, Renew: time.Second}},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx, nil) }()
	c := client.New(temporal)
	t.Cleanup(func() {
		cancel() // or the worker would create the schedule again
		require.NoError(t, <-ended)
		ctx := context.Background()
		require.NoError(t, temporal.ScheduleClient().GetHandle(ctx, contract.IndexScheduleID).Delete(ctx))
		replayed := testsuite.ReplayServer(ctx, c, *record)
		_ = temporal.TerminateWorkflow(ctx, contract.IndexerID, "", "the test is over")
		require.NoError(t, bucket.Close())
		require.NoError(t, replayed, "what has run must run the same again")
	})
	return c
}

func TestIndexerOnServer(t *testing.T) {
	x := &index{versions: map[string]int64{}}
	c := startIndexer(t, server.Client(t), x)
	d := define(t, "indexed", `<startEvent id="s"/><userTask id="check" name="Check"/><endEvent id="e"/>
		<sequenceFlow id="a" sourceRef="s" targetRef="check"/><sequenceFlow id="b" sourceRef="check" targetRef="e"/>`, "")
	_, err := c.Deploy(t.Context(), d)
	require.NoError(t, err)
	var ids []string
	for n := range 10 {
		ids = append(ids, fmt.Sprintf("indexed/%d", n))
		_, _, err := c.Start(t.Context(), client.StartOptions{Key: "indexed", ID: ids[n], Variables: map[string]any{"n": n}})
		require.NoError(t, err)
	}
	complete := func(id string) {
		var tasks []contract.Task
		require.Eventually(t, func() bool {
			tasks, err = c.Tasks(t.Context(), client.TaskFilter{Instance: id})
			return err == nil && len(tasks) == 1
		}, time.Minute, 20*time.Millisecond)
		_, err := c.ClaimTask(t.Context(), tasks[0].ID, "ann")
		require.NoError(t, err)
		_, err = c.CompleteTask(t.Context(), tasks[0].ID, contract.CompleteTask{User: "ann"})
		require.NoError(t, err)
	}
	agree := func() {
		t.Helper()
		want := map[string]int64{}
		require.Eventually(t, func() bool {
			want = logged(t, c, ids...)
			return len(want) >= 10 && x.holds(want)
		}, time.Minute, 50*time.Millisecond, "%d documents are expected", len(want))
	}
	agree()
	for _, id := range ids[:4] {
		complete(id)
	}
	agree()

	require.NoError(t, c.PauseIndexer(t.Context()))
	_, err = c.RunIndexer(t.Context())
	require.ErrorContains(t, err, "it is paused; resume it first")
	s, err := c.IndexerStatus(t.Context())
	require.NoError(t, err)
	require.Equal(t, client.IndexerPaused, s.State)
	before := maps.Clone(x.versions) // nothing writes now
	complete(ids[4])
	place := events.ProcessInstances + " " + ids[4]
	require.Eventually(t, func() bool { return logged(t, c, ids[4])[place] > before[place] }, time.Minute, 20*time.Millisecond, "it ends")
	// The second firing from here shows that what the first one started has ended, and has told the indexer.
	schedule := c.Temporal.ScheduleClient().GetHandle(t.Context(), contract.IndexScheduleID)
	fired := func() int {
		d, err := schedule.Describe(t.Context())
		require.NoError(t, err)
		return d.Info.NumActions
	}
	first := fired()
	require.Eventually(t, func() bool { return fired() >= first+2 }, time.Minute, 100*time.Millisecond, "the schedule fires")
	require.True(t, x.holds(map[string]int64{place: before[place]}), "nobody indexes it")
	require.NoError(t, c.ResumeIndexer(t.Context()))
	agree()
	pass, err := c.RunIndexer(t.Context())
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		s, err := c.IndexerState(t.Context())
		return err == nil && s.Last.Number >= pass && !s.Swept.IsZero()
	}, time.Minute, 20*time.Millisecond)

	// Somebody ends it, and deletes the schedule: a worker begins others. The first pass reads all again and does no harm.
	require.NoError(t, c.Temporal.ScheduleClient().GetHandle(t.Context(), contract.IndexScheduleID).Delete(t.Context()))
	require.NoError(t, c.Temporal.TerminateWorkflow(t.Context(), contract.IndexerID, "", "by mistake"))
	complete(ids[5])
	agree()
	require.Eventually(t, func() bool { // a pass counts what it found when it ends, which is after its documents are there
		s, err = c.IndexerStatus(t.Context())
		return err == nil && s.Total.Known >= int64(len(ids))
	}, time.Minute, 20*time.Millisecond)
	require.Less(t, s.Passes, pass)
}

// Schedules of the server fire when Quartz does, and are changed only when they must be.
func TestSchedulesOnServer(t *testing.T) {
	c := server.Client(t)
	s := activities.CronSchedule{ID: "cron-test", Workflow: contract.IndexTickWorkflow, TaskQueue: "nobody"}
	handle := c.ScheduleClient().GetHandle(t.Context(), s.ID)
	t.Cleanup(func() { require.NoError(t, handle.Delete(context.Background())) })
	var updated time.Time
	for n, expression := range []string{
		"0/30 * * * * ?", "0 25/45 * * * ?", "0 15 10 ? * MON-FRI", "0 0 12 1/5 * ?", "0 11 11 11 11 ?", "0 0 8 L * ?", "0 0 8 L-3 * ?", "0 0 8 LW * ?", "0 0 8 15W * ?", "0 0/20 9 ? * 6L", "0 0 3 ? * 6#3",
		"0 0 3 1 1 ? 2090/5", "10 20 3 ? JUL SUN 2030-2040",
	} {
		s.Expression = expression
		require.NoError(t, s.Ensure(t.Context(), c), expression)
		d, err := handle.Describe(t.Context())
		require.NoError(t, err)
		e, err := quartz.Parse(expression)
		require.NoError(t, err)
		require.NotEmpty(t, d.Info.NextActionTimes, expression)
		at := d.Info.NextActionTimes[0].Add(-time.Nanosecond).UTC()
		if first, ok := e.Next(time.Now().UTC()); ok && first.After(time.Now().Add(time.Minute)) {
			require.Equal(t, first, d.Info.NextActionTimes[0].UTC(), expression)
		}
		for _, next := range d.Info.NextActionTimes {
			want, ok := e.Next(at)
			require.True(t, ok)
			require.Equal(t, want, next.UTC(), expression)
			at = want
		}
		require.NoError(t, s.Ensure(t.Context(), c))
		again, err := handle.Describe(t.Context())
		require.NoError(t, err)
		require.Equal(t, d.Info.LastUpdateAt, again.Info.LastUpdateAt, "%s: it was as it should be", expression)
		if n > 0 {
			require.NotEqual(t, updated, d.Info.LastUpdateAt)
		}
		updated = d.Info.LastUpdateAt
	}
	s.Expression = "0 0 3 31 2 ?"
	require.ErrorContains(t, s.Ensure(t.Context(), c), "it never fires")
}
