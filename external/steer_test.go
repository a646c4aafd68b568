package external_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/external"
)

func all() external.Scope { return external.Scope{} }

func TestRetriesOfTaskThatNobodyHas(t *testing.T) {
	p := startPlace(t)
	instance := p.begin()
	id := p.listed(external.Filter{Topic: p.topic}, 1)[0].ID
	created := p.shown(id).Created
	require.NoError(t, p.SetRetries(t.Context(), id, all(), 5))
	require.Eventually(t, func() bool { r := p.shown(id).Retries; return r != nil && *r == 5 }, 10*time.Second, 20*time.Millisecond)
	require.Equal(t, created, p.shown(id).Created)
	task := p.fetch("ann", time.Minute)
	require.Equal(t, id, task.ID)
	require.Equal(t, 5, *task.Retries)
	require.NoError(t, p.Complete(t.Context(), id, by("ann"), external.Result{}))
	p.Ended(instance)
	require.ErrorIs(t, p.SetRetries(t.Context(), id, all(), 5), external.ErrGone)
	require.ErrorIs(t, p.SetRetries(t.Context(), "x", all(), 5), external.ErrNotFound)
}

// Whoever has a task keeps it, for no longer than before.
func TestRetriesOfTaskThatSomebodyHas(t *testing.T) {
	p := startPlace(t)
	instance := p.begin()
	task := p.fetch("ann", 30*time.Second)
	before := p.shown(task.ID)
	require.NoError(t, p.SetRetries(t.Context(), task.ID, all(), 4))
	require.NoError(t, p.SetPriority(t.Context(), task.ID, all(), 70))
	shown := p.shown(task.ID)
	require.Equal(t, 4, *shown.Retries)
	require.Equal(t, 70, shown.Priority)
	require.Equal(t, "ann", shown.Worker)
	require.WithinDuration(t, before.Until, shown.Until, 2*time.Second)
	require.NoError(t, p.Extend(t.Context(), task.ID, by("ann"), time.Minute))
	shown = p.shown(task.ID)
	require.Equal(t, 4, *shown.Retries)
	require.Equal(t, 70, shown.Priority)
	require.NoError(t, p.Unlock(t.Context(), task.ID, all()))
	again := p.fetch("bob", time.Minute)
	require.Equal(t, 4, *again.Retries)
	require.Equal(t, 70, again.Priority)
	require.NoError(t, p.Complete(t.Context(), task.ID, by("bob"), external.Result{}))
	p.Ended(instance)
}

func TestNoRetriesAreAnIncident(t *testing.T) {
	for name, has := range map[string]bool{"nobody has it": false, "somebody has it": true} {
		t.Run(name, func(t *testing.T) {
			p := startPlace(t)
			instance := p.begin()
			id := p.listed(external.Filter{Topic: p.topic}, 1)[0].ID
			if has {
				require.Equal(t, id, p.fetch("ann", time.Minute).ID)
			}
			require.NoError(t, p.SetRetries(t.Context(), id, all(), 0))
			p.Incident(instance)
			require.NoError(t, p.SetRetries(t.Context(), id, all(), 0), "as it is")
			require.ErrorIs(t, p.SetPriority(t.Context(), id, all(), 3), external.ErrFailed)
			require.ErrorIs(t, p.LockByID(t.Context(), id, by("ann"), time.Minute), external.ErrFailed)
			require.ErrorIs(t, p.Complete(t.Context(), id, by("ann"), external.Result{}), external.ErrGone)
			require.NoError(t, p.SetRetries(t.Context(), id, all(), 2))
			task := p.fetch("bob", time.Minute)
			require.Equal(t, id, task.ID)
			require.Equal(t, 2, *task.Retries)
			require.NoError(t, p.Complete(t.Context(), id, by("bob"), external.Result{}))
			p.Ended(instance)
		})
	}
}

