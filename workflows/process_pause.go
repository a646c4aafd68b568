package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/engine"
)

// pauseOffers has external tasks given to nobody while the instance is suspended, and given away again when it no longer is. It returns when that
// is in effect.
func (h *host) pauseOffers(ctx workflow.Context) error {
	if h.state.Engine < externalSince {
		return nil
	}
	if err := h.pausing.Lock(ctx); err != nil { // what was asked before is asked first
		return err
	}
	defer h.pausing.Unlock()
	pause := contract.PauseExternal{Instance: h.id, Run: workflow.GetInfo(ctx).WorkflowExecution.RunID, Resume: !h.input.Paused}
	for _, id := range workflow.DeterministicKeys(h.waits) {
		if w := h.waits[id]; w.offer && w.number > 0 && w.paused == pause.Resume {
			w.paused = !pause.Resume
			pause.Tasks = append(pause.Tasks, w.number)
		}
	}
	if len(pause.Tasks) == 0 {
		return nil
	}
	f := workflow.ExecuteActivity(steering(h.ctx), contract.PauseExternalActivity, pause)
	h.closing = append(h.closing, f) // the next run does not begin before
	return f.Get(ctx, nil)
}

// holdBack offers a task when the instance goes on.
func (h *host) holdBack(c engine.OfferTask) {
	w := &wait{h: h, id: c.ID, cancel: func() {}, offer: true}
	h.load.offers++
	h.waits[c.ID] = w
	h.deferred = append(h.deferred, func() {
		if h.waits[c.ID] == w { // else it was stopped
			w.leave()
			h.offer(c)
		}
	})
}

// set offers a task again whose retries or priority somebody has set. A suspended instance takes that, too: it changes nothing but the task.
func (w *wait) set(again engine.Failed) {
	h := w.h
	if h.waits[w.id] != w {
		return
	}
	delete(h.waits, w.id)
	w.leave()
	if err := h.step(again); err != nil {
		panic(fmt.Sprintf("the engine refused to offer a task again: %v", err))
	}
}
