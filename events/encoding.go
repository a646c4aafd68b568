package events

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
)

// magic begins what Encode writes, so that it is told from other data beside it. The number of events follows, in four bytes of which the
// first is the highest, and then the batch as compressed JSON (RFC 1951).
var magic = []byte("WBE1")

const header = 8

// maxBatch bounds a batch after decompression.
const maxBatch = 64 << 20

// ErrForeign is the error of Decode for data that Encode did not write.
var ErrForeign = errors.New("these are no events")

// Encoder packs batches. It keeps what it needs for the next one, which takes longer to make than a batch does. Safe for concurrent use;
// the zero value is ready.
type Encoder struct{ pool sync.Pool }

type packing struct {
	out  bytes.Buffer
	flat *flate.Writer
}

// Encode packs a batch. One without events says that events are not recorded.
func (e *Encoder) Encode(b Batch) ([]byte, error) {
	p, ok := e.pool.Get().(*packing)
	if !ok {
		p = &packing{}
		flat, err := flate.NewWriter(&p.out, flate.BestSpeed)
		if err != nil {
			return nil, err
		}
		p.flat = flat
	}
	p.out.Reset()
	p.flat.Reset(&p.out)
	p.out.Write(magic)
	p.out.Write(binary.BigEndian.AppendUint32(nil, uint32(len(b.Events))))
	if err := json.NewEncoder(p.flat).Encode(b); err != nil {
		return nil, fmt.Errorf("encode events of %q: %w", b.Instance, err)
	}
	if err := p.flat.Close(); err != nil {
		return nil, err
	}
	data := bytes.Clone(p.out.Bytes())
	e.pool.Put(p)
	return data, nil
}

// Encode packs one batch.
func Encode(b Batch) ([]byte, error) { return new(Encoder).Encode(b) }

// Fit packs as many of the events of a batch as a number of bytes has room for, at least one, and tells how many those are.
func (e *Encoder) Fit(b Batch, room int) (data []byte, n int, err error) {
	for n = len(b.Events); ; {
		data, err = e.Encode(Batch{Process: b.Process, Events: b.Events[:n]})
		if err != nil || len(data) <= room || n <= 1 {
			return data, n, err
		}
		n = max(1, min(n*9/10, n*room/len(data)))
	}
}

// Count is how many events data that Encode wrote holds, without unpacking them.
func Count(data []byte) (int, error) {
	if len(data) < header || !bytes.HasPrefix(data, magic) {
		return 0, ErrForeign
	}
	return int(binary.BigEndian.Uint32(data[len(magic):])), nil
}

// Decode unpacks what Encode packed. Numbers among values keep all their digits.
func Decode(data []byte) (b Batch, err error) {
	if _, err := Count(data); err != nil {
		return b, err
	}
	d := json.NewDecoder(io.LimitReader(flate.NewReader(bytes.NewReader(data[header:])), maxBatch))
	d.UseNumber()
	if err := d.Decode(&b); err != nil {
		return b, fmt.Errorf("decode events: %w", err)
	}
	return b, nil
}

// Plain is a batch without the values that JSON cannot hold; it says so of their variables.
func Plain(b Batch) Batch {
	b.Events = slices.Clone(b.Events)
	for i := range b.Events {
		if e := &b.Events[i]; !writable(e.Value) {
			e.Value, e.Cut = nil, true
		}
		if !writable(b.Events[i].Variables) {
			b.Events[i].Variables = nil
		}
	}
	return b
}

func writable(v any) bool {
	_, err := json.Marshal(v)
	return err == nil
}
