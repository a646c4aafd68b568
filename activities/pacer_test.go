package activities

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors"
)

// giver gives out turns as the workflow does, at the end of a line of some length.
type giver struct {
	latency  time.Duration // each way
	offset   time.Duration // of its clock
	mu       sync.Mutex
	next     time.Time
	requests int
}

func (g *giver) take(_ context.Context, in contract.TakeTurns) (contract.Turns, error) {
	time.Sleep(g.latency)
	defer time.Sleep(g.latency)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.requests++
	now := time.Now().Add(g.offset)
	interval := time.Duration(float64(time.Second) / in.PerSecond)
	first := now.Add(in.Ahead)
	if g.next.After(first) {
		first = g.next
	}
	g.next = first.Add(time.Duration(in.Count) * interval)
	return contract.Turns{Now: now, First: first, Interval: interval, Count: in.Count}, nil
}

func TestPacerWhateverTheAnswerTakes(t *testing.T) {
	for _, latency := range []time.Duration{0, 20 * time.Millisecond, 100 * time.Millisecond, 700 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			g := &giver{latency: latency, offset: 3 * time.Second}
			const calls = 200
			var mu sync.Mutex
			var at []time.Time
			var waiting sync.WaitGroup
			begun := time.Now()
			for range 2 { // workers
				p := NewPacer(nil, "till", 50)
				p.take = g.take
				for range calls / 2 {
					waiting.Go(func() {
						require.NoError(t, p.Wait(t.Context()))
						mu.Lock()
						defer mu.Unlock()
						at = append(at, time.Now())
					})
				}
			}
			waiting.Wait()
			for i := 50; i < len(at); i++ {
				require.GreaterOrEqual(t, at[i].Sub(at[i-50]), time.Second, "call %d with a latency of %v", i, latency)
			}
			require.Less(t, time.Since(begun), 20*time.Second, "latency %v", latency) // of the time of this test, which nothing disturbs
			require.LessOrEqual(t, g.requests, calls+20, "latency %v: turns are not thrown away", latency)
		})
	}
}

func TestPacerWithoutTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPacer(nil, "till", 50)
		p.take = func(context.Context, contract.TakeTurns) (contract.Turns, error) {
			return contract.Turns{}, errors.New("nobody answers")
		}
		failure := connectors.AsError(p.Wait(t.Context()))
		require.Equal(t, connectors.Retryable, failure.Kind)
		require.Equal(t, "there is no turn within the rate of connector till", failure.Public)

		p.take = (&giver{latency: time.Hour}).take
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, p.Wait(ctx), context.DeadlineExceeded)
		time.Sleep(3 * time.Hour) // what was asked for is answered, to nobody
	})
}
