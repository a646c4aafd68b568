// Package marker is how histories of Temporal hold events: one marker, of a side effect, in each workflow task in which something happened.
package marker

import (
	"errors"
	"fmt"
	"slices"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/converter"

	"github.com/waybill-io/waybill/events"
)

// plain are the encodings of values that no codec has changed: what is no text of bytes there is not ours.
var plain = []string{
	converter.MetadataEncodingBinary, converter.MetadataEncodingNil, converter.MetadataEncodingJSON, converter.MetadataEncodingProto, converter.MetadataEncodingProtoJSON,
}

// Read returns the events that an event of a history holds; false: none. What a codec has encrypted or compressed, and from does not know, may
// be events: that is an error.
func Read(e *history.HistoryEvent, from converter.DataConverter) (b events.Batch, ok bool, err error) {
	if e.GetEventType() != enums.EVENT_TYPE_MARKER_RECORDED || e.GetMarkerRecordedEventAttributes().GetMarkerName() != "SideEffect" {
		return b, false, nil
	}
	var packed []byte
	payloads := e.GetMarkerRecordedEventAttributes().GetDetails()["data"]
	if len(payloads.GetPayloads()) != 1 {
		return b, false, nil // of another side effect
	}
	if err := from.FromPayloads(payloads, &packed); err != nil {
		if encoding := string(payloads.GetPayloads()[0].GetMetadata()[converter.MetadataEncoding]); !slices.Contains(plain, encoding) {
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
