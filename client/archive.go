package client

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/waybill-io/waybill/activities/contract"
)

// ArchiveStatus is how the archive of events stands.
type ArchiveStatus struct {
	Began *time.Time   `json:"began,omitempty"` // of what is under way
	Error string       `json:"error,omitempty"` // why that fails and is tried again
	Last  *ArchiveMove `json:"last,omitempty"`  // that ended well
}

// ArchiveMove is a time that what was staged was taken into the archive.
type ArchiveMove struct {
	Ended time.Time `json:"ended"`
	contract.MovedArchive
}

// ArchiveStatus tells of the archive; nil: nothing was ever taken into it, as far as Temporal knows.
func (c *Client) ArchiveStatus(ctx context.Context) (*ArchiveStatus, error) {
	var s ArchiveStatus
	of := "WorkflowType = '" + contract.ArchiveWorkflow + "' AND ExecutionStatus = "
	running, err := c.Temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: of + "'Running'", PageSize: 1})
	if err != nil {
		return nil, fmt.Errorf("ask for the archive of events: %w", err)
	}
	for _, e := range running.GetExecutions() {
		d, err := c.Temporal.DescribeWorkflowExecution(ctx, e.GetExecution().GetWorkflowId(), e.GetExecution().GetRunId())
		if err != nil {
			return nil, fmt.Errorf("ask for what the archive of events does: %w", readable(err))
		}
		if d.GetWorkflowExecutionInfo().GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
			continue // visibility is some moments behind
		}
		began := e.GetStartTime().AsTime()
		s.Began, s.Error = &began, pendingError(d)
	}
	ended, err := c.Temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: of + "'Completed'", PageSize: 1})
	if err != nil {
		return nil, fmt.Errorf("ask for the archive of events: %w", err)
	}
	for _, e := range ended.GetExecutions() { // the latest first
		s.Last = &ArchiveMove{Ended: e.GetCloseTime().AsTime()}
		if err := c.Temporal.GetWorkflow(ctx, e.GetExecution().GetWorkflowId(), e.GetExecution().GetRunId()).Get(ctx, &s.Last.MovedArchive); err != nil {
			return nil, fmt.Errorf("read what was taken into the archive of events: %w", readable(err))
		}
	}
	if s.Began == nil && s.Last == nil {
		return nil, nil
	}
	return &s, nil
}
