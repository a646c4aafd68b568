package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
)

const (
	// gatherFor bounds what one activity of a rebuild takes, and compareFor a share of the comparison, which goes through a whole index.
	gatherFor  = time.Hour
	compareFor = 24 * time.Hour
	// unclaimedFor is how long the beginning waits for a worker: where there is no index, no worker ever comes.
	unclaimedFor = 5 * time.Minute
	// alsoFor is how long a pass of the indexer may take, which a rebuild waits for.
	alsoFor = 24 * time.Hour
	// cleanFor is how long what a failed rebuild has left is tried to be taken away. The next rebuild does it, too.
	cleanFor = time.Hour
	// shareOf is how many documents are compared at a time: what a worker has memory for, some 24 bytes each.
	shareOf = 1_000_000
)

// gathering is a rebuild or a verification: it goes through the archive and all histories, and compares what they tell with the index.
//
// A rebuild fills a new generation of the indexes meanwhile. The indexer writes to that as well from before the first history is read, so that
// nothing that happens later is missing. Searches see the old generation until the new one has been compared, and it stays until it is dropped.
type gathering struct {
	in contract.GatherInput
	p  contract.GatherProgress
}

// Rebuild is the workflow that makes the indexes of a tenant anew. With Since it fills in what the present ones lack.
func Rebuild(ctx workflow.Context, in contract.GatherInput) (contract.GatherProgress, error) {
	in.Rebuild = true
	return gather(ctx, in)
}

// Verify is the workflow that compares the indexes of a tenant with histories and archive, and changes nothing.
func Verify(ctx workflow.Context, in contract.GatherInput) (contract.GatherProgress, error) {
	in.Rebuild = false
	return gather(ctx, in)
}

func gather(ctx workflow.Context, in contract.GatherInput) (contract.GatherProgress, error) {
	in.Limit = min(max(in.Limit, 0), contract.MaxDifferences)
	g := &gathering{in: in}
	if in.State != nil {
		g.p = *in.State
		g.in.State = nil
	} else {
		now := workflow.Now(ctx)
		g.p = contract.GatherProgress{
			Tenant: in.Tenant, Ledger: workflow.GetInfo(ctx).FirstRunID, Began: now, StageBegan: now, Stage: contract.GatherBegins,
			Late: now.Add(-milliseconds(in.SettleMS)),
		}
	}
	if err := workflow.SetQueryHandler(ctx, contract.ProgressQuery, g.query); err != nil {
		return g.p, err
	}
	err := g.run(ctx)
	if workflow.IsContinueAsNewError(err) {
		return g.p, err
	}
	if err != nil {
		g.enter(ctx, contract.GatherCleans)
		g.clean(ctx)
		return g.p, err
	}
	g.enter(ctx, contract.GatherDone)
	return g.answer(), nil
}

func (g *gathering) query() (contract.GatherProgress, error) { return g.answer(), nil }

// answer is the progress as it is shown.
func (g *gathering) answer() contract.GatherProgress {
	shown := g.p
	shown.Cursor = nil
	return shown
}

func (g *gathering) enter(ctx workflow.Context, stage string) {
	g.p.Stage, g.p.StageBegan, g.p.Cursor = stage, workflow.Now(ctx), nil
}

// run goes through the stages, from the one that an earlier run has come to.
func (g *gathering) run(ctx workflow.Context) error {
	for {
		var next string
		var err error
		switch g.p.Stage {
		case contract.GatherBegins:
			next, err = g.begin(ctx)
		case contract.GatherArchive:
			next, err = contract.GatherHistories, g.read(ctx, g.planArchive)
		case contract.GatherHistories:
			next, err = contract.GatherCompare, g.read(ctx, g.planHistories)
		case contract.GatherCompare:
			next, err = g.compare(ctx)
		case contract.GatherLosses:
			next, err = contract.GatherSwap, g.losses(ctx)
		case contract.GatherCheck:
			next, err = contract.GatherDone, g.check(ctx)
		case contract.GatherSwap:
			next, err = g.swap(ctx)
		default:
			return g.activity(ctx, contract.ForgetGatheringActivity, gatherFor, g.p.Ledger, nil, "")
		}
		if err != nil {
			return err
		}
		g.enter(ctx, next)
	}
}

