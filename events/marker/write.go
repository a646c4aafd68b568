package marker

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/events"
)

const (
	// maxBytes bounds the events of one marker, packed: Temporal warns of payloads of that size, and refuses 2 MiB.
	maxBytes = 512 << 10
	// maxMarkers bounds the markers of one workflow task, which goes to the server in one message of at most 4 MiB.
	maxMarkers = 3
)

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

	waiting []events.Event
	decided bool // the first marker is there
	silent  bool // and said that there are no others
}

// Add has events written with the next Flush.
func (w *Writer) Add(more ...events.Event) {
	if !w.silent {
		w.waiting = append(w.waiting, more...)
	}
}

// Pending reports whether events wait to be written.
func (w *Writer) Pending() bool { return len(w.waiting) > 0 }

// Flush writes the events that wait, as one marker. It does not block, and must not be called from a handler that may not change anything,
// such as that of a query. Many large ones become several markers, and what is too much for one workflow task stays: see Pending. last
// says that no others follow in the life of the workflow.
func (w *Writer) Flush(ctx workflow.Context, last bool) {
	for n := 0; w.Pending() && n < maxMarkers; n++ {
		batch := events.Batch{Process: w.Process, Events: w.waiting}
		off := w.Off && !w.decided
		var packed []byte
		err := workflow.SideEffect(ctx, func(workflow.Context) any { return w.pack(batch, off, last) }).Get(&packed)
		if err != nil {
			panic(fmt.Sprintf("read back events: %v", err)) // fails the workflow task, not the workflow
		}
		count, err := events.Count(packed)
		if err != nil {
			panic(fmt.Sprintf("read back events: %v", err))
		}
		w.decided = true
		if count == 0 {
			w.silent, w.waiting = true, nil
			return
		}
		w.waiting = w.waiting[min(count, len(w.waiting)):]
	}
	if !w.Pending() {
		w.waiting = nil
	}
}

// pack is what a marker holds. It is not called in a replay.
func (w *Writer) pack(b events.Batch, off, last bool) []byte {
	if off {
		b.Events = nil
	}
	encoder := w.Encoder
	if encoder == nil {
		encoder = &events.Encoder{}
	}
	packed, n, err := encoder.Fit(b, maxBytes)
	if err != nil {
		packed, n, err = encoder.Fit(events.Plain(b), maxBytes)
	}
	if err != nil {
		panic(fmt.Sprintf("pack events of %q: %v", b.Instance, err))
	}
	if w.Moved != nil && !off {
		w.Moved(last && n == len(b.Events))
	}
	return packed
}
