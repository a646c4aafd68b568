package workflows

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
)

// scheduleTime is how Temporal writes the time behind the id of a workflow that a schedule starts.
const scheduleTime = "2006-01-02T15:04:05Z"

// event handles one event: its triggers are fired by an activity, which starts processes and publishes messages; what they call
// of connectors is called here. What fails is a dead letter: the workflow stays until an operator has it tried again, or drops it.
type event struct {
	contract.EventState
	in    contract.EventInput
	again bool // an operator wants it tried again
}

// Event is the workflow of an event.
func Event(ctx workflow.Context, in contract.EventInput) (contract.EventState, error) {
	e := &event{in: in}
	if in.ID == "" { // of a timer
		e.in.ID = workflow.GetInfo(ctx).WorkflowExecution.ID
	}
	if in.Dead != nil {
		e.EventState = *in.Dead
		e.detail(ctx) // an earlier run's details are gone with it
	}
	e.Source, e.ID = e.in.Source, e.in.ID
	err := errors.Join(
		workflow.SetQueryHandler(ctx, contract.EventQuery, func() (contract.EventState, error) { return e.EventState, nil }),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.RetryEventUpdate, e.retry,
			workflow.UpdateHandlerOptions{Description: "try again what failed", Validator: e.dead}),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.DropEventUpdate, e.drop,
			workflow.UpdateHandlerOptions{Description: "give up what failed", Validator: e.dead}),
	)
	if err != nil {
		return e.EventState, err
	}
	for {
		if len(e.Failed) == 0 || e.again {
			if err := e.try(ctx); err != nil || len(e.Failed) == 0 {
				return e.EventState, err
			}
			e.bury(ctx)
		}
		long := func() bool { return workflow.GetInfo(ctx).GetContinueAsNewSuggested() }
		err := workflow.Await(ctx, func() bool { return (e.again || e.Dropped || long()) && workflow.AllHandlersFinished(ctx) })
		if err != nil || e.Dropped {
			return e.EventState, err
		}
		if e.again {
			if err := workflow.UpsertTypedSearchAttributes(ctx, stateAttribute.ValueUnset()); err != nil {
				return e.EventState, err
			}
			workflow.SetCurrentDetails(ctx, "")
			continue
		}
		e.in.Dead = &e.EventState
		return e.EventState, workflow.NewContinueAsNewError(ctx, contract.EventWorkflow, e.in)
	}
}

// try does what is to be done, or what failed the last time, and notes what fails.
func (e *event) try(ctx workflow.Context) error {
	var only []string // triggers that are to be fired; nil: all
	for _, f := range e.Failed {
		if f.Trigger == "" {
			only = nil
			break
		}
		only = append(only, f.Trigger)
	}
	e.again = false
	e.Tries++
	e.Failed = nil // it is no dead letter while it is tried
	e.Failed = e.handle(ctx, only)
	return ctx.Err()
}

// dead refuses what is of dead letters while the event is none.
func (e *event) dead() error {
	if len(e.Failed) == 0 || e.again || e.Dropped {
		return temporal.NewNonRetryableApplicationError("the event is in hand; see what becomes of it", contract.Busy, nil)
	}
	return nil
}

func (e *event) retry(workflow.Context) error {
	e.again = true
	return nil
}

func (e *event) drop(workflow.Context) error {
	e.Dropped = true
	return nil
}

// bury makes a dead letter of the event.
func (e *event) bury(ctx workflow.Context) {
	e.At = workflow.Now(ctx)
	e.detail(ctx)
	if err := workflow.UpsertTypedSearchAttributes(ctx, stateAttribute.ValueSet(contract.StateDead)); err != nil {
		workflow.GetLogger(ctx).Error("an event is dead and is not listed", "error", err)
	}
	// Its own failure is none of the event's: it is listed all the same.
	err := workflow.ExecuteActivity(limited(ctx, 10), contract.BuryEventActivity, contract.DeadEvent{
		Source: e.Source, ID: e.ID, Failed: e.Failed, At: e.At,
	}).Get(ctx, nil)
	if err != nil {
		workflow.GetLogger(ctx).Error("nobody is told that an event is dead", "error", err)
	}
}

// detail shows in the Web UI why the event is dead.
func (e *event) detail(ctx workflow.Context) {
	if len(e.Failed) > 0 {
		workflow.SetCurrentDetails(ctx, "**"+clip(e.Failed[0].Reason)+"**")
	}
}

// The pause before what failed is tried again, doubled each time.
const (
	firstRetry   = 500 * time.Millisecond
	longestRetry = 10 * time.Second
)

// limited is steering for what may fail for good.
func limited(ctx workflow.Context, tries int32) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           contract.SteeringQueue,
		StartToCloseTimeout: 2 * time.Minute,
		HeartbeatTimeout:    contract.CallHeartbeat,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: firstRetry, MaximumInterval: longestRetry, MaximumAttempts: tries},
	})
}

// handle does what the triggers say, and returns what failed.
func (e *event) handle(ctx workflow.Context, only []string) (failed []contract.EventFailure) {
	if e.in.Refused != "" {
		return []contract.EventFailure{{Reason: e.in.Refused}}
	}
	return e.handleOnly(ctx, only, 1)
}

