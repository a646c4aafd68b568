package ledger

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"slices"

	"github.com/waybill-io/waybill/analytics"
	"github.com/waybill-io/waybill/events"
)

// entry is what a document should be.
type entry struct {
	index   byte   // place in events.Indexes
	id      string // in the index
	version int64
	sum     uint64 // of what it says
	late    bool   // it is not compared
}

// Sum is the checksum of what a document says: two that say the same have the same, however their JSON is written.
func Sum(d *events.Document) (uint64, error) {
	h := fnv.New64a()
	if err := json.NewEncoder(h).Encode(d); err != nil {
		return 0, fmt.Errorf("encode document %q: %w", d.ID(), err)
	}
	return h.Sum64(), nil
}

func entryOf(d *events.Document, late bool) (entry, error) {
	sum, err := Sum(d)
	return entry{index: byte(slices.Index(events.Indexes(), d.Index())), id: analytics.ID(d), version: d.Version(), sum: sum, late: late}, err
}

// key is what an entry is found by: a hash of the id, in whose last two bits is the index.
func key(index byte, id string) uint64 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, id) // to memory
	return mix(h.Sum64())&^3 | uint64(index&3)
}

// mix spreads a hash over all its bits, so that parts of it can be used (the finalizer of MurmurHash3).
func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// mark is the part of the checksum over ids and versions that a document has.
func mark(key uint64, version int64) uint64 { return mix(key ^ mix(uint64(version))) }

// maxID bounds an id: an index takes 512 bytes.
const maxID = 1024

func write(w *bufio.Writer, e entry) error {
	var head [27]byte
	head[0] = e.index
	if e.late {
		head[1] = 1
	}
	binary.LittleEndian.PutUint64(head[2:], uint64(e.version))
	binary.LittleEndian.PutUint64(head[10:], e.sum)
	n := binary.PutUvarint(head[18:], uint64(len(e.id)))
	if _, err := w.Write(head[:18+n]); err != nil {
		return err
	}
	_, err := w.WriteString(e.id)
	return err
}

// read returns io.EOF at the end.
func read(r *bufio.Reader) (e entry, err error) {
	var head [18]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return e, err
	}
	n, err := binary.ReadUvarint(r)
	if err == nil && n > maxID {
		err = fmt.Errorf("an id of %d bytes", n)
	}
	id := make([]byte, min(n, maxID))
	if err == nil {
		_, err = io.ReadFull(r, id)
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return entry{
		index: head[0], late: head[1] == 1, version: int64(binary.LittleEndian.Uint64(head[2:])), sum: binary.LittleEndian.Uint64(head[10:]), id: string(id),
	}, err
}
