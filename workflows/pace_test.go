package workflows_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/workflows"
)

func TestTurnsFollowEachOther(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	begun := env.Now()
	var turns []time.Time
	ask := func(after time.Duration, in contract.TakeTurns, want int) {
		env.RegisterDelayedCallback(func() {
			env.UpdateWorkflow(contract.TurnsUpdate, fmt.Sprint(after), &testsuite.TestUpdateCallback{
				OnAccept: func() {}, OnReject: func(err error) { require.NoError(t, err) },
				OnComplete: func(result any, err error) {
					require.NoError(t, err)
					given := result.(contract.Turns)
					require.Equal(t, want, given.Count)
					require.GreaterOrEqual(t, given.First.Sub(given.Now), in.Ahead)
					for i := range given.Count {
						turns = append(turns, given.First.Add(time.Duration(i)*given.Interval))
					}
				},
			}, in)
		}, after)
	}
	in := func(count int) contract.TakeTurns {
		return contract.TakeTurns{Count: count, PerSecond: 10, Ahead: 50 * time.Millisecond}
	}
	ask(0, in(3), 3)
	ask(10*time.Millisecond, in(1), 1)
	ask(20*time.Millisecond, in(1000), 10) // a second's worth at once
	ask(30*time.Millisecond, in(2), 2)
	ask(40*time.Second, in(1), 1)
	var refused error
	env.RegisterDelayedCallback(func() {
		env.UpdateWorkflow(contract.TurnsUpdate, "wrong", &testsuite.TestUpdateCallback{
			OnAccept: func() {}, OnReject: func(err error) { refused = err }, OnComplete: func(any, error) {},
		}, contract.TakeTurns{Count: 1})
	}, 41*time.Second)
	env.ExecuteWorkflow(workflows.Pace, contract.PaceState{})
	require.True(t, env.IsWorkflowCompleted())
	require.NoError(t, env.GetWorkflowError())
	require.ErrorContains(t, refused, "a rate of more than 0")
	require.Len(t, turns, 17)
	for i, at := range turns[1:] {
		require.GreaterOrEqual(t, at.Sub(turns[i]), 100*time.Millisecond, "turn %d", i+1)
	}
	require.Equal(t, 50*time.Millisecond, turns[0].Sub(begun))
	require.Equal(t, 40*time.Second+50*time.Millisecond, turns[16].Sub(begun))
	require.Less(t, env.Now().Sub(begun), 3*time.Minute, "it ends when nobody asks")
}
