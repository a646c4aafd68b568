package workflows

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/waybill-io/waybill/activities/contract"
)

// sources are activities of a rebuild over two blocks of the archive and three executions, which note what they are told.
type sources struct {
	mu      sync.Mutex
	told    []string
	parts   []contract.GatherPart
	queue   string      // of reading
	lost    int         // how often the indexer has forgotten the rebuild
	since   []time.Time // of plans of histories
	limit   int         // of differences
	missing int64
	dead    int64
	stuck   bool  // reading takes for ever
	old     int64 // documents of the present indexes that no source has
}

func (s *sources) note(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, what)
}

func (s *sources) register(env *testsuite.TestWorkflowEnvironment) {
	add := func(name string, fn any) { env.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name}) }
	add(contract.BeginGatherActivity, func(_ context.Context, in contract.GatherInput) (contract.GatherBegun, error) {
		s.note("begin")
		b := contract.GatherBegun{BlockSize: 2, Parallel: 2, ArchiveTotal: 20, HistoryTotal: 3, SkipArchive: in.HistoriesOnly}
		if in.Rebuild && in.Since.IsZero() {
			b.Generation, b.Replaces = 2, 1
		}
		return b, nil
	})
	add(contract.AlsoIndexActivity, func(_ context.Context, in contract.AlsoIndex) error {
		if in.Not {
			s.note("also not")
		} else {
			s.note("also")
		}
		return nil
	})
	add(contract.AlsoStandsActivity, func(context.Context, contract.IndexTarget) (bool, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.lost--
		return s.lost < 0, nil
	})
	add(contract.PlanArchiveActivity, func(_ context.Context, in contract.ArchivePlanInput) (p contract.GatherPlan, _ error) {
		if in.Cursor == nil {
			p.Next = &contract.GatherCursor{After: "2026-01-01", Skip: 1}
		}
		p.Parts = []contract.GatherPart{{Blocks: []contract.ArchiveBlock{{Day: "2026-01-01", Documents: 10}}}}
		return p, nil
	})
	add(contract.PlanHistoriesActivity, func(_ context.Context, in contract.HistoryPlanInput) (contract.GatherPlan, error) {
		s.since = append(s.since, in.Since)
		return contract.GatherPlan{Parts: []contract.GatherPart{{Executions: []contract.Execution{{ID: "a"}, {ID: "b"}}}, {Executions: []contract.Execution{{ID: "c"}}}}}, nil
	})
	add(contract.GatherActivity, func(ctx context.Context, p contract.GatherPart) (g contract.Gathered, _ error) {
		s.mu.Lock()
		s.queue = activity.GetInfo(ctx).TaskQueue
		s.parts = append(s.parts, p)
		s.mu.Unlock()
		if s.stuck {
			<-ctx.Done()
			return g, ctx.Err()
		}
		for _, b := range p.Blocks {
			g.Archived += int64(b.Documents)
		}
		g.Documents, g.Dead = 10, s.dead
		return g, nil
	})
	add(contract.CompareActivity, func(_ context.Context, in contract.CompareInput) (contract.Comparison, error) {
		if in.Write && in.Generation == 1 {
			s.note("losses")
			return contract.Comparison{Counts: []contract.IndexCounted{{Index: "tasks", Extra: 2, Beyond: s.old}}}, nil
		}
		s.note("compare")
		s.limit = in.Limit
		c := contract.Comparison{Counts: []contract.IndexCounted{{Index: "tasks", Expected: 30, Held: 30 - s.missing, Missing: s.missing}}}
		if s.missing > 0 {
			c.Differences = []contract.IndexDifference{{Kind: "missing", Index: "tasks", ID: "order/1.7"}}
		}
		return c, nil
	})
	add(contract.CheckArchiveActivity, func(context.Context, contract.CheckArchive) (contract.ArchiveCheck, error) {
		s.note("check")
		return contract.ArchiveCheck{Blocks: 2}, nil
	})
	add(contract.SwapGenerationActivity, func(_ context.Context, in contract.SwapGeneration) ([]contract.Generation, error) {
		s.note("swap")
		return []contract.Generation{{Number: in.From}, {Number: in.To, Current: true}}, nil
	})
	add(contract.DropGenerationActivity, func(context.Context, contract.IndexTarget) error { s.note("drop"); return nil })
	add(contract.ForgetGatheringActivity, func(context.Context, string) error { s.note("forget"); return nil })
}

// gatherWith runs a rebuild or a verification.
func gatherWith(t *testing.T, s *sources, in contract.GatherInput, rebuild bool, before func(env *testsuite.TestWorkflowEnvironment)) (p contract.GatherProgress, err error) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	s.register(env)
	if before != nil {
		before(env)
	}
	if rebuild {
		env.ExecuteWorkflow(Rebuild, in)
	} else {
		env.ExecuteWorkflow(Verify, in)
	}
	require.True(t, env.IsWorkflowCompleted())
	if err := env.GetWorkflowError(); err != nil {
		return p, err
	}
	return p, env.GetWorkflowResult(&p)
}

