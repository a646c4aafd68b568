package external_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/external"
)

// A task that a boundary event has taken away is gone for its worker, whatever it answers, also where the instance runs on and the lock lasts.
func TestTaskIsTakenAway(t *testing.T) {
	p := startPlace(t)
	key := p.deploy(`<startEvent id="s"/><sequenceFlow id="a" sourceRef="s" targetRef="work"/>
	<serviceTask id="work" camunda:type="external" camunda:topic="` + p.topic + `"/><sequenceFlow id="b" sourceRef="work" targetRef="e"/><endEvent id="e"/>
	<boundaryEvent id="late" attachedToRef="work"><timerEventDefinition><timeDuration>PT1S</timeDuration></timerEventDefinition></boundaryEvent>
	<sequenceFlow id="c" sourceRef="late" targetRef="look"/><userTask id="look"/>`)
	other := external.New(p.Client, "default") // another gateway, which has not given the task away
	for what, answer := range map[string]func(id string) error{
		"complete":             func(id string) error { return p.Complete(t.Context(), id, by("ann"), external.Result{}) },
		"complete at another":  func(id string) error { return other.Complete(t.Context(), id, by("ann"), external.Result{}) },
		"BPMN error":           func(id string) error { return p.BPMNError(t.Context(), id, by("ann"), "BAD", "", nil) },
		"failure with retries": func(id string) error { return p.Fail(t.Context(), id, by("ann"), external.Failure{Retries: 1}) },
		"failure":              func(id string) error { return p.Fail(t.Context(), id, by("ann"), external.Failure{}) },
		"extend":               func(id string) error { return p.Extend(t.Context(), id, by("ann"), time.Minute) },
		"unlock":               func(id string) error { return p.Unlock(t.Context(), id, external.Scope{}) },
		"return":               func(id string) error { return p.Return(t.Context(), id, by("ann")) },
		"retries":              func(id string) error { return p.SetRetries(t.Context(), id, external.Scope{}, 0) },
		"complete, as anybody may": func(id string) error {
			return p.Complete(t.Context(), id, external.By{Anybody: true}, external.Result{})
		},
	} {
		instance, _, err := p.Start(t.Context(), client.StartOptions{Key: key})
		require.NoError(t, err)
		task := p.fetch("ann", time.Minute)
		require.Eventually(t, func() bool {
			state, err := p.Client.Get(t.Context(), instance)
			return err == nil && slices.Equal(state.Active, []string{"look"})
		}, 10*time.Second, 20*time.Millisecond)
		require.ErrorIs(t, answer(task.ID), external.ErrGone, what)
	}
}
