package rebuild_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"
	temporal "go.temporal.io/sdk/client"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/analytics"
	"github.com/waybill-io/waybill/analytics/archive"
	"github.com/waybill-io/waybill/analytics/ledger"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/events"
)

const patience = 2 * time.Minute

// order starts an instance and, unless it is to stay, completes its task and waits for its end.
func (i *installation) order(ctx context.Context, id string, stay bool) error {
	if _, _, err := i.client.Start(ctx, client.StartOptions{Key: "order", ID: id}); err != nil || stay {
		return err
	}
	for {
		tasks, err := i.client.Tasks(ctx, client.TaskFilter{Instance: id})
		if err != nil {
			return err
		}
		if len(tasks) == 1 {
			if _, err := i.client.CompleteTask(ctx, tasks[0].ID, contract.CompleteTask{}); err != nil {
				return err
			}
			_, err := i.client.Wait(ctx, id)
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// indexed waits until all that has happened is in the index.
func (i *installation) indexed() {
	i.t.Helper()
	for range 2 { // what is noted late is read by the second
		var pass int64
		require.Eventually(i.t, func() bool {
			var err error
			pass, err = i.client.RunIndexer(i.t.Context())
			return err == nil
		}, patience, 100*time.Millisecond)
		require.Eventually(i.t, func() bool {
			s, err := i.client.IndexerState(i.t.Context())
			return err == nil && s.Last != nil && s.Last.Number >= pass
		}, patience, 100*time.Millisecond)
	}
	require.NoError(i.t, i.store.Refresh(i.t.Context(), "", 0))
}

func (i *installation) verify(in contract.GatherInput) contract.GatherProgress {
	i.t.Helper()
	in.Limit = 10
	require.NoError(i.t, i.client.StartVerify(i.t.Context(), in))
	ctx, cancel := context.WithTimeout(i.t.Context(), patience)
	defer cancel()
	p, err := i.client.AwaitGathering(ctx, contract.VerifyID(in.Tenant))
	require.NoError(i.t, err)
	return p
}

// same checks that a comparison has found nothing, and returns how many documents it compared.
func same(t *testing.T, p contract.GatherProgress) (n int64) {
	t.Helper()
	for _, c := range p.Counts {
		require.Equal(t, c.Expected, c.Held, "%+v %+v", c, p.Differences)
		require.Equal(t, c.Sum, c.HeldSum, "%+v", c)
		n += c.Held
	}
	require.Empty(t, p.Differences)
	return n
}

func (i *installation) count(index string) int64 {
	i.t.Helper()
	n, err := i.store.Count(i.t.Context(), analytics.Selection{Index: index})
	require.NoError(i.t, err)
	return n
}

// change writes a document past the guard of its version.
func (i *installation) change(d events.Document, version int64) {
	i.t.Helper()
	text, err := json.Marshal(d)
	require.NoError(i.t, err)
	v := int(version)
	r, err := esapi.IndexRequest{
		Index: i.store.Alias("", d.Index()), DocumentID: url.PathEscape(d.ID()), Version: &v, VersionType: "external_gte", Body: bytes.NewReader(text), Refresh: "true",
	}.Do(i.t.Context(), index.Client(i.t))
	require.NoError(i.t, err)
	defer func() { _ = r.Body.Close() }()
	require.False(i.t, r.IsError(), r.String())
}

func (i *installation) document(index, id string) (d events.Document) {
	i.t.Helper()
	require.NoError(i.t, i.store.Each(i.t.Context(), analytics.Selection{Index: index}, func(h analytics.Hit) error {
		if h.ID == id {
			return json.Unmarshal(h.Source, &d)
		}
		return nil
	}))
	require.Equal(i.t, id, d.ID())
	return d
}

func TestVerifyAndRebuild(t *testing.T) {
	i := install(t)
	i.deploy()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	for n := range 12 {
		require.NoError(t, i.order(ctx, fmt.Sprintf("order/%d", n), n%4 == 0))
	}
	i.indexed()
	compared := same(t, i.verify(contract.GatherInput{}))
	require.Greater(t, compared, int64(12*4))

	// Somebody has meddled with the index.
	r, err := esapi.DeleteRequest{Index: i.store.Alias("", events.ProcessInstances), DocumentID: "order%2F1", Refresh: "true"}.Do(ctx, index.Client(t))
	require.NoError(t, err)
	_ = r.Body.Close()
	require.False(t, r.IsError())
	changed := i.document(events.ProcessInstances, "order/2")
	changed.BusinessKey = "somebody's"
	i.change(changed, changed.Version())
	added := changed
	added.Instance = "order/nobody's"
	i.change(added, added.Version())
	p := i.verify(contract.GatherInput{})
	named := map[string]string{}
	for _, d := range p.Differences {
		named[d.ID] = d.Kind
	}
	require.Equal(t, map[string]string{"order/1": ledger.Missing, "order/2": ledger.Different, "order/nobody's": ledger.Extra}, named)
	one := i.verify(contract.GatherInput{Instance: "order/2"})
	require.Len(t, one.Differences, 1)
	require.Equal(t, "order/2", one.Differences[0].ID)
	same(t, i.verify(contract.GatherInput{Instance: "order/3"}))

	// What is staged becomes the archive, and Temporal forgets some instances.
	require.GreaterOrEqual(t, int64(i.archive(ctx).Documents), compared)
	for _, n := range []int{1, 2, 3} {
		_, err := i.client.Temporal.WorkflowService().DeleteWorkflowExecution(ctx, &workflowservice.DeleteWorkflowExecutionRequest{
			Namespace: "default", WorkflowExecution: &common.WorkflowExecution{WorkflowId: fmt.Sprintf("order/%d", n)},
		})
		require.NoError(t, err)
	}
	// And much that happened long ago, so that a rebuild takes a while: staged in many files.
	a := archive.New(i.bucket)
	const old = 3000
	for n := range old {
		require.NoError(t, a.Stage(ctx, fmt.Sprintf("old-%d", n), ancient(n)))
	}

	// A rebuild, while processes run, searches work and the worker is killed.
	searched, stop := i.search(ctx)
	require.NoError(t, i.client.StartRebuild(ctx, contract.GatherInput{SettleMS: 0, Limit: 10}))
	require.ErrorIs(t, i.client.StartRebuild(ctx, contract.GatherInput{}), client.ErrUnderWay)
	require.Eventually(t, func() bool {
		p, err := i.client.GatherProgress(ctx, contract.RebuildID(""))
		return err == nil && p.Documents > 200
	}, patience, 10*time.Millisecond)
	i.kill()
	before := searched.Load()
	require.Eventually(t, func() bool { return searched.Load() > before }, patience, 10*time.Millisecond, "searches work without the worker")
	i.start()
	for n := range 4 {
		require.NoError(t, i.order(ctx, fmt.Sprintf("order/during-%d", n), n == 0))
	}
	p, err = i.client.AwaitGathering(ctx, contract.RebuildID(""))
	require.NoError(t, err)
	stop()
	require.Equal(t, contract.GatherDone, p.Stage)
	require.Equal(t, 2, p.Generation)
	require.Zero(t, p.Damages)
	for _, c := range p.Counts {
		require.Equal(t, c.Expected, c.Held, "%+v %+v", c, p.Differences)
		require.Equal(t, c.Sum, c.HeldSum)
	}
	i.indexed()
	require.EqualValues(t, 12+4+old, i.count(events.ProcessInstances))
	i.document(events.ProcessInstances, "order/1")
	require.Empty(t, i.document(events.ProcessInstances, "order/2").BusinessKey)
	require.Greater(t, same(t, i.verify(contract.GatherInput{})), compared)

	all, err := i.store.Generations(ctx, "")
	require.NoError(t, err)
	require.Len(t, all, 2, "the old generation is kept")
	state, err := i.client.IndexerState(ctx)
	require.NoError(t, err)
	require.Empty(t, state.Also)
	dropped, err := i.client.DropReplaced(ctx, "")
	require.NoError(t, err)
	require.Equal(t, 2, dropped.Current)
	require.Len(t, dropped.Dropped, 1)
	files := 0
	for list := i.bucket.List(nil); ; files++ {
		f, err := list.Next(ctx)
		if err != nil {
			break
		}
		require.NotContains(t, f.Key, "ledger", "nothing is left of the comparisons")
	}
	require.Positive(t, files)
	i.exported(ctx, old)
	i.damaged(ctx)
	i.cancelled(ctx)
}

// exported checks that pages have every document once, in the order of their times.
func (i *installation) exported(ctx context.Context, old int) {
	i.t.Helper()
	read := func(in contract.ExportInput) (ids map[string]int, pages int) {
		ids = map[string]int{}
		var last time.Time
		for {
			p, err := i.client.ExportEvents(ctx, in)
			require.NoError(i.t, err)
			pages++
			if pages == 1 && !in.Archive && in.To.IsZero() {
				require.Equal(i.t, i.count(in.Index), p.Total)
			}
			for _, text := range p.Documents {
				var d events.Document
				require.NoError(i.t, json.Unmarshal(text, &d))
				require.True(i.t, in.Archive || !d.Time.Truncate(time.Millisecond).Before(last), "in their order")
				last = d.Time.Truncate(time.Millisecond)
				ids[d.ID()]++
			}
			if in.Cursor = p.Cursor; in.Cursor == "" {
				return ids, pages
			}
		}
	}
	ids, pages := read(contract.ExportInput{Index: events.ProcessInstances})
	require.Len(i.t, ids, 12+4+old)
	require.Greater(i.t, pages, 1)
	for id, n := range ids {
		require.Equal(i.t, 1, n, id)
	}
	i.archive(ctx)
	archived, _ := read(contract.ExportInput{Index: events.ProcessInstances, Archive: true})
	require.Len(i.t, archived, len(ids))
	few, _ := read(contract.ExportInput{Index: events.ProcessInstances, Archive: true, To: time.Date(2025, 3, 2, 0, 0, 0, 0, time.UTC), Kind: string(events.KindProcess)})
	require.Len(i.t, few, old/20)
	few, _ = read(contract.ExportInput{Index: events.ProcessInstances, To: time.Date(2025, 3, 2, 0, 0, 0, 0, time.UTC)})
	require.Len(i.t, few, old/20)
}

// archive takes what is staged into the archive.
func (i *installation) archive(ctx context.Context) (moved contract.MovedArchive) {
	i.t.Helper()
	run, err := i.client.Temporal.ExecuteWorkflow(ctx, temporal.StartWorkflowOptions{ID: "archive-now", TaskQueue: contract.ProcessQueue}, contract.ArchiveWorkflow)
	require.NoError(i.t, err)
	require.NoError(i.t, run.Get(ctx, &moved))
	require.Empty(i.t, moved.Damaged)
	return moved
}

// damaged checks that a damaged block of the archive is named, and stops a rebuild.
func (i *installation) damaged(ctx context.Context) {
	i.t.Helper()
	var key string
	for b, err := range archive.New(i.bucket).Blocks(ctx, "", archive.Range{}) {
		require.NoError(i.t, err)
		key = b.Key()
		break
	}
	whole, err := i.bucket.ReadAll(ctx, key)
	require.NoError(i.t, err)
	require.NoError(i.t, i.bucket.WriteAll(ctx, key, whole[:len(whole)-4], nil))
	p := i.verify(contract.GatherInput{})
	require.Equal(i.t, 1, p.Archive.Wrong)
	require.Contains(i.t, p.Archive.Errors[0], key)
	require.Contains(i.t, p.Damaged[0], key)
	require.NoError(i.t, i.client.StartRebuild(ctx, contract.GatherInput{}))
	_, err = i.client.AwaitGathering(ctx, contract.RebuildID(""))
	require.ErrorContains(i.t, err, key)
	require.NoError(i.t, i.bucket.WriteAll(ctx, key, whole, nil))
	p = i.verify(contract.GatherInput{})
	require.Zero(i.t, p.Archive.Wrong)
	same(i.t, p)
}

// Nothing is in the archive yet, but it is kept: that is what is told.
func TestRebuildWithAnEmptyArchive(t *testing.T) {
	i := install(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	_, err := i.store.Write(ctx, ancient(1))
	require.NoError(t, err)
	require.NoError(t, i.store.Refresh(ctx, "", 0))
	require.NoError(t, i.client.StartRebuild(ctx, contract.GatherInput{}))
	_, err = i.client.AwaitGathering(ctx, contract.RebuildID(""))
	require.ErrorContains(t, err, "the archive of events does not have them")
}

func TestRebuildWithoutAnArchive(t *testing.T) {
	i := installWith(t, func(p *place) { p.Keep = false })
	i.deploy()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	require.NoError(t, i.order(ctx, "order/1", false))
	i.indexed()
	require.NoError(t, i.client.StartRebuild(ctx, contract.GatherInput{}))
	_, err := i.client.AwaitGathering(ctx, contract.RebuildID(""))
	require.NoError(t, err, "nothing would be lost")
	_, err = i.store.Write(ctx, ancient(1))
	require.NoError(t, err)
	require.NoError(t, i.store.Refresh(ctx, "", 0))

	require.NoError(t, i.client.StartRebuild(ctx, contract.GatherInput{}))
	_, err = i.client.AwaitGathering(ctx, contract.RebuildID(""))
	require.ErrorContains(t, err, "event.processing.processed.events.action is delete")
	require.ErrorContains(t, err, "1 documents of the index are older")
	all, err := i.store.Generations(ctx, "")
	require.NoError(t, err)
	require.Len(t, all, 2, "the new indexes are given up")
	p := i.verify(contract.GatherInput{})
	same(t, p)
	require.False(t, p.NoIndex)
	require.EqualValues(t, 1, p.Counts[0].Beyond, "nobody knows better")
	require.True(t, i.verify(contract.GatherInput{Tenant: "nosuch"}).NoIndex)

	// What is missing is filled in.
	require.NoError(t, i.client.PauseIndexer(ctx))
	require.NoError(t, i.order(ctx, "order/2", false))
	require.NoError(t, i.client.StartRebuild(ctx, contract.GatherInput{Since: time.Now().Add(-time.Hour)}))
	p, err = i.client.AwaitGathering(ctx, contract.RebuildID(""))
	require.NoError(t, err)
	require.Greater(t, p.Written, int64(3))
	same(t, p)
	i.document(events.ProcessInstances, "order/2")
	require.NoError(t, i.client.ResumeIndexer(ctx))

	require.NoError(t, i.client.StartRebuild(ctx, contract.GatherInput{HistoriesOnly: true}))
	p, err = i.client.AwaitGathering(ctx, contract.RebuildID(""))
	require.NoError(t, err)
	require.EqualValues(t, 1, p.BeyondCount)
	require.EqualValues(t, 2, i.count(events.ProcessInstances))
}

// cancelled checks that a rebuild that is cancelled leaves nothing.
func (i *installation) cancelled(ctx context.Context) {
	i.t.Helper()
	require.NoError(i.t, i.client.StartRebuild(ctx, contract.GatherInput{Limit: 10}))
	require.Eventually(i.t, func() bool {
		p, err := i.client.GatherProgress(ctx, contract.RebuildID(""))
		return err == nil && p.Documents > 200
	}, patience, 10*time.Millisecond)
	require.NoError(i.t, i.client.CancelGathering(ctx, contract.RebuildID("")))
	_, err := i.client.AwaitGathering(ctx, contract.RebuildID(""))
	require.ErrorIs(i.t, err, client.ErrNotDone)
	require.ErrorContains(i.t, i.client.CancelGathering(ctx, contract.RebuildID("")), "it has ended (canceled) at ")
	require.ErrorIs(i.t, i.client.CancelGathering(ctx, contract.RebuildID("nosuch")), client.ErrNotFound)
	all, err := i.store.Generations(ctx, "")
	require.NoError(i.t, err)
	require.Len(i.t, all, 1)
	state, err := i.client.IndexerState(ctx)
	require.NoError(i.t, err)
	require.Empty(i.t, state.Also)
}

// ancient are documents of an instance that Temporal has long forgotten.
func ancient(n int) []events.Document {
	began := time.Date(2025, 3, 1+n%20, 12, 0, 0, 0, time.UTC)
	return events.Batch{Process: events.Process{Instance: fmt.Sprintf("ancient/%d", n), Key: "order", DefinitionVersion: 1, Began: began}, Events: []events.Event{
		{Sequence: 9, Type: events.ProcessEnded, Time: began.Add(time.Hour), Status: events.Completed, Start: began, End: began.Add(time.Hour), Duration: new(int64(3_600_000))},
	}}.Documents()
}

// search searches without a pause until it is stopped: an instance that was there is there in each answer.
func (i *installation) search(ctx context.Context) (done *atomic.Int64, stop func()) {
	done = &atomic.Int64{}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error)
	go func() {
		for ctx.Err() == nil {
			n, err := i.store.Count(ctx, analytics.Selection{Index: events.ProcessInstances, Filter: []any{
				map[string]any{"term": map[string]any{"processInstanceId": "order/4"}},
			}})
			if ctx.Err() == nil && (err != nil || n != 1) {
				ended <- fmt.Errorf("%d found: %w", n, err)
				return
			}
			done.Add(1)
		}
		ended <- nil
	}()
	return done, func() {
		i.t.Helper()
		cancel()
		require.NoError(i.t, <-ended)
	}
}
