package workflows

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	sdk "go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/proto"

	"github.com/waybill-io/waybill/activities/contract"
)

// indexing is an indexer whose activities a test answers. Its clock is that of the test environment.
type indexing struct {
	*sdk.TestWorkflowEnvironment
	t     *testing.T
	began time.Time

	mu     sync.Mutex
	plans  []contract.IndexPlanInput
	blocks [][]contract.Execution
	alerts []contract.Alert
	plan   func(contract.IndexPlanInput) (contract.IndexPlan, error)
	block  func(context.Context, contract.IndexBlock) (contract.IndexedBlock, error)
}

var testSettings = contract.IndexSetting{BlockSize: 2, LockMS: 600_000, Parallel: 2, SweepMS: 600_000, RetentionMS: (72 * time.Hour).Milliseconds()}

func newIndexing(t *testing.T) *indexing {
	var suite sdk.WorkflowTestSuite
	x := &indexing{TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(), t: t, began: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)}
	x.SetStartTime(x.began)
	x.SetTestTimeout(20 * time.Second)
	x.plan = func(in contract.IndexPlanInput) (contract.IndexPlan, error) {
		return contract.IndexPlan{Settings: testSettings, Sweep: in.Sweep}, nil
	}
	x.block = func(_ context.Context, b contract.IndexBlock) (contract.IndexedBlock, error) {
		n := int64(len(b.Executions))
		return contract.IndexedBlock{IndexCount: contract.IndexCount{Executions: n, Written: 10 * n}}, nil
	}
	x.RegisterWorkflowWithOptions(Indexer, workflow.RegisterOptions{Name: contract.IndexerWorkflow})
	named := func(name string) activity.RegisterOptions { return activity.RegisterOptions{Name: name} }
	x.RegisterActivityWithOptions(func(in contract.IndexPlanInput) (contract.IndexPlan, error) {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.plans = append(x.plans, in)
		return x.plan(in)
	}, named(contract.PlanIndexActivity))
	x.RegisterActivityWithOptions(func(ctx context.Context, b contract.IndexBlock) (contract.IndexedBlock, error) {
		x.mu.Lock()
		x.blocks = append(x.blocks, b.Executions)
		answer := x.block
		x.mu.Unlock()
		return answer(ctx, b)
	}, named(contract.IndexActivity))
	x.RegisterActivityWithOptions(func(a contract.Alert) (contract.AlertResult, error) {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.alerts = append(x.alerts, a)
		return contract.AlertResult{}, nil
	}, named(contract.AlertActivity))
	return x
}

func (x *indexing) at(after time.Duration, do func()) { x.RegisterDelayedCallback(do, after) }

func (x *indexing) tick(after ...time.Duration) {
	for _, d := range after {
		x.at(d, func() { x.SignalWorkflow(contract.IndexTickSignal, nil) })
	}
}

func (x *indexing) moved(after time.Duration, runs ...string) {
	x.at(after, func() {
		var m contract.Moved
		for _, run := range runs {
			m.Executions = append(m.Executions, contract.Execution{ID: "order/" + run, Run: run})
		}
		x.SignalWorkflow(contract.MovedSignal, m)
	})
}

func (x *indexing) state() (s contract.IndexerState) {
	v, err := x.QueryWorkflow(contract.IndexerQuery)
	require.NoError(x.t, err)
	require.NoError(x.t, v.Get(&s))
	return s
}

// run runs the workflow until a time, when Temporal suggests a new run, and returns what that one is given.
func (x *indexing) run(state contract.IndexerState, until time.Duration) (next contract.IndexerState) {
	x.at(until, func() {
		x.SetContinueAsNewSuggested(true)
		x.SignalWorkflow(contract.MovedSignal, contract.Moved{}) // wakes it
	})
	x.ExecuteWorkflow(contract.IndexerWorkflow, state)
	require.True(x.t, x.IsWorkflowCompleted())
	again, ok := errors.AsType[*workflow.ContinueAsNewError](x.GetWorkflowError())
	require.True(x.t, ok, "%v", x.GetWorkflowError())
	require.NoError(x.t, converter.GetDefaultDataConverter().FromPayloads(again.Input, &next))
	return next
}

