package client

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	temporal "go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"
)

// ask has a worker run an activity, and waits for its result.
func (c *Client) ask(ctx context.Context, o temporal.StartActivityOptions, activity string, out any, in ...any) error {
	h, err := c.Temporal.ExecuteActivity(ctx, o, activity, in...)
	if err == nil {
		err = h.Get(ctx, out)
	}
	return readable(err)
}

// unclaimed is how long a question may wait for a worker.
const unclaimed = 10 * time.Second

// Who answers questions, for those who get no answer.
const (
	connectorsAnswer = "is a worker with the role connectors running?"
	needsIndexer     = "it needs a worker with the role indexer, and elastic-search.server.type=rest in its settings"
	// With elastic-search.server.type=none no worker has the role.
	reportsNeed = "reports need a worker with the role indexer, and elastic-search.server.type=rest in its settings (with none there is no such worker)"
)

// question is an activity that somebody waits for, who can ask again.
type question struct {
	activity, queue string
	hint            string        // to those whom no worker answers
	timeout         time.Duration // of a try
	heartbeat       time.Duration // 0: none
	tries           int32         // 0: one
}

// askOnce has a worker answer a question. ErrUnclaimed is wrapped when none does.
func (c *Client) askOnce(ctx context.Context, q question, out any, in ...any) error {
	err := c.ask(ctx, temporal.StartActivityOptions{
		ID: q.activity + "/" + rand.Text(), TaskQueue: q.queue, ScheduleToStartTimeout: unclaimed, StartToCloseTimeout: q.timeout, HeartbeatTimeout: q.heartbeat,
		RetryPolicy: &sdk.RetryPolicy{MaximumAttempts: cmp.Or(q.tries, 1)},
	}, q.activity, out, in...)
	if late, ok := errors.AsType[*sdk.TimeoutError](err); ok && late.TimeoutType() == enums.TIMEOUT_TYPE_SCHEDULE_TO_START {
		return fmt.Errorf("%w within %s: %s", ErrUnclaimed, unclaimed, q.hint)
	}
	return err
}
