package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/taskqueue/v1"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func TestShare(t *testing.T) {
	for _, c := range []struct{ groups, workers, share int }{
		{64, 1, 64},
		{64, 2, 32},
		{64, 3, 22},
		{64, 10, 7},
		{64, 64, 1},
		{64, 100, 1},
		{3, 2, 2},
		{1, 2, 1},
	} {
		require.Equal(t, c.share, share(c.groups, c.workers), "%d groups, %d workers", c.groups, c.workers)
		require.GreaterOrEqual(t, c.share*c.workers, c.groups, "no group is left over")
	}
}

func TestOthers(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	seen := func(identity string, ago time.Duration) *taskqueue.PollerInfo {
		return &taskqueue.PollerInfo{Identity: identity, LastAccessTime: timestamppb.New(now.Add(-ago))}
	}
	long := now.Add(-time.Hour)
	for name, c := range map[string]struct {
		pollers []*taskqueue.PollerInfo
		taken   time.Time // when this worker was last given a group
		others  int
	}{
		"nobody is known yet":                        {nil, long, 0},
		"it is alone":                                {[]*taskqueue.PollerInfo{seen("me", 0)}, long, 0},
		"others wait, each for up to a minute":       {[]*taskqueue.PollerInfo{seen("me", 40*time.Second), seen("a", 0), seen("b", time.Minute)}, long, 2},
		"one has gone long ago":                      {[]*taskqueue.PollerInfo{seen("me", 0), seen("a", 4*time.Minute)}, long, 0},
		"one died, and this worker was given groups": {[]*taskqueue.PollerInfo{seen("me", 0), seen("dead", 20*time.Second)}, now.Add(-5 * time.Second), 0},
		"one was seen after that":                    {[]*taskqueue.PollerInfo{seen("me", 0), seen("dead", 20*time.Second), seen("a", time.Second)}, now.Add(-5 * time.Second), 1},
	} {
		require.Equal(t, c.others, others(c.pollers, "me", c.taken), name)
	}
}

func TestHoldings(t *testing.T) {
	now := time.Now()
	closed := func(h *holding) bool {
		select {
		case <-h.surplus:
			return true
		default:
			return false
		}
	}
	var h holdings
	h.give()
	first, second := h.take("first", now), h.take("second", now.Add(time.Second))
	held, taken := h.count()
	require.Equal(t, 2, held)
	require.Equal(t, now.Add(time.Second), taken)

	h.give()
	require.True(t, closed(second), "what was taken last is given away first")
	require.False(t, closed(first))
	require.Nil(t, h.take("second", now.Add(2*time.Second)), "what was given away is for others")
	held, taken = h.count()
	require.Equal(t, 1, held)
	require.Equal(t, now.Add(time.Second), taken)

	h.leave(second)
	require.Equal(t, "second", h.underway())
	h.since = time.Now().Add(-passOn)
	require.NotNil(t, h.take("second", now.Add(3*time.Second)), "unless nobody takes it")
	require.Empty(t, h.underway())
	h.give()
	h.arrived("second")
	require.Empty(t, h.underway())
	require.NotNil(t, h.take("second", now.Add(3*time.Second)), "another worker had it and has it no more")
	require.NotNil(t, h.take("first", now.Add(4*time.Second)), "a group is offered again when its lease ran out, which its watcher learns of later")
	h.leave(first)
	held, _ = h.count()
	require.Equal(t, 2, held)
}