// handleOnly is handle of some triggers, all when only is nil. Those that cannot be fired now are fired again later, while what the others call
// is called.
func (e *event) handleOnly(ctx workflow.Context, only []string, try int) (failed []contract.EventFailure) {
	firings, err := e.fire(ctx, only, try)
	if err != nil {
		for _, name := range only {
			failed = append(failed, contract.EventFailure{Trigger: name, Reason: failure(err).Message})
		}
		if only == nil {
			failed = []contract.EventFailure{{Reason: failure(err).Message}}
		}
		return failed
	}
	var later []string
	for _, f := range firings {
		if f.Later {
			later = append(later, f.Trigger)
		}
	}
	if len(later) == 0 {
		return e.carryOut(ctx, firings)
	}
	firings = slices.DeleteFunc(firings, func(f contract.Firing) bool { return f.Later })
	rest := workflow.NewWaitGroup(ctx)
	var failedLater []contract.EventFailure
	rest.Go(ctx, func(ctx workflow.Context) {
		if workflow.Sleep(ctx, fireAgain(try)) == nil {
			failedLater = e.handleOnly(ctx, later, try+1)
		}
	})
	failed = e.carryOut(ctx, firings)
	rest.Wait(ctx)
	return append(failed, failedLater...)
}

// fireAgain is the pause before triggers are fired again.
func fireAgain(try int) time.Duration {
	return min(firstRetry<<min(try-1, 10), longestRetry)
}

// carryOut makes the calls that are left to do, and answers the sender. It returns what failed.
func (e *event) carryOut(ctx workflow.Context, firings []contract.Firing) (failed []contract.EventFailure) {
	calls := make([]workflow.Future, len(firings))
	for i, f := range firings {
		if f.Failed == "" && f.Call != nil {
			calls[i] = e.call(ctx, f.Trigger, *f.Call)
		}
	}
	for i, f := range firings {
		if calls[i] != nil {
			if err := calls[i].Get(ctx, nil); err != nil {
				f.Failed = f.Call.Implementation + ": " + failure(err).Message
			}
		}
		echo := f.Echo
		if f.Failed != "" {
			failed, echo = append(failed, contract.EventFailure{Trigger: f.Trigger, Reason: f.Failed}), f.EchoError
		} else {
			e.Fired = append(e.Fired, contract.Firing{Trigger: f.Trigger, Done: f.Done})
		}
		if f.Failed != "" && e.Tries > 1 {
			echo = nil // the sender knows already
		}
		if echo != nil && ctx.Err() == nil {
			e.echo(ctx, f.Trigger, *echo)
		}
	}
	return failed
}

// fire finds the triggers that match and has them do what they can at once.
func (e *event) fire(ctx workflow.Context, only []string, try int) ([]contract.Firing, error) {
	if e.in.Firings != nil {
		return slices.DeleteFunc(slices.Clone(e.in.Firings), func(f contract.Firing) bool {
			return only != nil && !slices.Contains(only, f.Trigger)
		}), nil
	}
	in := contract.FireInput{Event: e.in.Event, Only: only, Try: try}
	if in.Event.Content == nil {
		in.Event.Content = timerEvent(e.ID)
	}
	var firings []contract.Firing
	err := workflow.ExecuteActivity(limited(ctx, contract.FireTries), contract.FireActivity, in).Get(ctx, &firings)
	return firings, err
}

// timerEvent is the event of a workflow that a schedule has started: its id ends with the time.
func timerEvent(id string) []byte {
	at := id[max(len(id)-len(scheduleTime), 0):]
	if _, err := time.Parse(scheduleTime, at); err != nil {
		at = ""
	}
	return []byte(`{"Name":"TIMER_FIRED","Outputs":{"scheduledTime":"` + at + `"}}`)
}

// unclaimed bounds how long a call waits for a worker when its binding does not: an event must end, or be listed as dead.
const unclaimed = time.Hour

func (e *event) call(ctx workflow.Context, trigger string, c contract.TriggerCall) workflow.Future {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              c.Binding.TaskQueue,
		StartToCloseTimeout:    milliseconds(c.Binding.TimeoutMS),
		ScheduleToStartTimeout: cmp.Or(milliseconds(c.Binding.UnclaimedMS), unclaimed),
		HeartbeatTimeout:       contract.CallHeartbeat,
		RetryPolicy:            retryPolicy(c.Binding.Retry, nil),
		Summary:                clip("trigger " + trigger),
	})
	return workflow.ExecuteActivity(ctx, c.Implementation, contract.ConnectorCall{
		IdempotencyKey: c.Key, Implementation: c.Implementation, Inputs: c.Inputs,
		Context: contract.CallContext{ProcessInstanceID: workflow.GetInfo(ctx).WorkflowExecution.ID, ElementID: trigger},
	})
}

// echo answers the sender, if he has not had too many answers already. An echo that fails is no dead letter: what it tells of has happened.
func (e *event) echo(ctx workflow.Context, trigger string, echo contract.Echo) {
	var permitted bool
	err := workflow.ExecuteActivity(limited(ctx, contract.FireTries), contract.PermitEchoActivity, contract.EchoPermit{
		Trigger: trigger, To: echo.To, Hour: workflow.Now(ctx).Truncate(time.Hour), Key: echo.Call.Key,
	}).Get(ctx, &permitted)
	reason := "the sender has had too many answers within this hour"
	if err == nil && permitted {
		err = e.call(ctx, trigger, echo.Call).Get(ctx, nil)
		reason = ""
	}
	if err != nil {
		reason = strings.TrimSpace(failure(err).Message)
	}
	if reason != "" {
		e.Unechoed = append(e.Unechoed, contract.EventFailure{Trigger: trigger, Reason: reason})
	}
}
