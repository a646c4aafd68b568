package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdk "go.temporal.io/api/sdk/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/workflows"
)

// eventRun is a run of an event's workflow without a server.
type eventRun struct {
	*testsuite.TestWorkflowEnvironment
	t       *testing.T
	fire    func(contract.FireInput) ([]contract.Firing, error)
	fired   []contract.FireInput
	call    func(contract.ConnectorCall) error
	calls   []contract.ConnectorCall
	permits bool
	permit  []contract.EchoPermit
	buried  []contract.DeadEvent
}

func newEventRun(t *testing.T) *eventRun {
	var suite testsuite.WorkflowTestSuite
	r := &eventRun{TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(), t: t, permits: true}
	register := func(name string, fn any) { r.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name}) }
	register(contract.FireActivity, func(_ context.Context, in contract.FireInput) ([]contract.Firing, error) {
		r.fired = append(r.fired, in)
		return r.fire(in)
	})
	register("till.PRINT", func(_ context.Context, in contract.ConnectorCall) (contract.ConnectorResult, error) {
		r.calls = append(r.calls, in)
		if r.call == nil {
			return contract.ConnectorResult{}, nil
		}
		return contract.ConnectorResult{}, r.call(in)
	})
	register(contract.PermitEchoActivity, func(_ context.Context, in contract.EchoPermit) (bool, error) {
		r.permit = append(r.permit, in)
		return r.permits, nil
	})
	register(contract.BuryEventActivity, func(_ context.Context, in contract.DeadEvent) error {
		r.buried = append(r.buried, in)
		return nil
	})
	return r
}

func printing(trigger, key string) contract.TriggerCall {
	return contract.TriggerCall{
		Implementation: "till.PRINT", Key: key, Inputs: contract.Variables{"text": trigger},
		Binding: contract.Binding{TaskQueue: "q", TimeoutMS: 1000, Retry: contract.Retry{Attempts: 2, IntervalMS: 1, Coefficient: 1}},
	}
}

// update has an operator do something at a time, and returns what he is told.
func (r *eventRun) update(after time.Duration, name string) *answer {
	a := &answer{}
	r.RegisterDelayedCallback(func() {
		r.UpdateWorkflow(name, name+after.String(), &testsuite.TestUpdateCallback{
			OnAccept:   func() {},
			OnReject:   func(err error) { a.rejected, a.done = err, true },
			OnComplete: func(result any, err error) { a.err, a.done = err, true },
		}, nil)
	}, after)
	return a
}

func (r *eventRun) run(in contract.EventInput) contract.EventState {
	r.t.Helper()
	r.ExecuteWorkflow(workflows.Event, in)
	require.True(r.t, r.IsWorkflowCompleted())
	require.NoError(r.t, r.GetWorkflowError())
	var state contract.EventState
	require.NoError(r.t, r.GetWorkflowResult(&state))
	return state
}

var sold = contract.EventInput{Event: contract.Event{Source: "connector.till.SOLD", ID: "7", Content: []byte(`{"Name":"SOLD"}`)}}

func TestEventCallsAndEchoes(t *testing.T) {
	r := newEventRun(t)
	call, echo, other := printing("a", "k"), printing("echo", "e"), printing("sorry", "s")
	r.fire = func(contract.FireInput) ([]contract.Firing, error) {
		return []contract.Firing{
			{Trigger: "a", Call: &call, Echo: &contract.Echo{To: "ann", Call: echo}, EchoError: &contract.Echo{To: "ann", Call: other}},
			{Trigger: "b", Done: "p/1"},
		}, nil
	}
	state := r.run(sold)
	require.Equal(t, contract.EventState{Source: "connector.till.SOLD", ID: "7", Tries: 1, Fired: []contract.Firing{{Trigger: "a"}, {Trigger: "b", Done: "p/1"}}}, state)
	require.Len(t, r.calls, 2)
	require.Equal(t, "k", r.calls[0].IdempotencyKey)
	require.Equal(t, contract.Variables{"text": "echo"}, r.calls[1].Inputs)
	require.Len(t, r.permit, 1)
	require.Equal(t, "ann", r.permit[0].To)
	require.Empty(t, r.buried)
}

func TestEventEchoIsStopped(t *testing.T) {
	r := newEventRun(t)
	r.permits = false
	echo := printing("echo", "e")
	r.fire = func(contract.FireInput) ([]contract.Firing, error) {
		return []contract.Firing{{Trigger: "a", Done: "p/1", Echo: &contract.Echo{To: "ann", Call: echo}}}, nil
	}
	state := r.run(sold)
	require.Empty(t, r.calls)
	require.Equal(t, []contract.EventFailure{{Trigger: "a", Reason: "the sender has had too many answers within this hour"}}, state.Unechoed)
}