// activity carries out one of the queue of rebuilds until it works, fails for good, or ctx is done.
func (g *gathering) activity(ctx workflow.Context, name string, limit time.Duration, in, out any, summary string) error {
	var whole, unclaimed time.Duration // no limit
	if g.p.Stage == contract.GatherCleans {
		whole = cleanFor
	}
	if name == contract.BeginGatherActivity {
		unclaimed = unclaimedFor
	}
	return workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: contract.RebuildQueue, ScheduleToCloseTimeout: whole, ScheduleToStartTimeout: unclaimed, StartToCloseTimeout: limit, HeartbeatTimeout: contract.IndexHeartbeat, RetryPolicy: untilItWorks(),
		WaitForCancellation: true, Summary: summary,
	}), name, in).Get(ctx, out)
}

func (g *gathering) begin(ctx workflow.Context) (next string, err error) {
	if err := g.activity(ctx, contract.BeginGatherActivity, gatherFor, g.in, &g.p.GatherBegun, ""); err != nil {
		if late, ok := errors.AsType[*temporal.TimeoutError](err); ok && late.TimeoutType() == enums.TIMEOUT_TYPE_SCHEDULE_TO_START {
			return "", temporal.NewNonRetryableApplicationError(fmt.Sprintf(
				"no worker with the role indexer has taken it within %s: one with elastic-search.server.type rest is needed", unclaimedFor), contract.RebuildRefused, err)
		}
		return "", err
	}
	if g.p.Generation > 0 {
		if err := g.also(ctx, false); err != nil {
			return "", err
		}
	}
	if g.p.SkipArchive {
		return contract.GatherHistories, nil
	}
	return contract.GatherArchive, nil
}

func (g *gathering) also(ctx workflow.Context, not bool) error {
	return g.activity(ctx, contract.AlsoIndexActivity, alsoFor, contract.AlsoIndex{
		IndexTarget: contract.IndexTarget{Tenant: g.in.Tenant, Generation: g.p.Generation}, Not: not,
	}, nil, "")
}

// plan asks what is next.
type plan func(ctx workflow.Context) (contract.GatherPlan, error)

func (g *gathering) planArchive(ctx workflow.Context) (p contract.GatherPlan, err error) {
	in := contract.ArchivePlanInput{Tenant: g.in.Tenant, Since: g.in.Since, Cursor: g.p.Cursor}
	return p, g.activity(ctx, contract.PlanArchiveActivity, gatherFor, in, &p, "")
}

func (g *gathering) planHistories(ctx workflow.Context) (p contract.GatherPlan, err error) {
	since := g.in.Since
	if g.p.Again > 0 {
		since = g.p.Began // what was before has been read
	}
	in := contract.HistoryPlanInput{Since: since, Instance: g.in.Instance, BlockSize: g.p.BlockSize, Cursor: g.p.Cursor}
	return p, g.activity(ctx, contract.PlanHistoriesActivity, gatherFor, in, &p, "")
}

// read reads all that is planned, plan by plan.
func (g *gathering) read(ctx workflow.Context, next plan) error {
	for {
		p, err := next(ctx)
		if err != nil {
			return err
		}
		if err := g.parts(ctx, p.Parts); err != nil {
			return err
		}
		if g.p.Cursor = p.Next; p.Next == nil {
			return nil
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			in := g.in
			in.State = &g.p
			return workflow.NewContinueAsNewError(ctx, workflow.GetInfo(ctx).WorkflowType.Name, in)
		}
	}
}

