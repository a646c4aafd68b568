package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	temporal "go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors/trigger"
)

// PutTrigger deploys a trigger file for an event source. The id is the trigger's name. One of a timer gets a Temporal Schedule.
func (c *Client) PutTrigger(ctx context.Context, source, id string, file json.RawMessage) error {
	err := c.Put(ctx, contract.TriggersID(source), id, file)
	if err == nil && isTimer(source) {
		err = c.schedule(ctx, source, id, file)
	}
	if err != nil {
		return fmt.Errorf("deploy trigger %q: %w", id, err)
	}
	return nil
}

// RemoveTrigger removes a trigger. The events that it has in hand go on.
func (c *Client) RemoveTrigger(ctx context.Context, source, id string) error {
	entries, err := c.Triggers(ctx, source)
	if err != nil {
		return err
	}
	known := false
	for _, e := range entries {
		known = known || e.ID == id
	}
	if !known {
		return fmt.Errorf("trigger %q of %q: %w", id, source, ErrNotFound)
	}
	if isTimer(source) {
		err = c.Temporal.ScheduleClient().GetHandle(ctx, contract.TriggerScheduleID(id)).Delete(ctx)
		if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
			err = nil
		}
	}
	if err == nil {
		err = c.Remove(ctx, contract.TriggersID(source), id)
	}
	if err != nil {
		return fmt.Errorf("remove trigger %q: %w", id, err)
	}
	return nil
}

// Triggers returns the triggers of an event source in order of their names; none when nothing was deployed.
func (c *Client) Triggers(ctx context.Context, source string) ([]contract.RegistryEntry, error) {
	entries, err := c.Entries(ctx, contract.TriggersID(source))
	if err != nil {
		return nil, fmt.Errorf("read triggers of %q: %w", source, err)
	}
	return entries, nil
}

// TriggerSources returns the sources that triggers were ever deployed for.
func (c *Client) TriggerSources(ctx context.Context) ([]string, error) {
	var sources []string
	prefix := contract.TriggersID("")
	query := "WorkflowType = " + Literal(contract.RegistryWorkflow) + " AND ExecutionStatus = 'Running' AND WorkflowId STARTS_WITH " + Literal(prefix)
	err := c.visit(ctx, query, 100_000, func(e *execution) bool {
		sources = append(sources, strings.TrimPrefix(e.GetExecution().GetWorkflowId(), prefix))
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("list the sources of triggers: %w", err)
	}
	return sources, nil
}

func isTimer(source string) bool { return strings.HasPrefix(source, "timer.") }

// The times that are made up for when Temporal was away. Each missed one is a workflow, and all start at once.
const (
	catchUpCron      = 24 * time.Hour // so that the last time of a daily one is always made up for
	catchUpEvery     = time.Hour      // at least
	catchUpIntervals = 10             // of those that are longer
)

// catchUp is how long ago a time may be to be made up for. Temporal's default is a year: of an interval of a second, an outage of a day
// would start 86,400 workflows.
func catchUp(t trigger.Timer) time.Duration {
	if t.Cron != "" {
		return catchUpCron
	}
	return max(catchUpEvery, catchUpIntervals*t.Every)
}

// schedule makes the schedule of a trigger what its file says. An interval counts from the Unix epoch, so that deploying again moves nothing.
func (c *Client) schedule(ctx context.Context, source, id string, file json.RawMessage) error {
	t, err := trigger.Read(id, file)
	if err != nil {
		return err
	}
	timer, ok := t.Timer()
	if !ok || t.Name != id {
		return fmt.Errorf("%q is not the trigger of this timer", t.Name)
	}
	spec := temporal.ScheduleSpec{TimeZoneName: timer.TimeZone}
	if timer.Cron != "" {
		spec.CronExpressions = []string{timer.Cron}
	} else {
		spec.Intervals = []temporal.ScheduleIntervalSpec{{Every: timer.Every}}
	}
	instance, event := contract.SplitSource(source)
	action := &temporal.ScheduleWorkflowAction{
		ID: contract.EventPrefix + instance + "/" + event, Workflow: contract.EventWorkflow, TaskQueue: contract.ProcessQueue,
		Args: []any{contract.EventInput{Event: contract.Event{Source: source}}}, StaticSummary: source,
	}
	options := temporal.ScheduleOptions{
		ID: contract.TriggerScheduleID(id), Spec: spec, Overlap: enums.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL, CatchupWindow: catchUp(timer),
		Note: "trigger " + id, Action: action,
	}
	_, err = c.Temporal.ScheduleClient().Create(ctx, options)
	if errors.Is(err, sdk.ErrScheduleAlreadyRunning) {
		err = c.Temporal.ScheduleClient().GetHandle(ctx, options.ID).Update(ctx, temporal.ScheduleUpdateOptions{
			DoUpdate: func(in temporal.ScheduleUpdateInput) (*temporal.ScheduleUpdate, error) {
				s := in.Description.Schedule
				s.Spec, s.Action = &spec, action
				s.Policy.CatchupWindow = options.CatchupWindow // else it stays a year for those of earlier versions
				return &temporal.ScheduleUpdate{Schedule: &s}, nil
			},
		})
	}
	if err != nil {
		return fmt.Errorf("schedule %q: %w", options.ID, err)
	}
	return nil
}
