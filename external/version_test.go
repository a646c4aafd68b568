package external_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/external"
)

// Instances that began before the version of the engine that has external tasks fetched go on.
func TestInstanceOfAnEarlierVersion(t *testing.T) {
	p := startPlace(t)
	key := p.deploy(one(p.topic))
	d, err := p.Definition(t.Context(), key, 0)
	require.NoError(t, err)
	begin := func(id string) string {
		options, input, err := p.Launch(d, client.StartOptions{ID: key + "/" + id, Variables: map[string]any{"colour": "red"}})
		require.NoError(t, err)
		input.Engine = 4
		_, err = p.Temporal.ExecuteWorkflow(t.Context(), options, key, input)
		require.NoError(t, err)
		return options.ID
	}

	first := begin("first")
	task := p.fetch("ann", time.Minute)
	require.Equal(t, "red", task.Variables["colour"])
	require.NoError(t, p.Extend(t.Context(), task.ID, by("ann"), time.Minute))
	require.NoError(t, p.SetRetries(t.Context(), task.ID, all(), 7))
	require.NoError(t, p.Fail(t.Context(), task.ID, by("ann"), external.Failure{Retries: 2, Message: "later"}))
	task = p.fetch("bob", time.Minute)
	require.Equal(t, 2, *task.Retries)
	refusedTo(t, p.Complete(t.Context(), task.ID, by("ann"), external.Result{}), "bob")
	require.NoError(t, p.Return(t.Context(), task.ID, by("bob")))
	require.ErrorContains(t, p.SetPriority(t.Context(), task.ID, all(), 5), "while a worker has it")
	require.NoError(t, p.Complete(t.Context(), task.ID, external.By{Worker: "bob", Anybody: true}, external.Result{Variables: map[string]any{"done": true}}))
	require.Equal(t, true, p.Ended(first).Variables["done"])
	require.ErrorIs(t, p.Complete(t.Context(), task.ID, by("bob"), external.Result{}), external.ErrGone)

	second := begin("second")
	task = p.fetch("ann", time.Minute)
	require.NoError(t, p.SetRetries(t.Context(), task.ID, all(), 0))
	require.NoError(t, p.retry(second, p.Incident(second).ID, 0))
	task = p.fetch("ann", time.Minute)
	require.NoError(t, p.BPMNError(t.Context(), task.ID, by("ann"), "BAD", "no luck", nil))
	require.Contains(t, p.Ended(second).Path, "rescued")
}
