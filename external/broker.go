package external

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/waybill-io/waybill/activities/contract"
)

// Source is where a broker gets tasks from: Tasks.
type Source interface {
	Poll(ctx context.Context, topic string) (*Offered, error)
	Lock(ctx context.Context, o *Offered, worker string, lock time.Duration) (*Task, error)
	Release(ctx context.Context, o *Offered) error
	Unlock(ctx context.Context, id string, by Scope) error
}

var _ Source = (*Tasks)(nil)

const (
	// pollFor is how long Temporal is asked once for a task of a topic.
	pollFor = 20 * time.Second
	// pollsAtMost bounds how often it is asked for a topic at a time. There are as many only while tasks come.
	pollsAtMost = 10
	// keepFor is how long a topic is polled when nobody waits any more, and what comes is kept: those who do not wait ask again in moments. What comes
	// later is given back at once, since somebody may wait for it at another gateway.
	keepFor = time.Second
	// keepAtMost bounds what is kept of a topic. More comes when those who wait want other tasks, which may be behind it.
	keepAtMost = 50
	patience   = 150 * time.Millisecond // for who does not wait, when the topic has not been polled yet
	linger     = 100 * time.Millisecond // for more, after the first; no longer than it takes to lock those that came
	pause      = time.Second            // after Temporal could not be asked
	// fetchAtMost bounds what one request is given, in bytes of variables, or some tasks more.
	fetchAtMost = 16 << 20
	// tidyFor bounds what is done for others: what fails is offered again by itself.
	tidyFor = 2 * time.Second
)

// Broker gives tasks to those who wait for them. Any number may wait for a topic: Temporal is asked for them together.
type Broker struct {
	Told   func(Deed) // is told what is fetched; nil: nobody is
	Caller int        // how many requests of one user may wait, so that none takes all places; 0: all. Both are set before the first Fetch

	source  Source
	waiting int // at most
	ctx     context.Context
	cancel  context.CancelFunc
	polls   sync.WaitGroup

	mu     sync.Mutex
	topics map[string]*topic
	parked int
	users  map[string]int // how many of parked are theirs
	closed bool
}

// NewBroker returns a broker for as many requests at a time as may wait.
func NewBroker(s Source, waiting int) *Broker {
	b := &Broker{source: s, waiting: waiting, topics: map[string]*topic{}, users: map[string]int{}}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	return b
}

// Close has all who wait answered with what they have, and returns when nothing is asked for any more. What nobody has got is given back.
func (b *Broker) Close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.cancel()
	b.polls.Wait()
	var left []*spare
	b.mu.Lock()
	for _, t := range b.topics {
		left = append(left, t.spare...)
		t.spare = nil
	}
	b.mu.Unlock()
	for _, s := range left {
		s.timer.Stop()
		b.giveBack(s.Offered)
	}
}

// ErrFull is wrapped when too many requests wait, or the broker has been closed.
var ErrFull = errors.New("too many requests wait for external tasks")

// Wanted is a topic that a request wants tasks of.
type Wanted struct {
	Topic  string
	Lock   time.Duration
	Accept func(*Offered) bool // nil: any
}

// Request asks for tasks.
type Request struct {
	Scope  Scope
	Worker string
	Topics []Wanted
	Max    int
	Wait   time.Duration // for the first; 0: what there is
}

// topic is what is known of one. Broker.mu guards it.
type topic struct {
	name    string
	waiters []*waiter // who came first is given first
	spare   []*spare
	polls   int
	until   time.Time // it is polled and tasks are kept until then, though nobody waits
	failed  error     // how the last poll failed
	polled  bool      // one has had an answer, or had no answer for a while
}

// spare is a task that nobody has wanted yet.
type spare struct {
	*Offered
	timer *time.Timer
}

// waiter is a request that waits.
type waiter struct {
	Request
	left  int // that it takes
	bytes int // that it was given
	given chan gift
}

type gift struct {
	offered *Offered
	lock    time.Duration
}

