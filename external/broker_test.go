package external

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// shop is a source of tasks by topic.
type shop struct {
	mu       sync.Mutex
	queues   map[string]chan *Offered
	polls    map[string]int // that wait
	most     int            // at a time
	asked    int
	locked   map[string]string
	released []string
	unlocked []string
	gone     map[string]bool
	whenGone func() // is called when one of those is to be locked
	fails    error
	again    bool          // what is released is offered again
	locking  time.Duration // how long it takes
}

func newShop() *shop {
	return &shop{queues: map[string]chan *Offered{}, polls: map[string]int{}, locked: map[string]string{}, gone: map[string]bool{}}
}

func (s *shop) queue(topic string) chan *Offered {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queues[topic] == nil {
		s.queues[topic] = make(chan *Offered, 10_000)
	}
	return s.queues[topic]
}

func (s *shop) offer(topic string, numbers ...int) {
	for _, n := range numbers {
		s.queue(topic) <- &Offered{name: name{instance: topic, task: n}}
	}
}

func (s *shop) Poll(ctx context.Context, topic string) (*Offered, error) {
	s.mu.Lock()
	s.asked++
	s.polls[topic]++
	all := 0
	for _, n := range s.polls {
		all += n
	}
	s.most = max(s.most, all)
	err := s.fails
	s.mu.Unlock()
	defer func() { s.mu.Lock(); s.polls[topic]--; s.mu.Unlock() }()
	if err != nil {
		return nil, err
	}
	select {
	case o := <-s.queue(topic):
		return o, nil
	case <-ctx.Done():
		return nil, nil
	}
}

func (s *shop) Lock(_ context.Context, o *Offered, worker string, _ time.Duration) (*Task, error) {
	if s.locking > 0 {
		time.Sleep(s.locking) // by the clock of the test
	}
	s.mu.Lock()
	gone := s.gone[o.String()]
	s.mu.Unlock()
	if gone {
		s.whenGone()
		return nil, ErrGone
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.locked[o.String()] = worker
	return &Task{ID: o.String(), Worker: worker}, nil
}

func (s *shop) Release(_ context.Context, o *Offered) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.released = append(s.released, o.String())
	if s.again {
		s.queues[o.instance] <- o
	}
	return nil
}

func (s *shop) Unlock(_ context.Context, id string, _ Scope) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unlocked = append(s.unlocked, id)
	return nil
}

func brokerOf(t *testing.T, s *shop, waiting int) *Broker {
	t.Helper()
	b := NewBroker(s, waiting)
	t.Cleanup(b.Close)
	return b
}

func want(topics ...string) (list []Wanted) {
	for _, topic := range topics {
		list = append(list, Wanted{Topic: topic, Lock: time.Minute})
	}
	return list
}

func TestFetchTakesWhatThereIs(t *testing.T) { synctest.Test(t, fetchTakesWhatThereIs) }

func fetchTakesWhatThereIs(t *testing.T) {
	s := newShop()
	s.locking = 5 * time.Millisecond
	b := NewBroker(s, 10)
	defer b.Close()
	s.offer("a", 1, 2, 3)
	s.offer("b", 4)
	found, err := b.Fetch(t.Context(), Request{Worker: "w", Topics: want("a", "b"), Max: 10})
	require.NoError(t, err)
	require.Len(t, found, 4)
	for n := range 20 {
		s.offer("a", n+10)
	}
	found, err = b.Fetch(t.Context(), Request{Worker: "w", Topics: want("a", "a", "b"), Max: 5, Wait: time.Minute})
	require.NoError(t, err)
	require.Len(t, found, 5, "no more than asked for")
	found, err = b.Fetch(t.Context(), Request{Worker: "w", Topics: want("b"), Max: 5})
	require.NoError(t, err)
	require.Empty(t, found)
	for _, r := range []Request{{Topics: want("a")}, {Max: 1}} {
		found, err = b.Fetch(t.Context(), r)
		require.NoError(t, err)
		require.Empty(t, found)
	}
}

