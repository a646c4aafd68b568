package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/engine"
)

// offerHeartbeat is how soon an external task comes back whose fetcher got no answer. The gateway sets the lock that was asked for on
// the attempt that it hands out; offerLongest bounds the sum of its extensions.
const (
	offerHeartbeat = 10 * time.Second
	offerLongest   = 7 * 24 * time.Hour
)

// offer is an activity on the queue of its topic, which no worker polls: the gateway does.
func (h *host) offer(c engine.OfferTask) {
	var failed contract.ExternalFailure
	if retries := h.retries; retries > 0 {
		failed.Retries = &retries
	}
	h.offerAfter(c, failed, h.now())
}

// offerAfter offers a task again that has failed before.
func (h *host) offerAfter(c engine.OfferTask, failed contract.ExternalFailure, created time.Time) {
	h.showTopic(c.Topic)
	node := h.process.Node(c.Element)
	task := contract.ExternalTask{
		Topic: c.Topic, Priority: c.Priority, Properties: c.Properties, Variables: contract.Variables(c.Inputs),
		Context: h.callContext(node), Created: created, Failed: failed,
	}
	if h.input.Paused && h.state.Engine >= listedSince {
		w := h.offering(c, task, func() {})
		h.deferred = append(h.deferred, func() {
			if h.waits[c.ID] == w { // else it was stopped
				w.leave()
				h.offerAfter(c, failed, created)
			}
		})
		return
	}
	ctx, cancel := workflow.WithCancel(h.ctx)
	id := ""
	if c.Task > 0 {
		id = contract.ExternalTaskID(c.Task)
	}
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		ActivityID:          id,
		TaskQueue:           contract.TopicQueue(c.Topic),
		StartToCloseTimeout: offerLongest,
		HeartbeatTimeout:    offerHeartbeat,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 10 * time.Millisecond, BackoffCoefficient: 1},
		Summary:             clip(title(node)),
		Priority:            temporal.Priority{PriorityKey: contract.PriorityKey(c.Priority)},
	})
	f := workflow.ExecuteActivity(ctx, contract.ExternalTaskActivity, task)
	w := h.offering(c, task, cancel)
	h.selector.AddFuture(f, func(f workflow.Future) { w.offered(f, c) })
}

// offering is an offer that is under way.
func (h *host) offering(c engine.OfferTask, task contract.ExternalTask, cancel workflow.CancelFunc) *wait {
	w := &wait{h: h, id: c.ID, cancel: cancel, offer: true, task: task, number: c.Task}
	h.load.offers++
	h.waits[c.ID] = w
	return w
}

// offerAgain offers a task again, maybe with another priority, which the next run knows, too.
func (h *host) offerAgain(c engine.OfferTask, failed contract.ExternalFailure, created time.Time) {
	if failed.Priority != nil {
		c.Priority = *failed.Priority
		for i := range h.state.Waits {
			if h.state.Waits[i].ID == c.ID {
				h.state.Waits[i].Command = c
			}
		}
	}
	h.offerAfter(c, failed, created)
}

// offered is the answer to an external task.
func (w *wait) offered(f workflow.Future, c engine.OfferTask) {
	var result contract.ExternalResult
	if err := f.Get(w.h.ctx, &result); err != nil {
		w.answer(engine.Failed{ID: w.id, Failure: failure(err), Variables: left(err)})
		return
	}
	switch {
	case result.Failure != nil && (result.Failure.Retries == nil || *result.Failure.Retries > 0):
		if w.h.waits[w.id] == w {
			w.leave()
			w.h.offerAgain(c, *result.Failure, w.task.Created)
		}
	case result.Failure != nil:
		w.answer(engine.Failed{
			ID: w.id, Failure: engine.Failure{Message: result.Failure.Message, Type: contract.FailedExternalTask}, Variables: engine.Variables(result.Outputs), Attempts: result.Attempt,
		})
	case result.Error != nil:
		w.answer(engine.Failed{
			ID: w.id, Failure: engine.Failure{Code: result.Error.Code, Message: result.Error.Message}, Variables: engine.Variables(result.Outputs), Attempts: result.Attempt,
		})
	default:
		w.answer(engine.Completed{ID: w.id, Outputs: engine.Variables(result.Outputs), Local: engine.Variables(result.Local), Attempts: result.Attempt})
	}
}
