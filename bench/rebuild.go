package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	temporal "go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/activities"
	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/analytics"
	"github.com/waybill-io/waybill/analytics/archive"
	"github.com/waybill-io/waybill/events"
	elasticserver "github.com/waybill-io/waybill/testsuite/elasticsearch"
	"github.com/waybill-io/waybill/worker/app"
)

// rebuildReport is what it takes to make the indexes anew, by a worker in a process of its own.
type rebuildReport struct {
	Archived   int64         `json:"archived"`   // documents of the archive
	ArchivedBy time.Duration `json:"archivedBy"` // the time in which they were staged and taken into the archive
	Bytes      int64         `json:"bytes"`      // of their text
	Packed     int64         `json:"packed"`     // of the files
	Histories  int64         `json:"histories"`  // events in histories
	Executions int64         `json:"executions"` // that hold them

	Archive, History, Compare, Whole time.Duration
	Peak                             int64 `json:"peak"` // of the worker's memory, in bytes
	Rest                             int64 `json:"rest"` // of it before the rebuild
	Searches                         int   `json:"searches"`
	Failed                           int   `json:"failed"`
	Before, During                   stages95
	Documents                        int64 `json:"documents"` // of the new indexes
}

// stages95 are two quantiles of the time of a search.
type stages95 struct{ Median, P95 time.Duration }

// rebuildWorker is the argument that makes this program a worker, so that its memory is its own.
const rebuildWorker = "rebuild-worker"

const (
	lifeOf      = 20 // events of an instance
	markersOf   = 4  // in its history
	rebuildType = "bench/events"
	rebuildWork = "bench-rebuild"
)

// rebuildPlace is where a worker finds what it needs.
type rebuildPlace struct{ Temporal, Elasticsearch, Files string }

func (p rebuildPlace) open() (*analytics.Store, *blob.Bucket, error) {
	store, err := analytics.Open(analytics.Config{Addresses: []string{p.Elasticsearch}, SocketTimeout: time.Minute})
	if err != nil {
		return nil, nil, err
	}
	bucket, err := fileblob.OpenBucket(p.Files, &fileblob.Options{Metadata: fileblob.MetadataDontWrite, NoTempDir: true})
	return store, bucket, err
}

