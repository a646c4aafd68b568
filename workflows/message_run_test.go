package workflows_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	sdk "go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/workflows"
)

// A publisher that is told to try again must find a new run, also when nothing else comes to the place where it waits.
func TestPlaceOfMessagesBeginsItsNextRunByItself(t *testing.T) {
	var suite sdk.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	refused := errors.New("no answer")
	env.RegisterDelayedCallback(func() {
		env.SetContinueAsNewSuggested(true)
		env.UpdateWorkflow(contract.PublishUpdate, "u", &sdk.TestUpdateCallback{
			OnAccept: func() {}, OnReject: func(err error) { refused = err }, OnComplete: func(any, error) {},
		}, contract.Message{Name: "m", Key: "k"})
	}, time.Second)
	env.ExecuteWorkflow(workflows.Message, contract.MessageState{
		Name: "m", Key: "k", Subscriptions: []contract.Subscription{{Instance: "p/1", Command: 2, Name: "m", Key: "k"}},
	})
	require.ErrorContains(t, refused, "try again")
	again, ok := errors.AsType[*workflow.ContinueAsNewError](env.GetWorkflowError())
	require.True(t, ok, "%v", env.GetWorkflowError())
	require.Equal(t, contract.MessageWorkflow, again.WorkflowType.Name)
}

// Of messages that come together one starts a process; the others are for it, or start one after the other when it does not wait.
func TestMessagesThatComeTogetherStartOneProcess(t *testing.T) {
	for name, test := range map[string]struct {
		subscribes bool
		started    []string
	}{
		"it waits for them": {true, []string{"p/1"}},
		"it does not":       {false, []string{"p/1", "p/2", "p/3"}},
	} {
		t.Run(name, func(t *testing.T) {
			var suite sdk.WorkflowTestSuite
			env := suite.NewTestWorkflowEnvironment()
			env.RegisterWorkflowWithOptions(workflows.Taken, workflow.RegisterOptions{Name: contract.TakenWorkflow})
			var started, taken []string
			var at []time.Time
			env.RegisterActivityWithOptions(func(_ context.Context, m contract.Message) (string, error) {
				started, at = append(started, m.Otherwise.ID), append(at, env.Now())
				return m.Otherwise.ID, nil
			}, activity.RegisterOptions{Name: contract.StartOtherwiseActivity})
			env.OnSignalExternalWorkflow(mock.Anything, "p/1", "", contract.MessageSignal, mock.Anything).Return(nil)
			env.OnWorkflow(contract.TakenWorkflow, mock.Anything, mock.Anything).Return(func(ctx workflow.Context, by string) (string, error) {
				taken = append(taken, workflow.GetInfo(ctx).WorkflowExecution.ID+" by "+by)
				return by, nil
			})
			for n := range 3 {
				id := strconv.Itoa(n + 1)
				env.RegisterDelayedCallback(func() {
					env.UpdateWorkflow(contract.PublishUpdate, id, &sdk.TestUpdateCallback{
						OnAccept: func() {}, OnReject: func(err error) { t.Error(err) }, OnComplete: func(_ any, err error) { require.NoError(t, err) },
					}, contract.Message{ID: id, Name: "m", Key: "k", Otherwise: &contract.ProcessStart{Key: "p", ID: "p/" + id}})
				}, time.Second)
			}
			if test.subscribes {
				for n := range 2 {
					env.RegisterDelayedCallback(func() {
						env.SignalWorkflow(contract.SubscribeSignal, contract.Subscription{Instance: "p/1", Command: n + 1, Name: "m", Key: "k"})
					}, time.Duration(n+3)*time.Second)
				}
			}
			env.ExecuteWorkflow(workflows.Message, contract.MessageState{Name: "m", Key: "k"})
			require.NoError(t, env.GetWorkflowError())
			require.Equal(t, test.started, started)
			if test.subscribes {
				require.Equal(t, []string{"p/2 by p/1", "p/3 by p/1"}, taken)
				return
			}
			require.Empty(t, taken)
			for n := range at[1:] {
				require.GreaterOrEqual(t, at[n+1].Sub(at[n]), 10*time.Second)
			}
		})
	}
}

// A message that its publisher left to us starts its process in the end, though that was not deployed when it was its turn.
func TestMessageStartsAProcessThatIsDeployedLater(t *testing.T) {
	var suite sdk.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	var started []string
	tries := 0
	env.RegisterActivityWithOptions(func(_ context.Context, m contract.Message) (string, error) {
		if m.ID == "2" {
			if tries++; tries < 4 {
				return "", temporal.NewNonRetryableApplicationError("no such process", "refused", nil)
			}
		}
		started = append(started, m.Otherwise.ID)
		return m.Otherwise.ID, nil
	}, activity.RegisterOptions{Name: contract.StartOtherwiseActivity})
	for n, after := range []time.Duration{time.Second, 2 * time.Second, 12 * time.Minute} { // the last is the second again
		id := strconv.Itoa(min(n, 1) + 1)
		env.RegisterDelayedCallback(func() {
			env.UpdateWorkflow(contract.PublishUpdate, strconv.Itoa(n), &sdk.TestUpdateCallback{
				OnAccept: func() {}, OnReject: func(err error) { require.NoError(t, err) }, OnComplete: func(result any, err error) {
					require.NoError(t, err)
					require.Equal(t, n == 2, result.(contract.PublishResult).Duplicate)
				},
			}, contract.Message{ID: id, Name: "m", Key: "k", Otherwise: &contract.ProcessStart{Key: "p", ID: "p/" + id}})
		}, after)
	}
	env.ExecuteWorkflow(workflows.Message, contract.MessageState{Name: "m", Key: "k"})
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []string{"p/1", "p/2"}, started)
	require.Equal(t, 4, tries)
}
