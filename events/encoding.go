package events

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// magic begins what Encode writes, so that it is told from other data beside it.
var magic = []byte("WBE1")

// maxBatch bounds a batch after decompression.
const maxBatch = 64 << 20

// ErrForeign is the error of Decode for data that Encode did not write.
var ErrForeign = errors.New("these are no events")

// Encode packs a batch: the magic, and JSON, compressed.
func Encode(b Batch) ([]byte, error) {
	var out bytes.Buffer
	out.Write(magic)
	w, err := flate.NewWriter(&out, flate.BestSpeed)
	if err != nil {
		return nil, err
	}
	if err := json.NewEncoder(w).Encode(b); err != nil {
		return nil, fmt.Errorf("encode events of %q: %w", b.Instance, err)
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Decode unpacks what Encode packed. Numbers among values keep all their digits.
func Decode(data []byte) (b Batch, err error) {
	packed, ok := bytes.CutPrefix(data, magic)
	if !ok {
		return b, ErrForeign
	}
	d := json.NewDecoder(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), maxBatch))
	d.UseNumber()
	if err := d.Decode(&b); err != nil {
		return b, fmt.Errorf("decode events: %w", err)
	}
	return b, nil
}
