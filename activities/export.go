package activities

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/analytics"
	"github.com/waybill-io/waybill/analytics/archive"
	"github.com/waybill-io/waybill/events"
)

// RegisterExport makes a worker of the queue of reports answer with pages of documents, and drop replaced generations.
func RegisterExport(r worker.ActivityRegistry, b *Rebuilder) {
	register(r, contract.DropReplacedActivity, b.DropReplaced)
	register(r, contract.ExportActivity, b.Export)
}

// exportFor is how long a page looks for documents, but for the block of the archive that it is at.
const exportFor = 20 * time.Second

// exportPage is how many documents are asked for at a time; so many of them as have room in an answer are told.
const exportPage = 1000

// Export returns a page of documents.
func (b *Rebuilder) Export(ctx context.Context, in contract.ExportInput) (p contract.ExportPage, err error) {
	defer keepAlive(ctx, nil)()
	if !in.Archive {
		if err := b.searchable(); err != nil {
			return p, err
		}
	}
	if in.Archive {
		p, err = b.exportArchive(ctx, in)
	} else {
		p, err = b.exportIndex(ctx, in)
	}
	if errors.Is(err, archive.ErrDamaged) {
		return p, damagedArchive(err)
	}
	return p, indexAway(err)
}

// exportedPage is an answer that is being made.
type exportedPage struct {
	contract.ExportPage
	size int
}

// add adds a document; false: there is no room for it. The first has room in any case.
func (p *exportedPage) add(document []byte) bool {
	if len(p.Documents) > 0 && p.size+len(document) > contract.MaxExportPage {
		return false
	}
	p.size += len(document) + 1
	p.Documents = append(p.Documents, document)
	return true
}

func (b *Rebuilder) exportIndex(ctx context.Context, in contract.ExportInput) (contract.ExportPage, error) {
	var p exportedPage
	q := analytics.Selection{Tenant: in.Tenant, Index: in.Index}
	between := map[string]any{}
	if !in.From.IsZero() {
		between["gte"] = in.From.UTC().Format(time.RFC3339Nano)
	}
	if !in.To.IsZero() {
		between["lt"] = in.To.UTC().Format(time.RFC3339Nano)
	}
	if len(between) > 0 {
		q.Filter = append(q.Filter, map[string]any{"range": map[string]any{"timeStamp": between}})
	}
	if in.Kind != "" {
		q.Filter = append(q.Filter, map[string]any{"term": map[string]any{"kind": in.Kind}})
	}
	var c analytics.Cursor
	var err error
	if in.Cursor == "" {
		p.Total, err = b.store.Count(ctx, q)
	} else {
		err = readCursor(in.Cursor, &c)
	}
	if err != nil {
		return p.ExportPage, err
	}
	found, err := b.store.Page(ctx, q, analytics.Chronological(), exportPage, c)
	if e, ok := errors.AsType[*analytics.Error](err); ok && e.Status == 404 && in.Cursor != "" {
		return p.ExportPage, temporal.NewNonRetryableApplicationError("the index has forgotten what the export was of, since nobody has asked for more for five minutes: export again", "", nil)
	}
	if err != nil {
		return p.ExportPage, err
	}
	for n, hit := range found.Hits {
		if !p.add(hit.Source) {
			p.Cursor, err = writeCursor(found.After(n))
			return p.ExportPage, err
		}
	}
	if found.Next != nil {
		p.Cursor, err = writeCursor(found.Next)
	}
	return p.ExportPage, err
}

// archiveCursor is a place in the archive: the next block to read, and how many of its lines were told.
type archiveCursor struct {
	Day   string `json:"day"`
	Name  string `json:"name"`
	Lines int    `json:"lines"`
}

var errFull = errors.New("the page is full")

func (b *Rebuilder) exportArchive(ctx context.Context, in contract.ExportInput) (contract.ExportPage, error) {
	var p exportedPage
	var at archiveCursor
	days := archive.Range{From: in.From, To: in.To}
	if in.Cursor != "" {
		if err := readCursor(in.Cursor, &at); err != nil {
			return p.ExportPage, err
		}
		day, err := time.Parse(time.DateOnly, at.Day)
		if err != nil {
			return p.ExportPage, fmt.Errorf("read the cursor of an export: %w", err)
		}
		days.From = day
	}
	begun, since := in.Cursor == "", time.Now()
	for block, err := range b.archive.Blocks(ctx, in.Tenant, days) {
		if err != nil {
			return p.ExportPage, err
		}
		skip := 0
		if !begun {
			if block.Day != at.Day || block.Name != at.Name {
				continue
			}
			begun, skip = true, at.Lines
		} else if time.Since(since) > exportFor { // who asks wants to see that it goes on
			p.Cursor, err = writeCursor(archiveCursor{Day: block.Day, Name: block.Name})
			return p.ExportPage, err
		}
		lines := 0
		err := b.archive.Read(ctx, block, func(d events.Document) error {
			if lines++; lines <= skip || !exported(in, &d) {
				return nil
			}
			var text bytes.Buffer
			e := json.NewEncoder(&text)
			e.SetEscapeHTML(false)
			if err := e.Encode(d); err != nil {
				return err
			}
			if !p.add(bytes.TrimSpace(text.Bytes())) {
				lines--
				return errFull
			}
			return nil
		})
		if errors.Is(err, errFull) {
			p.Cursor, err = writeCursor(archiveCursor{Day: block.Day, Name: block.Name, Lines: lines})
			return p.ExportPage, err
		}
		if err != nil {
			return p.ExportPage, err
		}
	}
	return p.ExportPage, nil
}

// exported tells whether a document of the archive is asked for.
func exported(in contract.ExportInput, d *events.Document) bool {
	return (in.From.IsZero() || !d.Time.Before(in.From)) && (in.To.IsZero() || d.Time.Before(in.To)) &&
		(in.Index == "" || d.Index() == in.Index) && (in.Kind == "" || string(d.Kind) == in.Kind)
}

func writeCursor(c any) (string, error) {
	text, err := json.Marshal(c)
	return string(text), err
}

func readCursor(text string, c any) error {
	if err := json.Unmarshal([]byte(text), c); err != nil {
		return temporal.NewNonRetryableApplicationError("the cursor of an export is that of the page before it", "", err)
	}
	return nil
}
