package external

import (
	"sync"
	"time"
)

// given are tasks that were given away here, so that their workers' answers need no look: the token tells whether they have them still.
type given struct {
	mu    sync.Mutex
	tasks map[name]*held
	swept time.Time // of those whose locks have run out
}

// maxGiven bounds what is remembered. A task that is not costs a look.
const maxGiven = 10_000

func (g *given) put(h *held) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.tasks, h.name)
	if len(h.Message)+len(h.Details) > maxMessage { // many of them would take much memory
		return
	}
	if now := time.Now(); len(g.tasks) >= maxGiven && now.Sub(g.swept) > time.Second { // when all are locked for long, each would look at all
		g.swept = now
		for n, other := range g.tasks {
			if now.After(other.until) {
				delete(g.tasks, n)
			}
		}
	}
	if len(g.tasks) < maxGiven {
		g.tasks[h.name] = h
	}
}

// take returns a task that is locked, as far as is known here, and forgets it.
func (g *given) take(n name) *held {
	g.mu.Lock()
	defer g.mu.Unlock()
	h := g.tasks[n]
	delete(g.tasks, n)
	if h == nil || time.Now().After(h.until) {
		return nil
	}
	return h
}
