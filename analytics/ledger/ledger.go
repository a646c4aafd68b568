package ledger

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/waybill-io/waybill/events"
)

const root = "events-ledgers/"

var plain = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// Ledger is a ledger in a blob store. Its methods may be called concurrently, and by several workers.
type Ledger struct {
	bucket *blob.Bucket
	prefix string
	late   time.Time
}

// New returns the ledger of a name, of letters, digits, dots, underscores and hyphens, in a bucket, which stays the caller's to close. What
// happened at or after late is not compared.
func New(bucket *blob.Bucket, name string, late time.Time) (*Ledger, error) {
	if !plain.MatchString(name) {
		return nil, fmt.Errorf("the ledger %q: at most 128 letters, digits, dots, underscores and hyphens are expected", name)
	}
	return &Ledger{bucket: bucket, prefix: root + name + "/", late: late}, nil
}

// Write writes a part of the ledger: what these documents should be.
func (l *Ledger) Write(ctx context.Context, part string, documents []events.Document) error {
	if !plain.MatchString(part) {
		return fmt.Errorf("the part %q of a ledger: at most 128 letters, digits, dots, underscores and hyphens are expected", part)
	}
	var data bytes.Buffer
	packed, err := gzip.NewWriterLevel(&data, gzip.BestSpeed)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(packed)
	for i := range documents {
		e, err := entryOf(&documents[i], !documents[i].Time.Before(l.late))
		if err != nil {
			return err
		}
		if err := write(w, e); err != nil {
			return err
		}
	}
	if err := errors.Join(w.Flush(), packed.Close()); err != nil {
		return err
	}
	key := l.prefix + part
	if err := l.bucket.WriteAll(ctx, key, data.Bytes(), &blob.WriterOptions{ContentType: "application/gzip"}); err != nil {
		return fmt.Errorf("write %s: %w", key, err)
	}
	return nil
}

// each calls visit with all entries.
func (l *Ledger) each(ctx context.Context, visit func(entry)) error {
	return l.files(ctx, func(key string) error {
		err := l.part(ctx, key, visit)
		if err != nil {
			return fmt.Errorf("read %s: %w", key, err)
		}
		return nil
	})
}

func (l *Ledger) part(ctx context.Context, key string, visit func(entry)) error {
	file, err := l.bucket.NewReader(ctx, key, nil)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	packed, err := gzip.NewReader(file)
	if err != nil {
		return err
	}
	for r := bufio.NewReaderSize(packed, 64<<10); ; {
		e, err := read(r)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		visit(e)
	}
}

func (l *Ledger) files(ctx context.Context, visit func(key string) error) error {
	files := l.bucket.List(&blob.ListOptions{Prefix: l.prefix})
	for {
		file, err := files.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("list %s: %w", l.prefix, err)
		}
		if err := visit(file.Key); err != nil {
			return err
		}
	}
}

// Clear deletes the ledger.
func (l *Ledger) Clear(ctx context.Context) error {
	return l.files(ctx, func(key string) error {
		if err := l.bucket.Delete(ctx, key); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
			return fmt.Errorf("delete %s: %w", key, err)
		}
		return nil
	})
}
