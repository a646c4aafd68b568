package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"strings"
	"time"

	"github.com/waybill-io/waybill/events"
)

// Block is a block of the archive: documents of a tenant and a day. As JSON it can travel to who reads it.
type Block struct {
	Tenant    string `json:"tenant,omitempty"`
	Day       string `json:"day"` // yyyy-mm-dd, UTC
	Name      string `json:"name"`
	SHA256    string `json:"sha256"`
	Documents int    `json:"documents"`
}

// Key is where the block is in the blob store.
func (b Block) Key() string { return dayFolder(b.Tenant, b.Day) + b.Name }

// Range is of days; the zero value has all of them.
type Range struct {
	From time.Time // the first day is the one, in UTC, that it is in
	To   time.Time // the last day is the one that it is in; zero: no end
}

func (r Range) has(day string) bool {
	return (r.From.IsZero() || day >= r.From.UTC().Format(dayForm)) && (r.To.IsZero() || day <= r.To.UTC().Format(dayForm))
}

// days are those of a tenant that have files, in order.
func (a *Archive) days(ctx context.Context, tenant string, in Range) iter.Seq2[string, error] {
	prefix := root + folder(tenant) + "/"
	return func(yield func(string, error) bool) {
		for key, err := range a.keys(ctx, prefix, "/") {
			day := strings.TrimSuffix(strings.TrimPrefix(key, prefix), "/")
			if err == nil && !in.has(day) {
				continue
			}
			if !yield(day, err) {
				return
			}
		}
	}
}

// Blocks are those of a tenant, by day and in each in the order in which they came: new ones come last. Days are read as they are asked
// for, so that it takes the memory of one.
func (a *Archive) Blocks(ctx context.Context, tenant string, in Range) iter.Seq2[Block, error] {
	return func(yield func(Block, error) bool) {
		for day, err := range a.days(ctx, tenant, in) {
			var m manifest
			if err == nil {
				m, err = a.manifest(ctx, tenant, day)
			}
			if err != nil {
				yield(Block{}, fmt.Errorf("archive of tenant %q: %w", tenant, err))
				return
			}
			for _, e := range m.Blocks {
				if !yield(Block{Tenant: tenant, Day: day, Name: e.Name, SHA256: e.SHA256, Documents: e.Documents}, nil) {
					return
				}
			}
		}
	}
}

// Read calls visit with the documents of a block, once the file has been found to be as it was written. It holds the file, compressed, in
// memory: some MiB at most.
func (a *Archive) Read(ctx context.Context, b Block, visit func(events.Document) error) error {
	packed, err := a.checked(ctx, b)
	if err != nil {
		return err
	}
	return unpack(b.Key(), packed, func(line []byte) error {
		d, err := decode(b.Key(), line)
		if err != nil {
			return err
		}
		return visit(d)
	})
}

func (a *Archive) checked(ctx context.Context, b Block) ([]byte, error) {
	packed, err := a.read(ctx, b.Key())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, damaged(b.Key(), "the manifest lists it, and it is not there")
	}
	if err != nil {
		return nil, err
	}
	if is := digest(packed); is != b.SHA256 {
		return nil, damaged(b.Key(), "its SHA-256 is %s, and the manifest has %s", is, b.SHA256)
	}
	return packed, nil
}
