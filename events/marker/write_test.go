package marker

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/proto"

	"github.com/waybill-io/waybill/events"
)

// random is a text that hardly becomes smaller.
func random(length int) string {
	text := make([]byte, length)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range text {
		text[i] = byte(' ' + r.IntN('~'-' '))
	}
	return string(text)
}

// remembered is a workflow that tells so much before its last events, and so many of these. It answers how large its memo is then.
func remembered(ctx workflow.Context, before, last, length int) (size int, err error) {
	w := &Writer{Process: events.Process{Instance: "i", Key: "k"}, Memo: true}
	w.Add(List{{Sequence: 1, Type: events.ActivityStarted, Ref: "1", Description: random(before)}})
	w.Flush(ctx, false)
	for n := range last {
		w.Add(List{{Sequence: int64(n + 2), Type: events.VariableCreated, Ref: fmt.Sprint(n), Name: fmt.Sprint(n), Value: random(length)}})
	}
	w.Flush(ctx, true)
	return proto.Size(workflow.GetInfo(ctx).Memo), nil
}

// Temporal logs a warning of a memo of more than 2 KiB, all its fields together: an instance of a tenant has one already.
func TestMemoIsSmall(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	tenant := map[string]any{"tenant": "a-tenant-with-a-name-that-is-as-long-as-names-of-tenants-can-be"}
	largest := 0
	for before := 0; before < 2200; before += 50 {
		for last, length := range map[int]int{1: 10, 2: 400, 10: 40, 20: 10, 30: 10, 3: 1024} {
			env := suite.NewTestWorkflowEnvironment()
			require.NoError(t, env.SetMemoOnStart(tenant))
			env.ExecuteWorkflow(remembered, before, last, length)
			require.NoError(t, env.GetWorkflowError())
			size := 0
			require.NoError(t, env.GetWorkflowResult(&size))
			require.LessOrEqual(t, size, 2<<10, "%d, and %d of %d", before, last, length)
			largest = max(largest, size)
		}
	}
	require.Greater(t, largest, 1800)
}

// named is a workflow of which all is called by long names: its id, what happens last, and who may do it.
func named(ctx workflow.Context, id string, length, groups int) (size int, err error) {
	w := &Writer{Process: events.Process{Instance: id, Key: "k", BusinessKey: id}, Memo: true}
	w.Add(List{{Sequence: 1, Type: events.ActivityStarted, Ref: "1"}})
	w.Flush(ctx, false)
	names := random(10 * length)
	for n := range 10 {
		e := events.Event{Sequence: int64(n + 2), Type: events.TaskCompleted, Ref: fmt.Sprint(n), ActivityName: names[n*length : (n+1)*length]}
		for g := range groups {
			e.CandidateGroups = append(e.CandidateGroups, fmt.Sprint("group of people ", n, g))
		}
		w.Add(List{e})
	}
	w.Flush(ctx, true)
	return proto.Size(workflow.GetInfo(ctx).Memo), nil
}

func TestMemoIsSmallWhateverNamesAre(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	for _, test := range []struct {
		id             string
		length, groups int
	}{{"i", 10, 0}, {random(900), 10, 0}, {random(900), 90, 0}, {"i", 1000, 0}, {"i", 10, 100}} {
		env := suite.NewTestWorkflowEnvironment()
		env.ExecuteWorkflow(named, test.id, test.length, test.groups)
		require.NoError(t, env.GetWorkflowError())
		size := 0
		require.NoError(t, env.GetWorkflowResult(&size))
		assert.LessOrEqual(t, size, 2<<10, "%d %d %d", len(test.id), test.length, test.groups)
	}
}
