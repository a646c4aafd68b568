package marker

import (
	"fmt"
	"iter"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/events"
)

const (
	// maxBytes bounds the events of one marker before compression, which makes them a third to a half: Temporal warns of payloads of 512 KiB, and
	// refuses 2 MiB.
	maxBytes = 1 << 20
	// maxEvents bounds them, too: to pack as many takes a tenth of a second, and a workflow task that takes a second is taken for one that hangs.
	maxEvents = 30_000
)

// Source are events, in their order. Those of a step of a process are made each time that they are asked for, since a step that loops may have
// very many.
type Source interface {
	Len() int
	Events() iter.Seq[events.Event]
}

// List are events that are there.
type List []events.Event

// Len implements Source.
func (l List) Len() int { return len(l) }

// Events implements Source.
func (l List) Events() iter.Seq[events.Event] { return slices.Values(l) }

// Writer writes the events of one run of a workflow. What it does in a replay follows from the markers that it wrote before, not from the
// settings or the events of then: another worker, with other settings, replays the run.
type Writer struct {
	Process events.Process // whose events they are
	// Off writes none: the first marker of the run says so, and none follows.
	Off bool
	// Moved hears of each marker when it is written, never in a replay; last: of the last events of the workflow. nil: nobody does. It
	// must not block.
	Moved   func(last bool)
	Encoder *events.Encoder // nil: one of its own

	waiting []Source
	written int  // of the events of the first one
	decided bool // the first marker is there
	silent  bool // and said that there are no others
}

// Add has events written with the next Flush. They must not change any more.
func (w *Writer) Add(s Source) {
	if !w.silent && s.Len() > 0 {
		w.waiting = append(w.waiting, s)
	}
}

// Pending reports whether events wait to be written.
func (w *Writer) Pending() bool { return len(w.waiting) > 0 }

// Flush writes the events that wait, as one marker. What is too much for one stays for another workflow task: see Pending. It does not block,
// and must not be called from a handler that may not change anything, such as that of a query. last says that no others follow in the life of
// the workflow.
func (w *Writer) Flush(ctx workflow.Context, last bool) {
	if !w.Pending() {
		return
	}
	var packed []byte
	err := workflow.SideEffect(ctx, func(workflow.Context) any { return w.pack(last) }).Get(&packed)
	var count int
	if err == nil {
		count, err = events.Count(packed)
	}
	if err != nil {
		panic(fmt.Sprintf("read back events: %v", err)) // fails the workflow task, not the workflow
	}
	w.decided = true
	if count == 0 {
		w.silent, w.waiting = true, nil
		return
	}
	w.take(count)
}

// FlushAll writes all events that wait, over several workflow tasks when there are too many for one. Until then it blocks.
func (w *Writer) FlushAll(ctx workflow.Context, last bool) {
	for w.Flush(ctx, last); w.Pending(); w.Flush(ctx, last) {
		_ = workflow.Sleep(ctx, time.Millisecond) // of a context that is never cancelled
	}
}

// take forgets events that are written.
func (w *Writer) take(n int) {
	w.written += n
	for len(w.waiting) > 0 && w.written >= w.waiting[0].Len() {
		w.written -= w.waiting[0].Len()
		w.waiting = w.waiting[1:]
	}
	if len(w.waiting) == 0 {
		w.waiting, w.written = nil, 0
	}
}

// events are those that wait, as many as go into a marker.
func (w *Writer) events(yield func(events.Event) bool) {
	n := -w.written
	for _, s := range w.waiting {
		for e := range s.Events() {
			if n++; n > maxEvents || n > 0 && !yield(e) {
				return
			}
		}
	}
}

// pack is what a marker holds. It is not called in a replay.
func (w *Writer) pack(last bool) []byte {
	of := w.events
	off := w.Off && !w.decided
	if off {
		of = func(func(events.Event) bool) {}
	}
	encoder := w.Encoder
	if encoder == nil {
		encoder = &events.Encoder{}
	}
	packed, n, err := encoder.Pack(w.Process, of, maxBytes)
	if err != nil {
		panic(fmt.Sprintf("pack events: %v", err))
	}
	if w.Moved != nil && !off {
		all := -w.written
		for _, s := range w.waiting {
			all += s.Len()
		}
		w.Moved(last && n == all)
	}
	return packed
}