func some(prefix string, n int) (list []contract.Execution) {
	for i := range n {
		list = append(list, contract.Execution{ID: fmt.Sprint(prefix, i), Run: fmt.Sprint("run-", prefix, i), Ended: true})
	}
	return list
}

func TestIndexerMovesItsWatermark(t *testing.T) {
	x := newIndexing(t)
	pages := [][]contract.Execution{some("a", 3), some("b", 2), nil}
	x.plan = func(in contract.IndexPlanInput) (contract.IndexPlan, error) {
		out := contract.IndexPlan{Settings: testSettings, Sweep: in.Sweep, Executions: pages[len(x.plans)-1]}
		if len(x.plans) == 1 {
			out.Next = &contract.IndexCursor{Query: 1, Token: []byte("t")}
		}
		return out, nil
	}
	x.tick(30*time.Second, time.Minute)
	next := x.run(contract.IndexerState{}, 70*time.Second)

	require.Len(t, x.plans, 3)
	require.Zero(t, x.plans[0].Since)
	require.Equal(t, &contract.IndexCursor{Query: 1, Token: []byte("t")}, x.plans[1].Cursor)
	first := x.began.Add(30 * time.Second)
	require.Equal(t, first.Add(-contract.IndexOverlap), x.plans[2].Since.UTC(), "visibility is written late")
	sizes := map[int]int{}
	for _, b := range x.blocks {
		sizes[len(b)]++
	}
	require.Equal(t, map[int]int{2: 2, 1: 1}, sizes)
	require.Equal(t, x.began.Add(time.Minute), next.Watermark.UTC())
	require.Equal(t, contract.IndexCount{Executions: 5, Written: 50}, next.Total)
	require.EqualValues(t, 2, next.Passes)
	require.Nil(t, next.Pass)
}

// What moved is read in two passes: the first may come before the server has the history. What moves again begins anew.
func TestIndexerReadsWhatMovedTwice(t *testing.T) {
	x := newIndexing(t)
	x.moved(10*time.Second, "1", "2", "3")
	x.moved(40*time.Second, "2")
	x.plan = func(in contract.IndexPlanInput) (contract.IndexPlan, error) {
		out := contract.IndexPlan{Settings: testSettings, Sweep: in.Sweep}
		if len(x.plans) == 2 {
			out.Executions = []contract.Execution{{ID: "order/3", Run: "3", Ended: true}}
		}
		return out, nil
	}
	x.tick(30*time.Second, 60*time.Second, 90*time.Second, 120*time.Second)
	next := x.run(contract.IndexerState{}, 130*time.Second)

	read := map[string][]int64{}
	for _, b := range x.blocks {
		for _, e := range b {
			read[e.Run] = append(read[e.Run], e.Since)
		}
	}
	since := func(after time.Duration) int64 { return x.began.Add(after - contract.IndexOverlap).UnixMilli() }
	require.Equal(t, map[string][]int64{
		"1": {since(10 * time.Second), since(30 * time.Second)},
		"2": {since(10 * time.Second), since(30 * time.Second), since(60 * time.Second)}, // moved after the first
		"3": {since(10 * time.Second), 0},                                                // has ended: read once more, as far back as the plan says
	}, read)
	require.Empty(t, next.Notes)
	require.Zero(t, next.Dropped)
}

func TestIndexerFoldsTicks(t *testing.T) {
	x := newIndexing(t)
	x.plan = func(in contract.IndexPlanInput) (contract.IndexPlan, error) {
		if len(x.plans) <= 6 {
			return contract.IndexPlan{}, errors.New("the server is away") // 1+2+4+8+16 s
		}
		return contract.IndexPlan{Settings: testSettings, Sweep: in.Sweep}, nil
	}
	x.tick(10*time.Second, 20*time.Second, 30*time.Second, 40*time.Second)
	next := x.run(contract.IndexerState{}, 5*time.Minute)
	require.EqualValues(t, 2, next.Passes)
	require.EqualValues(t, 3, next.Folded)
	require.Equal(t, next.Last.Began, next.Watermark)
	require.Len(t, x.plans, 8)
}

