package workflows_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
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