// parts reads parts, several at a time.
func (g *gathering) parts(ctx workflow.Context, parts []contract.GatherPart) error {
	slots := workflow.NewSemaphore(ctx, int64(max(g.p.Parallel, 1)))
	all := workflow.NewWaitGroup(ctx)
	var failed error
	for _, part := range parts {
		if err := slots.Acquire(ctx, 1); err != nil {
			failed = errors.Join(failed, err)
			break
		}
		if failed != nil {
			break
		}
		g.p.Parts++
		part.Name, part.GatherTarget = fmt.Sprintf("part-%06d", g.p.Parts), g.target()
		all.Add(1)
		workflow.Go(ctx, func(ctx workflow.Context) {
			if err := g.part(ctx, part); err != nil && failed == nil {
				failed = err
			}
			slots.Release(1)
			all.Done()
		})
	}
	all.Wait(ctx)
	return failed
}

func (g *gathering) part(ctx workflow.Context, part contract.GatherPart) error {
	summary := fmt.Sprintf("%d executions", len(part.Executions))
	if len(part.Executions) == 0 {
		summary = fmt.Sprintf("%d files of the archive", len(part.Staged)+len(part.Blocks))
	}
	var done contract.Gathered
	if err := g.activity(ctx, contract.GatherActivity, gatherFor, part, &done, summary); err != nil {
		return err
	}
	g.p.Gathered.Add(done)
	g.p.Archived += done.Archived
	g.p.Executions += int64(len(part.Executions))
	return nil
}

func (g *gathering) target() contract.GatherTarget {
	return contract.GatherTarget{
		Tenant: g.in.Tenant, Instance: g.in.Instance, Ledger: g.p.Ledger, Late: g.p.Late, Since: g.in.Since, Write: g.in.Rebuild, Generation: g.p.Generation,
		SkipDamaged: g.in.SkipDamaged || !g.in.Rebuild,
	}
}

func (g *gathering) compare(ctx workflow.Context) (next string, err error) {
	g.p.Shares = int((g.p.Documents + shareOf - 1) / shareOf)
	beyond := g.p.Beyond
	if beyond.Before(g.in.Since) {
		beyond = g.in.Since
	}
	for g.p.Share < max(g.p.Shares, 1) {
		c, err := g.share(ctx, g.target(), beyond, g.in.Limit-len(g.p.Differences))
		if err != nil {
			return "", err
		}
		g.p.Differences = append(g.p.Differences, c.Differences...)
		if g.p.Counts == nil {
			g.p.Counts = c.Counts
		} else {
			for i := range c.Counts {
				g.p.Counts[i].Add(c.Counts[i])
			}
		}
		g.p.Share++
	}
	switch {
	case g.p.Generation > 0:
		return contract.GatherLosses, g.judge()
	case g.in.Rebuild || g.p.SkipArchive || g.in.Instance != "":
		return contract.GatherDone, nil
	}
	return contract.GatherCheck, nil
}

// share compares the next share of the ledger with indexes.
func (g *gathering) share(ctx workflow.Context, t contract.GatherTarget, beyond time.Time, limit int) (c contract.Comparison, err error) {
	in := contract.CompareInput{GatherTarget: t, Beyond: beyond, Share: g.p.Share, Shares: max(g.p.Shares, 1), Limit: limit}
	return c, g.activity(ctx, contract.CompareActivity, compareFor, in, &c, "")
}

