package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/elastic/go-elasticsearch/v8"
	"github.com/elastic/go-elasticsearch/v8/esutil"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"
	temporal "go.temporal.io/sdk/client"
	"gocloud.dev/blob/memblob"
	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/activities"
	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/analytics"
	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/events/marker"
	elasticserver "github.com/waybill-io/waybill/testsuite/elasticsearch"
	"github.com/waybill-io/waybill/worker/app"
)

const (
	indexerCalls  = 20000 // connector calls in the histories that are indexed
	indexerTarget = 0.7
	readersAtOnce = 16 // histories that the bare client reads at a time
	// indexerNever is when passes begin by themselves: not in a measurement.
	indexerNever = "0 0 0 1 1 ? 2099"
)

// indexerReport is what it costs to get events from histories into the index, against a client that has the documents at hand, and against one that
// has them at hand but reads the histories, too. Short instances tell their events in their memos.
type indexerReport struct {
	Target float64       `json:"target"`
	Lines  []indexerLine `json:"lines"`
}

// indexerLine is that for processes of a size.
type indexerLine struct {
	Tasks     int `json:"tasks"`
	Instances int `json:"instances"`
	Events    int `json:"events"`
	Documents int `json:"documents"`
	Memos     int `json:"memos"` // of instances that tell all their events
	// Documents a second until all can be found.
	Ours  spread `json:"ours"`
	Bare  spread `json:"bare"`
	Ratio spread `json:"ratio"`

	Reading      spread `json:"reading"`
	ReadingRatio spread `json:"readingRatio"`
	// CPU of all that takes part, in microseconds a document: it hardly depends on what else the machine does.
	OursCPU spread `json:"oursCpu"` // this process: the worker
	OursAll spread `json:"oursAll"` // with Temporal and Elasticsearch
	BareAll spread `json:"bareAll"`

	ReadingAll spread `json:"readingAll"`
}

// indexed is what a run took.
type indexed struct {
	perSecond float64
	used      cpu // by one document
}

func (i indexed) own() float64 { return float64(i.used.self.Nanoseconds()) / 1000 }
func (i indexed) all() float64 { return float64((i.used.self + i.used.children).Nanoseconds()) / 1000 }

// indexer is a Temporal server with histories, and an Elasticsearch.
type indexer struct {
	*place
	url       string
	bare      *elasticsearch.Client
	documents []events.Document // that the histories make
}

// gathering is an index that only notes what it is given.
type gathering struct {
	mu        sync.Mutex
	documents []events.Document
}

func (g *gathering) Write(_ context.Context, documents []events.Document) (analytics.Written, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.documents = append(g.documents, documents...)
	return analytics.Written{New: len(documents)}, nil
}

// counting is an index that tells when it has been given a number of documents.
type counting struct {
	*analytics.Store
	left atomic.Int64
	all  chan struct{} // closed then
}

func (c *counting) Write(ctx context.Context, documents []events.Document) (analytics.Written, error) {
	written, err := c.Store.Write(ctx, documents)
	n := int64(written.New + written.Dead)
	if left := c.left.Add(-n); left <= 0 && left > -n {
		close(c.all)
	}
	return written, err
}

func measureIndexer(ctx context.Context, rounds int, progress io.Writer) (report *indexerReport, err error) {
	host := &program{}
	defer host.end()
	server := elasticserver.Start(host, elasticserver.Options{Thorough: true})
	report = &indexerReport{Target: indexerTarget}
	for _, tasks := range []int{5, 20, 100} {
		line, err := measureHistories(ctx, server, tasks, rounds, progress)
		if err != nil {
			return nil, err
		}
		report.Lines = append(report.Lines, *line)
	}
	return report, nil
}

