package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/events/marker"
)

// diary records the events of a workflow that is no process, such as a mailbox, under its own id. nil records none.
type diary struct {
	log  *marker.Writer
	kept *contract.Diary
}

// diary begins or goes on with one.
func (r Recording) diary(ctx workflow.Context, kept *contract.Diary) (*diary, error) {
	info := workflow.GetInfo(ctx)
	if kept.Began.IsZero() {
		kept.Began = info.WorkflowStartTime.UTC()
	}
	// Searches for what has recorded events find it by this.
	if _, known := workflow.GetTypedSearchAttributes(ctx).GetKeyword(instanceAttribute); !known {
		if err := workflow.UpsertTypedSearchAttributes(ctx, instanceAttribute.ValueSet(info.WorkflowExecution.ID)); err != nil {
			return nil, err
		}
	}
	return &diary{log: r.writer(ctx, events.Process{Instance: info.WorkflowExecution.ID, Began: kept.Began}, false), kept: kept}, nil
}

// write adds an event to those that the next flush writes.
func (d *diary) write(at time.Time, e events.Event) {
	if d == nil {
		return
	}
	d.kept.Sequence++
	e.Sequence, e.Time, e.Start = d.kept.Sequence, at.UTC(), at.UTC()
	d.log.Add(marker.List{e})
}

func (d *diary) flush(ctx workflow.Context) {
	if d != nil {
		d.log.Flush(ctx, false)
	}
}
