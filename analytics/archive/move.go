package archive

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/events"
)

// Moved is what Move has done.
type Moved struct {
	Staged    int   // files that were taken
	Documents int   // that the archive got
	Repeated  int   // that were there before in the same batch
	Blocks    int   // that were written
	Bytes     int64 // of their text
	Packed    int64 // of their files
	// Damaged are staged files that are not as they were written, at most MaxNamed. They stay where they are.
	Damaged []string
}

// MaxNamed bounds the names in an answer.
const MaxNamed = 100

// plan says which staged files a batch takes, and whether all of them are in the archive.
type plan struct {
	Batch  string   `json:"batch"`
	Staged []string `json:"staged"`
	Merged bool     `json:"merged"`
}

// Move takes all that is staged into the archive, batch by batch. It can be interrupted at any point; the next one goes on. Only one may
// run at a time.
func (a *Archive) Move(ctx context.Context) (Moved, error) {
	m := &move{Archive: a, bad: map[string]bool{}}
	for {
		more, err := m.one(ctx)
		if err != nil {
			return m.did, fmt.Errorf("archive events: %w", err)
		}
		if !more {
			return m.did, nil
		}
	}
}

type move struct {
	*Archive
	did Moved
	bad map[string]bool // staged files that are damaged
}

// one does a batch: what is left of an interrupted one, or a new one; false: there is none.
func (m *move) one(ctx context.Context) (bool, error) {
	p, b, err := m.resume(ctx)
	if err != nil {
		return false, err
	}
	if p == nil {
		if p, b, err = m.begin(ctx); err != nil || p == nil {
			return false, err
		}
	}
	if !p.Merged {
		if err := m.merge(ctx, p.Batch, b); err != nil {
			return false, err
		}
		if err := m.confirm(ctx, p.Batch, b); err != nil {
			return false, err
		}
		p.Merged = true
		if err := m.note(ctx, p); err != nil {
			return false, err
		}
	}
	for _, key := range p.Staged {
		if m.bad[key] {
			continue
		}
		if err := m.remove(ctx, key); err != nil {
			return false, err
		}
		m.did.Staged++
	}
	return true, m.remove(ctx, moving)
}

// resume reads an interrupted batch; nil: there is none.
func (m *move) resume(ctx context.Context) (*plan, *batch, error) {
	data, err := m.read(ctx, moving)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	var p plan
	if err := json.Unmarshal(data, &p); err != nil {
		return nil, nil, damaged(moving, "%v: delete it, which at worst has a few documents archived twice", err)
	}
	b := newBatch()
	if p.Merged {
		return &p, b, nil
	}
	for _, key := range p.Staged {
		if err := m.take(ctx, key, b); err != nil {
			return nil, nil, err
		}
	}
	return &p, b, nil
}

// begin reads staged files until the batch is full and writes down which they are; nil: there are none.
func (m *move) begin(ctx context.Context) (*plan, *batch, error) {
	var p plan
	b := newBatch()
	for key, err := range m.Staged(ctx) {
		if err != nil {
			return nil, nil, err
		}
		if m.bad[key] {
			continue
		}
		if err := m.take(ctx, key, b); err != nil {
			return nil, nil, err
		}
		if !m.bad[key] {
			p.Staged = append(p.Staged, key)
		}
		if b.size >= m.batch {
			break
		}
	}
	if len(p.Staged) == 0 {
		return nil, nil, nil
	}
	p.Batch = digest([]byte(strings.Join(p.Staged, "\n")))[:16]
	return &p, b, m.note(ctx, &p)
}

func (m *move) note(ctx context.Context, p *plan) error {
	data, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return m.write(ctx, moving, "application/json", data)
}

// take reads a staged file into a batch. One that is gone was taken already.
func (m *move) take(ctx context.Context, key string, b *batch) error {
	packed, err := m.readStaged(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = unpack(key, packed, func(line []byte) error { return b.add(key, line) })
	}
	if errors.Is(err, ErrDamaged) && !m.bad[key] {
		m.bad[key] = true
		if len(m.did.Damaged) < MaxNamed {
			m.did.Damaged = append(m.did.Damaged, key)
		}
		return nil
	}
	return err
}

// merge writes the blocks of a batch that no manifest has yet.
func (m *move) merge(ctx context.Context, name string, b *batch) error {
	m.did.Repeated += b.repeated
	for _, d := range slices.SortedFunc(maps.Keys(b.days), func(a, b day) int {
		return cmp.Or(cmp.Compare(a.tenant, b.tenant), cmp.Compare(a.day, b.day))
	}) {
		listed, err := m.manifest(ctx, d.tenant, d.day)
		if err != nil {
			return err
		}
		e := entry{Name: name + suffix, Documents: len(b.days[d])}
		if listed.has(e.Name) {
			continue
		}
		packed, err := pack(slices.Values(b.days[d]))
		if err != nil {
			return err
		}
		for _, line := range b.days[d] {
			e.Bytes += int64(len(line)) + 1
		}
		e.SHA256, e.Packed = digest(packed), int64(len(packed))
		if err := m.write(ctx, dayFolder(d.tenant, d.day)+e.Name, gzipType, packed); err != nil {
			return err
		}
		if err := m.mine(ctx, name); err != nil {
			return err
		}
		listed.add(e)
		if err := m.writeManifest(ctx, listed); err != nil {
			return err
		}
		m.did.Blocks++
		m.did.Documents += e.Documents
		m.did.Bytes += e.Bytes
		m.did.Packed += e.Packed
	}
	return nil
}

// errBeside says that another Move runs beside this one, which gives way. The next goes on.
var errBeside = errors.New("another archiving is under way, or has just ended")

// mine fails when another Move has gone on to another batch. Only one is started at a time, but one that has timed out may still be at work beside
// the next: it must not put a manifest back to what it has read before.
func (m *move) mine(ctx context.Context, batch string) error {
	data, err := m.read(ctx, moving)
	if errors.Is(err, fs.ErrNotExist) {
		return errBeside
	}
	if err != nil {
		return err
	}
	var p plan
	if json.Unmarshal(data, &p) != nil || p.Batch != batch {
		return errBeside
	}
	return nil
}

// confirm reads the manifests of a batch again: what is staged is deleted only when they list it.
func (m *move) confirm(ctx context.Context, name string, b *batch) error {
	for d := range b.days {
		listed, err := m.manifest(ctx, d.tenant, d.day)
		if err != nil {
			return err
		}
		if !listed.has(name + suffix) {
			return fmt.Errorf("the manifest of %s does not list %s any more: %w", dayFolder(d.tenant, d.day), name+suffix, errBeside)
		}
	}
	return m.mine(ctx, name)
}

// batch are documents by where they belong.
type batch struct {
	days     map[day][][]byte
	seen     map[version]struct{}
	size     int
	repeated int
}

type day struct{ tenant, day string }

type version struct {
	index, id string
	version   int64
}

func newBatch() *batch { return &batch{days: map[day][][]byte{}, seen: map[version]struct{}{}} }

func (b *batch) add(key string, line []byte) error {
	d, err := decode(key, line)
	if err != nil {
		return err
	}
	v := version{index: d.Index(), id: d.ID(), version: d.Version()}
	if _, ok := b.seen[v]; ok {
		b.repeated++
		return nil
	}
	b.seen[v] = struct{}{}
	at := dayOf(d)
	b.days[at] = append(b.days[at], bytes.Clone(line))
	b.size += len(line) + 1
	return nil
}

func dayOf(d events.Document) day { return day{tenant: d.Tenant, day: d.Time.UTC().Format(dayForm)} }
