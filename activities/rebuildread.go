package activities

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/analytics"
	"github.com/waybill-io/waybill/analytics/archive"
	"github.com/waybill-io/waybill/analytics/ledger"
	"github.com/waybill-io/waybill/events"
)

// Gather reads a part of the sources: files of the archive, or histories from their end to their beginning. What they tell of the tenant
// goes into the ledger and, for a rebuild, into the index. So it may be done any number of times.
func (b *Rebuilder) Gather(ctx context.Context, p contract.GatherPart) (contract.Gathered, error) {
	defer keepAlive(ctx, nil)()
	l, err := ledger.New(b.bucket, p.Ledger, p.Late)
	if err != nil {
		return contract.Gathered{}, err
	}
	g := &gathering{Rebuilder: b, part: p, ledger: l, documents: latest{}}
	if len(p.Executions) > 0 {
		err = g.histories(ctx)
	} else {
		err = g.files(ctx)
	}
	return g.done, err
}

// gathering is a part that is being read. As a sink it takes the documents of histories.
type gathering struct {
	*Rebuilder
	part      contract.GatherPart
	ledger    *ledger.Ledger
	documents latest
	writes    int
	done      contract.Gathered
}

func (g *gathering) histories(ctx context.Context) error {
	reader := &Indexer{
		client: g.reader.client, sink: g, settings: g.reader.settings, logger: g.logger, metrics: g.reader.metrics, ended: newRecentRuns(endedRuns),
	}
	histories := &block{Indexer: reader, ctx: ctx, name: g.part.Name, documents: latest{}}
	var whole []contract.Execution
	for _, e := range g.part.Executions {
		whole = append(whole, contract.Execution{ID: e.ID, Run: e.Run})
	}
	err := histories.index(whole)
	g.done.Gone = histories.count.Gone
	g.done.Dead = histories.count.Dead
	return err
}

func (g *gathering) files(ctx context.Context) error {
	for _, key := range g.part.Staged {
		err := g.archive.ReadStaged(ctx, key, func(d events.Document) error { return g.take(ctx, d) })
		if errors.Is(err, fs.ErrNotExist) {
			continue // it is in the archive now, which is read after it
		}
		if err := g.skip(err); err != nil {
			return err
		}
	}
	for _, f := range g.part.Blocks {
		block := archive.Block{Tenant: g.part.Tenant, Day: f.Day, Name: f.Name, SHA256: f.SHA256, Documents: f.Documents}
		err := g.archive.Read(ctx, block, func(d events.Document) error { return g.take(ctx, d) })
		if err := g.skip(err); err != nil {
			return err
		}
		g.done.Archived += int64(f.Documents)
	}
	return g.flush(ctx)
}

// skip notes a damaged file and goes on, where that is wanted.
func (g *gathering) skip(err error) error {
	if !errors.Is(err, archive.ErrDamaged) {
		return err
	}
	if !g.part.SkipDamaged {
		return damagedArchive(err)
	}
	g.done.Damages++
	if len(g.done.Damaged) < contract.MaxDamaged {
		g.done.Damaged = append(g.done.Damaged, err.Error())
	}
	return nil
}

// take keeps the latest of each document until there are enough for a write. Files have whole days, and what is staged has all.
func (g *gathering) take(ctx context.Context, d events.Document) error {
	if d.Time.Before(g.part.Since) {
		return nil
	}
	g.documents.take(&d)
	if len(g.documents) < g.reader.settings.MaxBatch {
		return nil
	}
	return g.flush(ctx)
}

func (g *gathering) flush(ctx context.Context) error {
	if len(g.documents) == 0 {
		return nil
	}
	documents := g.documents.list()
	clear(g.documents)
	written, err := g.Write(ctx, documents)
	g.done.Dead += int64(written.Dead)
	return err
}

// Write implements Sink.
func (g *gathering) Write(ctx context.Context, all []events.Document) (analytics.Written, error) {
	documents := all[:0]
	for _, d := range all {
		if d.Tenant == g.part.Tenant && (g.part.Instance == "" || d.Instance == g.part.Instance) {
			documents = append(documents, d)
		}
	}
	if len(documents) == 0 {
		return analytics.Written{}, nil
	}
	g.done.Documents += int64(len(documents))
	g.writes++
	name := fmt.Sprintf("%s-%d", g.part.Name, g.writes)
	if !g.part.Write {
		return analytics.Written{}, g.ledger.Write(ctx, name, documents)
	}
	var w analytics.Written
	var err error
	if g.part.Generation > 0 {
		// What is refused is a dead letter, and not expected in the new indexes.
		w, documents, err = g.store.Fill(ctx, g.part.Generation, documents)
	} else {
		w, err = g.store.Write(ctx, documents)
	}
	g.done.Written += int64(w.New)
	g.done.Known += int64(w.Known)
	if err == nil {
		err = g.ledger.Write(ctx, name, documents)
	}
	return w, err
}

var _ Sink = (*gathering)(nil)
