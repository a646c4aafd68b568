package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/analytics"
	"github.com/waybill-io/waybill/analytics/archive"
	"github.com/waybill-io/waybill/analytics/ledger"
	"github.com/waybill-io/waybill/events"
)

// Compare compares a share of what the sources told with what the index holds.
func (b *Rebuilder) Compare(ctx context.Context, in contract.CompareInput) (c contract.Comparison, err error) {
	defer keepAlive(ctx, nil)()
	l, err := ledger.New(b.bucket, in.Ledger, in.Late)
	if err != nil {
		return c, err
	}
	if in.Share == 0 {
		if err := b.store.Refresh(ctx, in.Tenant, in.Generation); err != nil {
			return c, err
		}
	}
	found, err := l.Compare(ctx, &heldIndex{b.store, in}, in.Share, in.Shares, in.Limit)
	if err != nil {
		return c, err
	}
	for _, n := range found.Counts {
		c.Counts = append(c.Counts, contract.IndexCounted(n))
	}
	for _, d := range found.Differences {
		c.Differences = append(c.Differences, contract.IndexDifference(d))
	}
	return c, nil
}

// heldIndex are the indexes of a tenant, as a comparison sees them.
type heldIndex struct {
	store *analytics.Store
	in    contract.CompareInput
}

// Each implements ledger.Index.
func (h *heldIndex) Each(ctx context.Context, index string, visit func(ledger.Held) error) error {
	look := func(hit analytics.Hit) error {
		d, err := events.ReadDocument(hit.Source)
		if err != nil { // somebody else's
			return visit(ledger.Held{ID: hit.ID, Version: hit.Version})
		}
		sum, err := ledger.Sum(&d)
		if err != nil {
			return err
		}
		return visit(ledger.Held{ID: hit.ID, Version: hit.Version, Sum: sum, Time: d.Time, Beyond: d.Time.Before(h.in.Beyond)})
	}
	q := analytics.Selection{Tenant: h.in.Tenant, Index: index, Generation: h.in.Generation}
	if h.in.Instance != "" {
		q.Filter = []any{map[string]any{"term": map[string]any{"processInstanceId": h.in.Instance}}}
	}
	return h.store.Each(ctx, q, look)
}

var _ ledger.Index = (*heldIndex)(nil)

// Forget deletes a ledger.
func (b *Rebuilder) Forget(ctx context.Context, name string) error {
	defer keepAlive(ctx, nil)()
	l, err := ledger.New(b.bucket, name, time.Time{})
	if err != nil {
		return err
	}
	return l.Clear(ctx)
}

// CheckArchive compares the archive of a tenant with its manifests.
func (b *Rebuilder) CheckArchive(ctx context.Context, in contract.CheckArchive) (contract.ArchiveCheck, error) {
	defer keepAlive(ctx, nil)()
	c, err := b.archive.Check(ctx, in.Tenant, archive.Range{From: in.Since})
	c.Errors = c.Errors[:min(len(c.Errors), contract.MaxDamaged)]
	c.Unlisted = c.Unlisted[:min(len(c.Unlisted), contract.MaxDamaged)]
	return contract.ArchiveCheck(c), err
}

// Move takes what is staged into the archive. Only one may run at a time: the Schedule sees to it.
func (b *Rebuilder) Move(ctx context.Context) (contract.MovedArchive, error) {
	defer keepAlive(ctx, nil)()
	m, err := b.archive.Move(ctx)
	waiting, counted := b.waiting(ctx)
	b.metrics.moved(m, waiting, counted == nil, err)
	for _, name := range m.Damaged {
		b.logger.Error("a file of events that were to be archived is damaged and stays where it is", "file", name)
	}
	if errors.Is(err, archive.ErrDamaged) {
		err = fmt.Errorf("%w (what is staged waits until it is put right)", err)
	}
	if err != nil {
		return contract.MovedArchive{}, fmt.Errorf("%w; %d files are staged", err, waiting)
	}
	return contract.MovedArchive{
		Staged: m.Staged, Documents: m.Documents, Repeated: m.Repeated, Blocks: m.Blocks, Bytes: m.Bytes, Packed: m.Packed, Damaged: m.Damaged, Waiting: waiting,
	}, nil
}

// waiting counts the files that are staged.
func (b *Rebuilder) waiting(ctx context.Context) (n int, err error) {
	for _, err := range b.archive.Staged(ctx) {
		if err != nil {
			return n, err
		}
		if n++; n == contract.StagedCounted {
			break
		}
	}
	return n, nil
}

func damagedArchive(err error) error {
	return temporal.NewNonRetryableApplicationError(err.Error(), contract.ArchiveDamaged, err)
}
