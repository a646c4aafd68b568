package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/analytics"
	"github.com/waybill-io/waybill/analytics/archive"
	"github.com/waybill-io/waybill/analytics/ledger"
	"github.com/waybill-io/waybill/events"
)

// Compare compares a share of what the sources told with what the index holds.
func (b *Rebuilder) Compare(ctx context.Context, in contract.CompareInput) (c contract.Comparison, err error) {
	defer beating(ctx)()
	l, err := ledger.New(b.bucket, in.Ledger, in.Late)
	if err != nil {
		return c, err
	}
	if in.Share == 0 {
		if err := b.store.RefreshGeneration(ctx, in.Tenant, in.Generation); err != nil {
			return c, err
		}
	}
	found, err := l.Compare(ctx, &heldIndex{b.store, in}, in.Share, in.Shares, in.Limit, nil)
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
		var d events.Document
		if err := json.Unmarshal(hit.Source, &d); err != nil { // somebody else's
			return visit(ledger.Held{ID: hit.ID, Version: hit.Version})
		}
		sum, err := ledger.Sum(&d)
		if err != nil {
			return err
		}
		return visit(ledger.Held{ID: hit.ID, Version: hit.Version, Sum: sum, Time: d.Time, Beyond: d.Time.Before(h.in.Beyond)})
	}
	if h.in.Instance == "" {
		err := h.store.Each(ctx, h.in.Tenant, index, h.in.Generation, true, look)
		if e, ok := errors.AsType[*analytics.Error](err); ok && e.Status == http.StatusNotFound && h.in.Generation == 0 {
			return nil // nothing was indexed for this tenant yet
		}
		return err
	}
	q := analytics.Selection{Tenant: h.in.Tenant, Index: index, Filter: []any{
		map[string]any{"term": map[string]any{"processInstanceId": h.in.Instance}},
	}}
	var c analytics.Cursor
	defer func() { h.store.Forget(ctx, c) }()
	for {
		p, err := h.store.Page(ctx, q, analytics.Chronological(), instancePage, c)
		if err != nil {
			return err
		}
		for _, hit := range p.Hits {
			if err := look(hit); err != nil {
				return err
			}
		}
		if p.Next == nil {
			return nil
		}
		c = *p.Next
	}
}

// instancePage is how many documents of an instance are read at a time.
const instancePage = 1000

var _ ledger.Index = (*heldIndex)(nil)

// Forget deletes a ledger.
func (b *Rebuilder) Forget(ctx context.Context, name string) error {
	defer beating(ctx)()
	l, err := ledger.New(b.bucket, name, time.Time{})
	if err != nil {
		return err
	}
	return l.Clear(ctx)
}

// CheckArchive compares the archive of a tenant with its manifests.
func (b *Rebuilder) CheckArchive(ctx context.Context, in contract.CheckArchive) (contract.ArchiveCheck, error) {
	defer beating(ctx)()
	c, err := b.archive.Check(ctx, in.Tenant, archive.Range{From: in.Since}, func(c archive.Checked) { activity.RecordHeartbeat(ctx, c.Days) })
	c.Errors = c.Errors[:min(len(c.Errors), contract.MaxDamaged)]
	c.Unlisted = c.Unlisted[:min(len(c.Unlisted), contract.MaxDamaged)]
	return contract.ArchiveCheck(c), err
}

// Move takes what is staged into the archive. Only one may run at a time: the Schedule sees to it.
func (b *Rebuilder) Move(ctx context.Context) (contract.MovedArchive, error) {
	defer beating(ctx)()
	m, err := b.archive.Move(ctx, nil)
	for _, name := range m.Damaged {
		b.logger.Error("a file of events that were to be archived is damaged and stays where it is", "file", name)
	}
	if errors.Is(err, archive.ErrDamaged) {
		err = fmt.Errorf("%w (what is staged waits until it is put right)", err)
	}
	return contract.MovedArchive(m), err
}

func damagedArchive(err error) error {
	return temporal.NewNonRetryableApplicationError(err.Error(), contract.ArchiveDamaged, err)
}
