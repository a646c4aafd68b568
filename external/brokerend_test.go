package external

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A request whose tasks are being locked when the broker closes gets them.
func TestCloseWhileLocking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		s.locking = 50 * time.Millisecond
		s.offer("a", 1)
		b := NewBroker(s, 10)
		time.AfterFunc(10*time.Millisecond, b.Close)
		found, err := b.Fetch(t.Context(), Request{Worker: "w", Topics: want("a"), Max: 2, Wait: time.Minute})
		require.NoError(t, err)
		require.Len(t, found, 1)
		require.Empty(t, s.released)
	})
}

// A client that hangs up while its tasks are being locked leaves none of them locked.
func TestHangUpWhileLocking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		s.locking = 50 * time.Millisecond
		s.offer("a", 1, 2)
		b := NewBroker(s, 10)
		defer b.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		_, err := b.Fetch(ctx, Request{Worker: "w", Topics: want("a"), Max: 2, Wait: time.Minute})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Len(t, s.unlocked, 2)
	})
}

// The first tasks are not held back for those that may come.
func TestFirstTasksAreNotHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		s.locking = 30 * time.Millisecond
		b := NewBroker(s, 10)
		defer b.Close()
		began := time.Now()
		for n := range 100 {
			time.AfterFunc(time.Duration(n)*20*time.Millisecond, func() { s.offer("a", n+1) })
		}
		found, err := b.Fetch(t.Context(), Request{Worker: "w", Topics: want("a"), Max: 100, Wait: time.Minute})
		require.NoError(t, err)
		require.NotEmpty(t, found)
		require.LessOrEqual(t, time.Since(began), linger+s.locking)
	})
}

// However many tasks a request asks for, they have to fit into an answer.
func TestFetchIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		s.locking = 5 * time.Millisecond
		b := NewBroker(s, 10)
		defer b.Close()
		const size = 700_000
		for n := range 200 {
			s.queue("a") <- &Offered{name: name{instance: "a", task: n + 1}, size: size}
		}
		found, err := b.Fetch(t.Context(), Request{Worker: "w", Topics: want("a"), Max: 200, Wait: time.Minute})
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(found)*size, fetchAtMost)
		require.LessOrEqual(t, len(found)*size, fetchAtMost+2*pollsAtMost*size)
	})
}