// A paused indexer breaks off what it does, and loses nothing.
func TestIndexerPauses(t *testing.T) {
	x := newIndexing(t)
	x.plan = func(in contract.IndexPlanInput) (contract.IndexPlan, error) {
		return contract.IndexPlan{Settings: testSettings, Sweep: in.Sweep, Executions: some("a", 1)}, nil
	}
	away := true
	x.block = func(context.Context, contract.IndexBlock) (contract.IndexedBlock, error) {
		x.mu.Lock()
		defer x.mu.Unlock()
		if away {
			return contract.IndexedBlock{}, errors.New("the index is away")
		}
		return contract.IndexedBlock{IndexCount: contract.IndexCount{Executions: 1}}, nil
	}
	x.moved(5*time.Second, "1")
	x.tick(10*time.Second, 2*time.Minute, 3*time.Minute)
	change := func(after time.Duration, update string, check func(error)) {
		x.at(after, func() {
			x.UpdateWorkflow(update, fmt.Sprint(update, after), &sdk.TestUpdateCallback{
				OnAccept: func() {}, OnReject: check, OnComplete: func(_ any, err error) { check(err) },
			})
		})
	}
	fine := func(err error) { require.NoError(t, err) }
	change(time.Minute, contract.PauseUpdate, fine)
	change(90*time.Second, contract.RunIndexerUpdate, func(err error) { require.ErrorContains(t, err, "it is paused; resume it first") })
	x.at(150*time.Second, func() {
		s := x.state()
		require.True(t, s.Paused)
		require.Nil(t, s.Pass)
		require.Zero(t, s.Watermark)
		require.Equal(t, 1, s.Waiting)
		x.mu.Lock()
		away = false
		x.mu.Unlock()
	})
	change(160*time.Second, contract.ResumeUpdate, fine)
	next := x.run(contract.IndexerState{}, 4*time.Minute)
	require.False(t, next.Paused)
	require.Equal(t, x.began.Add(3*time.Minute), next.Watermark.UTC())
	require.EqualValues(t, 3, next.Passes) // the one that was broken off, that of the resumption, that of the last tick
	require.Empty(t, next.Notes, "two passes have read it since")
}

// A run may leave just when it is paused, with its pass. Who waits for passes that are under way must not wait for that one.
func TestIndexerIsPausedWhenItLeaves(t *testing.T) {
	x := newIndexing(t)
	x.at(time.Minute, func() {
		require.Nil(t, x.state().Pass)
		x.UpdateWorkflow(contract.AlsoUpdate, "also", &sdk.TestUpdateCallback{OnAccept: func() {}, OnReject: func(error) {}, OnComplete: func(pass any, err error) {
			require.NoError(t, err)
			require.Zero(t, pass)
		}}, contract.IndexTarget{Tenant: "acme", Generation: 2})
	})
	next := x.run(contract.IndexerState{
		Paused: true, Passes: 7, Pass: &contract.IndexPass{Number: 7, Began: x.began, Planned: true, Noted: 1, Taken: 1, Left: some("a", 1)},
		Notes: []contract.IndexNote{{ID: "order/1", Run: "1", Since: 5, Looks: 1}},
	}, 2*time.Minute)
	require.Nil(t, next.Pass)
	require.Equal(t, []contract.IndexNote{{ID: "order/1", Run: "1", Since: 5}}, next.Notes)
	require.Len(t, next.Also, 1)
	require.Empty(t, x.blocks)
}

