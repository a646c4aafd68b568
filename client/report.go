package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/waybill-io/waybill/activities/contract"
)

// reportTimeout bounds a report, on which a worker gives up earlier.
const reportTimeout = time.Minute

// Report has a worker answer a report, or list the values of a parameter, and decodes the answer into result: a report.Result, or a list of
// report.Choice. A refusal is an *Error with one of the types of contract.ReportActivity; ErrUnclaimed is wrapped when no worker answers.
func (c *Client) Report(ctx context.Context, in contract.ReportRequest, result any) error {
	var out contract.ReportResult
	err := c.askOnce(ctx, question{activity: contract.ReportActivity, queue: contract.ReportQueue, hint: reportsNeed, timeout: reportTimeout}, &out, in)
	if errors.Is(err, ErrUnclaimed) {
		return fmt.Errorf("report %s: %w", in.Report, err)
	}
	if err != nil {
		return err
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
