package external

import (
	"context"
	"time"
)

// Return has a task offered again at once that its worker does not want after all.
func (t *Tasks) Return(ctx context.Context, id string, by By) error {
	return t.answer(ctx, id, by, DeedReturn, looked, func(h *held) error {
		if !h.started || h.Token == nil { // the lock has run out: it is offered already
			return nil
		}
		l := h.lease
		l.Worker, l.Token = "", nil
		return t.again(ctx, h.Token, l, "unlock", "returned by its worker", time.Millisecond)
	})
}
