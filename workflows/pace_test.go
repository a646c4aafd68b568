package workflows_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"gocloud.dev/blob/memblob"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors"
	replayed "github.com/waybill-io/waybill/testsuite"
	"github.com/waybill-io/waybill/worker/app"
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

// paced is a desk with a rate.
type paced struct{ desk }

func (p *paced) Definition() *connectors.Definition {
	d := *p.desk.Definition()
	d.Policy.PerSecond = 1000
	return &d
}

func TestCallsOfAConnectorWithARate(t *testing.T) {
	connection := server.Client(t)
	c, d := client.New(connection), &paced{desk{answer: answers(map[string]any{"said": "hello"})}}
	a, err := app.New(t.Context(), app.Options{
		Temporal: connection, Namespace: "default", Roles: []app.Role{app.Process, app.Connectors}, Files: memblob.OpenBucket(nil),
		Instances: []connectors.Connector{d},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx, nil) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	def := define(t, "paced", oneCall, declared)
	def.Connectors["desk.CALL"] = contract.Binding{TaskQueue: contract.CustomConnectorQueue("desk"), TimeoutMS: 10_000}
	_, err = c.Deploy(t.Context(), def)
	require.NoError(t, err)
	for range 5 {
		id, _, err := c.Start(t.Context(), client.StartOptions{Key: "paced"})
		require.NoError(t, err)
		result, err := c.Wait(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, "hello", result.Variables["said"])
	}
	require.NoError(t, connection.CancelWorkflow(t.Context(), contract.PaceID("desk"), ""), "they had their turns from here")
	require.NoError(t, replayed.ReplayServer(t.Context(), c, *record))
}
