package record_test

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/events/record"
)

// Order is a workflow as anybody writes it. Its events are those of a process named "Order": an instance, an activity and a task.
func Order(ctx workflow.Context, number string, total float64) (err error) {
	events, err := record.Start(ctx, record.Process{
		Key: "order", Name: "Order", BusinessKey: number, Variables: map[string]any{"total": total},
	})
	if err != nil {
		return err
	}
	defer func() { _ = events.End(ctx, err) }()

	reserve := events.Activity(ctx, "reserve", "Reserve the goods", "")
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	err = workflow.ExecuteActivity(ctx, Reserve, number).Get(ctx, nil)
	reserve.End(ctx, err)
	if err != nil {
		return err
	}

	approve := events.Task(ctx, record.Task{Key: "approve", Name: "Approve the order", Groups: []string{"sales"}})
	var by string
	workflow.GetSignalChannel(ctx, "approved").Receive(ctx, &by)
	approve.Complete(ctx, by, nil)
	return nil
}

// Reserve is an activity of Order.
func Reserve(context.Context, string) error { return nil }

func ExampleStart() {
	for _, e := range runOrder() {
		fmt.Println(e.Sequence, e.Type)
	}
	// Output:
	// 1 PROCESSINSTANCE_START
	// 2 VARIABLE_CREATED
	// 3 ACTIVITY_STARTED
	// 4 ACTIVITY_COMPLETED
	// 5 TASK_CREATED
	// 6 TASK_COMPLETED
	// 7 PROCESSINSTANCE_END
}
