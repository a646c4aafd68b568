package client

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
)

// givenUp is Temporal, which gives queries up so many times.
type givenUp struct {
	temporal.Client
	err         error
	left, asked int
}

func (g *givenUp) QueryWorkflow(context.Context, string, string, string, ...any) (converter.EncodedValue, error) {
	g.asked++
	if g.left--; g.left >= 0 {
		return nil, g.err
	}
	return nil, errors.New("answered")
}

func TestQueriesThatTheServerGaveUpAreAskedAgain(t *testing.T) {
	killed := serviceerror.NewCanceled("context canceled")
	for _, err := range []error{
		killed, serviceerror.NewFailedPrecondition("no poller seen for task queue recently, worker may be down"),
		serviceerror.NewQueryFailed("[TMPRL1100] invalid state transition: attempt to handleInitiatedEvent, CommandType: Activity, ID: 175, state=Created, isDone()=false, history=[Created]"),
	} {
		g := &givenUp{err: err, left: 2}
		require.EqualError(t, New(g).query(t.Context(), "definition/case", "definition", nil), "answered")
		require.Equal(t, 3, g.asked)

		g = &givenUp{err: err, left: 100}
		require.ErrorIs(t, New(g).query(t.Context(), "definition/case", "definition", nil), err)
		require.Equal(t, 1+queriesAgain, g.asked)
	}

	g := &givenUp{err: serviceerror.NewQueryFailed("no such task"), left: 100}
	require.Error(t, New(g).query(t.Context(), "definition/case", "definition", nil))
	require.Equal(t, 1, g.asked)

	g = &givenUp{err: killed, left: 100}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, New(g).query(ctx, "definition/case", "definition", nil))
	require.Equal(t, 1, g.asked)
}
