package activities

import (
	"context"
	"slices"
	"time"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/alerts"
)

const (
	// alertLinger is how long the first alert of a batch waits for others: ten thousand in a minute then make some hundred signals.
	alertLinger = 500 * time.Millisecond
	// alertsFull is how many make a batch that waits no longer.
	alertsFull = 100
	// alertsTimeout bounds one signal.
	alertsTimeout = 10 * time.Second
)

// alertQueue are the alerts of one rule that wait for the next signal.
type alertQueue struct {
	rule    *alerts.Rule
	waiting []waitingAlert
	sending bool
	full    chan struct{} // closed when a batch need not wait; nil when nobody lingers
}

type waitingAlert struct {
	alert    contract.Alert
	accepted chan error
}

// enqueue puts an alert into the next batch of a rule. The channel tells when the workflow has it.
func (a *Alerter) enqueue(ctx context.Context, r *alerts.Rule, in contract.Alert) chan error {
	accepted := make(chan error, 1)
	a.mu.Lock()
	defer a.mu.Unlock()
	q := a.queues[r.Name]
	if q == nil {
		q = &alertQueue{}
		a.queues[r.Name] = q
	}
	q.rule = r
	q.waiting = append(q.waiting, waitingAlert{in, accepted})
	if len(q.waiting) >= alertsFull && q.full != nil {
		close(q.full)
		q.full = nil
	}
	if !q.sending {
		q.sending = true
		go a.send(context.WithoutCancel(ctx), q)
	}
	return accepted
}

// send sends batches of a rule until no alert waits.
func (a *Alerter) send(ctx context.Context, q *alertQueue) {
	for {
		a.mu.Lock()
		if len(q.waiting) == 0 {
			q.sending = false
			delete(a.queues, q.rule.Name) // whoever comes now makes a new one
			a.mu.Unlock()
			return
		}
		var full chan struct{}
		if len(q.waiting) < alertsFull {
			full = make(chan struct{})
			q.full = full
		}
		a.mu.Unlock()
		if full != nil {
			timer := time.NewTimer(a.linger)
			select {
			case <-timer.C:
			case <-full:
			}
			timer.Stop()
		}
		a.mu.Lock()
		q.full = nil
		n := min(len(q.waiting), alertsFull)
		batch, rule := slices.Clone(q.waiting[:n]), q.rule
		q.waiting = slices.Delete(q.waiting, 0, n)
		a.mu.Unlock()
		err := a.signal(ctx, rule, batch)
		for _, w := range batch {
			w.accepted <- err
		}
	}
}

func (a *Alerter) signal(ctx context.Context, r *alerts.Rule, batch []waitingAlert) error {
	ctx, cancel := context.WithTimeout(ctx, alertsTimeout)
	defer cancel()
	all := make([]contract.Alert, len(batch))
	for i, w := range batch {
		all[i] = w.alert
	}
	a.signals.Inc()
	return a.client.SendAlerts(ctx, alerts.Batch(r, all))
}
