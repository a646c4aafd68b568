package client

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	temporal "go.temporal.io/sdk/client"
)

// unready is Temporal, where the workflow tasks of so many updates fail.
type unready struct {
	temporal.Client
	left, sent int
}

func (u *unready) UpdateWorkflow(context.Context, temporal.UpdateWorkflowOptions) (temporal.WorkflowUpdateHandle, error) {
	u.sent++
	if u.left--; u.left >= 0 {
		return nil, serviceerror.NewWorkflowNotReady("Unable to perform workflow execution update due to unexpected workflow task failure.")
	}
	return nil, errors.New("answered")
}

func TestUpdatesWhoseWorkflowTaskFailedAreSentAgain(t *testing.T) {
	u := &unready{left: 2}
	require.EqualError(t, New(u).update(t.Context(), "order/1", "incident", nil, nil), "answered")
	require.Equal(t, 3, u.sent)

	u = &unready{left: 100}
	require.ErrorContains(t, New(u).update(t.Context(), "order/1", "incident", nil, nil), "workflow task failure")
	require.Equal(t, updatesAtMost, u.sent)

	u = &unready{left: 100}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, New(u).update(ctx, "order/1", "incident", nil, nil))
	require.Equal(t, 1, u.sent)
}
