package activities

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"

	"github.com/waybill-io/waybill/activities/contract"
)

// PauseExternal has Temporal give external tasks to nobody, or give them away again. One that is gone needs neither.
func (s *Steering) PauseExternal(ctx context.Context, in contract.PauseExternal) error {
	namespace, service := activity.GetInfo(ctx).Namespace, s.client.Temporal.WorkflowService()
	for _, task := range in.Tasks {
		var err error
		if id := contract.ExternalTaskID(task); in.Resume {
			_, err = service.UnpauseActivityExecution(ctx, &workflowservice.UnpauseActivityExecutionRequest{
				Namespace: namespace, WorkflowId: in.Instance, RunId: in.Run, ActivityId: id, Identity: contract.SteeringQueue,
			})
		} else {
			_, err = service.PauseActivityExecution(ctx, &workflowservice.PauseActivityExecutionRequest{
				Namespace: namespace, WorkflowId: in.Instance, RunId: in.Run, ActivityId: id, Identity: contract.SteeringQueue, Reason: "the instance is suspended",
			})
		}
		if _, gone := errors.AsType[*serviceerror.NotFound](err); err != nil && !gone {
			return fmt.Errorf("pause the external task %d of instance %q: %w", task, in.Instance, err)
		}
	}
	return nil
}
