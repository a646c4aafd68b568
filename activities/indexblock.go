package activities

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/analytics"
	"github.com/waybill-io/waybill/events"
)

const (
	// packedOfWrite bounds the events of a write by their size in histories, where they are compressed some five times.
	packedOfWrite = 4 << 20
)

// Index reads the memos of a block or, where they do not tell all, histories, newest events first and no further back than what is not known, and
// writes what they tell to the index: of each thing the latest document, the newest of which wins there. So it may be done any number of times.
func (x *Indexer) Index(ctx context.Context, b contract.IndexBlock) (contract.IndexedBlock, error) {
	defer since(x.metrics.block, time.Now())
	defer keepAlive(ctx, nil)()
	block := &block{Indexer: x, ctx: ctx, name: b.Name, also: b.Also, documents: latest{}}
	err := block.index(b.Executions)
	return contract.IndexedBlock{IndexCount: block.count}, err
}

// documentKey names a document among those of all tenants.
type documentKey struct{ tenant, index, id string }

// latest are documents, of each thing the latest.
type latest map[documentKey]*events.Document

func (l latest) take(d *events.Document) {
	key := documentKey{d.Tenant, d.Index(), d.ID()}
	if have, known := l[key]; !known || have.Version() < d.Version() {
		kept := *d // d would keep all of its batch
		l[key] = &kept
	}
}

func (l latest) list() []events.Document {
	list := make([]events.Document, 0, len(l))
	for _, d := range l {
		list = append(list, *d)
	}
	return list
}

// block gathers documents until they are written. Those who read wait while a write is under way, so that what is in memory is bounded.
type block struct {
	*Indexer
	ctx  context.Context
	name string
	also []contract.IndexTarget

	mu        sync.Mutex
	documents latest
	packed    int // size in histories of the events that they are from
	writes    int
	count     contract.IndexCount
	letters   []analytics.Unreadable
	failed    error // the first failure of a reader or a write, after which the others stop
}

func (b *block) index(executions []contract.Execution) error {
	var readers errgroup.Group
	readers.SetLimit(b.settings.Histories)
	var mu sync.Mutex
	var ended []string
	memos := b.memos(b.ctx, executions)
	for _, e := range executions {
		readers.Go(func() error {
			if err := cmp.Or(b.ctx.Err(), b.failure()); err != nil { // the block is given up, the worker stops, or the block fails
				return err
			}
			if e.Ended && b.ended.has(e.Run) {
				b.metrics.executions.WithLabelValues("known").Inc()
				b.add(contract.IndexCount{Executions: 1})
				return nil
			}
			outcome, err := b.tell(e, memos[e.Run])
			if outcome == "" && err == nil {
				outcome, err = b.read(e)
			}
			if err != nil {
				b.fail(err)
				return err
			}
			b.metrics.executions.WithLabelValues(outcome).Inc()
			counted := contract.IndexCount{Executions: 1}
			if outcome == historyGone {
				counted.Gone = 1
			}
			b.add(counted)
			if e.Ended { // also one whose dead letters are written
				mu.Lock()
				ended = append(ended, e.Run)
				mu.Unlock()
			}
			return nil
		})
	}
	if err := readers.Wait(); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.write(); err != nil {
		return err
	}
	if err := b.bury(); err != nil {
		return err
	}
	for _, run := range ended {
		b.ended.add(run)
	}
	return nil
}

func (b *block) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failed = cmp.Or(b.failed, err)
}

func (b *block) failure() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failed
}

func (b *block) add(c contract.IndexCount) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count.Add(c)
}

// take adds the documents of a batch, and writes when there are many.
func (b *block) take(batch events.Batch, packed int) error {
	documents := batch.Documents()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failed != nil { // a write takes seconds to fail: one is enough
		return b.failed
	}
	for i := range documents {
		b.documents.take(&documents[i])
	}
	b.packed += packed
	if len(b.documents) < b.settings.MaxBatch && b.packed < packedOfWrite {
		return nil
	}
	b.failed = b.write()
	return b.failed
}

// write writes what has been gathered, to the index and to the archive.
func (b *block) write() error {
	if len(b.documents) == 0 {
		return nil
	}
	documents := b.documents.list()
	begun := time.Now()
	written, err := b.sink.Write(b.ctx, documents)
	if err != nil {
		return fmt.Errorf("write %d documents: %w", len(documents), err)
	}
	since(b.metrics.write, begun)
	if err := b.writeAlso(documents); err != nil {
		return err
	}
	if b.settings.Archive != nil {
		b.writes++
		name := fmt.Sprintf("%s-%d", cmp.Or(b.name, "block"), b.writes)
		if err := b.settings.Archive.Stage(b.ctx, name, documents); err != nil {
			b.metrics.unstaged.Inc()
			return fmt.Errorf("keep %d documents for the archive: %w", len(documents), err)
		}
	}
	for outcome, n := range map[string]int{"written": written.New, "known": written.Known, "dead": written.Dead} {
		b.metrics.documents.WithLabelValues(outcome).Add(float64(n))
	}
	b.metrics.dead.Add(float64(written.Dead))
	if written.Dead > 0 {
		b.logger.Error("documents have become dead letters, which say why", "documents", written.Dead, "block", b.name)
	}
	b.count.Add(contract.IndexCount{Written: int64(written.New), Known: int64(written.Known), Dead: int64(written.Dead)})
	clear(b.documents)
	b.packed = 0
	return nil
}

// unreadable notes what of a history cannot be read. It stops nothing else.
func (b *block) unreadable(e contract.Execution, event int64, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.letters = append(b.letters, analytics.Unreadable{Execution: e.ID, Run: e.Run, Event: event, Reason: err.Error()})
}

func (b *block) bury() error {
	if len(b.letters) == 0 {
		return nil
	}
	for _, l := range b.letters {
		b.logger.Error("events of a history cannot be read", "process", l.Execution, "run", l.Run, "event", l.Event, "error", l.Reason)
	}
	if g, ok := b.sink.(Graveyard); ok {
		if err := g.BuryHistories(b.ctx, b.letters); err != nil {
			return fmt.Errorf("keep %d dead letters: %w", len(b.letters), err)
		}
	}
	b.metrics.dead.Add(float64(len(b.letters)))
	b.count.Dead += int64(len(b.letters))
	return nil
}
