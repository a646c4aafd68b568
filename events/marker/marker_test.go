package marker

import (
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/converter"

	"github.com/waybill-io/waybill/events"
)

func sideEffect(p *commonpb.Payloads) *history.HistoryEvent {
	return &history.HistoryEvent{
		EventId: 7, EventType: enums.EVENT_TYPE_MARKER_RECORDED,
		Attributes: &history.HistoryEvent_MarkerRecordedEventAttributes{MarkerRecordedEventAttributes: &history.MarkerRecordedEventAttributes{
			MarkerName: "SideEffect", Details: map[string]*commonpb.Payloads{"data": p},
		}},
	}
}

// Side effects of others are passed over; what may be events, and cannot be read, is not.
func TestRead(t *testing.T) {
	plain := converter.GetDefaultDataConverter()
	zipped := converter.NewCodecDataConverter(plain, converter.NewZlibCodec(converter.ZlibCodecOptions{AlwaysEncode: true}))
	packed, err := events.Encode(events.Batch{Process: events.Process{Instance: "i"}, Events: []events.Event{{Sequence: 1}}})
	require.NoError(t, err)
	for _, value := range []any{"text", 7, nil, map[string]any{"a": 1}, []byte("other"), &commonpb.WorkflowExecution{WorkflowId: "i"}} {
		p, err := plain.ToPayloads(value)
		require.NoError(t, err)
		_, ok, err := Read(sideEffect(p), plain)
		require.NoError(t, err, value)
		require.False(t, ok, value)
	}
	for _, by := range []converter.DataConverter{plain, zipped} {
		p, err := by.ToPayloads(packed)
		require.NoError(t, err)
		b, ok, err := Read(sideEffect(p), by)
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, "i", b.Instance)
	}
	p, err := zipped.ToPayloads(packed)
	require.NoError(t, err)
	_, ok, err := Read(sideEffect(p), plain)
	require.ErrorContains(t, err, `event 7 of the history: its encoding "binary/zlib" cannot be read`)
	require.False(t, ok)
}
