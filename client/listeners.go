package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	temporal "go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/activities/contract"
)

// checkTimeout bounds a try to log in.
const checkTimeout = 90 * time.Second

// CheckMailbox has a worker try to log in to a mailbox, which need not be watched.
func (c *Client) CheckMailbox(ctx context.Context, config contract.MailboxConfig) (contract.CheckResult, error) {
	var result contract.CheckResult
	h, err := c.Temporal.ExecuteActivity(ctx, temporal.StartActivityOptions{
		ID: "check-mailbox/" + rand.Text(), TaskQueue: contract.AccountQueue, ScheduleToCloseTimeout: checkTimeout,
	}, contract.CheckMailboxActivity, config)
	if err == nil {
		err = h.Get(ctx, &result)
	}
	if err != nil {
		return result, fmt.Errorf("check mailbox %q (is a worker with the role mailbox running?): %w", config.Name, readable(err))
	}
	return result, nil
}

// Watched are all mailboxes that are watched, or stopped by errors, with the states of their connections, at the cost of two requests a
// group of them. Paused ones are not among them, and of their mail it tells nothing: see Mailbox.
func (c *Client) Watched(ctx context.Context) ([]Mailbox, error) {
	groups := contract.WatcherGroups()
	lists := make([][]Mailbox, len(groups))
	group, working := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i, id := range groups {
		group.Go(func() (err error) {
			lists[i], err = c.members(working, id)
			return err
		})
	}
	err := group.Wait()
	return slices.Concat(lists...), err
}

func (c *Client) members(ctx context.Context, group string) ([]Mailbox, error) {
	var members contract.Members
	err := c.query(ctx, group, contract.MembersQuery, &members, 0)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the mailboxes of %s: %w", group, err)
	}
	states, err := c.watched(ctx, group)
	if err != nil {
		return nil, err
	}
	var list []Mailbox
	for _, member := range members.List {
		m := Mailbox{Name: member.Mailbox}
		m.Config, m.Stopped = member.Config, member.Stopped
		for _, s := range states {
			if s.Mailbox == m.Name {
				m.Watch = s
			}
		}
		m.judge(time.Now())
		list = append(list, m)
	}
	return list, nil
}
