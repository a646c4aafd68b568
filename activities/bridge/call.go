package bridge

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	activitypb "go.temporal.io/api/activity/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors/rabbitmq/broker"
)

// Types of the failures of a call that was not published.
const (
	noConnector   = "NO_CONNECTOR"    // no connector has declared the queue of the action
	notPublished  = "NOT_PUBLISHED"   // the broker is away or refuses
	notSuspended  = "NOT_SUSPENDED"   // Temporal did not take the longer heartbeat timeout
	requestNotFit = "REQUEST_NOT_FIT" // the broker takes no request this large
)

// call publishes one call and leaves it to be completed by its answer.
func (b *Bridge) call(ctx context.Context, args converter.EncodedValues) (contract.ConnectorResult, error) {
	var in contract.ConnectorCall
	if err := args.Get(&in); err != nil {
		return contract.ConnectorResult{}, temporal.NewNonRetryableApplicationError("the input is no connector call", "INVALID_INPUT", err)
	}
	info, whole := activity.GetInfo(ctx), ctx
	a := address{namespace: b.namespace, workflow: info.WorkflowExecution.ID, run: info.WorkflowExecution.RunID, activity: info.ActivityID}
	alone := a.workflow == ""
	if alone {
		a.run = info.ActivityRunID
	}
	// Nothing heartbeats meanwhile: it must be over before the heartbeat timeout, which stays to guard against the death of this bridge.
	if info.HeartbeatTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, info.HeartbeatTimeout*2/3)
		defer cancel()
	}
	in.Implementation = info.ActivityType.Name
	if info.Attempt > 1 && !alone && info.HeartbeatTimeout > 0 { // the attempt before has left a long one
		if err := b.expect(ctx, a, info.HeartbeatTimeout); err != nil {
			return contract.ConnectorResult{}, err
		}
	}
	if err := b.publish(ctx, in, a, time.Until(info.Deadline)); err != nil {
		b.requests.WithLabelValues("failed").Inc()
		return contract.ConnectorResult{}, err
	}
	b.requests.WithLabelValues("published").Inc()
	if alone {
		stay(whole, info.HeartbeatTimeout)
	} else if info.HeartbeatTimeout > 0 {
		if err := b.expect(ctx, a, info.Deadline.Sub(info.StartedTime)); err != nil {
			return contract.ConnectorResult{}, err
		}
	}
	return contract.ConnectorResult{}, activity.ErrResultPending
}

// stay heartbeats for a call that has no workflow, until it is answered, which a heartbeat is told. Temporal lets nobody change the heartbeat
// timeout of such an activity.
func stay(ctx context.Context, timeout time.Duration) {
	if timeout <= 0 {
		return
	}
	ticker := time.NewTicker(timeout / 3)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-activity.GetWorkerStopChannel(ctx):
			return
		case <-ticker.C:
			activity.RecordHeartbeat(ctx)
		}
	}
}

// publish publishes a request, which the broker forgets when nobody has taken it in time: the next attempt publishes another.
func (b *Bridge) publish(ctx context.Context, in contract.ConnectorCall, a address, life time.Duration) error {
	m, err := b.config.request(in, a)
	if err != nil {
		return temporal.NewNonRetryableApplicationError("the inputs cannot be sent", requestNotFit, err)
	}
	if len(m.Exchange) > maxShort {
		return temporal.NewNonRetryableApplicationError(fmt.Sprintf("the implementation has %d bytes, at most %d can be sent", len(m.Exchange), maxShort), requestNotFit, nil)
	}
	m.Expiration = strconv.FormatInt(max(life.Milliseconds(), 1), 10)
	err = b.publisher.Publish(ctx, m)
	var refusal *amqp.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, broker.ErrUnroutable), errors.As(err, &refusal) && refusal.Code == amqp.NotFound:
		return temporal.NewApplicationErrorWithCause(
			fmt.Sprintf("no connector takes %s: none has declared a queue for the exchange of this name; does one run?", in.Implementation), noConnector, err)
	case errors.As(err, &refusal) && refusal.Code == amqp.PreconditionFailed:
		return temporal.NewNonRetryableApplicationError("the broker takes no request this large", requestNotFit, err)
	}
	return temporal.NewApplicationErrorWithCause("the request could not be published", notPublished, err)
}

// expect sets the heartbeat timeout of the attempt that runs. It tries as long as ctx allows.
func (b *Bridge) expect(ctx context.Context, a address, timeout time.Duration) error {
	for {
		_, err := b.client.WorkflowService().UpdateActivityExecutionOptions(ctx, &workflowservice.UpdateActivityExecutionOptionsRequest{
			Namespace: b.namespace, WorkflowId: a.workflow, RunId: a.run, ActivityId: a.activity,
			ActivityOptions: &activitypb.ActivityOptions{HeartbeatTimeout: durationpb.New(timeout)},
			UpdateMask:      &fieldmaskpb.FieldMask{Paths: []string{"heartbeat_timeout"}},
		})
		var gone *serviceerror.NotFound
		if err == nil || errors.As(err, &gone) { // the answer was faster, or nobody waits any more
			return nil
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return temporal.NewApplicationErrorWithCause("the heartbeat timeout of the call could not be set", notSuspended, err)
		}
	}
}
