package workflows

import (
	"errors"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
)

const (
	// maxSweepPart bounds the executions that a pass visits for the sweep: 50 a second with a pass every 30 seconds.
	maxSweepPart = 1500
	// sweepEnd is how many more than were counted the end of a sweep visits: some have started meanwhile.
	sweepEnd = 100
	// longPass is how many times as long as when Temporal first suggested a new run a history may be while a block is under way.
	longPass = 3
	// lookEvery is how often it is seen how things stand: some 1,500 events of history a day.
	lookEvery = 5 * time.Minute
)

// indexer has events indexed, pass by pass. A pass reads the histories of what has ended or started since the watermark, of what workers told to
// have moved, and of a part of all that runs; then the watermark moves to when the pass began.
//
// An execution that moved is read in two passes, since its worker tells of it before the server has its history. What is not told, a sweep through
// all running executions finds, or the end of the execution, whose history is then read wholly. With each sweep begins a look further back, for what
// Temporal's visibility store had not been told in time.
type indexer struct {
	contract.IndexerState
	noted   map[string]bool // runs of Notes
	size    int             // of Notes
	warned  int             // events in the history when Temporal first suggested a new run; 0: not yet
	changed bool            // somebody has told something, so that it is time to look at how things stand
	raising bool
	work    workflow.Context
}

// Indexer is the workflow that has events indexed. There is one, and it never ends by itself.
func Indexer(ctx workflow.Context, state contract.IndexerState) error {
	x := &indexer{IndexerState: state, noted: map[string]bool{}, work: ctx}
	if x.Created.IsZero() {
		x.Created = workflow.Now(ctx)
	}
	for _, n := range x.Notes {
		x.noted[n.Run] = true
		x.size += execution(n).Size()
	}
	if x.Paused { // when the run before left: nobody must wait for the end of its pass
		x.giveUp()
	}
	err := errors.Join(
		workflow.SetQueryHandler(ctx, contract.IndexerQuery, x.query),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.PauseUpdate, x.pause, workflow.UpdateHandlerOptions{Description: "index nothing"}),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.ResumeUpdate, x.resume, workflow.UpdateHandlerOptions{Description: "index again"}),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.RunIndexerUpdate, x.run, workflow.UpdateHandlerOptions{Description: "begin a pass", Validator: x.validateRun}),
		x.setAlso(ctx),
	)
	if err != nil {
		return err
	}
	workflow.Go(ctx, x.hear)
	workflow.Go(ctx, x.look)
	for {
		err := workflow.Await(ctx, func() bool { return x.begins() || x.changed || x.suggested(ctx) })
		if err != nil {
			return err
		}
		x.changed = false
		x.watch(ctx)
		if x.begins() && !x.suggested(ctx) {
			if err := x.pass(ctx); err != nil {
				return err
			}
			x.watch(ctx)
		}
		if x.suggested(ctx) {
			if err := workflow.Await(ctx, handlersFinished(ctx)); err != nil {
				return err
			}
			x.drain(ctx)
			return workflow.NewContinueAsNewError(ctx, contract.IndexerWorkflow, x.IndexerState)
		}
	}
}

func (x *indexer) begins() bool { return !x.Paused && (x.Due || x.Pass != nil) }

// suggested tells whether this run has grown long.
func (x *indexer) suggested(ctx workflow.Context) bool {
	info := workflow.GetInfo(ctx)
	if !info.GetContinueAsNewSuggested() {
		return false
	}
	if x.warned == 0 {
		x.warned = info.GetCurrentHistoryLength()
	}
	return true
}

// leaving tells whether this run has grown so long that the next one is to do again what is under way: while the index is away, that never ends.
func (x *indexer) leaving(ctx workflow.Context) bool {
	return x.suggested(ctx) && workflow.GetInfo(ctx).GetCurrentHistoryLength() >= longPass*x.warned
}

func (x *indexer) query() (contract.IndexerState, error) {
	shown := x.IndexerState
	shown.Waiting, shown.Notes, shown.Sweep.Token = len(x.Notes), nil, nil
	if x.Pass != nil {
		pass := *x.Pass
		pass.Waiting, pass.Left, pass.Cursor, pass.Sweep.Token = len(pass.Left), nil, nil, nil
		shown.Pass = &pass
	}
	return shown, nil
}

func (x *indexer) pause(workflow.Context) error {
	x.Paused, x.Due = true, false
	return nil
}

func (x *indexer) resume(workflow.Context) error {
	if x.Paused {
		x.Paused, x.Due = false, true
	}
	return nil
}

