package events

import (
	"encoding/binary"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// writer writes fields as Protocol Buffers do, but for two things. A text, or what else is of several bytes, that was there before is a number
// instead: its place among common and all those before it. And moments and sequences tell the difference from the one before.
type writer struct {
	out   []byte
	texts map[string]uint64 // where they are
	there uint64            // how many texts there are that what follows may refer to, but for common
	last  time.Time         // moment
	count int64             // sequence
}

func (w *writer) reset() {
	w.out, w.last, w.count, w.there = w.out[:0], time.Unix(0, 0), 0, 0
	clear(w.texts)
}

func (w *writer) varint(n int, value uint64) {
	w.out = protowire.AppendTag(w.out, protowire.Number(n), protowire.VarintType)
	w.out = protowire.AppendVarint(w.out, value)
}

func (w *writer) text(n int, value *string) {
	if *value == "" {
		return
	}
	place, known := commonPlaces[*value]
	if !known {
		place, known = w.texts[*value]
	}
	if known {
		w.varint(n, place)
		return
	}
	w.whole(n, *value)
}

// whole writes a text that is not there yet.
func (w *writer) whole(n int, text string) {
	if w.there < maxTexts {
		w.texts[text] = uint64(len(common)) + w.there
		w.there++
	}
	w.out = protowire.AppendTag(w.out, protowire.Number(n), protowire.BytesType)
	w.out = protowire.AppendString(w.out, text)
}

func (w *writer) data(n int, value *[]byte) {
	text := string(*value)
	w.text(n, &text)
}

func (w *writer) list(n int, value *[]string) {
	var all []byte
	for _, text := range *value {
		all = protowire.AppendString(all, text)
	}
	w.data(n, &all)
}

func (w *writer) sequence(n int, value *int64) {
	step := *value - w.count - 1
	w.integer(n, &step)
	w.count = *value
}

func (w *writer) integer(n int, value *int64) {
	if *value != 0 {
		w.varint(n, protowire.EncodeZigZag(*value))
	}
}

func (w *writer) number(n int, value *int) {
	wide := int64(*value)
	w.integer(n, &wide)
}

func (w *writer) optional(n int, value **int64) {
	if *value != nil {
		w.varint(n, protowire.EncodeZigZag(**value))
	}
}

func (w *writer) flag(n int, value *bool) {
	if *value {
		w.varint(n, 1)
	}
}

// moment writes a difference in milliseconds or, with the last bit set, in nanoseconds; a moment that is too far away whole.
func (w *writer) moment(n int, value *time.Time) {
	if value.IsZero() {
		return
	}
	at, before := *value, w.last
	w.last = at
	if step := at.UnixMilli() - before.UnixMilli(); at.Nanosecond()%int(time.Millisecond) == 0 && small(step) {
		w.varint(n, protowire.EncodeZigZag(step)<<1)
	} else if step := int64(at.Sub(before)); small(step) {
		w.varint(n, protowire.EncodeZigZag(step)<<1|1)
	} else {
		w.whole(n, string(binary.AppendVarint(binary.AppendVarint(nil, at.Unix()), int64(at.Nanosecond()))))
	}
}

// small tells whether a number has bits to spare.
func small(n int64) bool { return -1<<61 < n && n < 1<<61 }

var _ fields = (*writer)(nil)
