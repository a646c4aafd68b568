package workflows

import (
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
)

// planFor is how long a plan may take.
const planFor = 2 * time.Minute

// lateVisibility is how late what has ended may come into Temporal's visibility store and still be found, with the next sweep.
const lateVisibility = 5 * time.Minute

// pass carries out a pass, or goes on with one of an earlier run. It ends early when the indexer is paused, or this run has grown long.
func (x *indexer) pass(ctx workflow.Context) error {
	if x.Pass == nil {
		now := workflow.Now(ctx)
		x.Due = false
		x.Passes++
		x.Pass = &contract.IndexPass{Number: x.Passes, Began: now, Progress: now}
	}
	working, breakOff := workflow.WithCancel(ctx)
	defer breakOff()
	done := false
	workflow.Go(working, func(ctx workflow.Context) {
		x.carryOut(ctx)
		done = true
	})
	for !done && !x.Paused && !x.leaving(ctx) {
		if _, err := workflow.AwaitWithTimeout(ctx, x.patience(workflow.Now(ctx)), func() bool { return done || x.Paused || x.changed || x.leaving(ctx) }); err != nil {
			return err
		}
		x.changed = false
		x.watch(ctx)
	}
	breakOff()
	if err := workflow.Await(ctx, func() bool { return done }); err != nil {
		return err
	}
	if x.Paused {
		x.giveUp()
	}
	return nil
}

// giveUp forgets a pass: the next one begins where it did.
func (x *indexer) giveUp() {
	if x.Pass == nil {
		return
	}
	for i := range x.Notes[:x.Pass.Noted] {
		x.Notes[i].Looks = 0
	}
	x.Pass = nil
}

// carryOut plans and indexes until the pass is over, ctx is done or this run has grown long.
func (x *indexer) carryOut(ctx workflow.Context) {
	p := x.Pass
	for ctx.Err() == nil {
		switch {
		case len(p.Left) > 0:
			x.index(ctx)
		case !p.Planned:
			x.plan(ctx)
		case p.Taken < p.Noted:
			x.take()
		default:
			x.finish(workflow.Now(ctx))
			return
		}
		if x.suggested(ctx) {
			return
		}
	}
}

// plan asks what is next.
func (x *indexer) plan(ctx workflow.Context) {
	p := x.Pass
	in := contract.IndexPlanInput{Swept: x.Swept, Cursor: p.Cursor, Sweep: x.Sweep, Quota: x.quota(p.Began)}
	if !x.Watermark.IsZero() {
		in.Since = x.Watermark.Add(-contract.IndexOverlap)
	}
	if in.Quota < 0 {
		in.Sweep = contract.IndexSweep{Began: p.Began}
		if look := x.Swept.Add(-lateVisibility); !x.Swept.IsZero() && look.Before(in.Since) {
			in.Since = look // what came into the visibility store too late for the passes since then
		}
	}
	var plan contract.IndexPlan
	err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: contract.IndexerQueue, StartToCloseTimeout: planFor, HeartbeatTimeout: contract.IndexHeartbeat, RetryPolicy: untilItWorks(),
		Summary: fmt.Sprintf("what pass %d reads", p.Number),
	}), contract.PlanIndexActivity, in).Get(ctx, &plan)
	if err != nil {
		return // cancelled: it is tried until it works
	}
	now := workflow.Now(ctx)
	x.Settings, p.Progress, p.Cursor, p.Left = plan.Settings, now, plan.Next, plan.Executions
	ended := map[string]bool{}
	planned := map[string]bool{}
	for _, e := range plan.Executions {
		planned[e.Run] = true
		if e.Ended {
			ended[e.Run] = true
		}
	}
	x.forget(func(n contract.IndexNote) bool { return ended[n.Run] })
	if plan.Next != nil {
		return
	}
	// All of these are read from now on. What a plan and a note name is read as the plan says, which is further back.
	p.Planned, p.Sweep, p.Swept, p.Noted, p.Looked = true, plan.Sweep, plan.Swept, len(x.Notes), now
	for i := range x.Notes {
		n := &x.Notes[i]
		n.Looks++
		n.Planned = planned[n.Run]
	}
	x.take()
}