// runRebuildWorker works until its standard input ends.
func runRebuildWorker(text string) error {
	var p rebuildPlace
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	at, err := connect(ctx, p.Temporal)
	if err != nil {
		return err
	}
	store, bucket, err := p.open()
	if err != nil {
		return err
	}
	a, err := app.New(ctx, app.Options{
		Temporal: at.temporal, Namespace: temporal.DefaultNamespace, Roles: []app.Role{app.Process, app.Indexer}, Files: bucket,
		Indexing: &app.Indexing{Sink: store, Settings: activities.IndexerSettings{Expression: "0/30 * * * * ?"}, Rebuilds: activities.RebuildSettings{Keep: true}},
		Logger:   slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		return err
	}
	return a.Run(ctx, func() { fmt.Println("ready") })
}

func measureRebuild(ctx context.Context, size int, progress io.Writer) (r *rebuildReport, err error) {
	host := &program{}
	defer host.end()
	server := elasticserver.Start(host, elasticserver.Options{Thorough: true})
	p, err := newPlace(ctx, progress)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	files, err := os.MkdirTemp("", "bench-rebuild-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(files)) }()
	at := rebuildPlace{Temporal: p.address, Elasticsearch: server.URL, Files: files}
	store, bucket, err := at.open()
	if err != nil {
		return nil, err
	}
	r = &rebuildReport{}
	fmt.Fprintf(progress, "rebuild: %d documents into the archive\n", size)
	if err := r.fill(ctx, bucket, size); err != nil {
		return nil, err
	}
	if err := p.client.EnsureSearchAttributes(ctx, temporal.DefaultNamespace); err != nil {
		return nil, err
	}
	fmt.Fprintf(progress, "rebuild: %d events into histories\n", size/10)
	if err := r.live(ctx, p, size/10); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(at)
	if err != nil {
		return nil, err
	}
	w := exec.CommandContext(ctx, self, rebuildWorker, string(text))
	w.Stderr = progress
	if _, err = w.StdinPipe(); err != nil { // ends with this program
		return nil, err
	}
	out, err := w.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := w.Start(); err != nil {
		return nil, err
	}
	defer func() { _ = w.Process.Kill(); _ = w.Wait() }()
	if _, err := out.Read(make([]byte, 10)); err != nil {
		return nil, fmt.Errorf("start the worker: %w", err)
	}
	return r, r.measure(ctx, p, store, w.Process.Pid, progress)
}

// lifeDocuments are those of an instance.
func lifeDocuments(n int, began time.Time, id string) events.Batch {
	b := events.Batch{Process: events.Process{Instance: id, Key: "order", DefinitionVersion: 3, Name: "Order handling", BusinessKey: fmt.Sprintf("K-%d", n), Began: began}}
	at := began
	add := func(e events.Event) {
		at = at.Add(1500 * time.Millisecond)
		e.Sequence, e.Time = int64(len(b.Events)+1), at
		if e.Ref == "" && e.Type.Kind() != events.KindProcess {
			e.Ref = strconv.Itoa(len(b.Events) + 1)
		}
		b.Events = append(b.Events, e)
	}
	for k := range 7 {
		add(events.Event{
			Type: events.ActivityCompleted, Status: events.Completed, Start: at, End: at, Duration: new(int64(n*7919%90000 + k)), ActivityID: fmt.Sprintf("step_%d", k),
			ActivityName: fmt.Sprintf("Step %d of the order", k), ActivityType: "serviceTask", ExecutionID: "1",
		})
		add(events.Event{Type: events.FlowTaken, SourceID: fmt.Sprintf("step_%d", k), SourceType: "serviceTask", TargetID: fmt.Sprintf("step_%d", k+1), TargetType: "serviceTask", ActivityID: fmt.Sprintf("flow_%d", k)})
	}
	for k := range lifeOf - 16 {
		add(events.Event{Type: events.VariableCreated, Ref: fmt.Sprintf("value%d", k), Name: fmt.Sprintf("value%d", k), Value: int64(n * 104729 % 1000003), ValueType: "integer"})
	}
	add(events.Event{Type: events.TaskCompleted, Ref: "t", Revision: events.MaxRevision, TaskID: id + "/t", Name: "Approve", Assignee: fmt.Sprintf("user%d", n%50), Status: events.Completed, Start: at, End: at, Duration: new(int64(60_000))})
	add(events.Event{Type: events.ProcessEnded, Status: events.Completed, Start: began, End: at, Duration: new(int64(30_000))})
	return b
}

// fill writes documents of the last days but one into the archive, block by block as the indexer does.
func (r *rebuildReport) fill(ctx context.Context, bucket *blob.Bucket, size int) error {
	begun := time.Now()
	a := archive.New(bucket)
	first := time.Now().UTC().Truncate(24 * time.Hour).Add(-40 * 24 * time.Hour)
	instances := size / lifeOf
	var block []events.Document
	for n := range instances {
		at := first.Add(time.Duration(n) * 30 * 24 * time.Hour / time.Duration(instances))
		block = append(block, lifeDocuments(n, at, fmt.Sprintf("order/%016x", uint64(n)*0x9e3779b97f4a7c15)).Documents()...)
		if n%100 == 99 || n == instances-1 {
			if err := a.Stage(ctx, fmt.Sprintf("bench-%08d", n), block); err != nil {
				return err
			}
			block = block[:0]
		}
	}
	moved, err := a.Move(ctx)
	r.Archived, r.Bytes, r.Packed, r.ArchivedBy = int64(moved.Documents), moved.Bytes, moved.Packed, time.Since(begun)
	return err
}

// benchEvents records the events of an instance as processes do.
func benchEvents(ctx workflow.Context, n int) error {
	b := lifeDocuments(n, workflow.Now(ctx), workflow.GetInfo(ctx).WorkflowExecution.ID)
	for part := range slices.Chunk(b.Events, lifeOf/markersOf) {
		err := workflow.SideEffect(ctx, func(workflow.Context) any {
			packed, err := events.Encode(events.Batch{Process: b.Process, Events: part})
			if err != nil {
				return err.Error()
			}
			return packed
		}).Get(new([]byte))
		if err != nil {
			return err
		}
	}
	return nil
}

// live makes histories with events.
func (r *rebuildReport) live(ctx context.Context, p *place, size int) error {
	w := worker.New(p.temporal, rebuildWork, worker.Options{MaxConcurrentWorkflowTaskPollers: 8})
	w.RegisterWorkflowWithOptions(benchEvents, workflow.RegisterOptions{Name: rebuildType})
	if err := w.Start(); err != nil {
		return err
	}
	defer w.Stop()
	var starters errgroup.Group
	starters.SetLimit(16)
	r.Executions, r.Histories = int64(size/lifeOf), int64(size/lifeOf*lifeOf)
	for n := range size / lifeOf {
		starters.Go(func() error {
			id := fmt.Sprintf("live/%d", n)
			run, err := p.temporal.ExecuteWorkflow(ctx, temporal.StartWorkflowOptions{
				ID: id, TaskQueue: rebuildWork, TypedSearchAttributes: sdk.NewSearchAttributes(sdk.NewSearchAttributeKeyKeyword(contract.InstanceAttribute).ValueSet(id)),
			}, rebuildType, n)
			if err != nil {
				return err
			}
			return run.Get(ctx, nil)
		})
	}
	return starters.Wait()
}

// measure has the indexes made twice: searches need something to find before.
func (r *rebuildReport) measure(ctx context.Context, p *place, store *analytics.Store, pid int, progress io.Writer) error {
	in := contract.GatherInput{Limit: 10}
	for round := range 2 {
		searching, stop := context.WithCancel(ctx)
		found := make(chan []time.Duration, 1)
		if round == 1 {
			r.Rest, _ = memoryOf(pid)
			before, failed := searches(ctx, store, 200)
			r.Before = quantiles95(before)
			r.Failed += failed
			resetPeak(pid)
			go func() {
				during, failed := searches(searching, store, 0)
				r.Failed += failed
				found <- during
			}()
		} else {
			found <- nil
		}
		begun := time.Now()
		if err := p.client.StartRebuild(ctx, in); err != nil {
			stop()
			return err
		}
		entered := map[string]time.Time{}
		ended := make(chan error, 1)
		var done contract.GatherProgress
		go func() {
			var err error
			done, err = p.client.AwaitGathering(ctx, contract.RebuildID(""))
			ended <- err
		}()
		err := follow(ctx, p, entered, ended, progress)
		stop()
		during := <-found
		if err != nil {
			return err
		}
		for _, c := range done.Counts {
			if c.Expected != c.Held || c.Sum != c.HeldSum {
				return fmt.Errorf("the new index %s is not what it should be: %+v %+v", c.Index, c, done.Differences)
			}
			r.Documents += c.Held
		}
		if round == 0 {
			r.Documents = 0
			continue
		}
		r.Whole = time.Since(begun)
		r.Archive = entered[contract.GatherHistories].Sub(entered[contract.GatherArchive])
		r.History = entered[contract.GatherCompare].Sub(entered[contract.GatherHistories])
		r.Compare = begun.Add(r.Whole).Sub(entered[contract.GatherCompare])
		r.During, r.Searches = quantiles95(during), len(during)
		r.Peak = peakOf(pid)
	}
	return nil
}

// follow notes when stages were first seen, until the rebuild ends.
func follow(ctx context.Context, p *place, entered map[string]time.Time, ended <-chan error, progress io.Writer) error {
	for {
		select {
		case err := <-ended:
			return err
		case <-time.After(100 * time.Millisecond):
		}
		s, err := p.client.GatherProgress(ctx, contract.RebuildID(""))
		if err != nil {
			continue // it has just begun
		}
		if _, seen := entered[s.Stage]; !seen {
			entered[s.Stage] = s.StageBegan
			fmt.Fprintf(progress, "rebuild: %s, after %d documents and %d histories\n", s.Stage, s.Archived, s.Executions)
		}
	}
}

// searches asks for what a report does until there are enough, or ctx is done.
func searches(ctx context.Context, store *analytics.Store, most int) (took []time.Duration, failed int) {
	query := map[string]any{"size": 0, "aggs": map[string]any{"by": map[string]any{"terms": map[string]any{"field": "activityId"}, "aggs": map[string]any{"time": map[string]any{"avg": map[string]any{"field": "duration"}}}}}}
	for ctx.Err() == nil && (most == 0 || len(took) < most) {
		var answer struct {
			Hits struct{ Hits []any }
		}
		begun := time.Now()
		err := store.Search(ctx, "", events.Activities, query, &answer)
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			failed++
		}
		took = append(took, time.Since(begun))
		if most == 0 {
			time.Sleep(100 * time.Millisecond) // as people ask, not as a load test does
		}
	}
	return took, failed
}

func quantiles95(all []time.Duration) (q stages95) {
	if len(all) == 0 {
		return q
	}
	slices.Sort(all)
	return stages95{all[len(all)/2], all[len(all)*95/100]}
}

// resetPeak has the system count the most memory of a process from now on.
func resetPeak(pid int) {
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0o200)
}

