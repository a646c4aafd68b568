package activities

import (
	"context"
	"sync"
	"time"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors"
)

const (
	// paceMargin is how much of the rate is used: what calls are late by moves them closer together.
	paceMargin = 0.95
	// paceLate is how late a call may be for its turn before it takes another one.
	paceLate = 25 * time.Millisecond
	// paceAhead is how long an answer may take at first, and paceFar at most; see Pacer.ahead.
	paceAhead = 50 * time.Millisecond
	paceFar   = 5 * time.Second
	// paceTimeout bounds one request for turns.
	paceTimeout = 10 * time.Second
)

// Pacer keeps the calls of a connector below its rate, over all workers together: each call waits for a turn.
type Pacer struct {
	take      func(context.Context, contract.TakeTurns) (contract.Turns, error)
	connector string
	perSecond float64

	mu      sync.Mutex
	waiting []chan turn
	asking  bool
	ahead   time.Duration // how long an answer takes; it doubles when a turn is over when its answer comes
	server  serverClock
}

// serverClock is that of the server, as far as a worker can tell: from the request of late that took the shortest time (as of RFC 5905,
// section 10), since workers whose clocks differ would make their calls at the same time.
type serverClock struct {
	offset time.Duration // of the server's clock to ours
	took   time.Duration // how exact that is; 0: nothing is known
}

// compare takes note of what the server's clock said during a request.
func (c *serverClock) compare(asked time.Time, took time.Duration, now time.Time) {
	c.took += c.took / 50 // what was exact once is less so by and by: clocks drift
	if c.took == 0 || took <= c.took {
		c.offset, c.took = now.Sub(asked.Add(took/2)), max(took, 1)
	}
}

// here is a time of the server by our clock.
func (c *serverClock) here(t time.Time) time.Time { return t.Add(-c.offset) }

// turn is when a call may be made.
type turn struct {
	at  time.Time
	err error
}

// NewPacer returns the pacer of a connector; perSecond is more than 0.
func NewPacer(c *client.Client, connector string, perSecond float64) *Pacer {
	take := func(ctx context.Context, in contract.TakeTurns) (contract.Turns, error) {
		return c.TakeTurns(ctx, connector, in)
	}
	return &Pacer{take: take, connector: connector, perSecond: perSecond * paceMargin, ahead: paceAhead}
}

// Wait returns when a call may be made.
func (p *Pacer) Wait(ctx context.Context) error {
	for {
		t, err := p.next(ctx)
		if err != nil {
			return err
		}
		timer := time.NewTimer(time.Until(t.at))
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
		if time.Since(t.at) <= paceLate {
			return nil
		}
	}
}

func (p *Pacer) next(ctx context.Context) (turn, error) {
	given := make(chan turn, 1)
	p.mu.Lock()
	p.waiting = append(p.waiting, given)
	if !p.asking {
		p.asking = true
		go p.ask(context.WithoutCancel(ctx))
	}
	p.mu.Unlock()
	select {
	case <-ctx.Done():
		return turn{}, ctx.Err()
	case t := <-given:
		if t.err != nil {
			return turn{}, &connectors.Error{
				Kind: connectors.Retryable, Code: "RATE_LIMIT", Public: "there is no turn within the rate of connector " + p.connector, Err: t.err,
			}
		}
		return t, nil
	}
}

// ask asks for turns until nobody waits: for all who wait at once, so that many calls make few requests.
func (p *Pacer) ask(ctx context.Context) {
	for {
		p.mu.Lock()
		count := len(p.waiting)
		if count == 0 {
			p.asking = false
			p.mu.Unlock()
			return
		}
		ahead := p.ahead
		p.mu.Unlock()
		asked := time.Now()
		turns, err := p.request(ctx, contract.TakeTurns{Count: count, PerSecond: p.perSecond, Ahead: ahead})
		took := time.Since(asked)
		p.mu.Lock()
		var first time.Time
		if err == nil {
			p.server.compare(asked, took, turns.Now)
			count, first = min(count, turns.Count), p.server.here(turns.First)
			if time.Since(first) > 0 {
				p.ahead = min(2*ahead, paceFar)
			}
		}
		served := p.waiting[:count]
		p.waiting = p.waiting[count:]
		p.mu.Unlock()
		for i, given := range served {
			given <- turn{first.Add(time.Duration(i) * turns.Interval), err}
		}
	}
}

func (p *Pacer) request(ctx context.Context, in contract.TakeTurns) (contract.Turns, error) {
	ctx, cancel := context.WithTimeout(ctx, paceTimeout)
	defer cancel()
	return p.take(ctx, in)
}