// Tasks of a higher priority come first, also when it was set later.
func TestPriority(t *testing.T) {
	p := startPlace(t)
	key := p.deploy(one(p.topic))
	var ids []string
	for range 4 {
		instance := p.Begin(client.StartOptions{Key: key})
		ids = append(ids, p.listed(external.Filter{Instances: []string{instance}}, 1)[0].ID)
	}
	require.NoError(t, p.SetPriority(t.Context(), ids[3], all(), 100))
	require.NoError(t, p.SetPriority(t.Context(), ids[0], all(), -5))
	for _, id := range []string{ids[3], ids[0]} {
		require.Eventually(t, func() bool { return p.shown(id).Priority != 0 }, 10*time.Second, 20*time.Millisecond)
	}
	require.Nil(t, p.shown(ids[0]).Retries, "nobody has said")
	var got []string
	var priorities []int
	for range 4 {
		task := p.fetch("ann", time.Minute)
		got, priorities = append(got, task.ID), append(priorities, task.Priority)
	}
	require.Equal(t, []string{ids[3], ids[1], ids[2], ids[0]}, got)
	require.Equal(t, []int{100, 0, 0, -5}, priorities)
}

func TestLockByID(t *testing.T) {
	p := startPlace(t)
	key := p.deploy(one(p.topic))
	var ids []string
	for range 5 {
		instance := p.Begin(client.StartOptions{Key: key})
		ids = append(ids, p.listed(external.Filter{Instances: []string{instance}}, 1)[0].ID)
	}
	require.NoError(t, p.LockByID(t.Context(), ids[4], by("ann"), time.Minute))
	task := p.shown(ids[4])
	require.Equal(t, "ann", task.Worker)
	require.WithinDuration(t, time.Now().Add(time.Minute), task.Until, 10*time.Second)
	refusedTo(t, p.LockByID(t.Context(), ids[4], by("bob"), time.Minute), "ann")
	require.NoError(t, p.LockByID(t.Context(), ids[4], by("ann"), 2*time.Minute), "its own")
	require.WithinDuration(t, time.Now().Add(2*time.Minute), p.shown(ids[4]).Until, 10*time.Second)
	require.NoError(t, p.Complete(t.Context(), ids[4], by("ann"), external.Result{}))
	var got []string
	for range 4 {
		got = append(got, p.fetch("cay", time.Minute).ID)
	}
	require.ElementsMatch(t, ids[:4], got, "the others are as they were")
	require.ErrorIs(t, p.LockByID(t.Context(), ids[4], by("bob"), time.Minute), external.ErrGone)
}

// The tasks of a suspended instance are given to nobody; whoever has one may say how it went, which then waits.
func TestSuspendedInstance(t *testing.T) {
	p := startPlace(t)
	instance := p.begin()
	id := p.listed(external.Filter{Topic: p.topic}, 1)[0].ID
	require.NoError(t, p.Suspend(t.Context(), instance))
	require.True(t, p.shown(id).Suspended)
	require.ErrorIs(t, p.LockByID(t.Context(), id, by("ann"), time.Minute), external.ErrSuspended)
	other := p.begin()
	task := p.fetch("ann", time.Minute)
	require.Equal(t, other, task.Context.ProcessInstanceID, "that of the other instance")
	require.NoError(t, p.SetRetries(t.Context(), id, all(), 3))
	require.Equal(t, 3, *p.shown(id).Retries)
	require.ErrorIs(t, p.SetPriority(t.Context(), id, all(), 9), external.ErrSuspended, "it is not even offered")
	require.NoError(t, p.Resume(t.Context(), instance))
	again := p.fetch("bob", time.Minute)
	require.Equal(t, id, again.ID)
	require.Equal(t, 3, *again.Retries)
	require.False(t, p.shown(id).Suspended)

	require.NoError(t, p.Suspend(t.Context(), instance))
	require.NoError(t, p.Extend(t.Context(), id, by("bob"), time.Minute))
	require.NoError(t, p.Fail(t.Context(), id, by("bob"), external.Failure{Retries: 1, Message: "later"}))
	require.NoError(t, p.Unlock(t.Context(), id, all()))
	require.NoError(t, p.Resume(t.Context(), instance))
	require.Equal(t, id, p.fetch("cay", time.Minute).ID)
	require.NoError(t, p.Suspend(t.Context(), instance))
	require.NoError(t, p.Complete(t.Context(), id, by("cay"), external.Result{Variables: map[string]any{"done": true}}))
	require.NoError(t, p.Resume(t.Context(), instance))
	require.Equal(t, true, p.Ended(instance).Variables["done"])
}