func (x *indexer) validateRun(workflow.Context) error {
	if x.Paused {
		return errors.New("it is paused; resume it first")
	}
	return nil
}

// run has a pass begin, and answers with its number.
func (x *indexer) run(workflow.Context) (int64, error) {
	x.Due = true
	return x.Passes + 1, nil
}

// look has it seen how things stand even when nobody tells anything: nobody does while the schedule is paused or deleted.
func (x *indexer) look(ctx workflow.Context) {
	for workflow.Sleep(ctx, lookEvery) == nil {
		x.changed = true
	}
}

// hear takes what comes.
func (x *indexer) hear(ctx workflow.Context) {
	ticks, moved := workflow.GetSignalChannel(ctx, contract.IndexTickSignal), workflow.GetSignalChannel(ctx, contract.MovedSignal)
	selector := workflow.NewSelector(ctx)
	selector.AddReceive(ticks, func(c workflow.ReceiveChannel, _ bool) {
		c.Receive(ctx, nil)
		x.tick()
	})
	selector.AddReceive(moved, func(c workflow.ReceiveChannel, _ bool) {
		var m contract.Moved
		c.Receive(ctx, &m)
		x.note(workflow.Now(ctx), m)
	})
	for ctx.Err() == nil {
		selector.Select(ctx)
	}
}

// drain takes what has come and would be lost with this run.
func (x *indexer) drain(ctx workflow.Context) {
	ticks, moved := workflow.GetSignalChannel(ctx, contract.IndexTickSignal), workflow.GetSignalChannel(ctx, contract.MovedSignal)
	for ticks.ReceiveAsync(nil) {
		x.tick()
	}
	for {
		var m contract.Moved
		if !moved.ReceiveAsync(&m) {
			return
		}
		x.note(workflow.Now(ctx), m)
	}
}

// tick has a pass begin. Those that come while one is under way are one.
func (x *indexer) tick() {
	x.changed = true
	if x.Paused {
		return
	}
	if x.Pass != nil {
		x.Folded++
	}
	x.Due = true
}

// note keeps what moved until a pass reads it.
func (x *indexer) note(now time.Time, m contract.Moved) {
	x.Dropped += m.Dropped
	made := now.Add(-milliseconds(m.AgeMS))
	if sent := time.UnixMilli(m.At); m.At > 0 && sent.Before(made) { // they have waited in the history
		made = sent
	}
	at := before(made)
	moved := map[string]bool{}
	for _, e := range m.Executions {
		if x.noted[e.Run] {
			moved[e.Run] = true
			continue
		}
		size := e.Size()
		if x.size+size > contract.IndexNotesSize {
			x.Dropped++
			continue
		}
		x.noted[e.Run] = true
		x.size += size
		x.Notes = append(x.Notes, contract.IndexNote{ID: e.ID, Run: e.Run, Since: at})
	}
	for i := range x.Notes {
		if moved[x.Notes[i].Run] {
			x.Notes[i].Looks = 0 // what it recorded now may be seen in the next pass only
		}
	}
}

// before is a time less the overlap, as executions have it.
func before(t time.Time) int64 { return t.Add(-contract.IndexOverlap).UnixMilli() }

// execution is what is read for a note.
func execution(n contract.IndexNote) contract.Execution {
	return contract.Execution{ID: n.ID, Run: n.Run, Since: n.Since}
}

// forget removes notes.
func (x *indexer) forget(which func(n contract.IndexNote) bool) {
	kept := x.Notes[:0]
	for _, n := range x.Notes {
		if which(n) {
			delete(x.noted, n.Run)
			x.size -= execution(n).Size()
			continue
		}
		kept = append(kept, n)
	}
	x.Notes = kept
}

// IndexTick is the workflow that the schedule starts: it tells the indexer that it is time, and starts one when somebody has ended it.
func IndexTick(ctx workflow.Context) error {
	err := workflow.SignalExternalWorkflow(ctx, contract.IndexerID, "", contract.IndexTickSignal, nil).Get(ctx, nil)
	if err == nil {
		return nil
	}
	workflow.GetLogger(ctx).Warn("the indexer does not run and is started", "error", err)
	child := workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID: contract.IndexerID, TaskQueue: contract.ProcessQueue, ParentClosePolicy: enums.PARENT_CLOSE_POLICY_ABANDON,
	}), contract.IndexerWorkflow, contract.IndexerState{Due: true})
	err = child.GetChildWorkflowExecution().Get(ctx, nil)
	if temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		return nil
	}
	return err
}
