package workflows

import (
	"encoding/json"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/engine"
)

// offerHeartbeat is how soon an external task comes back whose fetcher got no answer. The gateway sets the lock that was asked for on
// the attempt that it hands out.
const offerHeartbeat = 5 * time.Second

// offer is an activity on the queue of its topic, which no worker polls: the gateway does. A run that is about to end leaves it to the next.
func (h *host) offer(c engine.OfferTask) {
	if h.load.draining && c.Task > 0 {
		return
	}
	h.showTopic(c.Topic)
	if h.input.Paused && c.Task > 0 {
		h.holdBack(c)
		return
	}
	ctx, cancel := workflow.WithCancel(h.ctx)
	id := ""
	if c.Task > 0 {
		id = contract.ExternalTaskID(c.Task)
	} else {
		c.Created = h.now()
	}
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		ActivityID:          id,
		TaskQueue:           contract.TopicQueue(c.Topic),
		StartToCloseTimeout: contract.ExternalTaskLongest,
		HeartbeatTimeout:    offerHeartbeat,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 10 * time.Millisecond, BackoffCoefficient: 1},
		Summary:             clip(title(h.process.Node(c.Element))),
		Priority:            temporal.Priority{PriorityKey: contract.PriorityKey(c.Priority)},
	})
	f := workflow.ExecuteActivity(ctx, contract.ExternalTaskActivity, h.externalTask(c))
	w := &wait{h: h, id: c.ID, cancel: cancel, offer: true, number: c.Task}
	h.load.offers++
	h.waits[c.ID] = w
	h.selector.AddFuture(f, w.offered)
}

// externalTask is what is told of a task.
func (h *host) externalTask(c engine.OfferTask) contract.ExternalTask {
	node := h.process.Node(c.Element)
	return contract.ExternalTask{
		Topic: c.Topic, Priority: c.Priority, Properties: c.Properties, Variables: contract.Variables(c.Inputs), Local: own(node), Payload: c.Payload,
		Context: h.callContext(node), VersionTag: h.process.VersionTag, User: h.input.Initiator, Created: c.Created, Judged: node.Judges(), Leases: c.Leases,
		NotBefore: c.Report.NotBefore, Failed: contract.ExternalFailure{Message: c.Report.Message, Details: c.Report.Details, Retries: c.Report.Retries, Worker: c.Report.Worker},
	}
}

// own are the variables of an element that no other sees: those of its input mapping, and of its loop.
func own(n *bpmn.Node) (names []string) {
	for _, a := range n.Inputs {
		names = append(names, a.Name)
	}
	if m := n.Mapping; m != nil {
		for _, p := range slices.Concat(m.Inputs, m.Constants) {
			names = append(names, p.Name)
		}
	}
	if l := n.Loop; l != nil {
		names = append(names, l.Element, l.Index, loopCounter)
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "" })
}

// loopCounter is the variable of every loop.
const loopCounter = "loopCounter"

// offered is the answer to an external task.
func (w *wait) offered(f workflow.Future) {
	var result contract.ExternalResult
	if err := f.Get(w.h.ctx, &result); err != nil {
		result = contract.ExternalResult{}
		details(err, &result)
		failed := engine.Failed{ID: w.id, Failure: failure(err), Variables: engine.Variables(result.Outputs), By: workedBy(result)}
		w.answer(failed)
		return
	}
	by := workedBy(result)
	switch {
	case result.Failure != nil:
		failed := w.failedOffer(result, by)
		if failed.Again != nil && failed.Again.Set {
			w.set(failed)
			return
		}
		w.answer(failed)
	case result.Error != nil:
		w.answer(engine.Failed{
			ID: w.id, Failure: engine.Failure{Code: result.Error.Code, Message: result.Error.Message}, Variables: engine.Variables(result.Outputs), Attempts: result.Attempt, By: by,
		})
	default:
		w.answer(engine.Completed{
			ID: w.id, Outputs: engine.Variables(result.Outputs), Local: engine.Variables(result.Local), Attempts: result.Attempt, By: &by,
		})
	}
}

// failedOffer is an external task that has failed for good, or is to be offered again.
func (w *wait) failedOffer(result contract.ExternalResult, by engine.By) engine.Failed {
	f := result.Failure
	failed := engine.Failed{
		ID: w.id, Failure: engine.Failure{Code: f.Code, Message: f.Message, Type: contract.FailedExternalTask, Details: f.Details}, Catchable: f.Catchable,
		Variables: engine.Variables(result.Outputs), Local: engine.Variables(result.Local), Attempts: result.Attempt, By: by,
	}
	if f.Retries == nil || *f.Retries > 0 {
		failed.Again = &engine.Again{Retries: f.Retries, Priority: f.Priority, Set: f.Set}
		if f.AfterMS > 0 {
			failed.Again.NotBefore = workflow.Now(w.h.ctx).Add(milliseconds(f.AfterMS)) // the gateway's time, not that of a test
		}
	}
	return failed
}

// workedBy is who has worked on an external task.
func workedBy(result contract.ExternalResult) engine.By {
	by := engine.By{Worker: result.Worker, Token: tokenOf(result)}
	for _, l := range result.Leases[max(len(result.Leases)-contract.MaxLeases, 0):] {
		by.Leases = append(by.Leases, engine.Lease{Number: l.Number, Worker: l.Worker, At: l.At.UTC(), Until: l.Until.UTC()})
	}
	return by
}

// tokenOf is the result of a worker of process-engine that is no object; nil: it is the outputs.
func tokenOf(result contract.ExternalResult) any {
	var token contract.Variables
	if len(result.Token) == 0 || json.Unmarshal([]byte(`{"token":`+string(result.Token)+`}`), &token) != nil {
		return nil
	}
	return token["token"]
}