// While the index is away, ticks and notes go on making the history longer: the next run does what is left.
func TestIndexerLeavesALongHistory(t *testing.T) {
	x := newIndexing(t)
	x.plan = func(in contract.IndexPlanInput) (contract.IndexPlan, error) {
		return contract.IndexPlan{Settings: testSettings, Sweep: in.Sweep, Executions: some("a", 5)}, nil
	}
	x.block = func(_ context.Context, b contract.IndexBlock) (contract.IndexedBlock, error) {
		if slices.ContainsFunc(b.Executions, func(e contract.Execution) bool { return e.ID == "a2" }) {
			return contract.IndexedBlock{}, errors.New("the index is away")
		}
		return contract.IndexedBlock{IndexCount: contract.IndexCount{Executions: int64(len(b.Executions))}}, nil
	}
	x.tick(10 * time.Second)
	x.at(time.Minute, func() {
		x.SetContinueAsNewSuggested(true)
		x.SetCurrentHistoryLength(4000)
		x.SignalWorkflow(contract.IndexTickSignal, nil)
	})
	x.at(2*time.Minute, func() {
		require.EqualValues(t, 3, x.state().Pass.Executions)
		x.SetCurrentHistoryLength(12_000)
	})
	next := x.run(contract.IndexerState{}, 2*time.Minute+time.Second)
	require.NotNil(t, next.Pass)
	require.Equal(t, some("a", 4)[2:], next.Pass.Left)
	require.True(t, next.Due)
	require.EqualValues(t, 3, next.Pass.Executions)

	again := newIndexing(t)
	last := again.run(next, time.Minute)
	require.EqualValues(t, 5, last.Total.Executions)
	require.Equal(t, [][]contract.Execution{next.Pass.Left}, again.blocks)
	require.Len(t, again.plans, 1, "of the pass that was due")
}

// A sweep goes through all that runs in its time, part by part, and begins again.
func TestIndexerSweeps(t *testing.T) {
	x := newIndexing(t)
	const running = 100
	var quotas []int64
	x.plan = func(in contract.IndexPlanInput) (contract.IndexPlan, error) {
		out := contract.IndexPlan{Settings: testSettings, Sweep: in.Sweep}
		quotas = append(quotas, in.Quota)
		if in.Quota < 0 {
			out.Sweep.Total = running
			return out, nil
		}
		out.Sweep.Visited = min(out.Sweep.Visited+in.Quota, running+1) // one has started meanwhile
		out.Sweep.Token = fmt.Append(nil, out.Sweep.Visited)
		out.Swept = out.Sweep.Visited == running+1
		require.Equal(t, in.Sweep.Visited > 0, len(in.Sweep.Token) > 0)
		return out, nil
	}
	for n := range 12 {
		x.tick(time.Duration(n+1) * time.Minute)
	}
	next := x.run(contract.IndexerState{}, 12*time.Minute+time.Second)
	require.Equal(t, []int64{-1, 10, 10, 10, 10, 10, 10, 10, 10, 10, 110, -1}, quotas)
	require.Equal(t, x.began.Add(time.Minute), next.Swept.UTC(), "what was recorded before its beginning is known")
	require.Equal(t, x.began.Add(12*time.Minute), next.Sweep.Began.UTC())
	require.Equal(t, next.Swept, x.plans[11].Swept)
	require.Equal(t, x.began.Add(10*time.Minute-contract.IndexOverlap), x.plans[10].Since.UTC())
	require.Equal(t, x.began.Add(time.Minute-lateVisibility), x.plans[11].Since.UTC(), "each sweep begins with a look further back")
}

