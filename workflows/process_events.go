package workflows

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/engine"
	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/events/marker"
)

// recordedSince is the engine version of the first instances that record events. Histories of earlier ones hold no markers.
const recordedSince = 4

// memoSince is the engine version of the first instances that tell their events in their memo when they end.
const memoSince = 6

// Recording says how workflows record what happens in them, for analytics.
type Recording struct {
	// Off records nothing (event.generation.enabled=false). Runs that a worker which records has begun go on recording.
	Off bool
	// Moved hears that a workflow recorded events, when it does, not in a replay; ended: its last ones. They get into the history
	// shortly afterwards, or never when the worker dies. It is called by workflow code, and must not block. nil: nobody hears.
	Moved func(id, run string, ended bool)

	encoder *events.Encoder
}

// writer writes the events of a run. A workflow in a test moves nobody.
func (r Recording) writer(ctx workflow.Context, p events.Process, test bool) *marker.Writer {
	w := &marker.Writer{Process: p, Off: r.Off, Encoder: r.encoder}
	if r.Moved != nil && !test {
		run := workflow.GetInfo(ctx).WorkflowExecution
		w.Moved = func(last bool) { r.Moved(run.ID, run.RunID, last) }
	}
	return w
}

// eventsOf are the events of a process instance, which began with its first run.
func (h *host) eventsOf(ctx workflow.Context, r Recording) {
	if h.input.Engine < recordedSince {
		return
	}
	if h.input.Began.IsZero() {
		h.input.Began = workflow.GetInfo(ctx).WorkflowStartTime.UTC()
		if h.input.Clock != nil {
			h.input.Began = *h.input.Clock
		}
	}
	caller := contract.Caller{}
	if h.input.Parent != nil {
		caller = *h.input.Parent
	}
	ref := h.ref()
	h.log = r.writer(ctx, events.Process{
		Instance: h.id, Key: ref.Key, DefinitionVersion: ref.Version, Name: h.process.Name, BusinessKey: h.input.BusinessKey, Tenant: ref.Tenant,
		Root: cmp.Or(caller.Root, caller.Instance), Parent: caller.Instance, Began: h.input.Began,
	}, h.input.Clock != nil)
	h.log.Memo = h.input.Engine >= memoSince
}

// record keeps the events of a step until the workflow task ends. They are its last command; what it opens gets them along.
func (h *host) record(commands []engine.Command) {
	h.fresh = nil
	if len(commands) == 0 || h.log == nil {
		return
	}
	if r, ok := commands[len(commands)-1].(engine.Record); ok {
		h.fresh = &recorded{Record: r, instance: h.id}
		h.log.Add(h.fresh)
	}
}

// recorded are the events of a step, of which the host knows the ids of tasks.
type recorded struct {
	engine.Record
	instance string
	tasks    map[string]events.Event // that it opened, by id; nil: nobody has asked
}

var _ marker.Source = (*recorded)(nil)

// Events implements marker.Source.
func (r *recorded) Events() iter.Seq[events.Event] {
	return func(yield func(events.Event) bool) {
		for e := range r.Record.Events() {
			if e.Type.Kind() == events.KindTask {
				id, err := strconv.Atoi(e.Ref)
				if err != nil {
					panic(fmt.Sprintf("event %d is of task %q: %v", e.Sequence, e.Ref, err))
				}
				e.TaskID = contract.TaskID(r.instance, id)
			}
			if !yield(e) {
				return
			}
		}
	}
}

// opened is the event that a task which was just opened began with; nil: the instance records none.
func (h *host) opened(id string) *events.Batch {
	if h.fresh == nil {
		return nil
	}
	if h.fresh.tasks == nil {
		h.fresh.tasks = map[string]events.Event{}
		for e := range h.fresh.Events() {
			if e.Type == events.TaskCreated {
				h.fresh.tasks[e.TaskID] = e
			}
		}
	}
	e, ok := h.fresh.tasks[id]
	if !ok {
		return nil
	}
	return &events.Batch{Process: h.log.Process, Events: []events.Event{e}}
}

// flush writes the events that wait when this workflow task has nothing more to do: one marker a task. A script that is under way ends
// in this task, or much later, when it takes long.
func (h *host) flush() {
	if h.log == nil || !h.log.Pending() || h.scripting() || h.selector.HasPending() || h.flushing {
		return
	}
	h.log.Flush(h.ctx, false)
	if h.log.Pending() { // too much for one workflow task
		h.flushing = true
		f := workflow.NewTimerWithOptions(h.ctx, time.Millisecond, workflow.TimerOptions{Summary: "a pause between events"})
		h.selector.AddFuture(f, func(workflow.Future) { h.flushing = false })
	}
}

// flushLast writes all events that wait. No others follow.
func (h *host) flushLast() {
	if h.log != nil {
		h.log.FlushAll(h.ctx, true) // which is never cancelled
	}
}

// scripting tells whether a script is under way.
func (h *host) scripting() bool {
	h.scripts = slices.DeleteFunc(h.scripts, func(f workflow.Future) bool { return f.IsReady() })
	return len(h.scripts) > 0
}
