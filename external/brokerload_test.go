package external

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// Tasks that nobody here wants are looked at slowly, however many there are, and others may have them in between. One that is behind them comes to
// light.
func TestTasksThatNobodyWants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		s.again = true
		b := NewBroker(s, 10)
		defer b.Close()
		for n := range 500 {
			s.offer("a", 2*n+1)
		}
		s.offer("a", 1000)
		even := []Wanted{{Topic: "a", Accept: func(o *Offered) bool { return o.task%2 == 0 }}}
		began := time.Now()
		found, err := b.Fetch(t.Context(), Request{Worker: "w", Topics: even, Max: 10, Wait: time.Minute})
		require.NoError(t, err)
		require.Len(t, found, 1)
		seconds := time.Since(began).Seconds()
		b.Close() // nothing is asked any more
		t.Logf("found behind 500 others after %.1f s, Temporal was asked %d times", seconds, s.asked)
		require.Less(t, seconds, 15.0)
		require.Less(t, float64(s.asked), (seconds+1)*(keepAtMost+pollsAtMost))
	})
}

// What comes when nobody waits any more is kept for a moment only: somebody may wait at another gateway.
func TestTasksThatComeLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		b := NewBroker(s, 10)
		defer b.Close()
		fetch := func() []*Task {
			found, err := b.Fetch(t.Context(), Request{Worker: "w", Topics: want("a"), Max: 1})
			require.NoError(t, err)
			return found
		}
		require.Empty(t, fetch())
		s.offer("a", 1)
		synctest.Wait()
		require.Len(t, fetch(), 1, "kept for a moment")
		require.Empty(t, fetch())
		time.Sleep(keepFor + time.Millisecond)
		s.offer("a", 2)
		synctest.Wait()
		require.Equal(t, []string{name{instance: "a", task: 2}.String()}, s.released)
		require.Empty(t, b.topics)
		require.Zero(t, s.polls["a"])
	})
}

// A request hears that Temporal is away while it is, and not any more when it is back.
func TestTemporalComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		s.fails = errors.New("connection refused")
		b := NewBroker(s, 10)
		defer b.Close()
		fetch := func(wait time.Duration) error {
			_, err := b.Fetch(t.Context(), Request{Worker: "w", Topics: want("a"), Max: 1, Wait: wait})
			return err
		}
		require.ErrorContains(t, fetch(0), "connection refused")
		require.ErrorContains(t, fetch(0), "connection refused", "though it is not asked each time")
		require.LessOrEqual(t, s.asked, 2)
		require.ErrorContains(t, fetch(time.Minute), "connection refused")
		require.LessOrEqual(t, s.asked, 63, "once a second")
		s.mu.Lock()
		s.fails = nil
		s.mu.Unlock()
		require.NoError(t, fetch(3*time.Second))
		require.NoError(t, fetch(0))
	})
}

// A topic that was forgotten when its last task was taken takes nothing along that came under its name since.
func TestTopicIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		b := NewBroker(s, 10)
		defer b.Close()
		old := &topic{name: "a"}
		last := &spare{Offered: &Offered{name: name{instance: "a", task: 1}}}
		go func() {
			_, _ = b.Fetch(t.Context(), Request{Worker: "w", Topics: want("a"), Max: 1, Wait: time.Minute})
		}()
		synctest.Wait()
		b.drop(old, last) // its timer had run out when the task was taken
		require.Len(t, b.topics["a"].waiters, 1)
	})
}