// Temporal ends a workflow whose input is above 2 MiB: what a run hands to the next stays below it, whatever the ids are.
func TestIndexerBoundsItsInput(t *testing.T) {
	for name, id := range map[string]string{
		"short": "o", "long": strings.Repeat("x", 1000), "escaped": strings.Repeat("<", 1000), "separators": strings.Repeat("\u2028", 333), "accents": strings.Repeat("é", 500),
	} {
		t.Run(name, func(t *testing.T) {
			x := newIndexing(t)
			fill := func(prefix string, most int) (list []contract.Execution) {
				for n := 0; ; n++ {
					e := contract.Execution{ID: id, Run: fmt.Sprintf("%s-%034d", prefix, n), Ended: prefix == "p"}
					if most -= e.Size(); most < 0 {
						return list
					}
					list = append(list, e)
				}
			}
			noted := fill("n", contract.IndexNotesSize)
			x.plan = func(in contract.IndexPlanInput) (contract.IndexPlan, error) {
				s := testSettings
				s.BlockSize, s.Parallel = 500, 100
				return contract.IndexPlan{Settings: s, Sweep: in.Sweep, Executions: fill("p", contract.IndexPlanSize)}, nil
			}
			away := true
			x.block = func(_ context.Context, b contract.IndexBlock) (contract.IndexedBlock, error) {
				x.mu.Lock()
				defer x.mu.Unlock()
				if away {
					return contract.IndexedBlock{}, errors.New("the index is away")
				}
				return contract.IndexedBlock{IndexCount: contract.IndexCount{Executions: int64(len(b.Executions))}}, nil
			}
			x.at(time.Second, func() {
				x.SignalWorkflow(contract.MovedSignal, contract.Moved{Executions: append(slices.Clone(noted), contract.Execution{ID: id, Run: fmt.Sprintf("%-36s", "one too many")})})
			})
			x.tick(2 * time.Second)
			x.at(time.Minute, func() {
				x.SetContinueAsNewSuggested(true)
				x.SetCurrentHistoryLength(4000)
				x.SignalWorkflow(contract.IndexTickSignal, nil)
			})
			x.at(2*time.Minute, func() { x.SetCurrentHistoryLength(12_000) })
			next := x.run(contract.IndexerState{}, 2*time.Minute+time.Second)
			require.Equal(t, len(noted), len(next.Notes))
			require.EqualValues(t, 1, next.Dropped)
			require.NotEmpty(t, next.Pass.Left)
			input, err := converter.GetDefaultDataConverter().ToPayloads(next)
			require.NoError(t, err)
			require.Less(t, proto.Size(input), 1_600_000)

			again := newIndexing(t) // reads what is left, and each note once in this pass
			again.plan, away = x.plan, false
			next.Due = false
			last := again.run(next, time.Minute)
			read := map[string]int{}
			for _, b := range again.blocks {
				for _, e := range b {
					read[e.Run]++
				}
			}
			require.Equal(t, len(next.Pass.Left)+next.Pass.Noted-next.Pass.Taken, len(read))
			for run, n := range read {
				require.Equal(t, 1, n, run)
			}
			require.EqualValues(t, len(noted)+len(fill("p", contract.IndexPlanSize)), last.Total.Executions)
			require.Equal(t, len(noted), len(last.Notes), "they are read once more")
		})
	}
}

func TestIndexerDropsNotes(t *testing.T) {
	x := newIndexing(t)
	x.at(time.Second, func() {
		x.SignalWorkflow(contract.MovedSignal, contract.Moved{Dropped: 7, AgeMS: 60_000, Executions: []contract.Execution{
			{ID: strings.Repeat("x", contract.IndexNotesSize), Run: "1"}, {ID: "a", Run: "2"},
		}})
	})
	next := x.run(contract.IndexerState{}, time.Minute)
	require.Equal(t, []contract.IndexNote{{ID: "a", Run: "2", Since: x.began.Add(time.Second - time.Minute - contract.IndexOverlap).UnixMilli()}}, next.Notes)
	require.EqualValues(t, 8, next.Dropped)
}

// What a note tells was recorded before the note was made, not before the indexer came to hear of it.
func TestIndexerDatesNotes(t *testing.T) {
	x := newIndexing(t)
	x.at(10*time.Minute, func() {
		made := x.began.Add(time.Minute)
		x.SignalWorkflow(contract.MovedSignal, contract.Moved{At: made.UnixMilli(), AgeMS: 2000, Executions: []contract.Execution{{ID: "waited", Run: "1"}}})
		x.SignalWorkflow(contract.MovedSignal, contract.Moved{At: x.Now().Add(time.Hour).UnixMilli(), AgeMS: 2000, Executions: []contract.Execution{{ID: "of a fast clock", Run: "2"}}})
	})
	next := x.run(contract.IndexerState{}, 11*time.Minute)
	require.Equal(t, []contract.IndexNote{
		{ID: "waited", Run: "1", Since: x.began.Add(time.Minute - contract.IndexOverlap).UnixMilli()},
		{ID: "of a fast clock", Run: "2", Since: x.began.Add(10*time.Minute - 2*time.Second - contract.IndexOverlap).UnixMilli()},
	}, next.Notes)
}

