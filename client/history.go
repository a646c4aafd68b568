package client

import (
	"context"
	"fmt"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
)

// History returns the events of a run of an instance, as worker.ReplayWorkflowHistory takes them. Run "" is the latest:
// an instance that went on as new has several.
func (c *Client) History(ctx context.Context, id, run string) (*history.History, error) {
	h := &history.History{}
	events := c.Temporal.GetWorkflowHistory(ctx, id, run, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			return nil, fmt.Errorf("read history of instance %q: %w", id, readable(err))
		}
		h.Events = append(h.Events, e)
	}
	return h, nil
}
