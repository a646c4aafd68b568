package archive

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"iter"

	"github.com/waybill-io/waybill/events"
)

// pack compresses lines.
func pack(lines iter.Seq[[]byte]) ([]byte, error) {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	for line := range lines {
		if _, err := w.Write(line); err != nil {
			return nil, err
		}
		if _, err := w.Write([]byte{'\n'}); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// unpack calls visit with each line of what pack has made; a line is good until the next.
func unpack(key string, packed []byte, visit func(line []byte) error) error {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return damaged(key, "%v", err)
	}
	lines := bufio.NewReaderSize(r, 64<<10)
	var long []byte
	for {
		line, err := lines.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			if long = append(long, line...); len(long) > maxLine {
				return damaged(key, "a line of more than %d bytes", maxLine)
			}
			continue
		}
		if err == io.EOF && len(line)+len(long) == 0 {
			return nil
		}
		if err != nil {
			return damaged(key, "%v", err)
		}
		if len(long) > 0 {
			line = append(long, line...)
			long = long[:0]
		}
		if err := visit(line[:len(line)-1]); err != nil {
			return err
		}
	}
}

// decode reads a document.
func decode(key string, line []byte) (d events.Document, err error) {
	if d, err = events.ReadDocument(line); err != nil {
		return d, damaged(key, "a line is no document: %v", err)
	}
	return d, nil
}

// encode writes a document as a line, without its end.
func encode(d *events.Document) ([]byte, error) {
	var line bytes.Buffer
	e := json.NewEncoder(&line)
	e.SetEscapeHTML(false)
	if err := e.Encode(d); err != nil {
		return nil, fmt.Errorf("encode document %q: %w", d.ID(), err)
	}
	return bytes.TrimSuffix(line.Bytes(), []byte{'\n'}), nil
}