func measureHistories(ctx context.Context, server *elasticserver.Server, tasks, rounds int, progress io.Writer) (line *indexerLine, err error) {
	p, err := newPlace(ctx, progress, "system.forceSearchAttributesCacheRefreshOnRead=false")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	if err := p.workNoop(ctx, app.Options{}); err != nil {
		return nil, err
	}
	contenders, err := p.contenders(ctx, tasks)
	if err != nil {
		return nil, err
	}
	instances := indexerCalls / tasks
	fmt.Fprintf(progress, "indexer: %d instances run, each with %d tasks\n", instances, tasks)
	_, ids, err := contenders[0].play(ctx, instances)
	if err != nil {
		return nil, err
	}
	in := &indexer{place: p, url: server.URL, bare: server.Client()}
	all := &gathering{}
	for began := time.Now(); len(distinct(all.documents)) < len(ids); { // the visibility store is some moments behind
		if time.Since(began) > time.Minute {
			return nil, fmt.Errorf("the histories of %d instances have ends of %d only", len(ids), len(distinct(all.documents)))
		}
		all.documents = nil
		if _, err := in.pass(ctx, all, nil); err != nil {
			return nil, err
		}
	}
	in.documents = newest(all.documents)
	line = &indexerLine{Tasks: tasks, Instances: len(ids), Documents: len(in.documents)}
	for _, id := range ids[:1] {
		log, err := p.client.EventLog(ctx, id)
		if err != nil {
			return nil, err
		}
		line.Events = len(log) * len(ids)
	}
	if line.Memos, err = in.memos(ctx); err != nil {
		return nil, err
	}
	var ours, bare, reading, ratios, readingRatios, own, oursAll, bareAll, readingAll []float64
	for round := range rounds + 1 {
		runs := []func() (indexed, error){
			func() (indexed, error) { return in.index(ctx, fmt.Sprintf("ours-%d-%d", tasks, round)) },
			func() (indexed, error) { return in.bulk(ctx, fmt.Sprintf("bare-%d-%d", tasks, round), nil) },
			func() (indexed, error) { return in.bulk(ctx, fmt.Sprintf("reading-%d-%d", tasks, round), ids) },
		}
		var took [3]indexed
		for n := range runs { // in turn first
			which := (n + round) % len(runs)
			if took[which], err = runs[which](); err != nil {
				return nil, err
			}
		}
		if round == 0 { // the JVM has compiled nothing yet
			continue
		}
		fmt.Fprintf(progress, "indexer: round %d of %d: %.0f documents a second, bare %.0f, bare and reading %.0f\n",
			round, rounds, took[0].perSecond, took[1].perSecond, took[2].perSecond)
		ours, bare, reading = append(ours, took[0].perSecond), append(bare, took[1].perSecond), append(reading, took[2].perSecond)
		ratios, readingRatios = append(ratios, took[0].perSecond/took[1].perSecond), append(readingRatios, took[0].perSecond/took[2].perSecond)
		own, oursAll, bareAll, readingAll = append(own, took[0].own()), append(oursAll, took[0].all()), append(bareAll, took[1].all()), append(readingAll, took[2].all())
	}
	line.OursCPU, line.OursAll, line.BareAll, line.ReadingAll = spreadOf(own), spreadOf(oursAll), spreadOf(bareAll), spreadOf(readingAll)
	line.Ours, line.Bare, line.Reading, line.Ratio, line.ReadingRatio = spreadOf(ours), spreadOf(bare), spreadOf(reading), spreadOf(ratios), spreadOf(readingRatios)
	return line, nil
}

// newest are the documents that are left in an index: a block that writes while it reads sends some of them twice.
func newest(documents []events.Document) []events.Document {
	at, left := map[string]int{}, documents[:0:0]
	for _, d := range documents {
		key := d.Index() + " " + d.ID()
		n, known := at[key]
		switch {
		case !known:
			at[key] = len(left)
			left = append(left, d)
		case left[n].Version() < d.Version():
			left[n] = d
		}
	}
	return left
}

// distinct are the instances of documents.
func distinct(documents []events.Document) map[string]bool {
	ids := map[string]bool{}
	for _, d := range documents {
		if d.Type == events.ProcessEnded {
			ids[d.Instance] = true
		}
	}
	return ids
}

