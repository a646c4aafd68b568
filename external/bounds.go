package external

import (
	"fmt"

	"github.com/waybill-io/waybill/activities/contract"
)

const (
	// MostTasks bounds what one request gets: one that asks for a million is given so many.
	MostTasks  = 1000
	mostTopics = 500 // of a request
	// topicsAtMost bounds the topics that are waited for at a time, each of which has a request to Temporal.
	topicsAtMost = 5000
)

// check is an error when a request is larger than one that makes sense, or for topics that are not its caller's.
func (r *Request) check() error {
	if len(r.Worker) > contract.MaxWorker {
		return fmt.Errorf("the id of a worker has at most %d bytes, and this one has %d", contract.MaxWorker, len(r.Worker))
	}
	if len(r.Topics) > mostTopics {
		return fmt.Errorf("a request has at most %d topics, and this one has %d", mostTopics, len(r.Topics))
	}
	for _, wanted := range r.Topics {
		if !r.Scope.Topic(wanted.Topic) {
			return fmt.Errorf("topic %.100q: %w", wanted.Topic, ErrForbidden)
		}
	}
	return nil
}

// room is an error when there is no place for one more request.
func (b *Broker) room(user string, topics int) error {
	switch {
	case b.closed || b.parked >= b.waiting:
		return ErrFull
	case b.Caller > 0 && b.users[user] >= b.Caller:
		return fmt.Errorf("%w: %d of them are of this caller", ErrFull, b.Caller)
	case len(b.topics)+topics > topicsAtMost:
		return fmt.Errorf("%w: they are for %d topics", ErrFull, len(b.topics))
	}
	return nil
}

// Waiting counts the requests that wait, and those that do for each topic, by contract.Segment of its name.
func (b *Broker) Waiting() (all int, topics map[string]int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	topics = map[string]int{}
	for name, t := range b.topics {
		if len(t.waiters) > 0 {
			topics[contract.Segment(name)] += len(t.waiters)
		}
	}
	return b.parked, topics
}
