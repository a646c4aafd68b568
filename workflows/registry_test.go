package workflows_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/workflows"
)

// A registry that were larger than a payload could not go on in a new run.
func TestARegistryIsBounded(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	value := func(size int) json.RawMessage { return json.RawMessage(`"` + strings.Repeat("x", size-2) + `"`) }
	var answers []string
	for i, e := range []contract.RegistryEntry{
		{ID: "b", Value: value(contract.MaxRegistry - 10)}, {ID: "a", Value: value(9)}, {ID: "c", Value: value(2)},
		{ID: "b", Value: value(contract.MaxRegistry)}, {ID: "b", Value: value(100)}, {ID: "c", Value: value(100)},
	} {
		env.RegisterDelayedCallback(func() {
			env.UpdateWorkflow(contract.PutUpdate, "", &testsuite.TestUpdateCallback{
				OnAccept: func() {}, OnReject: func(err error) { answers = append(answers, e.ID+": "+err.Error()) },
				OnComplete: func(any, error) { answers = append(answers, e.ID) },
			}, e)
		}, time.Duration(i+1)*time.Second)
	}
	var some []contract.RegistryEntry
	env.RegisterDelayedCallback(func() {
		found, err := env.QueryWorkflow(contract.EntriesQuery, []string{"c", "nobody", "b", "c"})
		require.NoError(t, err)
		require.NoError(t, found.Get(&some))
		env.CancelWorkflow()
	}, time.Minute)
	env.ExecuteWorkflow(workflows.Registry, contract.RegistryState{})
	require.True(t, env.IsWorkflowCompleted())
	require.Len(t, answers, 6)
	require.Equal(t, []string{"b", "a: there would be 1500001 bytes in it, 1500000 at most can be kept together: remove what is not needed", "c"}, answers[:3])
	require.Contains(t, answers[3], "b: there would be")
	require.Equal(t, []string{"b", "c"}, answers[4:])
	require.Len(t, some, 2)
	require.Equal(t, "b", some[0].ID)
	require.Equal(t, value(100), some[1].Value)
}