func TestRebuildReadsComparesAndSwaps(t *testing.T) {
	s := &sources{}
	p, err := gatherWith(t, s, contract.GatherInput{Tenant: "acme", Limit: 10}, true, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"begin", "also", "compare", "losses", "swap", "also not", "forget"}, s.told)
	require.Equal(t, contract.GatherDone, p.Stage)
	require.Equal(t, [4]int64{20, 3, 40, 30}, [4]int64{p.Archived, p.Executions, p.Documents, p.Counts[0].Held})
	require.Len(t, s.parts, 4)
	require.Equal(t, contract.RebuildQueue, s.queue, "it takes no slots of the indexer")
	names := map[string]bool{}
	for _, part := range s.parts {
		names[part.Name] = true
		require.True(t, part.Write)
		require.Equal(t, 2, part.Generation)
		require.Equal(t, "acme", part.Tenant)
		require.False(t, part.SkipDamaged)
	}
	require.Len(t, names, 4, "each part of the ledger has its name")
}

func TestRebuildThatDiffersIsGivenUp(t *testing.T) {
	s := &sources{missing: 1}
	_, err := gatherWith(t, s, contract.GatherInput{Limit: 10}, true, nil)
	require.ErrorContains(t, err, "missing in tasks: order/1.7")
	require.Equal(t, []string{"begin", "also", "compare", "also not", "drop", "forget"}, s.told)
}

// An indexer that was ended meanwhile has not written to the new indexes.
func TestRebuildWhoseIndexerWasEnded(t *testing.T) {
	s := &sources{lost: 2}
	p, err := gatherWith(t, s, contract.GatherInput{Limit: 10}, true, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"begin", "also", "compare", "losses", "also", "compare", "losses", "also", "compare", "losses", "swap", "also not", "forget"}, s.told)
	require.Equal(t, 2, p.Again)
	require.Equal(t, []time.Time{{}, p.Began.UTC(), p.Began.UTC()}, []time.Time{s.since[0], s.since[1].UTC(), s.since[2].UTC()})
	require.EqualValues(t, 30, p.Counts[0].Expected, "only the last comparison counts")
}

// What is in no source is lost only when that is wanted.
func TestRebuildThatWouldLose(t *testing.T) {
	s := &sources{old: 7}
	_, err := gatherWith(t, s, contract.GatherInput{Limit: 10}, true, nil)
	require.ErrorContains(t, err, "7 documents of the index are older")
	require.ErrorContains(t, err, "--allow-loss")
	require.Equal(t, []string{"begin", "also", "compare", "losses", "also not", "drop", "forget"}, s.told)
	for _, in := range []contract.GatherInput{{AllowLoss: true}, {HistoriesOnly: true}} {
		p, err := gatherWith(t, &sources{old: 7}, in, true, nil)
		require.NoError(t, err)
		require.EqualValues(t, 7, p.BeyondCount)
	}
}

// What the index has refused is not expected in it, and excuses nothing else that is missing.
func TestRebuildWithDeadLetters(t *testing.T) {
	s := &sources{dead: 1}
	_, err := gatherWith(t, s, contract.GatherInput{Limit: 10}, true, nil)
	require.NoError(t, err)
	require.Contains(t, s.told, "swap")
	s = &sources{dead: 1, missing: 1}
	_, err = gatherWith(t, s, contract.GatherInput{Limit: 10}, true, nil)
	require.ErrorContains(t, err, "1 documents are missing")
}

func TestRebuildSinceFillsIn(t *testing.T) {
	s := &sources{}
	_, err := gatherWith(t, s, contract.GatherInput{Since: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), HistoriesOnly: true}, true, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"begin", "compare", "forget"}, s.told)
	for _, part := range s.parts {
		require.True(t, part.Write)
		require.Zero(t, part.Generation)
		require.NotEmpty(t, part.Executions)
	}
}

func TestVerifyChangesNothing(t *testing.T) {
	s := &sources{missing: 1}
	p, err := gatherWith(t, s, contract.GatherInput{Limit: 1_000_000}, false, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"begin", "compare", "check", "forget"}, s.told)
	require.EqualValues(t, 1, p.Counts[0].Missing)
	require.Equal(t, 2, p.Archive.Blocks)
	require.Equal(t, contract.MaxDifferences, s.limit, "what is told stays small")
	for _, part := range s.parts {
		require.False(t, part.Write)
		require.True(t, part.SkipDamaged)
	}
}

func TestRebuildThatIsCancelledCleansUp(t *testing.T) {
	s := &sources{stuck: true}
	_, err := gatherWith(t, s, contract.GatherInput{}, true, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(env.CancelWorkflow, time.Second)
	})
	require.ErrorContains(t, err, "canceled")
	require.Equal(t, []string{"begin", "also", "also not", "drop", "forget"}, s.told)
}

// Where nobody can rebuild, that is told, and nobody is asked to take away what was never there.
func TestRebuildWithoutAWorker(t *testing.T) {
	for want, refused := range map[string]error{
		"no worker with the role indexer":          temporal.NewTimeoutError(enums.TIMEOUT_TYPE_SCHEDULE_TO_START, nil),
		"elastic-search.server.type of the worker": temporal.NewNonRetryableApplicationError("elastic-search.server.type of the worker", contract.RebuildRefused, nil),
	} {
		s := &sources{}
		_, err := gatherWith(t, s, contract.GatherInput{}, true, func(env *testsuite.TestWorkflowEnvironment) {
			env.OnActivity(contract.BeginGatherActivity, mock.Anything, mock.Anything).Return(contract.GatherBegun{}, refused)
		})
		require.ErrorContains(t, err, want)
		require.Empty(t, s.told)
	}
}
