package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/elastic/go-elasticsearch/v8"
	"github.com/elastic/go-elasticsearch/v8/esutil"
	temporal "go.temporal.io/sdk/client"
	"gocloud.dev/blob/memblob"

	"github.com/waybill-io/waybill/activities"
	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/analytics"
	"github.com/waybill-io/waybill/events"
	elasticserver "github.com/waybill-io/waybill/testsuite/elasticsearch"
	"github.com/waybill-io/waybill/worker/app"
)

const (
	indexerCalls  = 5000 // connector calls in the histories that are indexed
	indexerTarget = 0.7
	// indexerNever is when passes begin by themselves: not in a measurement.
	indexerNever = "0 0 0 1 1 ? 2099"
)

// indexerReport is what it costs to get events from histories into the index, against a client that has the documents at hand.
type indexerReport struct {
	Target float64       `json:"target"`
	Lines  []indexerLine `json:"lines"`
}

// indexerLine is that for processes of a size. A history costs a request, however few documents it makes.
type indexerLine struct {
	Tasks     int `json:"tasks"`
	Instances int `json:"instances"`
	Events    int `json:"events"`
	Documents int `json:"documents"`
	// Documents a second until all can be found.
	Ours  spread `json:"ours"`
	Bare  spread `json:"bare"`
	Ratio spread `json:"ratio"`
}

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

func measureIndexer(ctx context.Context, rounds int, progress io.Writer) (report *indexerReport, err error) {
	host := &program{}
	defer host.end()
	server := elasticserver.Start(host, elasticserver.Options{Thorough: true})
	report = &indexerReport{Target: indexerTarget}
	for _, tasks := range []int{5, 20} {
		line, err := measureHistories(ctx, server, tasks, rounds, progress)
		if err != nil {
			return nil, err
		}
		report.Lines = append(report.Lines, *line)
	}
	return report, nil
}