func TestFetchWaits(t *testing.T) {
	t.Parallel()
	s := newShop()
	b := brokerOf(t, s, 10)
	got := make(chan []*Task, 1)
	go func() {
		found, err := b.Fetch(t.Context(), Request{Worker: "w", Topics: want("a", "b"), Max: 3, Wait: time.Minute})
		if err == nil {
			got <- found
		}
	}()
	require.Eventually(t, func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.polls["a"] == 1 && s.polls["b"] == 1 }, 10*time.Second, time.Millisecond)
	s.offer("b", 1)
	require.Len(t, <-got, 1)
}

// However many wait, Temporal is asked once for each topic; and each gets what it is given.
func TestManyWait(t *testing.T) {
	t.Parallel()
	s := newShop()
	b := brokerOf(t, s, 3000)
	const requests, topics = 2000, 50
	got := make(chan string, requests)
	for n := range requests {
		go func() {
			found, err := b.Fetch(t.Context(), Request{Worker: fmt.Sprint(n), Topics: want(fmt.Sprint("topic", n%topics)), Max: 1, Wait: time.Minute})
			if err == nil && len(found) == 1 {
				got <- found[0].ID
			}
		}()
	}
	parked := func() int { b.mu.Lock(); defer b.mu.Unlock(); return b.parked }
	require.Eventually(t, func() bool { return parked() == requests }, 30*time.Second, time.Millisecond)
	s.mu.Lock()
	require.LessOrEqual(t, s.most, topics)
	require.LessOrEqual(t, s.asked, topics)
	s.mu.Unlock()
	for n := range requests {
		s.offer(fmt.Sprint("topic", n%topics), n)
	}
	ids := map[string]bool{}
	for range requests {
		ids[<-got] = true
	}
	require.Len(t, ids, requests)
	require.Empty(t, s.released)
	s.mu.Lock()
	require.LessOrEqual(t, s.most, topics*pollsAtMost)
	s.mu.Unlock()
	require.Zero(t, parked())
}

func TestTooManyWait(t *testing.T) {
	t.Parallel()
	b := brokerOf(t, newShop(), 1)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := b.Fetch(ctx, Request{Topics: want("a"), Max: 1, Wait: time.Minute})
		ended <- err
	}()
	require.Eventually(t, func() bool { b.mu.Lock(); defer b.mu.Unlock(); return b.parked == 1 }, 10*time.Second, time.Millisecond)
	_, err := b.Fetch(t.Context(), Request{Topics: want("a"), Max: 1})
	require.ErrorIs(t, err, ErrFull)
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
}

// A task that came for somebody who has hung up goes to the next, or is given back when nobody comes.
func TestHangUp(t *testing.T) {
	t.Parallel()
	for _, comes := range []bool{true, false} {
		hangUp(t, comes)
	}
}

func hangUp(t *testing.T, comes bool) {
	t.Helper()
	s := newShop()
	b := brokerOf(t, s, 10)
	hungUp, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := b.Fetch(hungUp, Request{Topics: want("a"), Max: 1, Wait: time.Minute})
		ended <- err
	}()
	require.Eventually(t, func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.polls["a"] == 1 }, 10*time.Second, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
	s.offer("a", 1)
	spares := func() int {
		b.mu.Lock()
		defer b.mu.Unlock()
		if t := b.topics["a"]; t != nil {
			return len(t.spare)
		}
		return 0
	}
	require.Eventually(t, func() bool { return spares() == 1 }, 10*time.Second, time.Millisecond)
	if comes {
		found, err := b.Fetch(t.Context(), Request{Worker: "w", Topics: want("a"), Max: 1})
		require.NoError(t, err)
		require.Len(t, found, 1)
		require.Empty(t, s.released)
		return
	}
	require.Eventually(t, func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.released) == 1 }, 10*time.Second, time.Millisecond)
}

