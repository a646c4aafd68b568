package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/waybill-io/waybill/events"
)

// Held is a document as the index holds it.
type Held struct {
	ID      string
	Version int64
	Sum     uint64
	Time    time.Time // of its event
	Beyond  bool      // it is older than the sources go back: only when they know it, it is compared
}

// Index is what is compared with a ledger.
type Index interface {
	// Each calls visit with all documents of an index, one of events.Indexes.
	Each(ctx context.Context, index string, visit func(Held) error) error
}

// Kinds of differences.
const (
	Missing   = "missing"   // the sources have it
	Extra     = "extra"     // no source has it
	Different = "different" // of another version, or it says something else
)

// Difference is a document that is not as it should be.
type Difference struct {
	Kind   string
	Index  string
	ID     string
	Detail string
}

// Count counts documents of an index. A sum is over their ids and versions, in any order.
type Count struct {
	Index     string
	Expected  int64
	Sum       uint64 // of those
	Held      int64
	HeldSum   uint64
	Missing   int64
	Extra     int64
	Different int64
	Late      int64 // documents that moved meanwhile and are not counted above
	Beyond    int64 // documents older than the sources, which are not counted above
}

// Comparison is what a comparison, or a share of one, has found.
type Comparison struct {
	Counts      []Count // in the order of events.Indexes
	Differences []Difference
}

// known is an entry in memory.
type known struct {
	key     uint64
	version int64
	sum     uint64
}

// Versions that stand for something else in memory: those of documents are positive.
const (
	lateVersion = -1
	seenVersion = -2
)

// Compare compares a share, from 0, of all there are. It names at most limit differences, and counts the others.
func (l *Ledger) Compare(ctx context.Context, index Index, share, shares, limit int) (Comparison, error) {
	c, err := l.compare(ctx, index, share, shares, limit)
	if err != nil {
		return c, fmt.Errorf("compare the index with its sources: %w", err)
	}
	return c, nil
}

func (l *Ledger) compare(ctx context.Context, index Index, share, shares, limit int) (Comparison, error) {
	c := Comparison{}
	for _, name := range events.Indexes() {
		c.Counts = append(c.Counts, Count{Index: name})
	}
	mine := func(key uint64) bool { return key>>2%uint64(shares) == uint64(share) }
	expected, err := l.load(ctx, mine, c.Counts)
	if err != nil {
		return c, err
	}
	named := func(kind, index, id, detail string) {
		if len(c.Differences) < limit {
			c.Differences = append(c.Differences, Difference{Kind: kind, Index: index, ID: id, Detail: detail})
		}
	}
	for i, of := range events.Indexes() {
		err := index.Each(ctx, of, func(h Held) error {
			if k := key(byte(i), h.ID); mine(k) {
				l.look(k, h, expected, &c.Counts[i], named)
			}
			return nil
		})
		if err != nil {
			return c, err
		}
	}
	missing := map[uint64]bool{}
	for _, e := range expected {
		if e.version >= 0 {
			c.Counts[e.key&3].Missing++
			if len(missing) < limit {
				missing[e.key] = true
			}
		}
	}
	return c, l.name(ctx, missing, named)
}

// look compares a document with its entry, if there is one.
func (l *Ledger) look(k uint64, h Held, expected []known, count *Count, named func(kind, index, id, detail string)) {
	at, found := slices.BinarySearchFunc(expected, k, func(e known, k uint64) int { return cmp.Compare(e.key, k) })
	var e known
	if found {
		if e = expected[at]; e.version == lateVersion {
			return
		}
		expected[at].version = seenVersion
	}
	switch {
	case !h.Time.Before(l.late):
		count.Late++
		if found { // of which the sources told what it was before
			count.Expected--
			count.Sum -= mark(k, e.version)
		}
		return
	case !found && h.Beyond:
		count.Beyond++
		return
	}
	count.Held++
	count.HeldSum += mark(k, h.Version)
	switch {
	case !found:
		count.Extra++
		named(Extra, count.Index, h.ID, "")
	case e.version != h.Version:
		count.Different++
		named(Different, count.Index, h.ID, fmt.Sprintf("version %d, and the sources have %d", h.Version, e.version))
	case e.sum != h.Sum:
		count.Different++
		named(Different, count.Index, h.ID, fmt.Sprintf("version %d says something else than in the sources", h.Version))
	}
}

// load reads the entries of a share, one for each document, in the order of their keys, and counts them.
func (l *Ledger) load(ctx context.Context, mine func(uint64) bool, counts []Count) ([]known, error) {
	var all []known
	err := l.each(ctx, func(e entry) {
		k := key(e.index, e.id)
		if !mine(k) {
			return
		}
		if e.late {
			e.version = lateVersion
		}
		all = append(all, known{key: k, version: e.version, sum: e.sum})
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b known) int { // what moved late first, then the highest version
		return cmp.Or(cmp.Compare(a.key, b.key), -cmp.Compare(uint64(a.version), uint64(b.version)))
	})
	all = slices.CompactFunc(all, func(a, b known) bool { return a.key == b.key })
	for _, e := range all {
		count := &counts[e.key&3]
		if e.version == lateVersion {
			count.Late++
			continue
		}
		count.Expected++
		count.Sum += mark(e.key, e.version)
	}
	return all, nil
}

// name finds the ids of what is missing.
func (l *Ledger) name(ctx context.Context, missing map[uint64]bool, named func(kind, index, id, detail string)) error {
	if len(missing) == 0 {
		return nil
	}
	return l.each(ctx, func(e entry) {
		if k := key(e.index, e.id); missing[k] {
			delete(missing, k)
			named(Missing, events.Indexes()[k&3], e.id, "")
		}
	})
}
