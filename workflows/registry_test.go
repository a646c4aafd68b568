package workflows_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/workflows"
)

// A registry that were larger than a payload could not go on in a new run. What counts is what it takes as the input of one.
func TestARegistryIsBounded(t *testing.T) {
	value := func(size int) json.RawMessage { return json.RawMessage(`"` + strings.Repeat("x", size-2) + `"`) }
	var many []contract.RegistryEntry
	for i := range 20_000 {
		many = append(many, contract.RegistryEntry{ID: fmt.Sprintf("user/u%d", i), Value: value(50)})
	}
	one := func(e contract.RegistryEntry) []contract.RegistryEntry { return []contract.RegistryEntry{e} }
	var state contract.RegistryState
	answers := inRegistry(t, &state, [][]contract.RegistryEntry{
		one(contract.RegistryEntry{ID: "b", Value: value(contract.MaxRegistry - 200)}), one(contract.RegistryEntry{ID: "a", Value: value(200)}),
		one(contract.RegistryEntry{ID: "c", Value: value(2)}), one(contract.RegistryEntry{ID: "b", Value: value(contract.MaxRegistry)}),
		one(contract.RegistryEntry{ID: "b", Value: value(100)}), one(contract.RegistryEntry{ID: "c", Value: value(100)}),
		many, many[:3000], append(slices.Clone(many[:4000]), many[:4000]...), many[3000:15_000], one(contract.RegistryEntry{ID: "h", Value: json.RawMessage(`"` + strings.Repeat("<", 200_000) + `"`)}),
	})
	var refused []int
	for i, answer := range answers {
		if answer != "" {
			require.Regexp(t, `^there would be \d+ bytes in it, 1500000 at most can be kept together: remove what is not needed$`, answer)
			refused = append(refused, i)
		}
	}
	require.Equal(t, []int{1, 3, 6, 9, 10}, refused)
	require.Len(t, state.Entries, 4002)
	require.Equal(t, []string{"b", "c", "user/u0", "user/u1", "user/u10"}, []string{state.Entries[0].ID, state.Entries[1].ID, state.Entries[2].ID, state.Entries[3].ID, state.Entries[4].ID})
	require.Equal(t, value(100), state.Entries[1].Value)
}

// The size that is kept is that of the JSON.
func TestARegistryFillsUp(t *testing.T) {
	var entries [][]contract.RegistryEntry
	for i := range 60 {
		var some []contract.RegistryEntry
		for j := range 500 {
			some = append(some, contract.RegistryEntry{ID: fmt.Sprintf("user/%d-%d<", i%40, j), Value: json.RawMessage(`{"address": "&"}`)})
		}
		entries = append(entries, some)
	}
	var state contract.RegistryState
	answers := inRegistry(t, &state, entries)
	require.NotEmpty(t, answers[39], "it is full")
	require.Empty(t, answers[40], "what is there already can be put again")
	text, err := json.Marshal(state)
	require.NoError(t, err)
	require.InDelta(t, contract.MaxRegistry, len(text), 60_000)
	require.Less(t, len(text), contract.MaxRegistry+100)
}

// A registry that an earlier version let grow too large goes on until it fits.
func TestARegistryThatIsTooLargeGoesOn(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.SetContinueAsNewSuggested(true)
	large := json.RawMessage(`"` + strings.Repeat("x", 1_100_000) + `"`)
	removed := false
	env.RegisterDelayedCallback(func() {
		removed = true
		env.UpdateWorkflow(contract.RemoveUpdate, "", &testsuite.TestUpdateCallback{OnAccept: func() {}, OnReject: func(error) {}, OnComplete: func(any, error) {}}, "a")
	}, time.Hour)
	env.ExecuteWorkflow(workflows.Registry, contract.RegistryState{Entries: []contract.RegistryEntry{{ID: "a", Value: large}, {ID: "b", Value: large}}})
	require.True(t, removed)
	var next *workflow.ContinueAsNewError
	require.ErrorAs(t, env.GetWorkflowError(), &next)
	require.Less(t, next.Input.Size(), 1_200_000)
}

// inRegistry puts entries, each list in one update, and returns why they were refused.
func inRegistry(t *testing.T, state *contract.RegistryState, updates [][]contract.RegistryEntry) []string {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	answers := make([]string, len(updates))
	for i, entries := range updates {
		name, arg := contract.PutManyUpdate, any(entries)
		if len(entries) == 1 {
			name, arg = contract.PutUpdate, entries[0]
		}
		env.RegisterDelayedCallback(func() {
			env.UpdateWorkflow(name, "", &testsuite.TestUpdateCallback{
				OnAccept: func() {}, OnReject: func(err error) { answers[i] = err.Error() },
				OnComplete: func(_ any, err error) { require.NoError(t, err) },
			}, arg)
		}, time.Duration(i+1)*time.Second)
	}
	env.RegisterDelayedCallback(func() {
		found, err := env.QueryWorkflow(contract.RegistryQuery)
		require.NoError(t, err)
		require.NoError(t, found.Get(&state.Entries))
		found, err = env.QueryWorkflow(contract.EntriesQuery, []string{"c", "nobody", "b", "c"})
		require.NoError(t, err)
		var some []contract.RegistryEntry
		require.NoError(t, found.Get(&some))
		require.LessOrEqual(t, len(some), 2, "each once")
		env.CancelWorkflow()
	}, time.Hour)
	env.ExecuteWorkflow(workflows.Registry, *state)
	require.True(t, env.IsWorkflowCompleted())
	return answers
}
