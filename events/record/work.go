package record

import (
	"strconv"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/events"
)

// Activity is a part of the work that has begun, and that reports of activities count and time.
type Activity struct {
	r *Recorder
	e events.Event
}

// Activity records that a part of the work begins. kind is that of an element of BPMN, such as serviceTask; "": it is one.
func (r *Recorder) Activity(ctx workflow.Context, id, name, kind string) *Activity {
	if kind == "" {
		kind = "serviceTask"
	}
	a := &Activity{r: r, e: events.Event{
		Type: events.ActivityStarted, Status: events.Active, Start: workflow.Now(ctx).UTC(), ActivityID: id, ActivityName: events.Cut(name), ActivityType: kind,
	}}
	a.e.Ref = strconv.FormatInt(r.Event(ctx, a.e), 10)
	return a
}

// End records how it ended, once: err nil is completed. A cancellation is told from other errors.
func (a *Activity) End(ctx workflow.Context, err error) {
	e := ended(ctx, a.e, events.ActivityCompleted, events.Completed)
	switch {
	case temporal.IsCanceledError(err):
		e.Type, e.Status = events.ActivityCancelled, events.Cancelled
	case err != nil:
		e.Status, e.Error = events.Failed, events.Cut(err.Error())
	}
	a.r.Event(ctx, e)
}

// Task is what is known of a piece of work for people.
type Task struct {
	Key         string // of all tasks of its kind
	Name        string
	Description string
	Assignee    string // "": one of the candidates takes it
	Owner       string
	Users       []string // who may take it
	Groups      []string
	Due         time.Time // zero: none
	Priority    int
	FormKey     string
	Category    string
}

// OpenTask is a task that has not ended.
type OpenTask struct {
	r *Recorder
	e events.Event
}

// Task records that there is a new task.
func (r *Recorder) Task(ctx workflow.Context, t Task) *OpenTask {
	o := &OpenTask{r: r, e: events.Event{
		Type: events.TaskCreated, Status: events.Active, Start: workflow.Now(ctx).UTC(), Revision: 1,
		ActivityID: t.Key, ActivityName: events.Cut(t.Name), ActivityType: "userTask", TaskKey: t.Key, Name: events.Cut(t.Name), Description: events.Cut(t.Description),
		Assignee: t.Assignee, Owner: t.Owner, CandidateUsers: t.Users, CandidateGroups: t.Groups, Due: t.Due, Priority: t.Priority, FormKey: t.FormKey, Category: t.Category,
	}}
	o.e.Ref = "task-" + strconv.FormatInt(r.state.Sequence+1, 10)
	o.e.TaskID = r.log.Process.Instance + "/" + o.e.Ref
	r.Event(ctx, o.e)
	return o
}

// Assign records that the task is a user's now; "": its candidates' again.
func (o *OpenTask) Assign(ctx workflow.Context, user string) {
	o.e.Type, o.e.Assignee, o.e.Claimed = events.TaskAssigned, user, time.Time{}
	if user != "" {
		o.e.Claimed = workflow.Now(ctx).UTC()
	}
	o.e.Revision++
	o.r.Event(ctx, o.e)
}

// Complete records who completed the task, and with what.
func (o *OpenTask) Complete(ctx workflow.Context, user string, results map[string]any) {
	if user != "" {
		o.e.Assignee = user
	}
	o.end(ctx, events.TaskCompleted, events.Completed, user, results)
}

// Cancel records that nobody needs the task any more.
func (o *OpenTask) Cancel(ctx workflow.Context) {
	o.end(ctx, events.TaskCancelled, events.Cancelled, "", nil)
}

func (o *OpenTask) end(ctx workflow.Context, kind events.Type, how events.Status, user string, results map[string]any) {
	e := ended(ctx, o.e, kind, how)
	e.Revision, e.UserID, e.Variables = events.MaxRevision, user, shown(results)
	o.r.Event(ctx, e)
}