// losses counts what the present indexes have, no source has, and histories do not go back to any more, and refuses to lose it unasked. What
// is younger and in no source is a mistake in the index, which a rebuild mends.
func (g *gathering) losses(ctx workflow.Context) error {
	if g.p.Replaces == 0 {
		return nil
	}
	present := g.target()
	present.Generation = g.p.Replaces
	g.p.Beyond, g.p.BeyondCount = workflow.Now(ctx).Add(-milliseconds(g.p.RetentionMS)), 0
	for g.p.Share = 0; g.p.Share < max(g.p.Shares, 1); g.p.Share++ {
		c, err := g.share(ctx, present, g.p.Beyond, 0)
		if err != nil {
			return err
		}
		for _, n := range c.Counts {
			g.p.BeyondCount += n.Beyond
		}
	}
	if g.p.BeyondCount == 0 || g.in.HistoriesOnly || g.in.AllowLoss {
		return nil
	}
	archive := "the archive of events does not have them"
	if !g.p.ArchiveIsKept && g.p.ArchiveTotal == 0 {
		archive = "there is no archive of events (event.processing.processed.events.action is delete)"
	}
	return temporal.NewNonRetryableApplicationError(fmt.Sprintf(
		"%d documents of the index are older than %s, to which histories go back, and would be lost: %s; --allow-loss rebuilds without them, and keeps the present "+
			"indexes until `starter events drop-old`", g.p.BeyondCount, g.p.Beyond.UTC().Format(time.RFC3339), archive), contract.RebuildRefused, nil)
}

// judge refuses a generation that is not what its sources are. What the index has refused is not expected.
func (g *gathering) judge() error {
	var missing, different int64
	for _, c := range g.p.Counts {
		missing += c.Missing
		different += c.Different
	}
	if missing == 0 && different == 0 {
		return nil
	}
	text := ""
	for _, d := range g.p.Differences {
		text += fmt.Sprintf("; %s in %s: %s %s", d.Kind, d.Index, d.ID, d.Detail)
	}
	return temporal.NewNonRetryableApplicationError(fmt.Sprintf(
		"the new indexes are not what histories and archive tell, and are given up: %d documents are missing and %d are different%s", missing, different, text),
		contract.RebuildDiffers, nil)
}

func (g *gathering) check(ctx workflow.Context) error {
	return g.activity(ctx, contract.CheckArchiveActivity, compareFor, contract.CheckArchive{Tenant: g.in.Tenant, Since: g.in.Since}, &g.p.Archive, "")
}

// swap has searches see the new generation. An indexer that was ended meanwhile, and started anew, knows of no rebuild: what moved since then is
// only in the present indexes, and histories are read again from the beginning of the rebuild on.
func (g *gathering) swap(ctx workflow.Context) (next string, err error) {
	stands := false
	t := contract.IndexTarget{Tenant: g.in.Tenant, Generation: g.p.Generation}
	if err := g.activity(ctx, contract.AlsoStandsActivity, gatherFor, t, &stands, ""); err != nil {
		return "", err
	}
	if !stands {
		g.p.Again++
		g.p.Share, g.p.Counts, g.p.Differences = 0, nil, nil
		return contract.GatherHistories, g.also(ctx, false)
	}
	in := contract.SwapGeneration{Tenant: g.in.Tenant, From: g.p.Replaces, To: g.p.Generation}
	if err := g.activity(ctx, contract.SwapGenerationActivity, gatherFor, in, &g.p.Generations, ""); err != nil {
		return "", err
	}
	return contract.GatherDone, g.also(ctx, true) // what the indexer writes goes to it by itself now
}

// clean takes away what a rebuild that has failed, or was cancelled, has left.
func (g *gathering) clean(ctx workflow.Context) {
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	var err error
	if t := (contract.IndexTarget{Tenant: g.in.Tenant, Generation: g.p.Generation}); t.Generation > 0 {
		if err = g.also(ctx, true); err == nil {
			err = g.activity(ctx, contract.DropGenerationActivity, gatherFor, t, nil, "")
		}
	}
	if g.p.Parts > 0 {
		err = errors.Join(err, g.activity(ctx, contract.ForgetGatheringActivity, gatherFor, g.p.Ledger, nil, ""))
	}
	if err != nil {
		workflow.GetLogger(ctx).Error("what a rebuild has left cannot be taken away; the next one does", "tenant", g.in.Tenant, "error", err)
	}
}
