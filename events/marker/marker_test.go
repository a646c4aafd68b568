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

// memoOf is the memo of a run.
func memoOf(t *testing.T, by converter.DataConverter) *commonpb.Memo {
	fields := map[string]*commonpb.Payload{}
	for key, sequence := range map[string]int64{LastMemo: 7, EarlierMemo: 3} {
		packed, err := events.Encode(events.Batch{Process: events.Process{Instance: "i"}, Events: []events.Event{{Sequence: sequence}, {Sequence: sequence + 1}}})
		require.NoError(t, err)
		fields[key], err = by.ToPayload(packed)
		require.NoError(t, err)
	}
	return &commonpb.Memo{Fields: fields}
}

func TestSummary(t *testing.T) {
	plain := converter.GetDefaultDataConverter()
	memo := memoOf(t, plain)
	all, err := Summary(memo, plain)
	require.NoError(t, err)
	var got []int64
	for _, b := range all {
		require.Equal(t, "i", b.Instance)
		for _, e := range b.Events {
			got = append(got, e.Sequence)
		}
	}
	require.Equal(t, []int64{7, 8, 3, 4}, got)

	modified := &history.HistoryEvent{EventId: 9, EventType: enums.EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED, Attributes: &history.HistoryEvent_WorkflowPropertiesModifiedEventAttributes{
		WorkflowPropertiesModifiedEventAttributes: &history.WorkflowPropertiesModifiedEventAttributes{UpsertedMemo: memo},
	}}
	last, ok, err := Read(modified, plain)
	require.NoError(t, err)
	require.True(t, ok)
	require.Len(t, last.Events, 2, "the history has the others in its markers")

	delete(memo.Fields, LastMemo)
	_, ok, err = Read(modified, plain)
	require.NoError(t, err)
	require.False(t, ok, "another memo")
	for _, without := range []string{LastMemo, EarlierMemo} {
		memo := memoOf(t, plain)
		delete(memo.Fields, without)
		all, err := Summary(memo, plain)
		require.NoError(t, err)
		require.Empty(t, all)
	}
	zipped := converter.NewCodecDataConverter(plain, converter.NewZlibCodec(converter.ZlibCodecOptions{AlwaysEncode: true}))
	_, err = Summary(memoOf(t, zipped), plain)
	require.ErrorContains(t, err, "of the memo")
	for _, key := range []string{LastMemo, EarlierMemo} {
		memo := memoOf(t, plain)
		memo.Fields[key].Data = []byte("WBE1?")
		_, err = Summary(memo, plain)
		require.ErrorContains(t, err, "of the memo")
	}
}
