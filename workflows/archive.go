package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/events"
)

// archiveTries is how often in a row it is tried to take what is staged into the archive, some eleven minutes, until it is looked at how long that
// has failed.
const archiveTries = 26

// Archive is the workflow that takes what is staged into the archive. The Schedule starts one at a time. People are told when that fails for long,
// and each hour as long as it does.
func Archive(ctx workflow.Context) (moved contract.MovedArchive, err error) {
	policy := untilItWorks()
	alerts := workflow.GetVersion(ctx, "archive-alerts", workflow.DefaultVersion, 1) == 1
	if alerts {
		policy.MaximumAttempts = archiveTries
	}
	options := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: contract.RebuildQueue, StartToCloseTimeout: compareFor, HeartbeatTimeout: contract.IndexHeartbeat, RetryPolicy: policy,
	})
	began, told := workflow.Now(ctx), time.Time{}
	for {
		err = workflow.ExecuteActivity(options, contract.MoveArchiveActivity).Get(ctx, &moved)
		if err == nil || !alerts || ctx.Err() != nil {
			return moved, err
		}
		now := workflow.Now(ctx)
		if now.Sub(began) >= failingFor && now.Sub(told) >= alarmAgain && raiseArchive(ctx, began, err) {
			told = now
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return moved, workflow.NewContinueAsNewError(ctx, contract.ArchiveWorkflow)
		}
	}
}

// raiseArchive has the rules of alerts take that nothing gets into the archive.
func raiseArchive(ctx workflow.Context, since time.Time, why error) bool {
	info, now := workflow.GetInfo(ctx).WorkflowExecution, workflow.Now(ctx)
	err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: contract.AlertQueue, ScheduleToCloseTimeout: 5 * time.Minute, StartToCloseTimeout: time.Minute,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: time.Minute},
		Summary:     "alert: " + contract.ArchiveFailing,
	}), contract.AlertActivity, contract.Alert{
		ID: fmt.Sprintf("archive/%s/%d", info.RunID, now.Unix()), Source: contract.AlertIndexer, At: now, ProcessID: info.ID, ProcessName: "archive", RunID: info.RunID,
		Status: "lagging", FaultName: contract.ArchiveFailing, FaultDetails: contract.FaultDetails{Code: contract.ArchiveFailing, Reason: fmt.Sprintf(
			"what is indexed has not been taken into the archive of events since %s, and waits: %s", since.UTC().Format(time.RFC3339), events.Cut(rootOf(why)))},
	}).Get(ctx, nil)
	return err == nil
}

// rootOf is what an error of an activity says itself.
func rootOf(err error) string {
	for {
		cause, ok := err.(interface{ Unwrap() error })
		if !ok || cause.Unwrap() == nil {
			return err.Error()
		}
		err = cause.Unwrap()
	}
}
