package client

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	temporal "go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
)

const (
	// reportTimeout bounds a report, on which a worker gives up earlier.
	reportTimeout = time.Minute
	// reportUnclaimed is how long one may wait for a worker.
	reportUnclaimed = 10 * time.Second
)

// Report has a worker answer a report, or list the values of a parameter, and decodes the answer into result: a report.Result, or a list of
// report.Choice. A refusal is an *Error with one of the types of contract.ReportActivity; ErrUnclaimed is wrapped when no worker answers.
func (c *Client) Report(ctx context.Context, in contract.ReportRequest, result any) error {
	h, err := c.Temporal.ExecuteActivity(ctx, temporal.StartActivityOptions{
		ID: contract.ReportActivity + "/" + rand.Text(), TaskQueue: contract.ReportQueue, ScheduleToStartTimeout: reportUnclaimed, StartToCloseTimeout: reportTimeout,
		RetryPolicy: &sdk.RetryPolicy{MaximumAttempts: 1}, // who asks is waiting, and can ask again
	}, contract.ReportActivity, in)
	var out contract.ReportResult
	if err == nil {
		err = h.Get(ctx, &out)
	}
	if late, ok := errors.AsType[*sdk.TimeoutError](err); ok && late.TimeoutType() == enums.TIMEOUT_TYPE_SCHEDULE_TO_START {
		return fmt.Errorf("report %s: %w within %s: reports need a worker with the role indexer, and elastic-search.server.type=rest in its settings (with none there is no such worker)", in.Report, ErrUnclaimed, reportUnclaimed)
	}
	if err != nil {
		return readable(err)
	}
	if err := json.Unmarshal(out.Result, result); err != nil {
		return fmt.Errorf("report %s: read the answer: %w", in.Report, err)
	}
	return nil
}

// ReportRefused is the type of a refusal by Report; "": it is none.
func ReportRefused(err error) string {
	if refusal, ok := errors.AsType[*Error](err); ok {
		return refusal.Type
	}
	return ""
}
