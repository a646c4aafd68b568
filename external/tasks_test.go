package external_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/external"
)

func (p *place) begin() (instance string) {
	p.t.Helper()
	return p.Begin(client.StartOptions{Key: p.deploy(one(p.topic)), BusinessKey: "K", Variables: map[string]any{"colour": "red"}})
}

func by(worker string) external.By { return external.By{Worker: worker} }

func refusedTo(t *testing.T, err error, worker string) {
	t.Helper()
	var locked *external.LockedError
	require.ErrorAs(t, err, &locked)
	require.Equal(t, worker, locked.Worker)
}

func TestTaskIsCompletedByWhoeverHasIt(t *testing.T) {
	p := startPlace(t)
	var told []external.Deed
	p.Told = func(d external.Deed) { told = append(told, d) }
	instance := p.begin()
	task := p.fetch("ann", time.Minute)
	require.Equal(t, "red", task.Variables["colour"])
	require.Equal(t, instance, task.Context.ProcessInstanceID)
	require.Equal(t, []string{"K", "work", "Do it"}, []string{task.Context.BusinessKey, task.Context.ElementID, task.Context.ElementName})
	require.Nil(t, task.Retries)
	require.WithinDuration(t, time.Now().Add(time.Minute), task.Until, 10*time.Second)

	refusedTo(t, p.Complete(t.Context(), task.ID, by("bob"), external.Result{}), "ann")
	refusedTo(t, p.Complete(t.Context(), task.ID, external.By{Worker: "bob", Anybody: true}, external.Result{}), "ann")
	require.NoError(t, p.Complete(t.Context(), task.ID, by("ann"), external.Result{Variables: map[string]any{"done": true}}))
	require.Equal(t, true, p.Ended(instance).Variables["done"])
	require.ErrorIs(t, p.Complete(t.Context(), task.ID, by("ann"), external.Result{}), external.ErrGone)
	for _, id := range []string{"", "x", "MiB4", "MiBub3Roaw", task.ID + "A", "4pyT"} {
		require.ErrorIs(t, p.Complete(t.Context(), id, by("ann"), external.Result{}), external.ErrNotFound, id)
	}
	require.Len(t, told, 10)
	refusedTo(t, told[0].Err, "ann")
	require.Equal(t, external.Deed{What: external.DeedComplete, By: by("ann"), ID: task.ID, Instance: instance, Topic: p.topic}, told[2])
	require.ErrorIs(t, told[3].Err, external.ErrGone)
	require.Equal(t, instance, told[3].Instance)
}

// A lock that has run out is still that of its worker, until another takes the task.
func TestLockRunsOut(t *testing.T) {
	p := startPlace(t)
	instance := p.begin()
	first := p.fetch("ann", 300*time.Millisecond)
	second := p.fetch("bob", time.Minute) // nobody has to do anything for that
	require.Equal(t, first.ID, second.ID)
	require.False(t, time.Now().Before(first.Until))
	require.EqualValues(t, 2, second.Attempt)
	refusedTo(t, p.Complete(t.Context(), first.ID, by("ann"), external.Result{}), "bob")
	var told external.Deed
	p.Told = func(d external.Deed) { told = d }
	require.NoError(t, p.Extend(t.Context(), second.ID, by("bob"), external.MinLock))
	require.Equal(t, external.DeedExtend, told.What)
	require.True(t, told.Until.After(first.Until))
	ran := time.Now().Add(external.MinLock)
	require.Eventually(t, func() bool { return time.Now().After(ran) }, 10*time.Second, 20*time.Millisecond)
	require.ErrorIs(t, p.Extend(t.Context(), second.ID, by("bob"), time.Minute), external.ErrExpired)
	refusedTo(t, p.Complete(t.Context(), first.ID, by("ann"), external.Result{}), "bob")
	require.NoError(t, p.Complete(t.Context(), first.ID, by("bob"), external.Result{}))
	p.Ended(instance)
}

