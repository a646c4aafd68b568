// Package marker is how histories of Temporal hold events: one marker, of a side effect, in each workflow task in which something happened.
package marker

import (
	"errors"
	"fmt"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/converter"

	"github.com/waybill-io/waybill/events"
)

// Read returns the events that an event of a history holds; false: none.
func Read(e *history.HistoryEvent, from converter.DataConverter) (b events.Batch, ok bool, err error) {
	if e.GetEventType() != enums.EVENT_TYPE_MARKER_RECORDED || e.GetMarkerRecordedEventAttributes().GetMarkerName() != "SideEffect" {
		return b, false, nil
	}
	var packed []byte
	payloads := e.GetMarkerRecordedEventAttributes().GetDetails()["data"]
	if len(payloads.GetPayloads()) != 1 || from.FromPayloads(payloads, &packed) != nil {
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
