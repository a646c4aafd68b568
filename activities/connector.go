package activities

import (
	"context"
	"errors"
	"math"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors"
)

// call answers one action of a connector.
type call struct {
	connector connectors.Connector
	action    string
	pacer     *Pacer // nil: calls have no rate
}

func (c *call) run(ctx context.Context, in contract.ConnectorCall) (contract.ConnectorResult, error) {
	defer keepAlive(ctx, nil)()
	if c.pacer != nil {
		if err := c.pacer.Wait(ctx); err != nil {
			return contract.ConnectorResult{}, applicationError(activity.GetInfo(ctx), err)
		}
	}
	made := connectors.Call{
		Action: c.action, IdempotencyKey: in.IdempotencyKey, Inputs: in.Inputs, Tenant: in.Context.Tenant, Attempt: int(activity.GetInfo(ctx).Attempt),
	}
	outputs, err := connectors.Do(ctx, c.connector, made)
	if err != nil {
		return contract.ConnectorResult{}, applicationError(activity.GetInfo(ctx), err)
	}
	result := contract.ConnectorResult{Outputs: outputs}
	if made.Attempt > 1 {
		result.Attempt = made.Attempt
	}
	if awaiter, ok := c.connector.(connectors.Awaiter); ok {
		if key, waits := awaiter.Await(made, outputs); waits {
			result.Await = &contract.Await{Name: contract.ReplyName(c.connector.Definition().Name), Key: key}
		}
	}
	return result, nil
}

// applicationError is the one place where a connector's verdict becomes Temporal's.
func applicationError(info activity.Info, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	failure := connectors.AsError(err)
	switch failure.Kind {
	case connectors.BPMN:
		return temporal.NewNonRetryableApplicationError(failure.Public, contract.BPMNErrorPrefix+failure.Code, failure.Err)
	case connectors.Permanent:
		return temporal.NewNonRetryableApplicationError(failure.Public, failure.Code, failure.Err)
	default:
		return temporal.NewApplicationErrorWithOptions(failure.Public, failure.Code, temporal.ApplicationErrorOptions{
			NextRetryDelay: notBefore(info, failure.After), Cause: failure.Err,
		})
	}
}

// notBefore is when a call is tried again whose other side wants none before after; 0: as the policy says. A shorter pause than that of the
// policy is none of ours: it would use the attempts up in no time.
func notBefore(info activity.Info, after time.Duration) time.Duration {
	if p := info.RetryPolicy; p != nil {
		pause := float64(p.InitialInterval) * math.Pow(p.BackoffCoefficient, float64(info.Attempt-1))
		if p.MaximumInterval > 0 {
			pause = min(pause, float64(p.MaximumInterval))
		}
		if float64(after) <= pause {
			return 0
		}
	}
	return after
}

// keepAlive heartbeats until the function it returns is called, so that the work of a worker that died is taken up by another within
// the heartbeat timeout. details, when not nil, gives what each heartbeat tells.
func keepAlive(ctx context.Context, details func() any) (stop func()) {
	timeout := activity.GetInfo(ctx).HeartbeatTimeout
	if timeout == 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(timeout / 3)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				if details == nil {
					activity.RecordHeartbeat(ctx)
				} else {
					activity.RecordHeartbeat(ctx, details())
				}
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}
