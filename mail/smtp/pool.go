package smtp

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Pool holds the connections of the Transports that share it, so that a server sees no more of them at once than it should, whoever sends.
// The zero value is ready; it is safe for concurrent use.
type Pool struct {
	mu    sync.Mutex
	lanes map[string]*lane // by host and port
}

// lane is the connections to a server. While somebody waits none is idle.
type lane struct {
	open    int        // also those that are being opened or closed
	idle    []*session // the longest idle first
	waiting []*waiter
	passed  int // how many were served before the first one who waits, since a connection suited them
	lowered int // how many may be open until then, since the server has complained
	until   time.Time
	limiter *rate.Limiter // nil: as fast as it goes
	timer   *time.Timer   // ends the idle ones; nil when there are none
}

// waiter gets a connection, or nil for the place of one.
type waiter struct {
	t   *Transport
	got chan *session
}

// patience is how many may be served before the one who waits longest, to save them a log-in.
const patience = 20

// easing is how long fewer connections are opened after a server has said that they are too many.
const easing = time.Minute

func (p *Pool) lane(address string) *lane {
	l := p.lanes[address]
	if l == nil {
		if p.lanes == nil {
			p.lanes = map[string]*lane{}
		}
		l = &lane{}
		p.lanes[address] = l
	}
	return l
}

// pace makes perSecond the rate of a server unless a lower one holds. 0 changes nothing.
func (p *Pool) pace(address string, perSecond float64) {
	if perSecond <= 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lane(address)
	if l.limiter == nil {
		l.limiter = rate.NewLimiter(rate.Limit(perSecond), 1)
	} else if rate.Limit(perSecond) < l.limiter.Limit() {
		l.limiter.SetLimit(rate.Limit(perSecond))
	}
}

// take returns a connection that suits t, or nil when it may open one; put gives either back. It waits for its turn, and then for the rate of
// the server, so that those who have waited long do not all begin at once.
func (p *Pool) take(ctx context.Context, t *Transport) (*session, error) {
	s, limiter, err := p.place(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("wait for one of %d connections to %s: %w", t.cfg.Connections, t.address, err)
	}
	if s != nil {
		s.owner = t
	}
	if limiter == nil {
		return s, nil
	}
	if err := limiter.Wait(ctx); err != nil {
		p.put(t, s)
		return nil, fmt.Errorf("wait for the next of %g mails a second to %s: %w", float64(limiter.Limit()), t.address, err)
	}
	return s, nil
}

func (p *Pool) place(ctx context.Context, t *Transport) (*session, *rate.Limiter, error) {
	p.mu.Lock()
	l := p.lane(t.address)
	limiter := l.limiter
	for i, s := range slices.Backward(l.idle) { // the one that has worked last
		if t.suits(s) {
			l.idle = slices.Delete(l.idle, i, i+1)
			p.mu.Unlock()
			return s, limiter, nil
		}
	}
	if l.open < l.allowed(t) {
		l.open++
		p.mu.Unlock()
		return nil, limiter, nil
	}
	if len(l.idle) > 0 { // another's, which makes place
		other := l.idle[0]
		l.idle = slices.Delete(l.idle, 0, 1)
		p.mu.Unlock()
		other.quit()
		return nil, limiter, nil
	}
	w := &waiter{t, make(chan *session, 1)}
	l.waiting = append(l.waiting, w)
	p.mu.Unlock()
	select {
	case s := <-w.got:
		return s, limiter, nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	i := slices.Index(l.waiting, w)
	if i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
	}
	p.mu.Unlock()
	if i < 0 {
		p.put(t, <-w.got)
	}
	return nil, nil, ctx.Err()
}

