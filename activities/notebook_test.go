package activities

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
)

func TestNotebook(t *testing.T) {
	var sent []contract.Moved
	var refuse error
	n := newNotebook(func(_ context.Context, m contract.Moved) error {
		if refuse != nil {
			return refuse
		}
		sent = append(sent, m)
		return nil
	}, slog.New(slog.DiscardHandler))
	now := monday
	n.now = func() time.Time { return now }
	n.most = 3

	n.flush(t.Context())
	require.Empty(t, sent, "nothing moved, so nobody is told")
	n.Moved("order/1", "1", false)
	n.Moved("order/1", "1", false)
	now = now.Add(time.Second)
	n.Moved("order/2", "2", false)
	n.Moved("order/3", "3", false)
	n.Moved("order/4", "4", false)
	n.Moved("order/2", "2", true)
	now = now.Add(time.Second)
	refuse = errors.New("away")
	n.flush(t.Context())
	require.Empty(t, sent)
	refuse = nil
	n.flush(t.Context())
	require.Len(t, sent, 1)
	require.ElementsMatch(t, []contract.Execution{{ID: "order/1", Run: "1"}, {ID: "order/3", Run: "3"}}, sent[0].Executions, "2 has ended, 4 had no room")
	require.EqualValues(t, 2000, sent[0].AgeMS, "of the oldest")
	require.EqualValues(t, 1, sent[0].Dropped)
	n.Moved("order/1", "1", false)
	n.Flush()
	require.Len(t, sent, 2, "it moved again")
	require.Zero(t, sent[1].Dropped)
}

func TestNotebookBoundsSignals(t *testing.T) {
	runs, largest := 0, 0
	n := newNotebook(func(_ context.Context, m contract.Moved) error {
		size := 0
		for _, e := range m.Executions {
			size += len(e.ID) + len(e.Run)
		}
		runs += len(m.Executions)
		largest = max(largest, size)
		require.LessOrEqual(t, len(m.Executions), notesSent)
		return nil
	}, slog.New(slog.DiscardHandler))
	for i := range 12_000 {
		n.Moved("order/"+strings.Repeat("x", i%100), fmt.Sprint(i), false)
	}
	n.Flush()
	require.Equal(t, 12_000, runs)
	require.LessOrEqual(t, largest, notesSize)
}

// A note never waits for the server: workflow code makes it.
func TestNotebookDoesNotBlock(t *testing.T) {
	sending, release := make(chan struct{}), make(chan struct{})
	n := newNotebook(func(context.Context, contract.Moved) error {
		close(sending)
		<-release
		return nil
	}, slog.New(slog.DiscardHandler))
	n.every = time.Millisecond
	n.Moved("order/1", "1", false)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { n.Run(ctx); close(ended) }()
	<-sending
	n.Moved("order/2", "2", false)
	cancel()
	close(release)
	<-ended
	require.Contains(t, n.notes, "2")
}
