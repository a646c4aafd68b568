package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	temporal "go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
)

// ConnectorCall is one call of an action outside of any process.
type ConnectorCall struct {
	Implementation string // "email.SEND"
	TaskQueue      string
	Inputs         map[string]any
	Timeout        time.Duration // of the call, once a worker has taken it
	Unclaimed      time.Duration // until then
}

// ErrUnclaimed is wrapped by the error of a call that no worker took.
var ErrUnclaimed = errors.New("no worker took it")

// CallError is a call that a connector has refused or failed.
type CallError struct {
	Kind    string // bpmn: a process could catch it; permanent; retryable: a process would call again
	Code    string
	Message string
}

func (e *CallError) Error() string { return fmt.Sprintf("%s error %s: %s", e.Kind, e.Code, e.Message) }

// CallConnector calls an action once, as a process does, and returns its result. Each call has an idempotency key of its own. The
// error is a *CallError, wraps ErrUnclaimed, or is of the connection to Temporal.
func (c *Client) CallConnector(ctx context.Context, call ConnectorCall) (contract.ConnectorResult, error) {
	var result contract.ConnectorResult
	id := "call/" + rand.Text()
	h, err := c.Temporal.ExecuteActivity(ctx, temporal.StartActivityOptions{
		ID: id, TaskQueue: call.TaskQueue, ScheduleToStartTimeout: call.Unclaimed, StartToCloseTimeout: call.Timeout,
		HeartbeatTimeout: contract.CallHeartbeat, RetryPolicy: &sdk.RetryPolicy{MaximumAttempts: 1},
	}, call.Implementation, contract.ConnectorCall{
		IdempotencyKey: id, Implementation: call.Implementation, Inputs: call.Inputs, Context: contract.CallContext{ProcessInstanceID: id},
	})
	if err == nil {
		err = h.Get(ctx, &result)
	}
	if err == nil {
		return result, nil
	}
	return result, fmt.Errorf("call %s: %w", call.Implementation, callFailure(err, call))
}

func callFailure(err error, call ConnectorCall) error {
	if late, ok := errors.AsType[*sdk.TimeoutError](err); ok {
		switch late.TimeoutType() {
		case enums.TIMEOUT_TYPE_SCHEDULE_TO_START:
			return fmt.Errorf("%w from task queue %s within %s", ErrUnclaimed, call.TaskQueue, call.Unclaimed)
		case enums.TIMEOUT_TYPE_HEARTBEAT:
			return &CallError{Kind: "retryable", Code: "TIMEOUT", Message: "the worker that took it went away"}
		}
		return &CallError{Kind: "retryable", Code: "TIMEOUT", Message: fmt.Sprintf("it did not end within %s", call.Timeout)}
	}
	application, ok := errors.AsType[*sdk.ApplicationError](err)
	if !ok {
		return err
	}
	failure := &CallError{Kind: "retryable", Code: application.Type(), Message: application.Message()}
	if code, caught := strings.CutPrefix(failure.Code, contract.BPMNErrorPrefix); caught {
		failure.Kind, failure.Code = "bpmn", code
	} else if application.NonRetryable() {
		failure.Kind = "permanent"
	}
	return failure
}
