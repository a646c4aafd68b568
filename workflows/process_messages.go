package workflows

import (
	"strconv"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/engine"
)

// thrownFor is how long a message that a process throws is kept for somebody who waits for it a little later.
const thrownFor = time.Hour

func (h *host) subscription(id int, name, key string) *contract.Subscription {
	return &contract.Subscription{Instance: h.id, Command: id, Name: name, Key: key}
}

func (h *host) subscribe(c engine.Subscribe) {
	w := &wait{h: h, id: c.ID, subscription: h.subscription(c.ID, c.Name, c.Key)}
	h.waits[c.ID] = w
	if c.Name == "" {
		return // a receive task without a message waits for CatchUpdate
	}
	w.begin(contract.SubscribeActivity)
}

func (h *host) subscribeSignal(c engine.SubscribeSignal) {
	w := &wait{h: h, id: c.ID, subscription: h.subscription(c.ID, c.Name, ""), signal: true}
	h.waits[c.ID] = w
	w.begin(contract.SubscribeSignalActivity)
}

// begin makes a subscription known where messages or signals of its name meet those who wait.
func (w *wait) begin(activity string) {
	h := w.h
	w.subscribed = workflow.ExecuteActivity(steering(h.ctx), activity, w.subscription)
	h.closing = append(h.closing, w.subscribed)
	h.selector.AddFuture(w.subscribed, fired) // a moment when nothing is in flight: the next run may begin
}

// unsubscribe takes a subscription back.
func (w *wait) unsubscribe() {
	h, s := w.h, w.subscription
	if s.Name == "" {
		return // nobody was told
	}
	if w.subscribed != nil {
		_ = w.subscribed.Get(h.ctx, nil) // moments after the start at most; then there is somebody to unsubscribe from
	}
	id := contract.MessageID(s.Name, s.Key)
	if w.signal {
		id = contract.SignalID(s.Name)
	}
	h.closing = append(h.closing, workflow.SignalExternalWorkflow(h.ctx, id, "", contract.UnsubscribeSignal, s))
}

// publish hands a message over; it is safe when that is answered.
func (h *host) publish(c engine.Publish) {
	ctx, cancel := workflow.WithCancel(steering(h.ctx))
	f := workflow.ExecuteActivity(ctx, contract.PublishActivity, contract.Message{
		ID: h.id + "/" + strconv.Itoa(c.ID), Name: c.Name, Key: c.Key, Variables: contract.Variables(c.Variables),
		TTL: thrownFor, BusinessKey: h.input.BusinessKey,
	})
	w := &wait{h: h, id: c.ID, cancel: cancel, counted: true}
	h.waits[c.ID] = w
	h.selector.AddFuture(f, w.published)
}

func (w *wait) published(f workflow.Future) {
	if err := f.Get(w.h.ctx, nil); err != nil {
		w.answer(engine.Failed{ID: w.id, Failure: failure(err)})
		return
	}
	w.answer(engine.Completed{ID: w.id})
}

// broadcast sends a signal to everybody else. The instance goes on at once; it does not end before the signal is safe.
func (h *host) broadcast(c engine.Broadcast) {
	h.closing = append(h.closing, workflow.ExecuteActivity(steering(h.ctx), contract.BroadcastActivity, contract.SignalBroadcast{
		ID: h.id + "/" + strconv.Itoa(c.ID), Name: c.Name, Variables: contract.Variables(c.Variables), Sender: h.id,
	}))
}

// messageCame is a message for a subscription. One that comes too late goes back, for others.
func (h *host) messageCame(c workflow.ReceiveChannel, _ bool) {
	var d contract.MessageDelivery
	c.Receive(h.ctx, &d)
	h.take(d)
}

func (h *host) take(d contract.MessageDelivery) {
	if h.input.Paused {
		h.deferred = append(h.deferred, func() { h.take(d) })
		return
	}
	if err := h.step(engine.MessageReceived{ID: d.Command, Variables: engine.Variables(d.Message.Variables)}); err == nil {
		delete(h.waits, d.Command)
		return
	}
	h.closing = append(h.closing, workflow.ExecuteActivity(steering(h.ctx), contract.ReturnMessageActivity, contract.ReturnMessageInput{Message: d.Message}))
}

// signalCame is a signal for a subscription.
func (h *host) signalCame(c workflow.ReceiveChannel, _ bool) {
	var d contract.SignalDelivery
	c.Receive(h.ctx, &d)
	h.happen(engine.SignalReceived{ID: d.Command, Variables: engine.Variables(d.Variables)})
}
