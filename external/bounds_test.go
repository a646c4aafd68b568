package external

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
)

// One caller does not take the places of all others.
func TestPlacesOfACaller(t *testing.T) {
	t.Parallel()
	b := brokerOf(t, newShop(), 5)
	b.Caller = 3
	var ended sync.WaitGroup
	wait := func(user string, topics ...string) {
		ended.Go(func() {
			_, _ = b.Fetch(t.Context(), Request{Scope: Scope{User: user}, Topics: want(topics...), Max: 1, Wait: time.Minute})
		})
	}
	for range 3 {
		wait("ann", "a", "ü")
	}
	waiting := func() int { all, _ := b.Waiting(); return all }
	require.Eventually(t, func() bool { return waiting() == 3 }, 10*time.Second, time.Millisecond)
	_, err := b.Fetch(t.Context(), Request{Scope: Scope{User: "ann"}, Topics: want("a"), Max: 1})
	require.ErrorIs(t, err, ErrFull)
	require.ErrorContains(t, err, "3 of them are of this caller")
	for range 2 {
		wait("bob", "a")
	}
	require.Eventually(t, func() bool { return waiting() == 5 }, 10*time.Second, time.Millisecond)
	_, topics := b.Waiting()
	require.Equal(t, map[string]int{"a": 5, contract.Segment("ü"): 3}, topics)
	_, err = b.Fetch(t.Context(), Request{Scope: Scope{User: "eve"}, Topics: want("a"), Max: 1})
	require.ErrorIs(t, err, ErrFull)
	b.Close()
	ended.Wait()
	require.Zero(t, waiting())
	require.Empty(t, b.users)
}

func TestRequestsThatAreTooLarge(t *testing.T) {
	t.Parallel()
	s := newShop()
	b := brokerOf(t, s, 5)
	var many []string
	for n := range mostTopics + 1 {
		many = append(many, fmt.Sprint("topic", n))
	}
	_, err := b.Fetch(t.Context(), Request{Topics: want(many...), Max: 1})
	require.EqualError(t, err, "a request has at most 500 topics, and this one has 501")
	_, err = b.Fetch(t.Context(), Request{Worker: strings.Repeat("w", 256), Topics: want("a"), Max: 1})
	require.EqualError(t, err, "the id of a worker has at most 255 bytes, and this one has 256")
	require.Zero(t, s.asked)
	for n := range topicsAtMost {
		b.topics[fmt.Sprint(n)] = &topic{}
	}
	_, err = b.Fetch(t.Context(), Request{Topics: want("a"), Max: 1})
	require.ErrorIs(t, err, ErrFull)
	clear(b.topics)
}

func TestFetchesAreTold(t *testing.T) {
	t.Parallel()
	s := newShop()
	b := brokerOf(t, s, 5)
	var told []Deed
	b.Told = func(d Deed) { told = append(told, d) }
	s.offer("a", 1)
	scope := Scope{User: "ann", Topics: []string{"a"}}
	found, err := b.Fetch(t.Context(), Request{Scope: scope, Worker: "w", Topics: want("a"), Max: 1, Wait: time.Minute})
	require.NoError(t, err)
	_, err = b.Fetch(t.Context(), Request{Scope: scope, Worker: "w", Topics: want("b"), Max: 1})
	require.ErrorIs(t, err, ErrForbidden)
	require.Len(t, told, 2)
	require.Equal(t, Deed{What: DeedFetch, By: By{Scope: scope, Worker: "w"}, ID: found[0].ID}, told[0])
	require.ErrorIs(t, told[1].Err, ErrForbidden)
}
