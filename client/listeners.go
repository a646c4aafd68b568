package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	temporal "go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"
	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/activities/contract"
)

// checkTimeout bounds a try to log in.
const checkTimeout = 90 * time.Second

// CheckMailbox has a worker try to log in to a mailbox, which need not be watched.
func (c *Client) CheckMailbox(ctx context.Context, config contract.MailboxConfig) (contract.CheckResult, error) {
	var result contract.CheckResult
	err := c.ask(ctx, temporal.StartActivityOptions{
		ID: "check-mailbox/" + rand.Text(), TaskQueue: contract.AccountQueue, ScheduleToCloseTimeout: checkTimeout,
	}, contract.CheckMailboxActivity, &result, config)
	if err != nil {
		return result, fmt.Errorf("check mailbox %q (is a worker with the role mailbox running?): %w", config.Name, err)
	}
	return result, nil
}

// webhookTimeout bounds a try to call a webhook, which waits ten seconds for an answer.
const webhookTimeout = 30 * time.Second

// CheckWebhook has a worker look at the settings of a webhook and call it, without a delivery.
func (c *Client) CheckWebhook(ctx context.Context, in contract.CheckWebhook) (contract.WebhookCheck, error) {
	var result contract.WebhookCheck
	err := c.ask(ctx, temporal.StartActivityOptions{
		ID: "check-webhook/" + rand.Text(), TaskQueue: contract.WebhookQueue, ScheduleToCloseTimeout: webhookTimeout,
	}, contract.CheckWebhookActivity, &result, in)
	if err != nil {
		return result, fmt.Errorf("check webhook %q (is a worker with the role process running?): %w", in.Webhook, err)
	}
	return result, nil
}

const (
	// testTimeout is how long a test of a mailbox may take beside the wait for the mail: to log in, to send, and to look into all folders.
	testTimeout = 3 * time.Minute
	// unclaimedTest is how long it may wait for a worker.
	unclaimedTest = 30 * time.Second
)

// TestMailbox has a worker send a mail from a mailbox to itself, once, and wait until the mailbox has handled it.
func (c *Client) TestMailbox(ctx context.Context, in contract.TestMailbox) (contract.TestedMailbox, error) {
	var result contract.TestedMailbox
	err := c.ask(ctx, temporal.StartActivityOptions{
		ID: "test-mailbox/" + rand.Text(), TaskQueue: contract.AccountQueue, ScheduleToStartTimeout: unclaimedTest,
		ScheduleToCloseTimeout: testTimeout + in.Wait, HeartbeatTimeout: lostWorker, RetryPolicy: &sdk.RetryPolicy{MaximumAttempts: 1},
	}, contract.TestMailboxActivity, &result, in)
	if err != nil {
		return result, fmt.Errorf("send a test message from mailbox %q (is a worker with the role mailbox running?): %w", in.Mailbox, err)
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