// Fetch locks tasks for a worker: those that there are, or, when there are none, those that come while it waits. When the context ends, what was
// locked for it is unlocked.
func (b *Broker) Fetch(ctx context.Context, r Request) ([]*Task, error) {
	found, err := b.fetch(ctx, r)
	by := By{Scope: r.Scope, Worker: r.Worker}
	for _, t := range found {
		tell(b.Told, Deed{What: DeedFetch, By: by, ID: t.ID, Instance: t.Context.ProcessInstanceID, Topic: contract.Segment(t.Topic), Until: t.Until})
	}
	if err != nil && ctx.Err() == nil {
		tell(b.Told, Deed{What: DeedFetch, By: by, Err: err})
	}
	return found, err
}

func (b *Broker) fetch(ctx context.Context, r Request) ([]*Task, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	if r.Max <= 0 || len(r.Topics) == 0 {
		return nil, nil
	}
	for until := time.Now().Add(r.Wait); ; {
		r.Wait = time.Until(until)
		found, gone, err := b.collect(ctx, r)
		if err := ctx.Err(); err != nil {
			for _, t := range found {
				b.quietly(func(ctx context.Context) error { return b.source.Unlock(ctx, t.ID, Scope{}) })
			}
			return nil, err
		}
		if len(found) > 0 || !gone || err != nil {
			return found, err
		}
	}
}

