package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	temporal "go.temporal.io/sdk/client"

	"github.com/waybill-io/waybill/activities/contract"
)

// TellMoved tells the indexer of running executions that recorded events, and starts it when there is none.
func (c *Client) TellMoved(ctx context.Context, m contract.Moved) error {
	_, err := c.Temporal.SignalWithStartWorkflow(ctx, contract.IndexerID, contract.MovedSignal, m, indexerOptions(), contract.IndexerWorkflow, contract.IndexerState{})
	if err != nil {
		return fmt.Errorf("tell the indexer of what moved: %w", err)
	}
	return nil
}

// StartIndexer starts the workflow of the indexer when there is none. It finds out its settings with its first pass; those that are known
// before say when that is to begin.
func (c *Client) StartIndexer(ctx context.Context, known contract.IndexSetting) error {
	o := indexerOptions()
	o.WorkflowIDConflictPolicy = useExisting
	if _, err := c.Temporal.ExecuteWorkflow(ctx, o, contract.IndexerWorkflow, contract.IndexerState{Settings: known}); err != nil {
		return fmt.Errorf("start the indexer: %w", err)
	}
	return nil
}

func indexerOptions() temporal.StartWorkflowOptions {
	return temporal.StartWorkflowOptions{ID: contract.IndexerID, TaskQueue: contract.ProcessQueue, StaticSummary: "indexes events"}
}

// IndexerStatus is how indexing stands.
type IndexerStatus struct {
	contract.IndexerState
	State     string            `json:"state"` // ok, working, failing, paused
	LagMS     int64             `json:"lagMs"` // age of the oldest event that may not be in the index
	Error     string            `json:"error,omitempty"`
	Schedules []IndexerSchedule `json:"schedules"`
	Archive   *ArchiveStatus    `json:"archive,omitempty"` // nil: nothing was ever taken into one
}

// IndexerSchedule is a Temporal Schedule that follows a Quartz expression of the settings.
type IndexerSchedule struct {
	ID         string      `json:"id"`
	Expression string      `json:"expression"`
	Paused     bool        `json:"paused,omitempty"` // in Temporal
	Next       []time.Time `json:"next"`
}

// States of the indexer.
const (
	IndexerOK      = "ok"
	IndexerWorking = "working" // a pass is under way
	IndexerFailing = "failing" // and what it does fails and is tried again
	IndexerPaused  = "paused"
)

// IndexerStatus asks the indexer how it is, and the schedules when they run next.
func (c *Client) IndexerStatus(ctx context.Context) (s IndexerStatus, err error) {
	if s.IndexerState, err = c.IndexerState(ctx); err != nil {
		return s, err
	}
	s.LagMS = IndexLag(s.IndexerState, time.Now()).Milliseconds()
	s.State = IndexerOK
	switch {
	case s.Paused:
		s.State = IndexerPaused
	case s.Pass != nil:
		s.State = IndexerWorking
		if s.Error, err = c.indexerError(ctx); err != nil {
			return s, err
		}
		if s.Error != "" {
			s.State = IndexerFailing
		}
	}
	for _, id := range []string{contract.IndexScheduleID, contract.ArchiveScheduleID} {
		schedule, err := c.indexerSchedule(ctx, id)
		if err != nil {
			return s, err
		}
		if schedule != nil {
			s.Schedules = append(s.Schedules, *schedule)
		}
	}
	s.Archive, err = c.ArchiveStatus(ctx)
	return s, err
}

// IndexerState asks the workflow of the indexer alone.
func (c *Client) IndexerState(ctx context.Context) (s contract.IndexerState, err error) {
	err = c.query(ctx, contract.IndexerID, contract.IndexerQuery, &s)
	if errors.Is(err, ErrNotFound) {
		return s, errNoIndexer
	}
	if err != nil {
		return s, fmt.Errorf("ask the indexer: %w", err)
	}
	return s, nil
}

// errNoIndexer says what to set where nothing was ever indexed.
var errNoIndexer = fmt.Errorf("no indexer has run yet: set elastic-search.server.type of a worker with the role indexer to rest or file: %w", ErrNotFound)

// IndexLag is the age of the oldest event that may not be in the index.
func IndexLag(s contract.IndexerState, now time.Time) time.Duration {
	since := s.Watermark
	if since.IsZero() {
		since = s.Created
	}
	return max(now.Sub(since), 0)
}

// indexerError is why what the pass does was tried again; "" when nothing was.
func (c *Client) indexerError(ctx context.Context) (string, error) {
	d, err := c.Temporal.DescribeWorkflowExecution(ctx, contract.IndexerID, "")
	if err != nil {
		return "", fmt.Errorf("ask for what the indexer does: %w", readable(err))
	}
	return pendingError(d), nil
}

// pendingError is why an activity of a workflow was tried again; "" when none was.
func pendingError(d *workflowservice.DescribeWorkflowExecutionResponse) string {
	for _, a := range d.GetPendingActivities() {
		if f := a.GetLastFailure(); f != nil {
			text := f.GetMessage()
			for cause := f.GetCause(); cause != nil; cause = cause.GetCause() {
				text = cause.GetMessage()
			}
			return fmt.Sprintf("%s, %d tries: %s", strings.TrimPrefix(a.GetActivityType().GetName(), "waybill/"), a.GetAttempt(), text)
		}
	}
	return ""
}

func (c *Client) indexerSchedule(ctx context.Context, id string) (*IndexerSchedule, error) {
	d, err := c.Temporal.ScheduleClient().GetHandle(ctx, id).Describe(ctx)
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ask for schedule %q: %w", id, err)
	}
	s := &IndexerSchedule{ID: id, Next: d.Info.NextActionTimes}
	if d.Schedule.State != nil {
		s.Paused = d.Schedule.State.Paused
	}
	if spec := d.Schedule.Spec; spec != nil && len(spec.Calendars) > 0 {
		s.Expression = strings.TrimPrefix(spec.Calendars[0].Comment, contract.QuartzComment)
	}
	return s, nil
}

// PauseIndexer has the indexer rest: what it does is broken off, and begun again when it is resumed.
func (c *Client) PauseIndexer(ctx context.Context) error {
	return c.tellIndexer(ctx, "pause", contract.PauseUpdate, nil)
}

// ResumeIndexer has the indexer go on, at once.
func (c *Client) ResumeIndexer(ctx context.Context) error {
	return c.tellIndexer(ctx, "resume", contract.ResumeUpdate, nil)
}

// RunIndexer has a pass begin now, or after the one that is under way. It returns its number.
func (c *Client) RunIndexer(ctx context.Context) (pass int64, err error) {
	err = c.tellIndexer(ctx, "run", contract.RunIndexerUpdate, &pass)
	return pass, err
}

func (c *Client) tellIndexer(ctx context.Context, what, update string, result any) error {
	err := c.update(ctx, contract.IndexerID, update, nil, result)
	if errors.Is(err, ErrNotFound) {
		err = errNoIndexer
	}
	if err != nil {
		return fmt.Errorf("%s the indexer: %w", what, err)
	}
	return nil
}