// What fails is a dead letter; only that is tried again, and the sender is told once that it failed.
func TestEventDeadLetter(t *testing.T) {
	r := newEventRun(t)
	mended := false
	call, sorry := printing("a", "k"), printing("sorry", "s")
	r.fire = func(in contract.FireInput) ([]contract.Firing, error) {
		if in.Only == nil {
			return []contract.Firing{
				{Trigger: "a", Call: &call, EchoError: &contract.Echo{To: "ann", Call: sorry}}, {Trigger: "b", Failed: "process p is not deployed"}, {Trigger: "c", Done: "p/1"},
			}, nil
		}
		return []contract.Firing{{Trigger: "a", Call: &call, EchoError: &contract.Echo{To: "ann", Call: sorry}}, {Trigger: "b", Done: "p/2"}}, nil
	}
	r.call = func(c contract.ConnectorCall) error {
		if c.IdempotencyKey == "k" && !mended {
			return temporal.NewApplicationError("out of paper", "PAPER")
		}
		return nil
	}
	var listed, failedAgain contract.EventState
	query := func(to *contract.EventState) {
		value, err := r.QueryWorkflow(contract.EventQuery)
		require.NoError(t, err)
		require.NoError(t, value.Get(to))
	}
	r.RegisterDelayedCallback(func() { query(&listed) }, time.Minute)
	first := r.update(2*time.Minute, contract.RetryEventUpdate)
	r.RegisterDelayedCallback(func() { query(&failedAgain); mended = true }, 3*time.Minute)
	second := r.update(4*time.Minute, contract.RetryEventUpdate)
	state := r.run(sold)
	require.Equal(t, []contract.EventFailure{{Trigger: "a", Reason: "till.PRINT: out of paper"}, {Trigger: "b", Reason: "process p is not deployed"}}, listed.Failed)
	require.Equal(t, []contract.EventFailure{{Trigger: "a", Reason: "till.PRINT: out of paper"}}, failedAgain.Failed)
	for _, a := range []*answer{first, second} {
		require.True(t, a.done)
		require.NoError(t, a.err)
		require.NoError(t, a.rejected)
	}
	require.Empty(t, state.Failed)
	require.Equal(t, 3, state.Tries)
	require.Equal(t, []string{"a", "b"}, r.fired[1].Only)
	require.Equal(t, []string{"a"}, r.fired[2].Only)
	require.Len(t, r.permit, 1, "the sender hears of it once")
	require.Len(t, r.buried, 2)
	require.Equal(t, "connector.till.SOLD", r.buried[0].Source)
}

func TestEventDropped(t *testing.T) {
	r := newEventRun(t)
	in := sold
	in.Refused = "it has 300000 bytes"
	again := r.update(time.Minute, contract.RetryEventUpdate)
	dropped := r.update(2*time.Minute, contract.DropEventUpdate)
	state := r.run(in)
	require.True(t, state.Dropped)
	require.Equal(t, 2, state.Tries)
	require.Equal(t, []contract.EventFailure{{Reason: "it has 300000 bytes"}}, state.Failed)
	require.True(t, again.done)
	require.True(t, dropped.done)
	require.Empty(t, r.fired)
}

// An event that cannot be matched at all is tried for a while, then it is a dead letter, and tried again as a whole.
func TestEventCannotBeMatched(t *testing.T) {
	r := newEventRun(t)
	r.fire = func(contract.FireInput) ([]contract.Firing, error) {
		if len(r.fired) <= contract.FireTries {
			return nil, temporal.NewApplicationError("the registry is away", "away")
		}
		return []contract.Firing{}, nil
	}
	r.update(time.Hour, contract.RetryEventUpdate)
	state := r.run(sold)
	require.Len(t, r.fired, contract.FireTries+1)
	require.Nil(t, r.fired[contract.FireTries].Only)
	require.Equal(t, []contract.EventFailure{{Reason: "the registry is away"}}, r.buried[0].Failed)
	require.Empty(t, state.Failed)
}

// What a mail's triggers call was matched before; nothing is matched again.
func TestEventOfMail(t *testing.T) {
	r := newEventRun(t)
	call := printing("a", "k")
	state := r.run(contract.EventInput{Event: contract.Event{Source: "connector.support.EMAIL_RECEIVED", ID: "k"}, Firings: []contract.Firing{{Trigger: "a", Call: &call}}})
	require.Empty(t, r.fired)
	require.Len(t, r.calls, 1)
	require.Equal(t, []contract.Firing{{Trigger: "a"}}, state.Fired)
}

// A schedule gives the workflow an id that ends with the time at which it was due.
func TestEventOfTimer(t *testing.T) {
	r := newEventRun(t)
	r.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: "event/daily/TIMER_FIRED-2026-03-02T08:00:00Z"})
	r.fire = func(contract.FireInput) ([]contract.Firing, error) { return nil, nil }
	state := r.run(contract.EventInput{Event: contract.Event{Source: "timer.daily.TIMER_FIRED"}})
	require.Equal(t, "event/daily/TIMER_FIRED-2026-03-02T08:00:00Z", state.ID)
	require.Equal(t, state.ID, r.fired[0].Event.ID)
	require.JSONEq(t, `{"Name":"TIMER_FIRED","Outputs":{"scheduledTime":"2026-03-02T08:00:00Z"}}`, string(r.fired[0].Event.Content))
}

