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
	// paceTimeout bounds one request for turns.
	paceTimeout = 10 * time.Second
)

// Pacer keeps the calls of a connector below its rate, over all workers together: each call waits for a turn.
type Pacer struct {
	client    *client.Client
	connector string
	perSecond float64

	mu      sync.Mutex
	waiting []chan turn
	asking  bool
}

// turn is when a call may be made.
type turn struct {
	at  time.Time
	err error
}

// NewPacer returns the pacer of a connector; perSecond is more than 0.
func NewPacer(c *client.Client, connector string, perSecond float64) *Pacer {
	return &Pacer{client: c, connector: connector, perSecond: perSecond * paceMargin}
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
		p.mu.Unlock()
		turns, err := p.take(ctx, count)
		p.mu.Lock()
		if err == nil {
			count = min(count, turns.Count)
		}
		served := p.waiting[:count]
		p.waiting = p.waiting[count:]
		p.mu.Unlock()
		for i, given := range served {
			given <- turn{turns.First.Add(time.Duration(i) * turns.Interval), err}
		}
	}
}

func (p *Pacer) take(ctx context.Context, count int) (contract.Turns, error) {
	ctx, cancel := context.WithTimeout(ctx, paceTimeout)
	defer cancel()
	return p.client.TakeTurns(ctx, p.connector, contract.TakeTurns{Count: count, PerSecond: p.perSecond})
}
