package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/elastic/go-elasticsearch/v8"
	"github.com/elastic/go-elasticsearch/v8/esutil"
	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/analytics"
	"github.com/waybill-io/waybill/events"
	elasticserver "github.com/waybill-io/waybill/testsuite/elasticsearch"
)

const (
	indexingInstances = 1500 // of a round, each with 14 documents
	indexingBlock     = 100  // executions of a block, as event.processing.blocksize has it
	indexingParallel  = 2    // blocks, and bulk requests, at a time
)

// indexingReport is what it costs to send documents as a worker does.
type indexingReport struct {
	Documents int `json:"documents"` // of a round
	Bytes     int `json:"bytes"`     // of a document, on average
	// Documents a second until all can be found.
	Ours  spread `json:"ours"`
	Bare  spread `json:"bare"`
	Ratio spread `json:"ratio"` // of two runs that followed each other
	// Again is the ratio when every document is there already.
	Again spread `json:"again"`
}

// indexing is a real server, a store on it, and the bare client.
type indexing struct {
	store *analytics.Store
	bare  *elasticsearch.Client
}

func measureIndexing(ctx context.Context, rounds int, progress io.Writer) (*indexingReport, error) {
	host := &program{}
	defer host.end()
	server := elasticserver.Start(host, elasticserver.Options{Thorough: true})
	store, err := analytics.Open(analytics.Config{Addresses: []string{server.URL}, SocketTimeout: time.Minute})
	if err != nil {
		return nil, err
	}
	defer store.Close()
	in := &indexing{store, server.Client()}
	report := &indexingReport{}
	var ours, bare, ratios, again []float64
	for round := range rounds + 1 {
		mine, theirs := fmt.Sprintf("ours-%d", round), fmt.Sprintf("bare-%d", round)
		runs := []func() (float64, error){
			func() (float64, error) { return in.write(ctx, mine, 0) },
			func() (float64, error) { return in.bulk(ctx, theirs, report) },
		}
		for _, tenant := range []string{mine, theirs} {
			if err := store.Ensure(ctx, tenant); err != nil {
				return nil, err
			}
		}
		var rates [2]float64
		for n := range runs { // in turn first
			which := (n + round) % 2
			if rates[which], err = runs[which](); err != nil {
				return nil, err
			}
		}
		known, err := in.write(ctx, mine, indexingInstances*len(life(mine, 0)))
		if err != nil {
			return nil, err
		}
		if round == 0 { // the JVM has compiled nothing yet
			continue
		}
		fmt.Fprintf(progress, "indexing: round %d of %d: %.0f documents a second, bare %.0f\n", round, rounds, rates[0], rates[1])
		ours, bare = append(ours, rates[0]), append(bare, rates[1])
		ratios, again = append(ratios, rates[0]/rates[1]), append(again, known/rates[1])
		for _, tenant := range []string{mine, theirs} { // so that every round has a server as empty as the others
			if err := drop(ctx, in.store, tenant); err != nil {
				return nil, err
			}
		}
	}
	report.Ours, report.Bare, report.Ratio, report.Again = spreadOf(ours), spreadOf(bare), spreadOf(ratios), spreadOf(again)
	return report, nil
}

// drop empties the indexes of a tenant.
func drop(ctx context.Context, s *analytics.Store, tenant string) error {
	if err := s.Create(ctx, tenant, 2); err != nil {
		return err
	}
	if err := s.Swap(ctx, tenant, 1, 2); err != nil {
		return err
	}
	return s.Drop(ctx, tenant, 1)
}

// write indexes as block activities do: a block at a time each, of the instances of 100 executions.
func (in *indexing) write(ctx context.Context, tenant string, known int) (rate float64, err error) {
	began := time.Now()
	var written atomic.Int64
	var old atomic.Int64
	group, sending := errgroup.WithContext(ctx)
	group.SetLimit(indexingParallel)
	for first := 0; first < indexingInstances; first += indexingBlock {
		group.Go(func() error {
			var block []events.Document
			for n := first; n < min(first+indexingBlock, indexingInstances); n++ {
				block = append(block, life(tenant, n)...)
			}
			w, err := in.store.Write(sending, block)
			written.Add(int64(w.New))
			old.Add(int64(w.Known))
			return err
		})
	}
	if err := errors.Join(group.Wait(), in.store.Refresh(ctx, tenant, 0)); err != nil {
		return 0, err
	}
	took := time.Since(began)
	all := written.Load() + old.Load()
	if int(old.Load()) != known || int(all) != indexingInstances*len(life(tenant, 0)) {
		return 0, fmt.Errorf("%d documents were written and %d known", written.Load(), old.Load())
	}
	return float64(all) / took.Seconds(), nil
}