func TestLockIsExtended(t *testing.T) {
	p := startPlace(t)
	p.begin()
	task := p.fetch("ann", time.Second)
	require.NoError(t, p.Extend(t.Context(), task.ID, by("ann"), time.Minute))
	refusedTo(t, p.Extend(t.Context(), task.ID, by("bob"), time.Minute), "ann")
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	o, err := p.Poll(ctx, p.topic)
	require.NoError(t, err)
	require.Nil(t, o, "longer than the first lock")
	require.NoError(t, p.Unlock(t.Context(), task.ID, external.Scope{}))
	again := p.fetch("bob", time.Minute)
	require.Equal(t, task.ID, again.ID)
	require.NoError(t, p.Unlock(t.Context(), task.ID, external.Scope{}))
	require.NoError(t, p.Unlock(t.Context(), task.ID, external.Scope{}), "nobody has it")
	refusedTo(t, p.Complete(t.Context(), task.ID, by("bob"), external.Result{}), "")
	require.NoError(t, p.Complete(t.Context(), task.ID, external.By{Anybody: true}, external.Result{}))
}

func TestTaskFails(t *testing.T) {
	p := startPlace(t)
	instance := p.begin()
	task := p.fetch("ann", time.Minute)
	fail := external.Failure{Message: "no luck", Details: "a trace", Retries: 2, After: 10 * time.Millisecond}
	refusedTo(t, p.Fail(t.Context(), task.ID, by("bob"), fail), "ann")
	require.NoError(t, p.Fail(t.Context(), task.ID, by("ann"), fail))
	again := p.fetch("bob", time.Minute)
	require.Equal(t, task.ID, again.ID)
	require.Equal(t, 2, *again.Retries)
	require.Equal(t, []string{"no luck", "a trace"}, []string{again.ErrorMessage, again.ErrorDetails})

	require.NoError(t, p.Fail(t.Context(), task.ID, by("bob"), external.Failure{Message: "never"}))
	i := p.Incident(instance)
	require.Equal(t, "never", i.Message)
	_, err := p.AnswerIncident(t.Context(), instance, contract.IncidentAnswer{ID: i.ID, Action: "retry", Retries: 7})
	require.NoError(t, err)
	last := p.fetch("cay", time.Minute)
	require.Equal(t, task.ID, last.ID, "the same task")
	require.Equal(t, 7, *last.Retries)
	require.NoError(t, p.BPMNError(t.Context(), last.ID, by("cay"), "BAD", "so", map[string]any{"why": "x"}))
	require.Equal(t, "x", p.Ended(instance).Variables["why"])
}

// Who answers late, but before another has the task, is heard.
func TestLateAnswers(t *testing.T) {
	for name, answer := range map[string]func(p *place, id string) error{
		"error": func(p *place, id string) error { return p.BPMNError(p.t.Context(), id, by("ann"), "BAD", "so", nil) },
		"failure": func(p *place, id string) error {
			return p.Fail(p.t.Context(), id, by("ann"), external.Failure{Message: "late"})
		},
		"retry": func(p *place, id string) error {
			return p.Fail(p.t.Context(), id, by("ann"), external.Failure{Message: "late", Retries: 3})
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := startPlace(t)
			instance := p.begin()
			task := p.fetch("ann", 400*time.Millisecond)
			require.Eventually(t, func() bool { return time.Now().After(task.Until.Add(200 * time.Millisecond)) }, 10*time.Second, 20*time.Millisecond)
			require.NoError(t, answer(p, task.ID))
			switch name {
			case "error":
				p.Ended(instance)
			case "failure":
				require.Equal(t, "late", p.Incident(instance).Message)
			case "retry":
				again := p.fetch("bob", time.Minute)
				require.Equal(t, 3, *again.Retries)
				require.Equal(t, "late", again.ErrorMessage)
				require.NoError(t, p.Complete(t.Context(), task.ID, by("bob"), external.Result{}))
				p.Ended(instance)
			}
		})
	}
}

// What was polled for nobody is given back, and a task goes with its instance.
func TestTaskIsGivenBackAndGoes(t *testing.T) {
	p := startPlace(t)
	instance := p.begin()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	o, err := p.Poll(ctx, p.topic)
	require.NoError(t, err)
	require.NoError(t, p.Release(t.Context(), o))
	task := p.fetch("ann", time.Minute)
	require.NoError(t, p.Cancel(t.Context(), instance))
	require.Eventually(t, func() bool {
		return p.Complete(t.Context(), task.ID, by("ann"), external.Result{}) != nil
	}, 10*time.Second, 20*time.Millisecond)
	require.ErrorIs(t, p.Complete(t.Context(), task.ID, by("ann"), external.Result{}), external.ErrGone)
}
