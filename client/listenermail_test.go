package client

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	temporal "go.temporal.io/sdk/client"

	"github.com/waybill-io/waybill/activities/contract"
)

// answering is a Temporal that answers at once whoever waits for an activity.
type answering struct {
	temporal.Client
	temporal.ActivityHandle
	err error
}

func (a answering) ExecuteActivity(context.Context, temporal.StartActivityOptions, any, ...any) (temporal.ActivityHandle, error) {
	return a, nil
}

func (a answering) Get(context.Context, any) error { return a.err }

func (answering) Describe(context.Context, temporal.DescribeActivityOptions) (*temporal.ActivityExecutionDescription, error) {
	return nil, errors.New("away")
}

// The time to wait may be over by Temporal's clock before it is by ours.
func TestSendMailWaitsNoLongerThanTemporal(t *testing.T) {
	c := New(answering{err: serviceerror.NewDeadlineExceeded("context deadline exceeded")})
	s, err := c.SendMail(t.Context(), "a", contract.SendMail{}, time.Hour)
	require.NoError(t, err)
	require.True(t, s.Pending)

	c = New(answering{err: serviceerror.NewUnavailable("away")})
	_, err = c.SendMail(t.Context(), "a", contract.SendMail{}, time.Hour)
	require.ErrorContains(t, err, "away")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c = New(answering{err: context.Canceled})
	_, err = c.SendMail(ctx, "a", contract.SendMail{}, time.Hour)
	require.ErrorIs(t, err, context.Canceled, "nobody asks any more")
}
