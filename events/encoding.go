package events

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
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
type Encoder struct {
	mu    sync.Mutex
	spare []*packing
}

// maxSpare bounds what an encoder keeps, about 1 MB each. A sync.Pool would lose it with every other garbage collection.
const maxSpare = 4

type packing struct {
	out  bytes.Buffer
	flat *flate.Writer
	json *json.Encoder
}

// Pack packs events of a process, in order, until there are about room bytes of them, at least one, and tells how many those are. A value
// that JSON cannot hold is left out, and its event says that it is cut.
func (e *Encoder) Pack(p Process, of iter.Seq[Event], room int) (data []byte, n int, err error) {
	head, err := json.Marshal(Batch{Process: p, Events: []Event{}})
	if err != nil {
		return nil, 0, fmt.Errorf("encode %q: %w", p.Instance, err)
	}
	k, err := e.take()
	if err != nil {
		return nil, 0, err
	}
	k.out.Reset()
	k.flat.Reset(&k.out)
	k.out.Write(magic)
	k.out.Write(make([]byte, header-len(magic)))
	if n, err = k.write(head, of, room); err != nil {
		return nil, 0, fmt.Errorf("encode events of %q: %w", p.Instance, err)
	}
	data = bytes.Clone(k.out.Bytes())
	binary.BigEndian.PutUint32(data[len(magic):], uint32(n))
	e.give(k)
	return data, n, nil
}

func (e *Encoder) take() (*packing, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if n := len(e.spare); n > 0 {
		k := e.spare[n-1]
		e.spare = e.spare[:n-1]
		return k, nil
	}
	k := &packing{}
	flat, err := flate.NewWriter(&k.out, flate.BestSpeed)
	k.flat, k.json = flat, json.NewEncoder(flat)
	return k, err
}

func (e *Encoder) give(k *packing) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.spare) < maxSpare {
		e.spare = append(e.spare, k)
	}
}

// end is what follows the events in a batch.
const end = "]}"

func (k *packing) write(head []byte, of iter.Seq[Event], room int) (n int, err error) {
	_, err = k.flat.Write(head[:len(head)-len(end)])
	for event := range of {
		if err == nil && n > 0 {
			_, err = io.WriteString(k.flat, ",")
		}
		if err == nil {
			err = k.event(event)
		}
		if err != nil {
			return n, err
		}
		if n++; k.out.Len() >= room {
			break
		}
	}
	if err == nil {
		_, err = io.WriteString(k.flat, end)
	}
	return n, errors.Join(err, k.flat.Close())
}

func (k *packing) event(e Event) error {
	if err := k.json.Encode(e); err == nil || e.Value == nil && e.Variables == nil {
		return err
	}
	e.Value, e.Variables, e.Cut = nil, nil, true
	return k.json.Encode(e)
}

// Encode packs one batch. One without events says that events are not recorded.
func Encode(b Batch) ([]byte, error) {
	data, _, err := new(Encoder).Pack(b.Process, slices.Values(b.Events), maxBatch)
	return data, err
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