// put gives back a connection that can be used again, or with nil the place of one that is closed.
func (p *Pool) put(t *Transport, s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lane(t.address)
	heir := -1
	if s != nil {
		heir = l.heir(s)
	}
	switch {
	case s == nil:
		l.open--
	case t.closed || l.open > l.allowed(t) || heir < 0 && len(l.waiting) > 0:
		p.retire(s)
		return
	case heir >= 0:
		l.serve(heir, s)
	default:
		s.since = time.Now()
		l.idle = append(l.idle, s)
		if l.timer == nil {
			l.timer = time.AfterFunc(t.cfg.Idle, func() { p.expire(t.address) })
		}
	}
	p.settle(t.address)
}

// heir is who of those who wait gets a connection: the first one whom it suits, unless that passes over somebody too often; -1: nobody.
func (l *lane) heir(s *session) int {
	i := slices.IndexFunc(l.waiting, func(w *waiter) bool { return w.t.suits(s) })
	if i > 0 && l.passed >= patience {
		return -1
	}
	return i
}

// serve gives somebody who waits a connection, or with nil the place of one.
func (l *lane) serve(i int, s *session) {
	l.passed++
	if i == 0 {
		l.passed = 0
	}
	l.waiting[i].got <- s
	l.waiting = slices.Delete(l.waiting, i, i+1)
}

// drop ends a connection that no other mail goes over: with QUIT unless it is broken.
func (p *Pool) drop(s *session, failure *Error) {
	if failure == nil {
		p.retire(s)
		return
	}
	_ = s.link.Close()
	p.put(s.owner, nil)
}

// retire ends a connection, and gives its place back when the server has said good-bye: nobody but who gets the place waits for that.
func (p *Pool) retire(s *session) { go p.end(s.owner.address, []*session{s}) }

// settle gives free places to those who wait, and forgets a server that there is nothing to know about. p.mu is held.
func (p *Pool) settle(address string) {
	l := p.lane(address)
	for len(l.waiting) > 0 && l.open < l.allowed(l.waiting[0].t) {
		l.open++
		l.serve(0, nil)
	}
	if l.open == 0 && l.limiter == nil && l.timer == nil && time.Now().After(l.until) {
		delete(p.lanes, address)
	}
}

func (l *lane) allowed(t *Transport) int {
	if time.Now().Before(l.until) {
		return min(l.lowered, t.cfg.Connections)
	}
	return t.cfg.Connections
}

// ease opens fewer connections for a while, and tells whether there are other ones. The one that the server did not want is still counted.
func (p *Pool) ease(address string) (others bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lane(address)
	most := l.open
	if time.Now().Before(l.until) { // several complaints at once
		most = min(most, l.lowered)
	}
	l.lowered, l.until = max(1, most-1), time.Now().Add(easing)
	return l.open > 1
}

// expire ends connections that have been idle long enough.
func (p *Pool) expire(address string) {
	p.mu.Lock()
	l := p.lane(address)
	l.timer = nil
	next := time.Duration(-1)
	ended := p.remove(l, func(s *session) bool {
		left := time.Until(s.since.Add(s.owner.cfg.Idle))
		if left > 0 && (next < 0 || left < next) {
			next = left
		}
		return left <= 0
	})
	if next >= 0 {
		l.timer = time.AfterFunc(next, func() { p.expire(address) })
	}
	p.mu.Unlock()
	p.end(address, ended)
}

// close ends the idle connections of t, and those that it gives back later.
func (p *Pool) close(t *Transport) {
	p.mu.Lock()
	t.closed = true
	ended := p.remove(p.lane(t.address), func(s *session) bool { return s.owner == t })
	p.mu.Unlock()
	p.end(t.address, ended)
}

// remove takes connections out of the idle ones; their places stay taken.
func (p *Pool) remove(l *lane, those func(*session) bool) (removed []*session) {
	l.idle = slices.DeleteFunc(l.idle, func(s *session) bool {
		found := those(s)
		if found {
			removed = append(removed, s)
		}
		return found
	})
	return removed
}

// end closes connections that have been removed, and gives their places back.
func (p *Pool) end(address string, ended []*session) {
	var closing sync.WaitGroup
	for _, s := range ended {
		closing.Go(s.quit)
	}
	closing.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lane(address).open -= len(ended)
	p.settle(address)
}
