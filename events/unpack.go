package events

import (
	"encoding/binary"
	"errors"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// errMalformed is the error for what no writer wrote.
var errMalformed = errors.New("they are malformed")

// slot is what there is of a field.
type slot struct {
	kind  protowire.Type
	value uint64
	text  string
}

// reader reads what writer wrote, message by message. It passes over fields that it does not know: a later version may have more.
type reader struct {
	slots [maxField]slot
	set   uint64 // the slots that this message has
	texts []string
	last  time.Time
	count int64
	err   error
}

// load reads the fields of a message. All its texts are remembered, those of unknown fields, too.
func (r *reader) load(message []byte) {
	r.set = 0
	for len(message) > 0 {
		n, kind, size := protowire.ConsumeTag(message)
		if size < 0 {
			r.err = errMalformed
			return
		}
		message = message[size:]
		s := slot{kind: kind}
		switch kind {
		case protowire.VarintType:
			s.value, size = protowire.ConsumeVarint(message)
		case protowire.BytesType:
			var data []byte
			if data, size = protowire.ConsumeBytes(message); size >= 0 {
				s.text = string(data)
				if len(r.texts) < maxTexts {
					r.texts = append(r.texts, s.text)
				}
			}
		default:
			size = -1
		}
		if size < 0 {
			r.err = errMalformed
			return
		}
		message = message[size:]
		if n < maxField {
			r.slots[n] = s
			r.set |= 1 << n
		}
	}
}

// take returns what there is of a field; nil: nothing.
func (r *reader) take(n int) *slot {
	if r.set&(1<<n) == 0 {
		return nil
	}
	return &r.slots[n]
}

func (r *reader) text(n int, value *string) {
	s := r.take(n)
	switch {
	case s == nil:
	case s.kind == protowire.BytesType:
		*value = s.text
	case s.value < uint64(len(common)):
		*value = common[s.value]
	case s.value-uint64(len(common)) < uint64(len(r.texts)):
		*value = r.texts[s.value-uint64(len(common))]
	default:
		r.err = errMalformed
	}
}

func (r *reader) data(n int, value *[]byte) {
	var text string
	if r.text(n, &text); text != "" {
		*value = []byte(text)
	}
}

func (r *reader) list(n int, value *[]string) {
	var all []byte
	r.data(n, &all)
	for len(all) > 0 {
		text, size := protowire.ConsumeString(all)
		if size < 0 {
			r.err = errMalformed
			return
		}
		*value = append(*value, text)
		all = all[size:]
	}
}

func (r *reader) signed(n int) (value int64, ok bool) {
	s := r.take(n)
	if s == nil {
		return 0, false
	}
	if s.kind != protowire.VarintType {
		r.err = errMalformed
	}
	return protowire.DecodeZigZag(s.value), true
}

func (r *reader) sequence(n int, value *int64) {
	step, _ := r.signed(n)
	r.count += step + 1
	*value = r.count
}

func (r *reader) integer(n int, value *int64) { *value, _ = r.signed(n) }

func (r *reader) number(n int, value *int) {
	wide, _ := r.signed(n)
	*value = int(wide)
}

func (r *reader) optional(n int, value **int64) {
	if v, ok := r.signed(n); ok {
		*value = &v
	}
}

func (r *reader) flag(n int, value *bool) { *value = r.take(n) != nil }

func (r *reader) moment(n int, value *time.Time) {
	s := r.take(n)
	if s == nil {
		return
	}
	if s.kind == protowire.VarintType {
		step := protowire.DecodeZigZag(s.value >> 1)
		if s.value&1 == 0 {
			r.last = time.UnixMilli(r.last.UnixMilli() + step).UTC()
		} else {
			r.last = r.last.Add(time.Duration(step)).UTC()
		}
		*value = r.last
		return
	}
	seconds, size := binary.Varint([]byte(s.text))
	if size <= 0 {
		r.err = errMalformed
		return
	}
	nanos, more := binary.Varint([]byte(s.text[size:]))
	if more <= 0 {
		r.err = errMalformed
		return
	}
	r.last = time.Unix(seconds, nanos).UTC()
	*value = r.last
}

var _ fields = (*reader)(nil)
