package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	temporaltest "go.temporal.io/sdk/testsuite"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/definition"
	"github.com/waybill-io/waybill/workflows"
)

// A message that comes while a cancelled instance still tells others of its end is free for them, not lost.
func TestMessageThatComesWhileAnInstanceEndsGoesBack(t *testing.T) {
	env := new(temporaltest.WorkflowTestSuite).NewTestWorkflowEnvironment()
	workflows.Register(env, &definition.Cache{}, workflows.Recording{})
	var subscribed contract.Subscription
	env.RegisterActivityWithOptions(func(_ context.Context, s contract.Subscription) error {
		subscribed = s
		return nil
	}, activity.RegisterOptions{Name: contract.SubscribeActivity})
	var returned []contract.ReturnMessageInput
	env.RegisterActivityWithOptions(func(_ context.Context, in contract.ReturnMessageInput) error {
		returned = append(returned, in)
		return nil
	}, activity.RegisterOptions{Name: contract.ReturnMessageActivity})
	env.OnSignalExternalWorkflow(mock.Anything, mock.Anything, mock.Anything, contract.UnsubscribeSignal, mock.Anything).
		After(time.Minute).Return(nil)

	env.RegisterDelayedCallback(env.CancelWorkflow, time.Second)
	env.RegisterDelayedCallback(func() {
		env.SignalWorkflow(contract.MessageSignal, contract.MessageDelivery{Command: subscribed.Command, Message: news("anna@example.com", 0)})
	}, 10*time.Second)
	d := define(t, "news", waitsForNews, "")
	options, input, err := client.New(nil).Launch(d, client.StartOptions{ID: "news/1", BusinessKey: "anna@example.com"})
	require.NoError(t, err)
	env.SetStartWorkflowOptions(options)
	env.ExecuteWorkflow(d.Key, input)

	require.True(t, env.IsWorkflowCompleted())
	var result contract.ProcessResult
	require.NoError(t, env.GetWorkflowResult(&result))
	require.Equal(t, contract.StateCancelled, result.State)
	require.Len(t, returned, 1)
	require.Equal(t, "rain", returned[0].Message.Variables["headline"])
}