// peakOf is the most memory that a process has had; 0 where it is not known.
func peakOf(pid int) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, _ := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			return n << 10
		}
	}
	return 0
}

func (r *rebuildReport) print(w io.Writer) {
	fmt.Fprintf(w, "\n## A rebuild from an archive of %d documents and %d histories with %d events\n\n", r.Archived, r.Executions, r.Histories)
	second := func(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
	rate := func(n int64, d time.Duration) string { return fmt.Sprintf("%.0f", float64(n)/max(d.Seconds(), 0.001)) }
	table{
		{"stage", "time", "events a second"},
		{"archive", second(r.Archive), rate(r.Archived, r.Archive)},
		{"histories", second(r.History), rate(r.Histories, r.History)},
		{"count and checksum, swap", second(r.Compare), rate(r.Documents, r.Compare)},
		{"all", second(r.Whole), rate(r.Documents, r.Whole)},
	}.print(w)
	mib := func(n int64) string { return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20)) }
	fmt.Fprintf(w, "\nMemory of the worker: %s at most, %s before. Documents of the new indexes: %d, the same as the sources by count and checksum.\n", mib(r.Peak), mib(r.Rest), r.Documents)
	fmt.Fprintf(w, "Searches: median %s, 95%% within %s before; during the rebuild %s and %s, %d of them, %d failed.\n",
		r.Before.Median.Round(time.Millisecond), r.Before.P95.Round(time.Millisecond), r.During.Median.Round(time.Millisecond), r.During.P95.Round(time.Millisecond), r.Searches, r.Failed)
	fmt.Fprintf(w, "The archive: %.0f bytes of text and %.1f bytes of files for an event; written at %s events a second.\n",
		float64(r.Bytes)/float64(r.Archived), float64(r.Packed)/float64(r.Archived), rate(r.Archived, r.ArchivedBy))
}
