package external_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/external"
)

// Whatever is done with a task is told, once, with who did it and what task it was.
func TestDeedsAreTold(t *testing.T) {
	p := startPlace(t)
	var told []external.Deed
	p.Told = func(d external.Deed) { told = append(told, d) }
	instance := p.begin()
	task := p.fetch("ann", time.Minute)
	all := external.Scope{User: "ops"}
	require.NoError(t, p.SetRetries(t.Context(), task.ID, all, 5))
	require.NoError(t, p.SetPriority(t.Context(), task.ID, all, 50))
	require.NoError(t, p.LockByID(t.Context(), task.ID, by("ann"), time.Hour))
	require.NoError(t, p.Return(t.Context(), task.ID, by("ann")))
	require.NoError(t, p.Unlock(t.Context(), task.ID, all))
	require.NoError(t, p.LockByID(t.Context(), task.ID, by("bob"), time.Hour))
	others := external.By{Scope: external.Scope{User: "eve", Topics: []string{"another"}}, Worker: "bob"}
	require.ErrorIs(t, p.Complete(t.Context(), task.ID, others, external.Result{}), external.ErrForbidden)
	require.NoError(t, p.BPMNError(t.Context(), task.ID, by("bob"), "BAD", "no luck", nil))
	p.Ended(instance)
	require.ErrorIs(t, p.Unlock(t.Context(), task.ID, all), external.ErrGone)

	var whats []string
	for _, d := range told {
		whats = append(whats, d.What)
		require.Equal(t, []string{task.ID, instance}, []string{d.ID, d.Instance}, d.What)
		locked := d.What == external.DeedLock
		require.Equal(t, locked, !d.Until.IsZero(), d.What)
	}
	require.Equal(t, []string{
		external.DeedRetries, external.DeedPriority, external.DeedLock, external.DeedReturn, external.DeedUnlock, external.DeedLock, external.DeedComplete, external.DeedError, external.DeedUnlock,
	}, whats)
	for _, d := range told[:8] {
		require.Equal(t, p.topic, d.Topic, d.What)
	}
	require.Equal(t, all, told[0].By.Scope)
	require.Equal(t, by("bob"), told[5].By)
	require.ErrorIs(t, told[6].Err, external.ErrForbidden)
	require.Equal(t, others, told[6].By)
	require.ErrorIs(t, told[8].Err, external.ErrGone)
}
