package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/waybill-io/waybill/connectors"
)

// breakerConfig says when calls of a host are given up for a while.
type breakerConfig struct {
	buffer int // REST_CIRCUIT_BREAKER_BUFFER: so many calls are needed to judge
	wait   time.Duration
	rate   int // percent of calls that fail
}

// window is how far back calls count.
const window = time.Minute

// maxBreakers bounds the hosts that are remembered: their names come from models and data.
const maxBreakers = 1000

// breakers are the circuit breakers of an instance on this worker, one a host. The zero value with a config is ready.
type breakers struct {
	config breakerConfig

	mu    sync.Mutex
	hosts map[string]*breaker
}

func (b *breakers) of(host string) *breaker {
	b.mu.Lock()
	defer b.mu.Unlock()
	if one, ok := b.hosts[host]; ok {
		return one
	}
	if b.hosts == nil {
		b.hosts = map[string]*breaker{}
	}
	for other := range b.hosts {
		if len(b.hosts) < maxBreakers {
			break
		}
		delete(b.hosts, other) // any: what was learned of it is learned again
	}
	one := newBreaker(b.config)
	b.hosts[host] = one
	return one
}

// breaker is open after too many failures: then nothing is called until the wait is over, and one call tries.
type breaker struct {
	circuit *gobreaker.CircuitBreaker[*answer]
	wait    time.Duration

	mu     sync.Mutex
	opened time.Time
}

// openError is a call that was not made.
type openError struct{ left time.Duration }

func (e *openError) Error() string { return fmt.Sprintf("the circuit breaker is open for %s", e.left) }

// errServer marks an answer that counts as a failure.
var errServer = errors.New("the server failed")

func newBreaker(c breakerConfig) *breaker {
	b := &breaker{wait: max(c.wait, time.Millisecond)}
	b.circuit = gobreaker.NewCircuitBreaker[*answer](gobreaker.Settings{
		Interval: window, BucketPeriod: window / 6, Timeout: b.wait,
		ReadyToTrip: func(n gobreaker.Counts) bool {
			judged := n.TotalSuccesses + n.TotalFailures
			return int(judged) >= c.buffer && int(n.TotalFailures)*100 >= c.rate*int(judged)
		},
		// A caller that gave up, and what we refuse ourselves, say nothing of the server.
		IsExcluded: func(err error) bool {
			return err != nil && (errors.Is(err, context.Canceled) || connectors.AsError(err).Kind != connectors.Retryable)
		},
		OnStateChange: func(_ string, _, to gobreaker.State) {
			if to == gobreaker.StateOpen {
				b.mu.Lock()
				b.opened = time.Now()
				b.mu.Unlock()
			}
		},
	})
	return b
}

// do makes a call unless the breaker is open, then the error is an *openError.
func (b *breaker) do(call func() (*answer, error)) (*answer, error) {
	a, err := b.circuit.Execute(func() (*answer, error) {
		a, err := call()
		if err == nil && a.status >= http.StatusInternalServerError {
			err = errServer
		}
		return a, err
	})
	switch {
	case errors.Is(err, errServer):
		return a, nil
	case errors.Is(err, gobreaker.ErrTooManyRequests):
		return nil, &openError{b.wait}
	case errors.Is(err, gobreaker.ErrOpenState):
		b.mu.Lock()
		defer b.mu.Unlock()
		return nil, &openError{max(b.wait-time.Since(b.opened), 0)}
	}
	return a, err
}