// An event that was tried very often goes on in a new run, as the dead letter that it is.
func TestEventGoesOn(t *testing.T) {
	r := newEventRun(t)
	r.fire = func(contract.FireInput) ([]contract.Firing, error) {
		return []contract.Firing{{Trigger: "a", Failed: "process p is not deployed"}, {Trigger: "b", Done: "p/1"}}, nil
	}
	r.SetContinueAsNewSuggested(true)
	r.ExecuteWorkflow(workflows.Event, sold)
	var next *workflow.ContinueAsNewError
	require.ErrorAs(t, r.GetWorkflowError(), &next)
	var in contract.EventInput
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(next.Input, &in))
	require.Equal(t, []contract.EventFailure{{Trigger: "a", Reason: "process p is not deployed"}}, in.Dead.Failed)

	r = newEventRun(t)
	r.fire = func(in contract.FireInput) ([]contract.Firing, error) {
		require.Equal(t, []string{"a"}, in.Only)
		return []contract.Firing{{Trigger: "a", Done: "p/2"}}, nil
	}
	var shown sdk.WorkflowMetadata
	r.RegisterDelayedCallback(func() {
		value, err := r.QueryWorkflow("__temporal_workflow_metadata")
		require.NoError(t, err)
		require.NoError(t, value.Get(&shown))
	}, time.Second)
	again := r.update(time.Minute, contract.RetryEventUpdate)
	state := r.run(in)
	require.Equal(t, "**process p is not deployed**", shown.GetCurrentDetails())
	require.True(t, again.done)
	require.NoError(t, again.err)
	require.Equal(t, 2, state.Tries)
	require.Equal(t, []contract.Firing{{Trigger: "b", Done: "p/1"}, {Trigger: "a", Done: "p/2"}}, state.Fired)
	require.Len(t, r.fired, 1, "nothing is tried before somebody asks for it")
	require.Empty(t, r.buried)
}

// A trigger that cannot be fired now is fired again, alone; what the others call is called meanwhile, and does not wait for it.
func TestEventOneTriggerHoldsNoOtherUp(t *testing.T) {
	r := newEventRun(t)
	call := printing("a", "k")
	var calledBefore []int
	r.fire = func(in contract.FireInput) ([]contract.Firing, error) {
		calledBefore = append(calledBefore, len(r.calls))
		switch {
		case in.Try == 1:
			return []contract.Firing{{Trigger: "a", Call: &call}, {Trigger: "b", Failed: "the history service is away", Later: true}, {Trigger: "c", Failed: "away, too", Later: true}}, nil
		case in.Try == 2:
			return []contract.Firing{{Trigger: "b", Done: "p/1"}, {Trigger: "c", Failed: "away, too", Later: true}}, nil
		case in.Try < contract.FireTries:
			return []contract.Firing{{Trigger: "c", Failed: "away, too", Later: true}}, nil
		}
		return []contract.Firing{{Trigger: "c", Failed: "away, too"}}, nil
	}
	r.update(time.Hour, contract.DropEventUpdate)
	state := r.run(sold)
	require.Len(t, r.fired, contract.FireTries)
	require.Nil(t, r.fired[0].Only)
	require.Equal(t, []string{"b", "c"}, r.fired[1].Only)
	require.Equal(t, []string{"c"}, r.fired[2].Only)
	require.Equal(t, 1, calledBefore[1], "the call is made before the rest is fired again")
	require.Len(t, r.calls, 1)
	require.Equal(t, []contract.Firing{{Trigger: "a"}, {Trigger: "b", Done: "p/1"}}, state.Fired)
	require.Equal(t, []contract.EventFailure{{Trigger: "c", Reason: "away, too"}}, state.Failed)
	require.Equal(t, 1, state.Tries)
	require.Len(t, r.buried, 1)
}

// A call that takes long does not hold up what is fired again either.
func TestEventCallHoldsNoTriggerUp(t *testing.T) {
	r := newEventRun(t)
	call := printing("a", "k")
	fails := 0
	r.call = func(contract.ConnectorCall) error {
		if fails++; fails == 1 { // it is called again after an hour
			return temporal.NewApplicationErrorWithOptions("out of paper", "PAPER", temporal.ApplicationErrorOptions{NextRetryDelay: time.Hour})
		}
		require.Len(t, r.fired, 2)
		return nil
	}
	r.fire = func(in contract.FireInput) ([]contract.Firing, error) {
		if in.Try == 1 {
			return []contract.Firing{{Trigger: "a", Call: &call}, {Trigger: "b", Failed: "away", Later: true}}, nil
		}
		return []contract.Firing{{Trigger: "b", Done: "p/1"}}, nil
	}
	state := r.run(sold)
	require.Len(t, r.calls, 2)
	require.Empty(t, state.Failed)
	require.ElementsMatch(t, []contract.Firing{{Trigger: "a"}, {Trigger: "b", Done: "p/1"}}, state.Fired)
}
