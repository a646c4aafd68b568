package marker

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/proto"

	"github.com/waybill-io/waybill/events"
)

const (
	// maxBytes bounds the events of one marker before compression, which makes them a third to a half: Temporal warns of payloads of 512 KiB, and
	// refuses 2 MiB.
	maxBytes = 1 << 20
	// maxEvents bounds them, too: to pack as many takes a tenth of a second, and a workflow task that takes a second is taken for one that hangs.
	maxEvents = 30_000
	// maxMemo bounds the events of a memo, with what else is in it, in bytes: of 2 KiB Temporal logs a warning, and lists bring memos.
	maxMemo = 1900
	// What bounds the markers that may be in a memo, which a run keeps until it ends, and the last events, by number and by their texts. It decides
	// whether a run has a memo, in a replay, too: other bounds are another engine version.
	maxMarkers    = 8 << 10
	maxLastEvents = 20
	maxLastTexts  = 1 << 10
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
// settings of then: another worker, with other settings, replays the run.
type Writer struct {
	Process events.Process // whose events they are
	// Off writes none: the first marker of the run says so, and none follows.
	Off bool
	// Memo has the run tell its events once more when it ends, if they are few: the last of them are in its memo instead of a marker, and beside them
	// is the latest of each thing that the markers tell of. Visibility has the memo of an execution that ended, so an indexer need not read its
	// history. It must be the same in each replay. The memo of a worker with a codec is in plain text when the codec fails.
	Memo bool
	// Moved hears of each marker, and of the memo, when it is written, never in a replay; last: of the last events of the workflow. nil: nobody
	// does. It must not block.
	Moved   func(last bool)
	Encoder *events.Encoder // nil: one of its own

	waiting []Source
	written int      // of the events of the first one
	decided bool     // the first marker is there
	silent  bool     // and said that there are no others
	markers [][]byte // of the run, as long as they may get into its memo
	size    int      // of all
}

// Add has events written with the next Flush. They must not change any more.
func (w *Writer) Add(s Source) {
	if !w.silent && s.Len() > 0 {
		w.waiting = append(w.waiting, s)
	}
}

// Pending reports whether events wait to be written.
func (w *Writer) Pending() bool { return len(w.waiting) > 0 }

// Flush writes the events that wait, as one marker, or the memo. What is too much for one stays for another workflow task: see Pending. It does not block,
// and must not be called from a handler that may not change anything, such as that of a query. last says that no others follow in the life of
// the workflow.
func (w *Writer) Flush(ctx workflow.Context, last bool) {
	if !w.Pending() || last && w.memo(ctx) {
		return
	}
	var packed []byte
	err := workflow.SideEffect(ctx, func(workflow.Context) any { return w.marker(last) }).Get(&packed)
	var count int
	if err == nil {
		count, err = events.Count(packed)
	}
	if err != nil {
		panic(fmt.Sprintf("read back events: %v", err)) // fails the workflow task, not the workflow
	}
	w.decided = true
	w.keep(packed)
	if count == 0 {
		w.silent, w.waiting = true, nil
		return
	}
	w.take(count)
}

// keep keeps a marker for the memo. One that is compressed has too much for that.
func (w *Writer) keep(packed []byte) {
	w.markers = append(w.markers, packed)
	if w.size += len(packed); !w.Memo || w.size > maxMarkers || events.Compressed(packed) {
		w.Memo, w.markers = false, nil
	}
}

// memo writes all events that wait to the memo, with what the markers tell; false: they are too many, or the run has no marker, which says whether
// there are events at all.
func (w *Writer) memo(ctx workflow.Context) bool {
	if len(w.markers) == 0 || w.count() > maxLastEvents || w.texts() > maxLastTexts {
		return false
	}
	memo := map[string]any{LastMemo: []byte{}} // as a replay has it, which compares the kinds of commands, not what they hold
	if !workflow.IsReplaying(ctx) {
		last, _ := w.pack(w.events, maxBytes)
		memo[LastMemo] = last
		if earlier := w.earlier(); proto.Size(workflow.GetInfo(ctx).Memo)+len(last)+len(earlier) <= maxMemo {
			memo[EarlierMemo] = earlier
		}
		if w.Moved != nil {
			w.Moved(true)
		}
	}
	if err := workflow.UpsertMemo(ctx, memo); err != nil {
		panic(fmt.Sprintf("put events into the memo: %v", err))
	}
	w.take(w.count())
	return true
}

// earlier packs what the markers tell, of each thing the latest event, but for what the events that wait are about.
func (w *Writer) earlier() []byte {
	known := map[string]int64{} // versions of documents
	newer := func(d *events.Document) bool {
		id := d.Index() + " " + d.ID()
		version, told := known[id]
		if told && version >= d.Version() {
			return false
		}
		known[id] = d.Version()
		return true
	}
	waiting := events.Batch{Process: w.Process, Events: slices.Collect(w.events)}.Documents()
	for i := range waiting {
		newer(&waiting[i])
	}
	var list []events.Event
	for _, packed := range slices.Backward(w.markers) {
		b, err := events.Decode(packed)
		if err != nil {
			panic(fmt.Sprintf("read back events: %v", err))
		}
		for n, d := range slices.Backward(b.Documents()) {
			if newer(&d) {
				list = append(list, b.Events[n])
			}
		}
	}
	slices.Reverse(list)
	packed, _ := w.pack(slices.Values(list), maxBytes)
	return packed
}

// texts is how many bytes what may be long takes in the events that wait: names, each once, and values as JSON. The wording of errors, which another
// version may change, does not count: with one of them there is no room for others.
func (w *Writer) texts() (n int) {
	known := map[string]bool{}
	count := func(names ...string) {
		for _, name := range names {
			if !known[name] {
				known[name] = true
				n += len(name)
			}
		}
	}
	p := w.Process
	count(p.Instance, p.Key, p.Name, p.BusinessKey, p.Root, p.Parent)
	for e := range w.events {
		if e.Error != "" {
			n += events.MaxText
		}
		text, _ := json.Marshal([]any{e.Value, e.Variables}) // what JSON cannot hold, events do not
		n += len(text)
		count(e.UserID, e.ActivityID, e.ActivityName, e.SourceID, e.SourceName, e.TargetID, e.TargetName, e.SignalName, e.MessageName, e.ErrorCode, e.TaskID, e.Name,
			e.TaskKey, e.Description, e.Assignee, e.Owner, e.Category, e.FormKey, e.Implementation, e.Topic, e.WorkerID)
		count(e.CandidateUsers...)
		count(e.CandidateGroups...)
	}
	return n
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

// count is how many events wait.
func (w *Writer) count() int {
	n := -w.written
	for _, s := range w.waiting {
		n += s.Len()
	}
	return n
}

// marker is what the next marker holds. It is not called in a replay.
func (w *Writer) marker(last bool) []byte {
	if w.Off && !w.decided {
		packed, _ := w.pack(func(func(events.Event) bool) {}, maxBytes)
		return packed
	}
	packed, n := w.pack(w.events, maxBytes)
	if w.Moved != nil {
		w.Moved(last && n == w.count())
	}
	return packed
}

// pack packs events, as many as there is room for.
func (w *Writer) pack(of iter.Seq[events.Event], room int) ([]byte, int) {
	packed, n, err := w.encoder().Pack(w.Process, of, room)
	if err != nil {
		panic(fmt.Sprintf("pack events: %v", err))
	}
	return packed, n
}

func (w *Writer) encoder() *events.Encoder {
	if w.Encoder == nil {
		w.Encoder = &events.Encoder{}
	}
	return w.Encoder
}
