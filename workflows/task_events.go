package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/events/marker"
)

// Tasks runs user tasks.
type Tasks struct{ recording Recording }

// taskLog records what happens between the opening and the end of a task, which its process records. Each event tells all of the task, so
// its revision alone orders it.
type taskLog struct {
	log     *marker.Writer
	created events.Event
	last    int64 // revision
	claimed time.Time
	mails   int64
}

// cancelledRevision is after that of the process, which does not know who had the task.
const cancelledRevision = events.MaxRevision + 1

// begin records from now on, when the process does.
func (l *taskLog) begin(ctx workflow.Context, r Recording, opened *events.Batch) {
	if opened == nil || len(opened.Events) == 0 {
		return
	}
	l.created = opened.Events[0]
	l.last = l.created.Revision
	l.log = r.writer(ctx, opened.Process, false)
}

// snapshot is the task as it is, as an event.
func (t *task) snapshot(ctx workflow.Context, what events.Type) events.Event {
	e := t.log.created
	e.Type, e.Time = what, workflow.Now(ctx).UTC()
	e.Assignee, e.Owner, e.Claimed = events.Cut(t.Assignee), events.Cut(t.Owner), t.log.claimed
	return e
}

// claim notes when somebody took the task, or that he gave it back.
func (l *taskLog) claim(ctx workflow.Context, user string) {
	if l.log == nil {
		return
	}
	l.claimed = time.Time{}
	if user != "" {
		l.claimed = workflow.Now(ctx).UTC()
	}
}

// assigned records that the task has another assignee, or none any more.
func (t *task) assigned(ctx workflow.Context, by string) {
	l := &t.log
	if l.log == nil {
		return
	}
	l.last++
	e := t.snapshot(ctx, events.TaskAssigned)
	e.Revision, e.UserID = l.last, events.Cut(by)
	l.log.Add(marker.List{e})
	l.log.Flush(ctx, false)
}

// cancelled records who had a task that its process took away.
func (t *task) cancelled(ctx workflow.Context) {
	l := &t.log
	if l.log == nil || l.last == l.created.Revision {
		return // as the process knows it
	}
	e := t.snapshot(ctx, events.TaskCancelled)
	e.Revision, e.Status = cancelledRevision, events.Cancelled
	e.EndAt(e.Time)
	l.log.Add(marker.List{e})
	l.log.Flush(ctx, true)
}

// mailed records mails of the task.
func (t *task) mailed(ctx workflow.Context, n contract.Notified) {
	l := &t.log
	if l.log == nil || len(n.Sent) == 0 {
		return
	}
	for _, m := range n.Sent {
		l.mails++
		e := mailSent(workflow.Now(ctx), m.MessageID, len(m.Accepted))
		e.Sequence, e.Ref = l.created.Sequence, fmt.Sprintf("%s.mail.%d", l.created.Ref, l.mails)
		e.TaskID, e.Activity, e.ActivityID, e.ActivityName, e.ActivityType = t.ID, l.created.Activity, l.created.ActivityID, l.created.ActivityName, l.created.ActivityType
		l.log.Add(marker.List{e})
	}
	l.log.Flush(ctx, false)
}

// mailSent is a mail that a server has taken for so many recipients. It names none of them. The caller adds what it belongs to.
func mailSent(at time.Time, messageID string, recipients int) events.Event {
	return events.Event{Type: events.MailSent, Time: at.UTC(), Start: at.UTC(), MessageID: events.Cut(messageID), Recipients: recipients, Status: events.Completed}
}
