// Package marker is how histories of Temporal hold events: one marker, of a side effect, in each workflow task in which something happened. The last
// events of a run may be in its memo instead, where the latest events of all other things are beside them, if they are few: visibility has them then.
package marker

import (
	"errors"
	"fmt"
	"slices"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/converter"

	"github.com/waybill-io/waybill/events"
)

// plain are the encodings of values that no codec has changed: what is no text of bytes there is not ours.
var plain = []string{
	converter.MetadataEncodingBinary, converter.MetadataEncodingNil, converter.MetadataEncodingJSON, converter.MetadataEncodingProto, converter.MetadataEncodingProtoJSON,
}

// Keys of the memo of a run that tells its events there: see Writer.Memo.
const (
	LastMemo    = "waybillEvents"        // its last events, in the place of a marker
	EarlierMemo = "waybillEarlierEvents" // the latest event of each other thing; not there when they are too many
)

// Read returns the events that an event of a history holds; false: none. What a codec has encrypted or compressed, and from does not know, may
// be events: that is an error.
func Read(e *history.HistoryEvent, from converter.DataConverter) (b events.Batch, ok bool, err error) {
	p := Payload(e)
	if p == nil {
		return b, false, nil
	}
	var packed []byte
	if err := from.FromPayload(p, &packed); err != nil {
		if encoding := string(p.GetMetadata()[converter.MetadataEncoding]); !slices.Contains(plain, encoding) {
			return b, false, fmt.Errorf("event %d of the history: its encoding %q cannot be read; the codec of the workers is needed: %w", e.GetEventId(), encoding, err)
		}
		return b, false, nil // of another side effect
	}
	b, err = events.Decode(packed)
	if errors.Is(err, events.ErrForeign) {
		return b, false, nil
	}
	if err != nil {
		return b, false, fmt.Errorf("event %d of the history: %w", e.GetEventId(), err)
	}
	return b, true, nil
}

// Payload is that of an event of a history which may hold events; nil: it cannot.
func Payload(e *history.HistoryEvent) *common.Payload {
	switch e.GetEventType() {
	case enums.EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED:
		return e.GetWorkflowPropertiesModifiedEventAttributes().GetUpsertedMemo().GetFields()[LastMemo]
	case enums.EVENT_TYPE_MARKER_RECORDED:
		m := e.GetMarkerRecordedEventAttributes()
		if data := m.GetDetails()["data"].GetPayloads(); m.GetMarkerName() == "SideEffect" && len(data) == 1 {
			return data[0]
		}
	}
	return nil
}

// Summary returns the latest events of all things in a run from its memo, the newest first; none: its history must be read.
func Summary(m *common.Memo, from converter.DataConverter) (all []events.Batch, err error) {
	fields := m.GetFields()
	if fields[LastMemo] == nil || fields[EarlierMemo] == nil {
		return nil, nil
	}
	for _, key := range []string{LastMemo, EarlierMemo} {
		var packed []byte
		if err := from.FromPayload(fields[key], &packed); err != nil {
			return nil, fmt.Errorf("read %s of the memo: %w", key, err)
		}
		b, err := events.Decode(packed)
		if err != nil {
			return nil, fmt.Errorf("read %s of the memo: %w", key, err)
		}
		all = append(all, b)
	}
	return all, nil
}
