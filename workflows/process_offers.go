package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/engine"
)

// offerHeartbeat is how soon an external task comes back whose fetcher got no answer. The gateway sets the lock that was asked for on
// the attempt that it hands out.
const offerHeartbeat = 10 * time.Second

// offer is an activity on the queue of its topic, which no worker polls: the gateway does.
func (h *host) offer(c engine.OfferTask) {
	var failed contract.ExternalFailure
	if h.retries > 0 {
		failed.Retries = &h.retries
	}
	h.offerAfter(c, failed)
}

// offerAfter offers a task again that has failed before.
func (h *host) offerAfter(c engine.OfferTask, failed contract.ExternalFailure) {
	node := h.process.Node(c.Element)
	ctx, cancel := workflow.WithCancel(h.ctx)
	id := ""
	if c.Task > 0 {
		id = contract.ExternalTaskID(c.Task)
	}
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		ActivityID:          id,
		TaskQueue:           contract.TopicQueue(c.Topic),
		StartToCloseTimeout: contract.ExternalTaskLongest,
		HeartbeatTimeout:    offerHeartbeat,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 10 * time.Millisecond, BackoffCoefficient: 1},
		Summary:             clip(title(node)),
		Priority:            temporal.Priority{PriorityKey: priorityKey(c.Priority)},
	})
	f := workflow.ExecuteActivity(ctx, contract.ExternalTaskActivity, contract.ExternalTask{
		Topic: c.Topic, Priority: c.Priority, Properties: c.Properties, Variables: contract.Variables(c.Inputs),
		Context: h.callContext(node), Created: h.now(), Failed: failed,
	})
	w := &wait{h: h, id: c.ID, cancel: cancel, offer: true}
	h.load.offers++
	h.waits[c.ID] = w
	h.selector.AddFuture(f, func(f workflow.Future) { w.offered(f, c) })
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
			w.h.offerAfter(c, *result.Failure)
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

// priorityKey puts a priority of BPMN, where higher is sooner and 0 is normal, into Temporal's five, where 1 is first.
func priorityKey(priority int) int {
	switch {
	case priority >= 100:
		return 1
	case priority > 0:
		return 2
	case priority <= -100:
		return 5
	case priority < 0:
		return 4
	}
	return 3
}