// People are told when a pass comes to nothing, each hour while that lasts, and nobody once it is well.
func TestIndexerRaisesAlerts(t *testing.T) {
	x := newIndexing(t)
	away := true
	x.plan = func(in contract.IndexPlanInput) (contract.IndexPlan, error) {
		if away {
			return contract.IndexPlan{}, errors.New("the server is away")
		}
		return contract.IndexPlan{Settings: testSettings, Sweep: in.Sweep}, nil
	}
	x.tick(time.Minute)
	x.at(2*time.Hour+30*time.Minute, func() {
		require.Equal(t, contract.IndexFailing, x.state().Alarm.Code)
		x.mu.Lock()
		away = false
		x.mu.Unlock()
	})
	next := x.run(contract.IndexerState{}, 3*time.Hour)
	require.Nil(t, next.Alarm)
	require.Len(t, x.alerts, 3)
	ids := map[string]bool{}
	for _, a := range x.alerts {
		ids[a.ID] = true
		require.Equal(t, contract.AlertIndexer, a.Source)
		require.Equal(t, contract.IndexerID, a.ProcessID)
		require.Equal(t, contract.IndexFailing, a.FaultDetails.Code)
		require.Contains(t, a.FaultDetails.Reason, "pass 1 has done nothing since 2026-03-02T12:01:00Z")
	}
	require.Len(t, ids, 3)
}

// Nobody wakes the indexer while its schedule is paused or deleted: it looks itself, and people are told, unless they paused it.
func TestIndexerTellsThatNoPassBegins(t *testing.T) {
	x := newIndexing(t)
	x.plan = func(in contract.IndexPlanInput) (contract.IndexPlan, error) {
		s := testSettings
		s.Next = x.Now().Add(time.Hour)
		return contract.IndexPlan{Settings: s, Sweep: in.Sweep}, nil
	}
	x.tick(time.Minute)
	x.at(74*time.Minute, func() { require.Nil(t, x.state().Alarm) }) // the pass was to begin at 61 minutes
	x.at(100*time.Minute, func() {
		require.Equal(t, contract.IndexFailing, x.state().Alarm.Code)
		require.Contains(t, x.state().Alarm.Reason, "no pass has begun since the one that was to begin at 2026-03-02T13:01:00Z")
	})
	x.tick(101 * time.Minute)
	next := x.run(contract.IndexerState{}, 110*time.Minute)
	require.Nil(t, next.Alarm)
	require.Len(t, x.alerts, 1)

	x = newIndexing(t)
	next.Paused, next.Settings.Next = true, x.began
	require.Nil(t, x.run(next, 2*time.Hour).Alarm)
}

func TestIndexerWarnsOfRetention(t *testing.T) {
	x := newIndexing(t)
	state := contract.IndexerState{Created: x.began.Add(-100 * time.Hour), Watermark: x.began.Add(-35*time.Hour - 30*time.Minute), Settings: testSettings, Paused: true}
	x.tick(20*time.Minute, 40*time.Minute) // the second is more than half of the three days after the watermark
	x.at(41*time.Minute, func() {
		s := x.state()
		require.Equal(t, contract.IndexRetention, s.Alarm.Code)
		require.Contains(t, s.Alarm.Reason, "Temporal deletes histories 72h0m0s after their end: it is paused")
	})
	next := x.run(state, 42*time.Minute)
	require.Len(t, x.alerts, 1)
	require.NotNil(t, next.Alarm)
}
