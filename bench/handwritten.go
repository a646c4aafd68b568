package main

import (
	"strconv"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors"
)

// order is the input of the workflow written by hand.
type order struct {
	Tasks int    `json:"tasks"`
	Text  string `json:"text"`
	Queue string `json:"queue"` // of the activities
	Call  string `json:"call"`  // their type
}

// byHand is what a Go developer would write for a process of noop calls one after the other: the same activities with the
// same inputs, timeouts and retries, and nothing else.
func byHand(ctx workflow.Context, in order) (map[string]any, error) {
	id := workflow.GetInfo(ctx).WorkflowExecution.ID
	policy := connectors.DefaultPolicy()
	variables := map[string]any{"text": in.Text, "said": ""}
	for i := range in.Tasks {
		ctx := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			TaskQueue:           in.Queue,
			StartToCloseTimeout: policy.Timeout,
			HeartbeatTimeout:    15 * time.Second,
			RetryPolicy: &temporal.RetryPolicy{
				InitialInterval: policy.Retry.Interval, BackoffCoefficient: policy.Retry.Coefficient,
				MaximumInterval: policy.Retry.MaxInterval, MaximumAttempts: int32(policy.Retry.Attempts),
			},
			Summary: taskName(i),
		})
		var result contract.ConnectorResult
		err := workflow.ExecuteActivity(ctx, in.Call, contract.ConnectorCall{
			IdempotencyKey: id + "/" + strconv.Itoa(i+1),
			Implementation: noopCall,
			Inputs:         map[string]any{"text": variables["text"]},
			Context: contract.CallContext{
				ProcessInstanceID: id, ProcessDefinitionKey: byHandType, ProcessDefinitionVersion: 1,
				ElementID: taskID(i), ElementName: taskName(i),
			},
		}).Get(ctx, &result)
		if err != nil {
			return nil, err
		}
		variables["said"] = result.Outputs["said"]
	}
	return variables, nil
}

// byHandType is as long as the ids of the processes.
const byHandType = "by-hand"
