package record

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/events/marker"
)

// Process is what a workflow is to analytics.
type Process struct {
	Key         string // as the key of a definition; "": the workflow type
	Version     int    // of the workflow's own counting
	Name        string // for people
	BusinessKey string
	Tenant      string // whose indexes its events are in; "": the default tenant
	Root        string // the id of the workflow that all began with; "": itself
	Parent      string // the id of the workflow that started it; "": none
	Initiator   string // who started it
	Variables   map[string]any
	Off         bool   // records nothing, and says so in the history: event.generation.enabled=false
	Earlier     *State // of the earlier run, after continue-as-new; nil: this is the first one

	// Moved hears when events of a run are recorded, never in a replay; ended: with them the run has no more. It must not block. The method Moved of an
	// activities.Notebook has the indexer read them in its next pass. nil: they are found in its sweep, or when the run ends.
	Moved func(id, run string, ended bool)
}

// State is what the next run of a workflow goes on from. It is plain data, for its input.
type State struct {
	Began     time.Time `json:"began"`
	Sequence  int64     `json:"sequence"`
	Variables []string  `json:"variables,omitempty"` // that there are, sorted
}

// Recorder records the events of one run. It is used by workflow code of that run alone.
type Recorder struct {
	log   *marker.Writer
	state State
	moved workflow.Channel
	user  string
	over  bool
}

var stateAttribute = temporal.NewSearchAttributeKeyKeyword(contract.StateAttribute)

// Start begins the events of a workflow, or goes on with them in a later run. It makes the workflow one that lists and indexers find, by the
// search attribute WaybillState, which every worker of Waybill adds to its namespace.
func Start(ctx workflow.Context, p Process) (*Recorder, error) {
	info := workflow.GetInfo(ctx)
	r := &Recorder{user: p.Initiator, moved: workflow.NewBufferedChannel(ctx, 1)}
	if p.Earlier != nil {
		r.state = *p.Earlier
		r.state.Variables = slices.Clone(r.state.Variables)
	} else {
		r.state.Began = info.WorkflowStartTime.UTC()
		if err := workflow.UpsertTypedSearchAttributes(ctx, stateAttribute.ValueSet(contract.StateActive)); err != nil {
			return nil, fmt.Errorf("set search attribute %s: %w", contract.StateAttribute, err)
		}
	}
	r.log = &marker.Writer{Off: p.Off, Process: events.Process{
		Instance: info.WorkflowExecution.ID, Key: cmp.Or(p.Key, info.WorkflowType.Name), DefinitionVersion: p.Version, Name: p.Name,
		BusinessKey: p.BusinessKey, Tenant: p.Tenant, Root: p.Root, Parent: p.Parent, Began: r.state.Began,
	}}
	if p.Moved != nil {
		run := info.WorkflowExecution
		r.log.Moved = func(last bool) { p.Moved(run.ID, run.RunID, last) }
	}
	lasting, _ := workflow.NewDisconnectedContext(ctx)
	workflow.GoNamed(lasting, "events", r.write)
	if p.Earlier == nil {
		r.Event(ctx, events.Event{
			Type: events.ProcessStarted, Status: events.Active, Start: r.state.Began, UserID: p.Initiator, Variables: shown(p.Variables),
		})
		for _, name := range workflow.DeterministicKeys(p.Variables) {
			r.Variable(ctx, name, p.Variables[name])
		}
	}
	return r, nil
}

// write writes what has happened when all else in the workflow waits.
func (r *Recorder) write(ctx workflow.Context) {
	for {
		r.moved.Receive(ctx, nil)
		r.log.FlushAll(ctx, false)
	}
}

// Event records any event, and returns its sequence. Sequence and time are set; so is Ref when it is "", except of the process instance and of
// variables, to the sequence: the first of several events about the same. An event must tell all that is known of what it is about.
func (r *Recorder) Event(ctx workflow.Context, e events.Event) int64 {
	r.state.Sequence++
	e.Sequence, e.Time = r.state.Sequence, workflow.Now(ctx).UTC()
	if kind := e.Type.Kind(); e.Ref == "" && kind != events.KindProcess && kind != events.KindVariable {
		e.Ref = strconv.FormatInt(e.Sequence, 10)
	}
	if !r.over {
		r.log.Add(marker.List{e})
		r.moved.SendAsync(true)
	}
	return e.Sequence
}

// ended completes an event with when and how what it is about has ended.
func ended(ctx workflow.Context, e events.Event, kind events.Type, how events.Status) events.Event {
	e.Type, e.Status = kind, how
	e.EndAt(workflow.Now(ctx).UTC())
	return e
}

// Variable records a value of a variable: null, booleans, numbers, text, times, and all else as JSON. Long ones are cut.
func (r *Recorder) Variable(ctx workflow.Context, name string, value any) {
	e := events.Event{Type: events.VariableUpdated, Ref: name, Name: name}
	e.Value, e.ValueType, e.Cut = told(value)
	if i, known := slices.BinarySearch(r.state.Variables, name); !known {
		e.Type = events.VariableCreated
		r.state.Variables = slices.Insert(r.state.Variables, i, name)
	}
	r.Event(ctx, e)
}

// Remove records that there is no such variable any more.
func (r *Recorder) Remove(ctx workflow.Context, name string) {
	if i, known := slices.BinarySearch(r.state.Variables, name); known {
		r.state.Variables = slices.Delete(r.state.Variables, i, i+1)
		r.Event(ctx, events.Event{Type: events.VariableDeleted, Ref: name, Name: name})
	}
}

// End records the end of the workflow: call it before it returns, and nothing of the Recorder afterwards. Without it the instance counts as
// active until its execution is seen to be closed. err is what the workflow fails with; nil: it has completed. A cancellation is told from
// other errors.
func (r *Recorder) End(ctx workflow.Context, err error) error {
	if r.over {
		return nil
	}
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	e := events.Event{Start: r.state.Began, UserID: r.user}
	how, state := events.Completed, ""
	switch {
	case temporal.IsCanceledError(err):
		how, state = events.Cancelled, contract.StateCancelled
	case err != nil:
		how, state, e.Error = events.Failed, contract.StateFailed, events.Cut(err.Error())
	}
	r.Event(ctx, ended(ctx, e, events.ProcessEnded, how))
	r.log.FlushAll(ctx, true)
	r.over = true
	if state == "" {
		return nil
	}
	return workflow.UpsertTypedSearchAttributes(ctx, stateAttribute.ValueSet(state))
}

// maxMarkers bounds what Continue writes in one workflow task, which takes a tenth of a second for each, and of which the server takes 4 MiB.
const maxMarkers = 4

// Continue writes what has happened so far and returns the State for the next run: call it right before continue-as-new. Activities and tasks
// that have not ended by then stay open. It does not block, so that no signal comes in between, unless more than 100,000 events or 2 MiB of them,
// compressed, have come since the workflow blocked last.
func (r *Recorder) Continue(ctx workflow.Context) *State {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	for n := 1; r.log.Pending(); n++ {
		if r.log.Flush(ctx, false); n%maxMarkers == 0 && r.log.Pending() {
			_ = workflow.Sleep(ctx, time.Millisecond) // never cancelled
		}
	}
	return &r.state
}