// store is an empty index of a name of its own.
func (in *indexer) store(ctx context.Context, prefix string) (*analytics.Store, error) {
	s, err := analytics.Open(analytics.Config{Addresses: []string{in.url}, SocketTimeout: time.Minute, Names: analytics.Names{Prefix: prefix}})
	if err != nil {
		return nil, err
	}
	return s, s.Ensure(ctx, "")
}

// index has the indexer bring all events into an index: what it takes from when a pass is asked for until all documents can be found.
func (in *indexer) index(ctx context.Context, prefix string) (r indexed, err error) {
	s, err := in.store(ctx, prefix)
	if err != nil {
		return r, err
	}
	defer s.Close()
	sink := &counting{Store: s, all: make(chan struct{})}
	sink.left.Store(int64(len(in.documents)))
	state, err := in.pass(ctx, sink, func(began time.Time, used cpu) error {
		select {
		case <-sink.all:
		case <-ctx.Done():
			return ctx.Err()
		}
		err := s.Refresh(ctx, "", 0)
		r = in.took(began, used)
		return err
	})
	if err == nil && state.Total.Written != int64(len(in.documents)) {
		err = fmt.Errorf("%d of %d documents were written", state.Total.Written, len(in.documents))
	}
	return r, errors.Join(err, drop(ctx, s, ""))
}

func (in *indexer) took(began time.Time, used cpu) indexed {
	spent, n := usedCPU().since(used), time.Duration(len(in.documents))
	return indexed{perSecond: float64(n) / time.Since(began).Seconds(), used: cpu{spent.self / n, spent.children / n}}
}

