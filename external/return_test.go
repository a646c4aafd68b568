package external_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/external"
)

func TestTaskIsReturned(t *testing.T) {
	p := startPlace(t)
	instance := p.begin()
	task := p.fetch("ann", time.Minute)
	refusedTo(t, p.Return(t.Context(), task.ID, by("bob")), "ann")
	require.NoError(t, p.Return(t.Context(), task.ID, by("ann")))
	refusedTo(t, p.Return(t.Context(), task.ID, by("ann")), "")
	require.Equal(t, task.ID, p.fetch("bob", time.Minute).ID)
	require.NoError(t, p.Complete(t.Context(), task.ID, by("bob"), external.Result{}))
	p.Ended(instance)
	require.ErrorIs(t, p.Return(t.Context(), task.ID, by("bob")), external.ErrGone)
}

// A worker that does not say how many retries are left has used up one.
func TestRetriesAreCounted(t *testing.T) {
	p := startPlace(t)
	instance := p.begin()
	for _, left := range []int{1, 0} {
		task := p.fetch("ann", time.Minute)
		require.NoError(t, p.Fail(t.Context(), task.ID, by("ann"), external.Failure{Message: "no luck", LessOneOf: 2}))
		if left > 0 {
			task = p.fetch("bob", time.Minute)
			require.Equal(t, left, *task.Retries)
			require.NoError(t, p.Return(t.Context(), task.ID, by("bob")))
		}
	}
	require.Equal(t, "no luck", p.Incident(instance).Message)
}
