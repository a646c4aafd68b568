package activities

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/waybill-io/waybill/connectors"
)

// Files is the blob store that mails, attachments and other large values live in; histories hold the keys.
type Files struct {
	bucket *blob.Bucket
}

// NewFiles returns the blob store over a bucket, which stays the caller's to close.
func NewFiles(bucket *blob.Bucket) *Files { return &Files{bucket: bucket} }

// Open reads a file by its key. A key that is not there is an error that wraps fs.ErrNotExist.
func (f *Files) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	r, err := f.bucket.NewReader(ctx, key, nil)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, fmt.Errorf("open file %q: %w", key, fs.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("open file %q: %w", key, err)
	}
	return r, nil
}

// Write stores a file under a key, whole or not at all: when fill fails nothing is stored. A media type that is none, as mails
// name them, counts as unknown.
func (f *Files) Write(ctx context.Context, key, mediaType string, fill func(io.Writer) error) error {
	if _, _, err := mime.ParseMediaType(mediaType); err != nil {
		mediaType = "application/octet-stream"
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // before Close this gives the write up
	w, err := f.bucket.NewWriter(ctx, key, &blob.WriterOptions{ContentType: mediaType, DisableContentTypeDetection: true})
	if err != nil {
		return fmt.Errorf("store file %q: %w", key, err)
	}
	if err := fill(w); err != nil {
		cancel()
		return errors.Join(err, ignoreCanceled(w.Close()))
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("store file %q: %w", key, err)
	}
	return nil
}

// ignoreCanceled drops the error that giving a write up leaves.
func ignoreCanceled(err error) error {
	if errors.Is(err, context.Canceled) || gcerrors.Code(err) == gcerrors.Canceled {
		return nil
	}
	return err
}

// Remove deletes every file under a prefix.
func (f *Files) Remove(ctx context.Context, prefix string) error {
	files := f.bucket.List(&blob.ListOptions{Prefix: prefix})
	for {
		file, err := files.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = f.bucket.Delete(ctx, file.Key)
		}
		if err != nil && gcerrors.Code(err) != gcerrors.NotFound {
			return fmt.Errorf("remove files under %q: %w", prefix, err)
		}
	}
}

var (
	_ connectors.Files      = (*Files)(nil)
	_ connectors.FileWriter = (*Files)(nil)
)