func measureHistories(ctx context.Context, server *elasticserver.Server, tasks, rounds int, progress io.Writer) (line *indexerLine, err error) {
	p, err := newPlace(ctx, progress)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	if err := p.workBoth(ctx); err != nil {
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
	for len(all.documents) == 0 || len(distinct(all.documents)) < len(ids) { // the visibility store is some moments behind
		all.documents = nil
		if _, err := in.pass(ctx, all); err != nil {
			return nil, err
		}
	}
	in.documents = all.documents
	line = &indexerLine{Tasks: tasks, Instances: len(ids), Documents: len(in.documents)}
	for _, id := range ids[:1] {
		log, err := p.client.EventLog(ctx, id)
		if err != nil {
			return nil, err
		}
		line.Events = len(log) * len(ids)
	}
	var ours, bare, ratios []float64
	for round := range rounds + 1 {
		runs := []func() (float64, error){
			func() (float64, error) { return in.index(ctx, fmt.Sprintf("ours-%d-%d", tasks, round)) },
			func() (float64, error) { return in.bulk(ctx, fmt.Sprintf("bare-%d-%d", tasks, round)) },
		}
		var rates [2]float64
		for n := range runs { // in turn first
			which := (n + round) % 2
			if rates[which], err = runs[which](); err != nil {
				return nil, err
			}
		}
		if round == 0 { // the JVM has compiled nothing yet
			continue
		}
		fmt.Fprintf(progress, "indexer: round %d of %d: %.0f documents a second, bare %.0f\n", round, rounds, rates[0], rates[1])
		ours, bare, ratios = append(ours, rates[0]), append(bare, rates[1]), append(ratios, rates[0]/rates[1])
	}
	line.Ours, line.Bare, line.Ratio = spreadOf(ours), spreadOf(bare), spreadOf(ratios)
	return line, nil
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

// index has the indexer read all histories into an index, and returns the documents a second until they can be found.
func (in *indexer) index(ctx context.Context, prefix string) (float64, error) {
	s, err := in.store(ctx, prefix)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	began, err := in.pass(ctx, s)
	if err != nil {
		return 0, err
	}
	state, err := in.client.IndexerState(ctx)
	if err == nil && state.Total.Written != int64(len(in.documents)) {
		err = fmt.Errorf("%d of %d documents were written", state.Total.Written, len(in.documents))
	}
	if err := errors.Join(err, s.Refresh(ctx, "")); err != nil {
		return 0, err
	}
	return float64(len(in.documents)) / time.Since(began).Seconds(), nil
}

// pass runs the first pass of an indexer that knows nothing, in a worker that knows nothing, and returns when it began.
func (in *indexer) pass(ctx context.Context, sink activities.Sink) (began time.Time, err error) {
	files := memblob.OpenBucket(nil)
	defer func() { err = errors.Join(err, files.Close()) }()
	a, err := app.New(ctx, app.Options{
		Temporal: in.temporal, Namespace: temporal.DefaultNamespace, Roles: []app.Role{app.Indexer}, Files: files,
		Indexing: &app.Indexing{Sink: sink, Settings: activities.IndexerSettings{Expression: indexerNever}},
	})
	if err != nil {
		return began, err
	}
	if err := in.client.StartIndexer(ctx); err != nil {
		return began, err
	}
	if err := in.temporal.TerminateWorkflow(ctx, contract.IndexerID, "", "another begins"); err != nil {
		return began, err
	}
	if err := in.client.StartIndexer(ctx); err != nil {
		return began, err
	}
	running, cancel := context.WithCancel(ctx)
	started, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- a.Run(running, func() { close(started) }) }()
	defer func() { cancel(); err = errors.Join(err, <-ended) }()
	<-started
	began = time.Now()
	number, err := in.client.RunIndexer(ctx)
	if err != nil {
		return began, err
	}
	for {
		state, err := in.client.IndexerState(ctx)
		if err != nil {
			return began, err
		}
		if state.Last != nil && state.Last.Number >= number {
			return began, nil
		}
		select {
		case <-ctx.Done():
			return began, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// bulk sends the same documents with esutil.BulkIndexer, which gets them as JSON.
func (in *indexer) bulk(ctx context.Context, prefix string) (float64, error) {
	s, err := in.store(ctx, prefix)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	var items []esutil.BulkIndexerItem
	var failed atomic.Int64
	for _, d := range in.documents {
		text, err := json.Marshal(d)
		if err != nil {
			return 0, err
		}
		items = append(items, esutil.BulkIndexerItem{
			Index: s.Alias(d.Tenant, d.Index()), Action: "index", DocumentID: d.ID(), Version: new(d.Version()), VersionType: "external", Body: bytes.NewReader(text),
			OnFailure: func(context.Context, esutil.BulkIndexerItem, esutil.BulkIndexerResponseItem, error) { failed.Add(1) },
		})
	}
	began := time.Now()
	b, err := esutil.NewBulkIndexer(esutil.BulkIndexerConfig{Client: in.bare, NumWorkers: indexingParallel})
	if err != nil {
		return 0, err
	}
	for _, i := range items {
		if err := b.Add(ctx, i); err != nil {
			return 0, err
		}
	}
	if err := errors.Join(b.Close(ctx), s.Refresh(ctx, "")); err != nil {
		return 0, err
	}
	took := time.Since(began)
	if failed.Load() > 0 {
		return 0, fmt.Errorf("the bulk indexer failed to write %d documents", failed.Load())
	}
	return float64(len(items)) / took.Seconds(), nil
}

func (r *indexerReport) print(w io.Writer) {
	fmt.Fprintf(w, "\n## Events from histories until they can be found, against esutil.BulkIndexer with the same documents at hand (target: a ratio of at least %.1f)\n\n", r.Target)
	t := table{{"tasks", "instances", "events", "documents", "documents/s", "bare documents/s", "ratio"}}
	for _, l := range r.Lines {
		t = append(t, []string{
			fmt.Sprint(l.Tasks), fmt.Sprint(l.Instances), fmt.Sprint(l.Events), fmt.Sprint(l.Documents), fmt.Sprintf("%.0f", l.Ours.Median), fmt.Sprintf("%.0f", l.Bare.Median), l.Ratio.String(),
		})
	}
	t.print(w)
}

var _ section = (*indexerReport)(nil)
