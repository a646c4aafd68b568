package archive

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
	"gocloud.dev/blob"
	"gocloud.dev/blob/driver"
	"gocloud.dev/gcerrors"
)

var errKilled = errors.New("killed")

// faulty is a store in front of another whose changes, from one of them on, no longer happen: as if the program had been killed. With late
// the first of them happens and is not told.
type faulty struct {
	driver.Bucket
	inner *blob.Bucket
	alive int
	late  bool
}

func newFaulty(t *testing.T, inner *blob.Bucket, alive int, late bool) *blob.Bucket {
	t.Helper()
	b := blob.NewBucket(&faulty{inner: inner, alive: alive, late: late})
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b
}

func (f *faulty) change(do func() error) error {
	f.alive--
	if f.alive >= 0 {
		return do()
	}
	if f.alive == -1 && f.late {
		if err := do(); err != nil {
			return err
		}
	}
	return errKilled
}

type writer struct {
	f    *faulty
	ctx  context.Context
	key  string
	kind string
	data []byte
}

func (w *writer) Write(p []byte) (int, error) {
	w.data = append(w.data, p...)
	return len(p), nil
}

func (w *writer) Close() error {
	return w.f.change(func() error {
		return w.f.inner.WriteAll(w.ctx, w.key, w.data, &blob.WriterOptions{ContentType: w.kind})
	})
}

func (f *faulty) NewTypedWriter(ctx context.Context, key, kind string, _ *driver.WriterOptions) (driver.Writer, error) {
	return &writer{f: f, ctx: ctx, key: key, kind: kind}, nil
}

func (f *faulty) Delete(ctx context.Context, key string, _ *driver.DeleteOptions) error {
	return f.change(func() error { return f.inner.Delete(ctx, key) })
}

type reader struct {
	io.ReadCloser
	size int64
}

func (r reader) Attributes() *driver.ReaderAttributes { return &driver.ReaderAttributes{Size: r.size} }
func (reader) As(any) bool                            { return false }

func (f *faulty) NewRangeReader(ctx context.Context, key string, offset, length int64, _ *driver.ReaderOptions) (driver.Reader, error) {
	r, err := f.inner.NewRangeReader(ctx, key, offset, length, nil)
	if err != nil {
		return nil, err
	}
	return reader{ReadCloser: r, size: r.Size()}, nil
}

func (f *faulty) ListPaged(ctx context.Context, o *driver.ListOptions) (*driver.ListPage, error) {
	page := &driver.ListPage{}
	all := f.inner.List(&blob.ListOptions{Prefix: o.Prefix, Delimiter: o.Delimiter})
	for {
		file, err := all.Next(ctx)
		if errors.Is(err, io.EOF) {
			return page, nil
		}
		if err != nil {
			return nil, err
		}
		page.Objects = append(page.Objects, &driver.ListObject{Key: file.Key, Size: file.Size, ModTime: file.ModTime, IsDir: file.IsDir})
	}
}

func (f *faulty) Close() error                           { return nil }
func (f *faulty) ErrorAs(error, any) bool                { return false }
func (f *faulty) ErrorCode(err error) gcerrors.ErrorCode { return gcerrors.Code(err) }