// take has notes read: as many as there is room for, since what is left is handed to the next run beside the notes.
func (x *indexer) take() {
	p, size := x.Pass, 0
	for _, e := range p.Left {
		size += e.Size()
	}
	for ; p.Taken < p.Noted; p.Taken++ {
		n := x.Notes[p.Taken]
		if n.Planned {
			continue
		}
		e := execution(n)
		if size += e.Size(); size > contract.IndexPlanSize && len(p.Left) > 0 {
			return
		}
		p.Left = append(p.Left, e)
	}
}

// untilItWorks is how what must be done is retried: while the index is away, nothing else waits for it.
func untilItWorks() *temporal.RetryPolicy {
	return &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: 30 * time.Second}
}

// quota is how many executions this pass visits for the sweep; -1: a sweep begins, whose executions are to be counted.
func (x *indexer) quota(now time.Time) int64 {
	if x.Sweep.Began.IsZero() {
		return -1
	}
	elapsed, whole := now.Sub(x.Sweep.Began).Milliseconds(), max(x.Settings.SweepMS, 1)
	share := x.Sweep.Total - x.Sweep.Visited
	if elapsed < whole {
		share = x.Sweep.Total*elapsed/whole - x.Sweep.Visited
	} else {
		share = max(share, 0) + sweepEnd
	}
	return min(max(share, 0), maxSweepPart)
}

// index has what is left indexed, several blocks at a time. Those that are not done when ctx is done stay.
func (x *indexer) index(ctx workflow.Context) {
	p := x.Pass
	blocks := slices.Collect(slices.Chunk(p.Left, max(x.Settings.BlockSize, 1)))
	done := make([]bool, len(blocks))
	slots := workflow.NewSemaphore(ctx, int64(max(x.Settings.Parallel, 1)))
	all := workflow.NewWaitGroup(ctx)
	for i := range blocks {
		if slots.Acquire(ctx, 1) != nil {
			break
		}
		p.Blocks++
		name := fmt.Sprintf("%s-%d-%d", p.Began.UTC().Format("20060102T150405Z"), p.Number, p.Blocks)
		all.Add(1)
		workflow.Go(ctx, func(ctx workflow.Context) {
			done[i] = x.block(ctx, contract.IndexBlock{Name: name, Executions: blocks[i], Also: x.Also})
			slots.Release(1)
			all.Done()
		})
	}
	all.Wait(ctx)
	var left []contract.Execution
	for i, block := range blocks {
		if !done[i] {
			left = append(left, block...)
		}
	}
	p.Left = left
}

// block has a block indexed, and tells whether it is.
func (x *indexer) block(ctx workflow.Context, b contract.IndexBlock) bool {
	var indexed contract.IndexedBlock
	err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: contract.IndexerQueue, StartToCloseTimeout: milliseconds(max(x.Settings.LockMS, 1000)), HeartbeatTimeout: contract.IndexHeartbeat,
		RetryPolicy: untilItWorks(), Summary: fmt.Sprintf("%d executions", len(b.Executions)),
	}), contract.IndexActivity, b).Get(ctx, &indexed)
	if err != nil {
		return false // cancelled: it is tried until it works
	}
	x.Pass.Add(indexed.IndexCount)
	x.Pass.Progress = workflow.Now(ctx)
	return true
}

// finish moves the watermark: what happened before the pass began is in the index.
func (x *indexer) finish(now time.Time) {
	p := x.Pass
	for i := range x.Notes[:p.Noted] {
		x.Notes[i].Since = before(p.Looked)
	}
	x.forget(func(n contract.IndexNote) bool { return n.Looks >= 2 })
	x.Watermark, x.Sweep = p.Began, p.Sweep
	if p.Swept {
		x.Swept, x.Sweep = x.Sweep.Began, contract.IndexSweep{}
	}
	x.Total.Add(p.IndexCount)
	p.Ended, p.Cursor = now, nil
	p.Sweep.Token = nil
	x.Last, x.Pass = p, nil
}