// bulk sends the same documents with esutil.BulkIndexer, which gets them as JSON: what it costs to make that is not measured.
func (in *indexing) bulk(ctx context.Context, tenant string, report *indexingReport) (rate float64, err error) {
	var items []esutil.BulkIndexerItem
	size := 0
	var failed atomic.Int64
	for n := range indexingInstances {
		for _, d := range life(tenant, n) {
			item, length, err := bulkItem(in.store, d, &failed)
			if err != nil {
				return 0, err
			}
			items, size = append(items, item), size+length
		}
	}
	report.Documents, report.Bytes = len(items), size/len(items)
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
	if err := errors.Join(b.Close(ctx), in.store.Refresh(ctx, tenant, 0)); err != nil {
		return 0, err
	}
	took := time.Since(began)
	if failed.Load() > 0 || b.Stats().NumFlushed != uint64(len(items)) {
		return 0, fmt.Errorf("the bulk indexer wrote %d of %d documents", b.Stats().NumFlushed, len(items))
	}
	return float64(len(items)) / took.Seconds(), nil
}

// bulkItem is a document as the bare client sends it, of size bytes; failed counts when it is not taken.
func bulkItem(s *analytics.Store, d events.Document, failed *atomic.Int64) (item esutil.BulkIndexerItem, size int, err error) {
	text, err := json.Marshal(d)
	return esutil.BulkIndexerItem{
		Index: s.Alias(d.Tenant, d.Index()), Action: "index", DocumentID: d.ID(), Version: new(d.Version()), VersionType: "external", Body: bytes.NewReader(text),
		OnFailure: func(context.Context, esutil.BulkIndexerItem, esutil.BulkIndexerResponseItem, error) { failed.Add(1) },
	}, len(text), err
}

// life are the documents of an instance of an approval: what most processes leave behind.
func life(tenant string, n int) []events.Document {
	began := time.Date(2026, 11, 1, 8, 0, n%86_400, 0, time.UTC)
	at := func(seconds int) time.Time { return began.Add(time.Duration(seconds) * time.Second) }
	b := events.Batch{Process: events.Process{
		Instance: fmt.Sprintf("order/%s/%d", tenant, n), Key: fmt.Sprintf("order-%d", n%20), DefinitionVersion: 3, Name: "Approve an order", BusinessKey: fmt.Sprintf("A-%06d", n),
		Tenant: tenant, Began: began,
	}}
	add := func(e events.Event) {
		e.Sequence = int64(len(b.Events) + 1)
		if e.Ref == "" && e.Type.Kind() != events.KindProcess {
			e.Ref = fmt.Sprint(e.Sequence)
		}
		b.Events = append(b.Events, e)
	}
	for step, kind := range []string{"startEvent", "serviceTask", "userTask", "exclusiveGateway", "endEvent"} {
		id, start, end := fmt.Sprintf("%s_%d", kind, step), at(step), at(step+1)
		if step > 0 {
			add(events.Event{Type: events.FlowTaken, Time: start, SourceID: "before", TargetID: id, TargetType: kind, ActivityID: fmt.Sprint("flow_", step), ActivityType: "sequenceFlow"})
		}
		add(events.Event{
			Type: events.ActivityCompleted, Time: end, ActivityID: id, ActivityName: "Step " + kind, ActivityType: kind, ExecutionID: fmt.Sprint(step), Status: events.Completed,
			Start: start, End: end, Duration: new(int64(1000)),
		})
	}
	add(events.Event{
		Type: events.TaskCompleted, Time: at(3), Ref: "task", Revision: events.MaxRevision, TaskID: b.Instance + "~task", Name: "Approve the order", TaskKey: "userTask_2",
		Description: "The order is above the limit of the department.", Assignee: fmt.Sprint("user-", n%50), Status: events.Completed, Start: at(2), End: at(3), Duration: new(int64(1000)),
		CandidateGroups: []string{"sales", "accounting"}, Priority: 50,
	})
	add(events.Event{Type: events.VariableCreated, Time: began, Ref: "total", Name: "total", Value: int64(n), ValueType: "integer"})
	add(events.Event{Type: events.VariableCreated, Time: began, Ref: "customer", Name: "customer", Value: fmt.Sprint("Customer ", n%300), ValueType: "string"})
	add(events.Event{Type: events.IntegrationResult, Time: at(2), Implementation: "rest.POST", ActivityID: "serviceTask_1", Status: events.Completed, Start: at(1), End: at(2), Duration: new(int64(1000)), Attempts: 1})
	add(events.Event{Type: events.ProcessEnded, Time: at(5), Status: events.Completed, Start: began, End: at(5), Duration: new(int64(5000))})
	return b.Documents()
}

func (r *indexingReport) print(w io.Writer) {
	fmt.Fprintf(w, "\n## Documents written to Elasticsearch, against esutil.BulkIndexer with the same documents (target: a ratio of at least 0.9)\n\n")
	t := table{{"documents", "bytes each", "documents/s", "bare documents/s", "ratio", "ratio, all known"}}
	t = append(t, []string{
		fmt.Sprint(r.Documents), fmt.Sprint(r.Bytes), fmt.Sprintf("%.0f", r.Ours.Median), fmt.Sprintf("%.0f", r.Bare.Median), r.Ratio.String(), r.Again.String(),
	})
	t.print(w)
}

var _ section = (*indexingReport)(nil)
