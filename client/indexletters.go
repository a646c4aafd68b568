package client

import (
	"context"
	"fmt"
	"time"

	"github.com/waybill-io/waybill/activities/contract"
)

// letterTimeout bounds a question about dead letters.
const letterTimeout = time.Minute

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

// DropIndexLetters deletes dead letters, and counts those that were there.
func (c *Client) DropIndexLetters(ctx context.Context, ids []string) (n int, err error) {
	if err := c.askLetters(ctx, contract.DropLettersActivity, ids, &n); err != nil {
		return 0, fmt.Errorf("drop dead letters of the index: %w", err)
	}
	return n, nil
}

func (c *Client) askLetters(ctx context.Context, activity string, in, out any) error {
	return c.askOnce(ctx, question{activity: activity, queue: contract.ReportQueue, hint: needsIndexer, timeout: letterTimeout}, out, in)
}
