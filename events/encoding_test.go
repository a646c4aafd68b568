package events

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func many(n int) []Event {
	list := make([]Event, n)
	for i := range list {
		list[i] = Event{
			Sequence: int64(i + 1), Type: ActivityStarted, Time: time.Unix(1e9, int64(i)).UTC(), Ref: "7", ActivityID: "one", ActivityName: "Do it",
			ActivityType: "serviceTask", ExecutionID: "3", Status: Active, Start: time.Unix(1e9, 0).UTC(),
		}
	}
	return list
}

func TestPackStopsWhenItIsFull(t *testing.T) {
	all := many(50_000)
	var e Encoder
	data, n, err := e.Pack(Process{Instance: "a"}, slices.Values(all), 64<<10)
	require.NoError(t, err)
	require.Less(t, n, len(all))
	require.Less(t, len(data), 160<<10, "the packer holds back some")
	count, err := Count(data)
	require.NoError(t, err)
	require.Equal(t, n, count)
	read, err := Decode(data)
	require.NoError(t, err)
	require.Equal(t, all[:n], read.Events)

	data, n, err = e.Pack(Process{Instance: "b"}, slices.Values(all[:1]), 0)
	require.NoError(t, err, "the encoder is used again")
	require.Equal(t, 1, n)
	read, err = Decode(data)
	require.NoError(t, err)
	require.Equal(t, "b", read.Instance)
}

func TestPackLeavesOutWhatJSONCannotHold(t *testing.T) {
	data, err := Encode(Batch{Events: []Event{
		{Sequence: 1, Name: "odd", Value: math.NaN()}, {Sequence: 2, Variables: map[string]any{"odd": math.Inf(1)}}, {Sequence: 3, Value: "good"},
	}})
	require.NoError(t, err)
	b, err := Decode(data)
	require.NoError(t, err)
	require.Len(t, b.Events, 3)
	require.True(t, b.Events[0].Cut)
	require.Equal(t, "odd", b.Events[0].Name)
	require.Nil(t, b.Events[1].Variables)
	require.Equal(t, "good", b.Events[2].Value)
	require.False(t, b.Events[2].Cut)
}

func TestNoEvents(t *testing.T) {
	data, err := Encode(Batch{Process: Process{Instance: "a"}})
	require.NoError(t, err)
	n, err := Count(data)
	require.NoError(t, err)
	require.Zero(t, n)
	b, err := Decode(data)
	require.NoError(t, err)
	require.Equal(t, "a", b.Instance)
	require.Empty(t, b.Documents())
	_, err = Count([]byte("WBE1"))
	require.ErrorIs(t, err, ErrForeign)
}

func BenchmarkPack(b *testing.B) {
	for _, n := range []int{8, 1000} {
		list := many(n)
		b.Run("", func(b *testing.B) {
			var e Encoder
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := e.Pack(Process{Instance: "a"}, slices.Values(list), math.MaxInt); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
