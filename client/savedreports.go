package client

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/waybill-io/waybill/activities/contract"
)

// savedKey is the id of a saved report in its registry. The name of a user is hashed when it is no plain text, and has no slash then.
func savedKey(user string, number int) string {
	return contract.Segment(user) + "/" + strconv.Itoa(number)
}

// SavedReports are what a user saved, by the keys of the registry.
func (c *Client) SavedReports(ctx context.Context, user string) ([]contract.SavedReport, error) {
	entries, err := c.Entries(ctx, contract.SavedReportsID)
	if err != nil {
		return nil, fmt.Errorf("read the saved reports: %w", err)
	}
	var all []contract.SavedReport
	for _, e := range entries {
		if !strings.HasPrefix(e.ID, contract.Segment(user)+"/") {
			continue
		}
		var s contract.SavedReport
		if err := json.Unmarshal(e.Value, &s); err != nil {
			return nil, fmt.Errorf("read the saved report %s: %w", e.ID, err)
		}
		all = append(all, s)
	}
	return all, nil
}

// SaveReport saves a report for a user, in place of the one with its number.
func (c *Client) SaveReport(ctx context.Context, user string, s contract.SavedReport) error {
	value, err := json.Marshal(s)
	if err == nil {
		err = c.Put(ctx, contract.SavedReportsID, savedKey(user, s.Number), value)
	}
	if err != nil {
		return fmt.Errorf("save the report %q: %w", s.Name, err)
	}
	return nil
}

// RemoveReport removes a report that a user saved. What is not there is no error.
func (c *Client) RemoveReport(ctx context.Context, user string, number int) error {
	if err := c.Remove(ctx, contract.SavedReportsID, savedKey(user, number)); err != nil {
		return fmt.Errorf("remove the saved report %d: %w", number, err)
	}
	return nil
}
