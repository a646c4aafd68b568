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
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// magic begins what Encode writes, so that it is told from other data beside it. The number of events follows, in four bytes of which the
// first is the highest, a byte that says how the rest is kept, and the rest: the process and then the events, each as its length and a message
// of fields.
var magic = []byte("WBE1")

const header = 9

// How the rest is kept.
const (
	keptPlain      = 0
	keptCompressed = 1 // RFC 1951
)

// compressed is from how many bytes on compression is worth its while: a batch seldom has more than some hundred.
const compressed = 2 << 10

// decodedAtOnce bounds the room that is made for the events of a batch before it is known that they are there.
const decodedAtOnce = 100

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
	batch   []byte
	message writer
	entry   entry
	flat    *flate.Writer // nil: not needed yet
}

// Pack packs events of a process, in order, until there are about room bytes of them before compression, at least one, and tells how many
// those are. A value that JSON cannot hold is left out, and its event says that it is cut.
func (e *Encoder) Pack(p Process, of iter.Seq[Event], room int) (data []byte, n int, err error) {
	k := e.take()
	defer e.give(k)
	k.message.reset()
	k.batch = append(append(k.batch[:0], magic...), make([]byte, header-len(magic))...)
	p.fields(&k.message)
	k.end()
	for event := range of {
		k.event(event)
		if n++; len(k.batch) >= room {
			break
		}
	}
	binary.BigEndian.PutUint32(k.batch[len(magic):], uint32(n))
	if len(k.batch) < compressed {
		return bytes.Clone(k.batch), n, nil
	}
	if data, err = k.compress(); err != nil {
		return nil, 0, fmt.Errorf("compress events of %q: %w", p.Instance, err)
	}
	return data, n, nil
}

func (e *Encoder) take() *packing {
	e.mu.Lock()
	defer e.mu.Unlock()
	if n := len(e.spare); n > 0 {
		k := e.spare[n-1]
		e.spare = e.spare[:n-1]
		return k
	}
	return &packing{message: writer{texts: map[string]uint64{}}}
}

func (e *Encoder) give(k *packing) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.spare) < maxSpare {
		e.spare = append(e.spare, k)
	}
}

// end adds the message to the batch.
func (k *packing) end() {
	k.batch = protowire.AppendBytes(k.batch, k.message.out)
	k.message.out = k.message.out[:0]
}

func (k *packing) event(event Event) {
	k.entry = entry{Event: event}
	e := &k.entry
	var errs [2]error
	if e.Value != nil {
		e.value, errs[0] = json.Marshal(e.Value)
	}
	if len(e.Variables) > 0 {
		e.variables, errs[1] = json.Marshal(e.Variables)
	}
	if errors.Join(errs[:]...) != nil {
		e.value, e.variables, e.Cut = nil, nil, true
	}
	e.fields(&k.message)
	k.end()
}

func (k *packing) compress() (data []byte, err error) {
	var out bytes.Buffer
	out.Write(k.batch[:header])
	out.Bytes()[header-1] = keptCompressed
	if k.flat == nil {
		k.flat, err = flate.NewWriter(&out, flate.BestSpeed)
	} else {
		k.flat.Reset(&out)
	}
	if err == nil {
		_, err = k.flat.Write(k.batch[header:])
	}
	if err == nil {
		err = k.flat.Close()
	}
	return out.Bytes(), err
}

// Compressed tells whether a packed batch is: it has many events, or long ones.
func Compressed(packed []byte) bool { return packed[header-1] != keptPlain }

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
	n, err := Count(data)
	if err != nil {
		return b, err
	}
	body := data[header:]
	if data[header-1] != keptPlain {
		if body, err = io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(body)), maxBatch)); err != nil {
			return b, fmt.Errorf("decode events: %w", err)
		}
	}
	r := &reader{last: time.Unix(0, 0)}
	r.load(next(&body, r))
	b.Process.fields(r)
	b.Events = make([]Event, 0, min(n, decodedAtOnce))
	var e entry
	for len(body) > 0 && r.err == nil {
		e = entry{}
		r.load(next(&body, r))
		e.fields(r)
		r.err = errors.Join(r.err, read(e.value, &e.Value), read(e.variables, &e.Variables))
		b.Events = append(b.Events, e.Event)
	}
	if r.err == nil && len(b.Events) != n {
		r.err = fmt.Errorf("there are %d of %d", len(b.Events), n)
	}
	if r.err != nil {
		return Batch{}, fmt.Errorf("decode events: %w", r.err)
	}
	return b, nil
}

// next takes a message.
func next(body *[]byte, r *reader) []byte {
	message, size := protowire.ConsumeBytes(*body)
	if size < 0 {
		r.err = errMalformed
		return nil
	}
	*body = (*body)[size:]
	return message
}

// read reads what an event has as JSON; into keeps what it holds when there is nothing.
func read(text []byte, into any) error {
	if len(text) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d.Decode(into)
}
