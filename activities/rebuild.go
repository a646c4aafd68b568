package activities

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"gocloud.dev/blob"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/analytics"
	"github.com/waybill-io/waybill/analytics/archive"
	"github.com/waybill-io/waybill/client"
)

// RebuildSettings are what rebuilds and the archive need to know, beside those of the indexer.
type RebuildSettings struct {
	// Keep has what is indexed kept in the archive (event.processing.processed.events.action: move). Without it a rebuild can go no further
	// back than histories do.
	Keep bool
	// Expression of Quartz: when what is staged is taken into the archive (event.processing.processed.action.cronExpression).
	Expression string
	Metrics    prometheus.Registerer // of the archive; nil: there are none
}

// defaultArchiveCron fires once an hour, at 25 minutes past: 25/45 begins at 25, and 70 is no minute.
const defaultArchiveCron = "0 25/45 * * * ?"

// Rebuilder are the activities of rebuilds, verifications and the archive. It is safe for concurrent use.
type Rebuilder struct {
	reader   *Indexer // of histories; its sink is set for each block
	client   *client.Client
	store    *analytics.Store // nil: events go to files
	archive  *archive.Archive
	bucket   *blob.Bucket
	metrics  *archiveMetrics
	settings RebuildSettings
	logger   *slog.Logger
}

// NewRebuilder returns the activities of rebuilds. Histories are read as the indexer reads them; the archive is in the bucket, which stays
// the caller's to close.
func NewRebuilder(c *client.Client, store *analytics.Store, bucket *blob.Bucket, indexing IndexerSettings, s RebuildSettings, logger *slog.Logger) *Rebuilder {
	if s.Expression == "" {
		s.Expression = defaultArchiveCron
	}
	if s.Metrics == nil {
		s.Metrics = prometheus.NewRegistry()
	}
	indexing.Archive = nil // what is read again was kept before
	return &Rebuilder{
		// Its figures are not those of indexing.
		reader: NewIndexer(c, nil, indexing, prometheus.NewRegistry(), logger),
		client: c, store: store, archive: archive.New(bucket), bucket: bucket, metrics: newArchiveMetrics(s.Metrics), settings: s, logger: logger,
	}
}

// RegisterRebuilder makes a worker of the queue of rebuilds rebuild and verify.
func RegisterRebuilder(r worker.ActivityRegistry, b *Rebuilder) {
	register(r, contract.BeginGatherActivity, b.Begin)
	register(r, contract.AlsoIndexActivity, b.Also)
	register(r, contract.AlsoStandsActivity, b.AlsoStands)
	register(r, contract.PlanArchiveActivity, b.PlanArchive)
	register(r, contract.PlanHistoriesActivity, b.PlanHistories)
	register(r, contract.GatherActivity, b.Gather)
	register(r, contract.CompareActivity, b.Compare)
	register(r, contract.CheckArchiveActivity, b.CheckArchive)
	register(r, contract.SwapGenerationActivity, b.Swap)
	register(r, contract.DropGenerationActivity, b.Drop)
	register(r, contract.ForgetGatheringActivity, b.Forget)
}

// RegisterArchive makes a worker of the queue of rebuilds keep the archive.
func RegisterArchive(r worker.ActivityRegistry, b *Rebuilder) {
	register(r, contract.MoveArchiveActivity, b.Move)
}

