package client

import (
	"context"
	"fmt"

	"github.com/waybill-io/waybill/activities/contract"
)

// TakeTurns takes turns to call a connector.
func (c *Client) TakeTurns(ctx context.Context, connector string, in contract.TakeTurns) (turns contract.Turns, err error) {
	err = insist(ctx, func() error {
		return c.updateWithStart(ctx, contract.PaceID(connector), contract.PaceWorkflow, contract.TurnsUpdate, contract.PaceState{}, in, &turns)
	})
	if err != nil {
		return turns, fmt.Errorf("take turns to call %s: %w", connector, err)
	}
	return turns, nil
}