// What a request does not want waits for one that does.
func TestFetchOfSome(t *testing.T) {
	t.Parallel()
	s := newShop()
	b := brokerOf(t, s, 10)
	s.offer("a", 1, 2)
	even := []Wanted{{Topic: "a", Accept: func(o *Offered) bool { return o.task%2 == 0 }}}
	found, err := b.Fetch(t.Context(), Request{Worker: "w", Topics: even, Max: 2, Wait: time.Minute})
	require.NoError(t, err)
	require.Len(t, found, 1)
	found, err = b.Fetch(t.Context(), Request{Worker: "w", Topics: want("a"), Max: 2})
	require.NoError(t, err)
	require.Len(t, found, 1)
}

// What nobody wants is looked through a part at a time, however long somebody waits for something else.
func TestFetchOfNone(t *testing.T) {
	t.Parallel()
	s := newShop()
	b := brokerOf(t, s, 10)
	for n := range 5 * keepAtMost {
		s.offer("a", n+1)
	}
	waiting, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		none := []Wanted{{Topic: "a", Accept: func(*Offered) bool { return false }}}
		_, err := b.Fetch(waiting, Request{Worker: "w", Topics: none, Max: 100, Wait: time.Minute})
		ended <- err
	}()
	spares, most := 0, 0
	require.Eventually(t, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		if known := b.topics["a"]; known != nil {
			spares = len(known.spare)
		}
		most = max(most, spares)
		return spares >= keepAtMost
	}, 10*time.Second, time.Millisecond)
	require.Less(t, most, keepAtMost+pollsAtMost)
	found, err := b.Fetch(t.Context(), Request{Worker: "w", Topics: want("a"), Max: keepAtMost + 50, Wait: time.Minute})
	require.NoError(t, err)
	require.Greater(t, len(found), keepAtMost/2, "what is kept, and more")
	b.mu.Lock()
	require.Less(t, len(b.topics["a"].spare), keepAtMost+pollsAtMost)
	b.mu.Unlock()
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
}

// A task that is gone when it is to be locked is none: the request goes on waiting.
func TestFetchOfWhatIsGone(t *testing.T) {
	t.Parallel()
	s := newShop()
	b := brokerOf(t, s, 10)
	s.gone[name{instance: "a", task: 1}.String()] = true
	s.whenGone = func() { s.offer("a", 2) }
	s.offer("a", 1)
	found, err := b.Fetch(t.Context(), Request{Worker: "w", Topics: want("a"), Max: 1, Wait: time.Minute})
	require.NoError(t, err)
	require.Len(t, found, 1)
}

func TestTemporalIsAway(t *testing.T) {
	t.Parallel()
	s := newShop()
	s.fails = errors.New("connection refused")
	b := brokerOf(t, s, 10)
	_, err := b.Fetch(t.Context(), Request{Worker: "w", Topics: want("a"), Max: 1, Wait: 10 * time.Millisecond})
	require.ErrorContains(t, err, "connection refused")
	got := make(chan int, 1)
	go func() {
		found, _ := b.Fetch(t.Context(), Request{Worker: "w", Topics: want("a"), Max: 1, Wait: time.Minute})
		got <- len(found)
	}()
	s.mu.Lock()
	s.fails = nil
	s.mu.Unlock()
	s.offer("a", 1)
	require.Equal(t, 1, <-got)
}

func TestCloseAnswersThoseWhoWait(t *testing.T) {
	t.Parallel()
	s := newShop()
	b := NewBroker(s, 10)
	ended := make(chan error, 1)
	go func() {
		_, err := b.Fetch(t.Context(), Request{Topics: want("a"), Max: 1, Wait: time.Minute})
		ended <- err
	}()
	require.Eventually(t, func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.polls["a"] == 1 }, 10*time.Second, time.Millisecond)
	b.Close()
	require.NoError(t, <-ended)
	_, err := b.Fetch(t.Context(), Request{Topics: want("a"), Max: 1})
	require.ErrorIs(t, err, ErrFull)
	require.Empty(t, b.topics)
}
