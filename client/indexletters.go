package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	temporal "go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
)

const (
	// letterTimeout bounds a question about dead letters, and each try of it.
	letterTimeout = time.Minute
	// letterUnclaimed is how long it may wait for a worker.
	letterUnclaimed = 10 * time.Second
)

// IndexLetters lists dead letters of the index.
func (c *Client) IndexLetters(ctx context.Context, q contract.IndexLettersQuery) (out contract.IndexLetters, err error) {
	if err := c.askLetters(ctx, contract.IndexLettersActivity, q, &out); err != nil {
		return out, fmt.Errorf("list dead letters of the index: %w", err)
	}
	return out, nil
}

// RetryIndexLetters has documents of dead letters indexed, as they are.
func (c *Client) RetryIndexLetters(ctx context.Context, ids []string) (out contract.IndexCount, err error) {
	if err := c.askLetters(ctx, contract.RetryLettersActivity, ids, &out); err != nil {
		return out, fmt.Errorf("retry dead letters of the index: %w", err)
	}
	return out, nil
}

// DropIndexLetters deletes dead letters.
func (c *Client) DropIndexLetters(ctx context.Context, ids []string) error {
	if err := c.askLetters(ctx, contract.DropLettersActivity, ids, nil); err != nil {
		return fmt.Errorf("drop dead letters of the index: %w", err)
	}
	return nil
}

func (c *Client) askLetters(ctx context.Context, activity string, in, out any) error {
	err := c.ask(ctx, temporal.StartActivityOptions{
		ID: activity + "/" + rand.Text(), TaskQueue: contract.ReportQueue, ScheduleToStartTimeout: letterUnclaimed, StartToCloseTimeout: letterTimeout,
		RetryPolicy: &sdk.RetryPolicy{MaximumAttempts: 1},
	}, activity, out, in)
	if late, ok := errors.AsType[*sdk.TimeoutError](err); ok && late.TimeoutType() == enums.TIMEOUT_TYPE_SCHEDULE_TO_START {
		return fmt.Errorf("%w within %s: is a worker with the role indexer running?", ErrUnclaimed, letterUnclaimed)
	}
	return err
}
