package client

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/waybill-io/waybill/activities/contract"
)

// PutWebhook has a program told of the mail of a mailbox. The subscription is a webhook.Subscription; one of the same name is replaced.
func (c *Client) PutWebhook(ctx context.Context, mailbox, name string, subscription json.RawMessage) error {
	if err := c.Put(ctx, contract.WebhooksID(mailbox), name, subscription); err != nil {
		return fmt.Errorf("add webhook %q to mailbox %q: %w", name, mailbox, err)
	}
	return nil
}

// RemoveWebhook tells a program no more. What it has not accepted yet is dropped.
func (c *Client) RemoveWebhook(ctx context.Context, mailbox, name string) error {
	if err := c.Remove(ctx, contract.WebhooksID(mailbox), name); err != nil {
		return fmt.Errorf("remove webhook %q of mailbox %q: %w", name, mailbox, err)
	}
	return nil
}

// Webhooks returns the webhooks of a mailbox in order of their names.
func (c *Client) Webhooks(ctx context.Context, mailbox string) ([]contract.RegistryEntry, error) {
	entries, err := c.Entries(ctx, contract.WebhooksID(mailbox))
	if err != nil {
		return nil, fmt.Errorf("read the webhooks of mailbox %q: %w", mailbox, err)
	}
	return entries, nil
}
