package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

const (
	root     = "events/"
	staging  = "events-staged/"
	moving   = "events-moving.json"
	listing  = "manifest.json"
	suffix   = ".ndjson.gz"
	dayForm  = time.DateOnly
	gzipType = "application/gzip"
)

const (
	// stagedBytes bounds the text of a staged file.
	stagedBytes = 2 << 20
	// batchBytes bounds the text that a batch of Move holds in memory, but for the last file that makes it full.
	batchBytes = 8 << 20
	// maxLine bounds a document: its values are bounded where they are recorded.
	maxLine = 16 << 20
	// maxFile bounds a file that is read into memory.
	maxFile = 64 << 20
)

// Archive is the archive in a blob store. Its methods may be called concurrently, and by several workers, but for Move: two of those lose nothing, and one of them gives way.
type Archive struct {
	bucket *blob.Bucket
	batch  int // bytes of text that make a batch full
	part   int // bytes of text that make a staged file full
}

// New returns the archive in a bucket, which stays the caller's to close.
func New(bucket *blob.Bucket) *Archive {
	return &Archive{bucket: bucket, batch: batchBytes, part: stagedBytes}
}

// ErrDamaged is wrapped by errors about a file that is not as it was written. They name it.
var ErrDamaged = errors.New("damaged")

func damaged(key, why string, args ...any) error {
	return fmt.Errorf("%s is %w: %s", key, ErrDamaged, fmt.Sprintf(why, args...))
}

// read reads a file whole. One that is not there is an error that wraps fs.ErrNotExist.
func (a *Archive) read(ctx context.Context, key string) ([]byte, error) {
	r, err := a.bucket.NewReader(ctx, key, nil)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, fmt.Errorf("read %s: %w", key, fs.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	defer func() { _ = r.Close() }()
	if r.Size() > maxFile {
		return nil, damaged(key, "it has %d bytes, more than were ever written", r.Size())
	}
	var data bytes.Buffer
	data.Grow(int(r.Size()))
	if _, err := data.ReadFrom(r); err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	return data.Bytes(), nil
}

// write stores a file, whole or not at all.
func (a *Archive) write(ctx context.Context, key, mediaType string, data []byte) error {
	err := a.bucket.WriteAll(ctx, key, data, &blob.WriterOptions{ContentType: mediaType, DisableContentTypeDetection: true})
	if err != nil {
		return fmt.Errorf("write %s: %w", key, err)
	}
	return nil
}

// remove deletes a file that may be gone already.
func (a *Archive) remove(ctx context.Context, key string) error {
	if err := a.bucket.Delete(ctx, key); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	return nil
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// folder is where the days of a tenant are: its name with all but small letters, digits and the hyphen as _ and two hexadecimal digits;
// "_" for the tenant without a name. A very long one is "_h" and its digest: its manifests know the name.
func folder(tenant string) string {
	if tenant == "" {
		return "_"
	}
	var b strings.Builder
	for _, c := range []byte(tenant) {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "_%02x", c)
		}
	}
	if b.Len() > maxFolder {
		return "_h" + digest([]byte(tenant))
	}
	return b.String()
}

// maxFolder is what every file system takes as a name.
const maxFolder = 200

func dayFolder(tenant, day string) string { return root + folder(tenant) + "/" + day + "/" }