// pass runs the first pass of an indexer that knows nothing, in a worker that knows nothing, and returns how the indexer stands then. When the pass
// has been asked for it calls watch, if there is one.
func (in *indexer) pass(ctx context.Context, sink activities.Sink, watch func(began time.Time, used cpu) error) (state contract.IndexerState, err error) {
	files := memblob.OpenBucket(nil)
	defer func() { err = errors.Join(err, files.Close()) }()
	a, err := app.New(ctx, app.Options{
		Temporal: in.temporal, Namespace: temporal.DefaultNamespace, Roles: []app.Role{app.Indexer}, Files: files,
		Indexing: &app.Indexing{Sink: sink, Settings: activities.IndexerSettings{Expression: indexerNever}},
	})
	if err != nil {
		return state, err
	}
	if err := in.client.StartIndexer(ctx, contract.IndexSetting{}); err != nil {
		return state, err
	}
	if err := in.temporal.TerminateWorkflow(ctx, contract.IndexerID, "", "another begins"); err != nil {
		return state, err
	}
	if err := in.client.StartIndexer(ctx, contract.IndexSetting{}); err != nil {
		return state, err
	}
	running, cancel := context.WithCancel(ctx)
	started, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- a.Run(running, func() { close(started) }) }()
	defer func() { cancel(); err = errors.Join(err, <-ended) }()
	<-started
	began, used := time.Now(), usedCPU()
	number, err := in.client.RunIndexer(ctx)
	if err != nil {
		return state, err
	}
	if watch != nil {
		if err := watch(began, used); err != nil {
			return state, err
		}
	}
	for {
		state, err = in.client.IndexerState(ctx)
		if err != nil {
			return state, err
		}
		if state.Last != nil && state.Last.Number >= number {
			return state, nil
		}
		select {
		case <-ctx.Done():
			return state, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// bulk sends the same documents with esutil.BulkIndexer, which gets them as JSON. Those of the executions it sends when it has read their histories.
func (in *indexer) bulk(ctx context.Context, prefix string, executions []string) (r indexed, err error) {
	s, err := in.store(ctx, prefix)
	if err != nil {
		return r, err
	}
	defer s.Close()
	items := map[string][]esutil.BulkIndexerItem{} // of executions
	var failed atomic.Int64
	for _, d := range in.documents {
		item, _, err := bulkItem(s, d, &failed)
		if err != nil {
			return r, err
		}
		of := ""
		if len(executions) > 0 {
			of = d.Instance
		}
		items[of] = append(items[of], item)
	}
	began, used := time.Now(), usedCPU()
	b, err := esutil.NewBulkIndexer(esutil.BulkIndexerConfig{Client: in.bare, NumWorkers: indexingParallel})
	if err != nil {
		return r, err
	}
	var readers errgroup.Group
	readers.SetLimit(readersAtOnce)
	for of, list := range items {
		readers.Go(func() error {
			if of != "" {
				if err := in.read(ctx, of); err != nil {
					return err
				}
			}
			for _, i := range list {
				if err := b.Add(ctx, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := errors.Join(readers.Wait(), b.Close(ctx), s.Refresh(ctx, "", 0)); err != nil {
		return r, err
	}
	r = in.took(began, used)
	if failed.Load() > 0 {
		return r, fmt.Errorf("the bulk indexer failed to write %d documents", failed.Load())
	}
	return r, drop(ctx, s, "") // so that the next run has a server as empty as this one
}

// memos counts the executions whose memos tell all their events.
func (in *indexer) memos(ctx context.Context) (n int, err error) {
	request := &workflowservice.ListWorkflowExecutionsRequest{Query: "ExecutionStatus = 'Completed'", PageSize: 200}
	for {
		page, err := in.temporal.ListWorkflow(ctx, request)
		if err != nil {
			return n, fmt.Errorf("list the memos of instances: %w", err)
		}
		for _, e := range page.GetExecutions() {
			if _, whole := e.GetMemo().GetFields()[marker.EarlierMemo]; whole {
				n++
			}
		}
		if request.NextPageToken = page.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return n, nil
		}
	}
}

// read reads the history of an execution, and nothing out of it.
func (in *indexer) read(ctx context.Context, id string) error {
	request := &workflowservice.GetWorkflowExecutionHistoryRequest{Namespace: temporal.DefaultNamespace, Execution: &common.WorkflowExecution{WorkflowId: id}}
	for {
		page, err := in.temporal.WorkflowService().GetWorkflowExecutionHistory(ctx, request)
		if err != nil {
			return fmt.Errorf("read the history of %s: %w", id, err)
		}
		if request.NextPageToken = page.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return nil
		}
	}
}

func (r *indexerReport) print(w io.Writer) {
	fmt.Fprintf(w, "\n## Events from histories until they can be found, against esutil.BulkIndexer with the same documents at hand (target: a ratio of at least %.1f)\n\n", r.Target)
	fmt.Fprint(w, "The second client has the documents at hand, too, but sends those of an instance when it has read its history. The indexer need not read those of short instances, whose memos tell their events.\n\n")
	t := table{{"tasks", "instances", "told by memos", "events", "documents", "events/s", "documents/s", "bare documents/s", "ratio", "bare and reading histories", "ratio", "CPU, µs a document: worker", "all", "bare", "bare and reading"}}
	for _, l := range r.Lines {
		t = append(t, []string{
			fmt.Sprint(l.Tasks), fmt.Sprint(l.Instances), fmt.Sprint(l.Memos), fmt.Sprint(l.Events), fmt.Sprint(l.Documents),
			fmt.Sprintf("%.0f", l.Ours.Median*float64(l.Events)/float64(max(l.Documents, 1))), fmt.Sprintf("%.0f", l.Ours.Median), fmt.Sprintf("%.0f", l.Bare.Median), l.Ratio.String(),
			fmt.Sprintf("%.0f", l.Reading.Median), l.ReadingRatio.String(),
			fmt.Sprintf("%.0f", l.OursCPU.Median), fmt.Sprintf("%.0f", l.OursAll.Median), fmt.Sprintf("%.0f", l.BareAll.Median), fmt.Sprintf("%.0f", l.ReadingAll.Median),
		})
	}
	t.print(w)
}

var _ section = (*indexerReport)(nil)