// collect waits for tasks, and locks them as they come: more may come until the first ones are locked. An error is only one where there are none;
// gone is when there were some, which nobody has any more.
func (b *Broker) collect(ctx context.Context, r Request) (found []*Task, gone bool, err error) {
	w := &waiter{Request: r, left: r.Max, given: make(chan gift, r.Max)}
	fresh, err := b.join(w)
	if err != nil {
		return nil, false, err
	}
	wait := max(r.Wait, 0)
	if fresh {
		wait = max(wait, patience)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	l := &locking{broker: b, ctx: ctx, worker: r.Worker, ended: make(chan locked, r.Max)}
	for over := false; l.begun < r.Max && !over; {
		select {
		case g := <-w.given:
			if l.begin(g); l.begun == 1 {
				timer.Reset(linger)
			}
		case ended := <-l.ended:
			l.end(ended)
			over = l.left == 0 && len(w.given) == 0
		case <-timer.C:
			over = true
		case <-ctx.Done():
			over = true
		case <-b.ctx.Done():
			over = true
		}
	}
	failed := b.leave(w)
	close(w.given) // nobody gives to who has left
	for g := range w.given {
		l.begin(g)
	}
	for l.left > 0 {
		l.end(<-l.ended)
	}
	switch {
	case len(l.found) > 0:
		return l.found, false, nil
	case l.begun > 0:
		return nil, l.err == nil, l.err
	}
	return nil, false, failed
}

// join puts a waiter into the lines of its topics, and gives it what is there. It tells whether one of them was not polled before.
func (b *Broker) join(w *waiter) (fresh bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.room(w.Scope.User, len(w.Topics)); err != nil {
		return false, err
	}
	b.parked++
	b.users[w.Scope.User]++
	for _, wanted := range w.Topics {
		t := b.topics[wanted.Topic]
		if t == nil {
			t = &topic{name: wanted.Topic}
			b.topics[wanted.Topic] = t
		}
		fresh = fresh || !t.polled
		t.waiters = append(t.waiters, w)
		t.spare = slices.DeleteFunc(t.spare, func(s *spare) bool {
			if !w.take(s.Offered, wanted) {
				return false
			}
			s.timer.Stop()
			return true
		})
		b.tend(t)
	}
	return fresh, nil
}

// take gives a waiter a task that it wants.
func (w *waiter) take(o *Offered, wanted Wanted) bool {
	if w.left == 0 || !w.Scope.tenant(o.Input.Context.Tenant) || wanted.Accept != nil && !wanted.Accept(o) {
		return false
	}
	w.left--
	if w.bytes += o.size; w.bytes >= fetchAtMost {
		w.left = 0
	}
	w.given <- gift{o, wanted.Lock} // there is room for all that it takes
	return true
}

func (b *Broker) leave(w *waiter) (failed error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.parked--
	if b.users[w.Scope.User]--; b.users[w.Scope.User] == 0 {
		delete(b.users, w.Scope.User)
	}
	w.left = 0
	for _, wanted := range w.Topics {
		t := b.topics[wanted.Topic]
		if t == nil { // named twice
			continue
		}
		failed = errors.Join(failed, t.failed)
		t.waiters = slices.DeleteFunc(t.waiters, func(other *waiter) bool { return other == w })
		t.until = time.Now().Add(keepFor)
		b.tend(t)
	}
	return failed
}

// tend has a topic polled that somebody wants tasks of, and forgets one that nobody does.
func (b *Broker) tend(t *topic) {
	switch {
	case t.polls > 0:
	case t.asks() && !b.closed:
		b.poll(t)
	case len(t.waiters)+len(t.spare) == 0 && b.topics[t.name] == t:
		delete(b.topics, t.name)
	}
}

// poll asks for tasks of a topic, one after the other, as long as somebody wants some. Those that come have more asked for.
func (b *Broker) poll(t *topic) {
	t.polls++
	b.polls.Go(func() {
		for b.once(t) {
		}
	})
}

// once asks once, and tells whether to ask again.
func (b *Broker) once(t *topic) bool {
	ctx, cancel := context.WithTimeout(b.ctx, pollFor)
	defer cancel()
	known := time.AfterFunc(patience, func() { b.answers(t) })
	o, err := b.source.Poll(ctx, t.name)
	known.Stop()
	if err != nil && b.ctx.Err() == nil {
		b.mu.Lock()
		t.failed, t.polled = fmt.Errorf("ask Temporal for external tasks: %w", err), true
		b.mu.Unlock()
		select {
		case <-b.ctx.Done():
		case <-time.After(pause):
		}
	} else {
		b.answers(t)
	}
	if o != nil && !b.give(t, o) {
		b.giveBack(o)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if o != nil && t.polls < pollsAtMost && t.polls < t.demand() && t.asks() {
		b.poll(t)
	}
	wanted := t.asks() || len(t.spare) == 0 && time.Now().Before(t.until)
	if !b.closed && wanted && (t.polls == 1 || o != nil && t.polls <= t.demand()) {
		return true
	}
	t.polls--
	b.tend(t)
	return false
}

// answers is when a poll of a topic has been answered, or waits as it should.
func (b *Broker) answers(t *topic) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t.polled, t.failed = true, nil
}

// asks tells whether Temporal is to be asked for those who wait.
func (t *topic) asks() bool { return t.demand() > 0 && len(t.spare) < keepAtMost }

// demand is how many tasks are wanted.
func (t *topic) demand() (n int) {
	for _, w := range t.waiters {
		n += w.left
	}
	return n
}

// give gives a task to who has waited longest, or keeps it for who comes next; or it does neither.
func (b *Broker) give(t *topic, o *Offered) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, w := range t.waiters {
		for _, wanted := range w.Topics {
			if wanted.Topic == t.name && w.take(o, wanted) {
				return true
			}
		}
	}
	left := keepFor
	if len(t.waiters) == 0 {
		left = time.Until(t.until)
	}
	if left <= 0 || b.closed {
		return false
	}
	s := &spare{Offered: o}
	s.timer = time.AfterFunc(left, func() { b.drop(t, s) })
	t.spare = append(t.spare, s)
	return true
}

// drop gives back what nobody wanted in time.
func (b *Broker) drop(t *topic, s *spare) {
	b.mu.Lock()
	kept := slices.Contains(t.spare, s)
	t.spare = slices.DeleteFunc(t.spare, func(other *spare) bool { return other == s })
	b.tend(t)
	b.mu.Unlock()
	if kept {
		b.giveBack(s.Offered)
	}
}

func (b *Broker) giveBack(o *Offered) {
	b.quietly(func(ctx context.Context) error { return b.source.Release(ctx, o) })
}

// quietly does what is only for the better.
func (b *Broker) quietly(do func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), tidyFor)
	defer cancel()
	_ = do(ctx)
}