// Schedule puts the Schedule of the archive, where there is one. It tries until ctx is done.
func (b *Rebuilder) Schedule(ctx context.Context) {
	if !b.settings.Keep {
		return
	}
	for wait := time.Second; ctx.Err() == nil; wait = min(2*wait, time.Minute) {
		err := CronSchedule{
			ID: contract.ArchiveScheduleID, Expression: b.settings.Expression, Workflow: contract.ArchiveWorkflow, TaskQueue: contract.ProcessQueue,
			Summary: "takes indexed events into the archive",
		}.Ensure(ctx, b.client.Temporal)
		if err != nil && ctx.Err() == nil {
			b.logger.Warn("the schedule of the archive of events cannot be set up; it is tried again", "error", err)
		}
		if err == nil {
			wait = renewEvery // so that one with explicit days never runs out of them
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// Begin finds out what there is to do, and creates the generation of a rebuild.
func (b *Rebuilder) Begin(ctx context.Context, in contract.GatherInput) (contract.GatherBegun, error) {
	if err := b.searchable(); err != nil {
		return contract.GatherBegun{}, err
	}
	defer keepAlive(ctx, nil)()
	begun := contract.GatherBegun{SkipArchive: in.HistoriesOnly, ArchiveIsKept: b.settings.Keep}
	var setting contract.IndexSetting
	if err := b.reader.tell(ctx, &setting); err != nil {
		return begun, err
	}
	begun.BlockSize, begun.Parallel, begun.RetentionMS = setting.BlockSize, setting.Parallel, setting.RetentionMS
	if err := b.total(ctx, in, &begun); err != nil {
		return begun, err
	}
	if begun.SkipArchive || !b.settings.Keep && begun.ArchiveTotal == 0 {
		begun.Beyond = time.Now().Add(-time.Duration(setting.RetentionMS) * time.Millisecond).UTC()
	}
	if !in.Rebuild {
		all, err := b.store.Generations(ctx, in.Tenant)
		begun.NoIndex = len(all) == 0
		return begun, err
	}
	if !in.Since.IsZero() {
		return begun, nil
	}
	// The indexer would do so, and must not meet a half-made first generation.
	if err := b.store.Ensure(ctx, in.Tenant); err != nil {
		return begun, err
	}
	all, err := b.store.Generations(ctx, in.Tenant)
	if err != nil {
		return begun, err
	}
	for _, g := range all {
		if g.Current {
			begun.Replaces = g.Number
		}
	}
	if err := b.clear(ctx, in.Tenant); err != nil {
		return begun, err
	}
	for _, g := range all {
		if g.Number > begun.Replaces { // a rebuild was ended before it could clean up
			if err := b.store.Drop(ctx, in.Tenant, g.Number); err != nil {
				return begun, err
			}
		}
	}
	begun.Generation = begun.Replaces + 1
	return begun, b.store.Create(ctx, in.Tenant, begun.Generation)
}

// searchable refuses what files cannot do.
func (b *Rebuilder) searchable() error {
	if b.store != nil {
		return nil
	}
	return temporal.NewNonRetryableApplicationError("there is no index: elastic-search.server.type is file; what is in files can be neither searched nor rebuilt, and rest has an index",
		contract.RebuildRefused, nil)
}

// total counts what is to be read.
func (b *Rebuilder) total(ctx context.Context, in contract.GatherInput, begun *contract.GatherBegun) error {
	var err error
	if begun.HistoryTotal, err = b.countHistories(ctx, in.Since, in.Instance); err != nil || in.HistoriesOnly {
		return err
	}
	for block, err := range b.archive.Blocks(ctx, in.Tenant, archive.Range{From: in.Since}) {
		if errors.Is(err, archive.ErrDamaged) {
			return damagedArchive(err)
		}
		if err != nil {
			return err
		}
		begun.ArchiveTotal += int64(block.Documents)
	}
	return nil
}

// Swap has searches see the new generation.
func (b *Rebuilder) Swap(ctx context.Context, s contract.SwapGeneration) ([]contract.Generation, error) {
	if err := b.store.Swap(ctx, s.Tenant, s.From, s.To); err != nil {
		return nil, err
	}
	return b.generations(ctx, s.Tenant)
}

func (b *Rebuilder) generations(ctx context.Context, tenant string) ([]contract.Generation, error) {
	all, err := b.store.Generations(ctx, tenant)
	if err != nil {
		return nil, err
	}
	var list []contract.Generation
	for _, g := range all {
		list = append(list, contract.Generation(g))
	}
	return list, nil
}

// Drop drops a generation that is not the current one.
func (b *Rebuilder) Drop(ctx context.Context, t contract.IndexTarget) error {
	err := b.store.Drop(ctx, t.Tenant, t.Generation)
	if errors.Is(err, analytics.ErrCurrent) {
		return nil // the rebuild came to its end before it was given up
	}
	return err
}

// DropReplaced drops the generations that came before the current one.
func (b *Rebuilder) DropReplaced(ctx context.Context, tenant string) (d contract.DroppedGenerations, err error) {
	if err := b.searchable(); err != nil {
		return d, err
	}
	all, err := b.generations(ctx, tenant)
	if err != nil {
		return d, indexAway(err)
	}
	for _, g := range all {
		if g.Current {
			d.Current = g.Number
		}
	}
	for _, g := range all {
		if g.Number >= d.Current {
			continue // that of a rebuild
		}
		if err := b.store.Drop(ctx, tenant, g.Number); err != nil {
			return d, indexAway(err)
		}
		d.Dropped = append(d.Dropped, g)
	}
	return d, nil
}

// Also has the indexer write to a generation, too, or no longer, and waits until it does nothing that it began otherwise.
func (b *Rebuilder) Also(ctx context.Context, in contract.AlsoIndex) error {
	defer keepAlive(ctx, nil)()
	if err := b.client.StartIndexer(ctx, contract.IndexSetting{}); err != nil {
		return err
	}
	pass, err := b.client.AlsoIndex(ctx, in)
	if err != nil {
		return err
	}
	for pass > 0 {
		s, err := b.client.IndexerState(ctx)
		if err != nil {
			return err
		}
		if s.Pass == nil || s.Pass.Number != pass {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(alsoPoll):
		}
	}
	return nil
}

// alsoPoll is how often it is asked whether a pass has ended.
const alsoPoll = 500 * time.Millisecond

// clear has the indexer write to no generation of a tenant beside the current one: a rebuild that was ended before it could say so may have left some.
func (b *Rebuilder) clear(ctx context.Context, tenant string) error {
	if err := b.client.StartIndexer(ctx, contract.IndexSetting{}); err != nil {
		return err
	}
	s, err := b.client.IndexerState(ctx)
	if err != nil {
		return err
	}
	for _, t := range s.Also {
		if t.Tenant != tenant {
			continue
		}
		if err := b.Also(ctx, contract.AlsoIndex{IndexTarget: t, Not: true}); err != nil {
			return err
		}
	}
	return nil
}

// AlsoStands tells whether the indexer writes to a generation as well, as it was told to. One that was ended and started anew does not.
func (b *Rebuilder) AlsoStands(ctx context.Context, t contract.IndexTarget) (bool, error) {
	defer keepAlive(ctx, nil)()
	if err := b.client.StartIndexer(ctx, contract.IndexSetting{}); err != nil {
		return false, err
	}
	s, err := b.client.IndexerState(ctx)
	return slices.Contains(s.Also, t), err
}
