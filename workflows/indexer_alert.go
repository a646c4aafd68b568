package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
)

const (
	// failingFor is how long a pass may come to nothing before people are told.
	failingFor = 15 * time.Minute
	// alarmAgain is how often people are told while it goes on.
	alarmAgain = time.Hour
)

// patience is how long to wait for a pass until it is time to see how it stands.
func (x *indexer) patience(now time.Time) time.Duration {
	wait := x.Pass.Progress.Add(failingFor).Sub(now) + time.Second
	if x.Alarm != nil {
		wait = x.Alarm.Told.Add(alarmAgain).Sub(now) + time.Second
	}
	return max(wait, time.Minute)
}

// watch sees how indexing stands, and has people told when it does not go on, or is so late that Temporal will delete what is not indexed.
func (x *indexer) watch(ctx workflow.Context) {
	now := workflow.Now(ctx)
	code, reason := x.trouble(now)
	if code == "" && x.neverBegan(now) && workflow.GetVersion(ctx, "alarm-before-first-pass", workflow.DefaultVersion, 1) == 1 {
		code = contract.IndexFailing
		reason = fmt.Sprintf("no pass has begun since the indexer was started at %s: %s", x.Created.UTC().Format(time.RFC3339), seeSchedule)
	}
	if code == "" {
		x.Alarm = nil
		return
	}
	if x.Alarm == nil || x.Alarm.Code != code {
		x.Alarm = &contract.IndexAlarm{Since: now, Code: code}
	}
	x.Alarm.Reason = reason
	if now.Sub(x.Alarm.Told) >= alarmAgain && !x.raising {
		x.raise(now)
	}
}

// trouble is what people must know; "" when all is well.
func (x *indexer) trouble(now time.Time) (code, reason string) {
	since := x.Watermark
	if since.IsZero() {
		since = x.Created
	}
	lag, retention := now.Sub(since), milliseconds(x.Settings.RetentionMS)
	state := "passes end, and are begun too seldom: see the schedule " + contract.IndexScheduleID
	switch {
	case x.Paused:
		state = "it is paused"
	case x.Pass != nil:
		state = fmt.Sprintf("pass %d has done nothing since %s", x.Pass.Number, x.Pass.Progress.UTC().Format(time.RFC3339))
	}
	if retention > 0 && lag > retention/2 {
		return contract.IndexRetention, fmt.Sprintf("events since %s are not in the index, and Temporal deletes histories %s after their end: %s", since.UTC().Format(time.RFC3339), retention, state)
	}
	if x.Pass != nil && now.Sub(x.Pass.Progress) > failingFor {
		return contract.IndexFailing, state + "; `starter events status` tells why"
	}
	if next := x.Settings.Next; x.Pass == nil && !x.Paused && !x.Due && !next.IsZero() && now.Sub(next) > failingFor {
		return contract.IndexFailing, fmt.Sprintf("no pass has begun since the one that was to begin at %s: %s", next.UTC().Format(time.RFC3339), seeSchedule)
	}
	return "", ""
}

// seeSchedule is what to do when no pass begins.
const seeSchedule = "see whether the schedule " + contract.IndexScheduleID + " is paused in Temporal; a worker with the role indexer creates it anew when it is gone"

// neverBegan tells whether there has been no pass yet, and should have been: when it is not known when the first was to begin, soon after the beginning.
func (x *indexer) neverBegan(now time.Time) bool {
	return x.Passes == 0 && !x.Paused && !x.Due && x.Settings.Next.IsZero() && now.Sub(x.Created) > failingFor
}

// raise has the rules of alerts take an alarm, beside all else. What this run has no time for the next does.
func (x *indexer) raise(now time.Time) {
	alarm := x.Alarm
	x.raising = true
	workflow.Go(x.work, func(ctx workflow.Context) {
		info := workflow.GetInfo(ctx).WorkflowExecution
		err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			TaskQueue: contract.AlertQueue, ScheduleToCloseTimeout: alarmAgain, StartToCloseTimeout: time.Minute,
			RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: time.Minute},
			Summary:     "alert: " + alarm.Code,
		}), contract.AlertActivity, contract.Alert{
			ID: fmt.Sprintf("indexer/%s/%d", alarm.Code, now.Unix()), Source: contract.AlertIndexer, At: now, ProcessID: contract.IndexerID, ProcessName: "indexer",
			RunID: info.RunID, Status: "lagging", FaultName: alarm.Code, FaultDetails: contract.FaultDetails{Code: alarm.Code, Reason: alarm.Reason},
		}).Get(ctx, nil)
		x.raising = false
		if err == nil {
			alarm.Told = now
		}
	})
}
