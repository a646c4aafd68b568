package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"slices"
	"strings"

	"gocloud.dev/blob"

	"github.com/waybill-io/waybill/events"
)

var stageName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// Stage keeps documents until Move takes them into the archive. The name is that of the block of the indexer they come from, letters,
// digits, dots, underscores and hyphens, the same whenever the block is tried again. When it fails, call it again with all of them: what
// is there twice does no harm.
func (a *Archive) Stage(ctx context.Context, name string, documents []events.Document) error {
	if !stageName.MatchString(name) {
		return fmt.Errorf("stage events: the name %q is none of at most 128 letters, digits, dots, underscores and hyphens", name)
	}
	var lines [][]byte
	size, part := 0, 0
	flush := func() error {
		if len(lines) == 0 {
			return nil
		}
		err := a.stage(ctx, fmt.Sprintf("%s-%d", name, part), lines)
		lines, size = lines[:0], 0
		part++
		return err
	}
	for i := range documents {
		line, err := encode(&documents[i])
		if err != nil {
			return err
		}
		if size+len(line) > a.part {
			if err := flush(); err != nil {
				return err
			}
		}
		lines = append(lines, line)
		size += len(line) + 1
	}
	return flush()
}

func (a *Archive) stage(ctx context.Context, name string, lines [][]byte) error {
	packed, err := pack(slices.Values(lines))
	if err != nil {
		return fmt.Errorf("stage events %s: %w", name, err)
	}
	return a.write(ctx, staging+name+"-"+digest(packed)[:32]+suffix, gzipType, packed)
}

// Staged are the keys of what Move has not taken into the archive yet, in order.
func (a *Archive) Staged(ctx context.Context) iter.Seq2[string, error] {
	return a.keys(ctx, staging, "")
}

// keys lists the files under a prefix or, with the delimiter "/", its files and folders.
func (a *Archive) keys(ctx context.Context, prefix, delimiter string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		files := a.bucket.List(&blob.ListOptions{Prefix: prefix, Delimiter: delimiter})
		for {
			file, err := files.Next(ctx)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield("", fmt.Errorf("list %s: %w", prefix, err))
				return
			}
			if !yield(file.Key, nil) {
				return
			}
		}
	}
}

// ReadStaged reads a staged file. One that Move has taken meanwhile is an error that wraps fs.ErrNotExist.
func (a *Archive) ReadStaged(ctx context.Context, key string, visit func(events.Document) error) error {
	packed, err := a.readStaged(ctx, key)
	if err != nil {
		return err
	}
	return unpack(key, packed, func(line []byte) error {
		d, err := decode(key, line)
		if err != nil {
			return err
		}
		return visit(d)
	})
}

func (a *Archive) readStaged(ctx context.Context, key string) ([]byte, error) {
	packed, err := a.read(ctx, key)
	if err != nil {
		return nil, err
	}
	if !strings.HasSuffix(key, "-"+digest(packed)[:32]+suffix) {
		return nil, damaged(key, "its digest is not that in its name")
	}
	return packed, nil
}
