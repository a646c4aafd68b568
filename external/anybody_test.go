package external_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/external"
)

// Where a contract lets anybody answer for a task that nobody has, that is also one which a gateway has polled and given to nobody yet.
func TestAnybodyAnswers(t *testing.T) {
	anybody := external.By{Worker: "bob", Anybody: true}
	for name, answer := range map[string]func(p *place, id string) error{
		"completes": func(p *place, id string) error { return p.Complete(t.Context(), id, anybody, external.Result{}) },
		"throws":    func(p *place, id string) error { return p.BPMNError(t.Context(), id, anybody, "BAD", "so", nil) },
		"fails": func(p *place, id string) error {
			return p.Fail(t.Context(), id, anybody, external.Failure{Message: "so", Catchable: true, Code: "BAD"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := startPlace(t)
			p.topic = "anybody-" + name
			instance := p.begin()
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			o, err := p.Poll(ctx, p.topic)
			require.NoError(t, err)
			require.NotNil(t, o)
			require.ErrorIs(t, p.Extend(ctx, o.String(), anybody, time.Minute), external.ErrExpired, "there is no lock")
			require.NoError(t, answer(p, o.String()))
			_, err = p.Lock(ctx, o, "ann", time.Minute)
			require.ErrorIs(t, err, external.ErrGone, "it is too late to give it away")
			p.Ended(instance)
		})
	}
	p := startPlace(t)
	p.topic = "anybody-but"
	p.begin()
	task := p.fetch("ann", time.Minute)
	var locked *external.LockedError
	require.ErrorAs(t, p.Complete(t.Context(), task.ID, anybody, external.Result{}), &locked)
	require.WithinDuration(t, task.Until, locked.Until, time.Second, "another has it until then")
}
