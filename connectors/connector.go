package connectors

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"
)

// Connector is the code behind a Definition. It is safe for concurrent use.
type Connector interface {
	// Definition says which actions there are. It is the same over the connector's life and must not be changed.
	Definition() *Definition
	// Call runs one action and returns its outputs. The inputs have been checked against the definition. It ends when
	// ctx does, then with an error that wraps ctx.Err(). It may be called again with the same idempotency key after a
	// failure, a timeout or a crash, and should then have its effect once if the other side allows. Errors are *Error;
	// any other error is retried.
	Call(ctx context.Context, call Call) (map[string]any, error)
}

// Call is one call of an action.
type Call struct {
	Action string
	// IdempotencyKey is the same over all attempts of a call and different for every other call. Never empty.
	IdempotencyKey string
	Inputs         map[string]any
	Tenant         string // of the process that calls; "": none
	Attempt        int    // 1 for the first one; 0: not known
}

// Policy is how a call is repeated and bounded unless a task says otherwise. Plain data.
type Policy struct {
	Retry   Retry
	Timeout time.Duration // of one attempt
	// Unclaimed is how long a call may wait for a worker to take it, before it is an incident.
	Unclaimed time.Duration
	// PerSecond bounds the calls of an instance over all workers; 0: no bound. It takes effect for instances with a task queue of
	// their own, which all but those named like their template have.
	PerSecond float64
}

// Retry is exponential: Interval, then Coefficient times more each time, at most MaxInterval; Attempts counts the
// first one too. Attempts is never unlimited: what keeps failing becomes an incident that somebody sees.
type Retry struct {
	Attempts    int
	Interval    time.Duration
	Coefficient float64
	MaxInterval time.Duration
}

// DefaultPolicy gives a call some ten minutes of retries, and an hour to find a worker.
func DefaultPolicy() Policy {
	return Policy{
		Retry:     Retry{Attempts: 10, Interval: time.Second, Coefficient: 2, MaxInterval: 5 * time.Minute},
		Timeout:   time.Minute,
		Unclaimed: time.Hour,
	}
}

// Do calls a connector by the contract. The error is an *Error, or wraps ctx.Err() when the caller gave up.
//
// In error mode "output" a failure that no retry can mend is a result: the error output holds its public text, and is
// null after a success. Retryable failures stay errors in both modes, so that nothing is given up early.
func Do(ctx context.Context, c Connector, call Call) (map[string]any, error) {
	d := c.Definition()
	action, err := d.Action(call.Action)
	if err != nil {
		return nil, &Error{Kind: Permanent, Code: CodeUnknownAction, Public: err.Error()}
	}
	if call.IdempotencyKey == "" {
		return nil, &Error{Kind: Permanent, Code: CodeInvalidInput, Public: "the call has no idempotency key"}
	}
	var outputs map[string]any
	if err = d.CheckInputs(call.Action, call.Inputs); err == nil {
		outputs, err = c.Call(ctx, call)
	}
	if err == nil {
		err = d.checkOutputs(action, outputs)
	}
	if err == nil {
		err = d.checkSize(action, outputs)
	}
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return nil, fmt.Errorf("%s.%s: %w", d.Name, call.Action, context.Canceled)
	}
	field := d.errorOutput(action)
	if err == nil {
		if field == "" {
			return outputs, nil
		}
		outputs = maps.Clone(outputs)
		if outputs == nil {
			outputs = map[string]any{}
		}
		outputs[field] = nil
		return outputs, nil
	}
	failure := AsError(err)
	if field != "" && failure.Kind != Retryable {
		return map[string]any{field: failure.Public}, nil
	}
	return nil, failure
}
