package client

import (
	"context"
	"fmt"
	"time"

	"github.com/waybill-io/waybill/activities/contract"
)

const (
	// emailTestTimeout bounds a try of the email service, which a worker gives up after a minute.
	emailTestTimeout = 90 * time.Second
	// emailHealthTimeout bounds what takes a worker no time.
	emailHealthTimeout = 5 * time.Second
)

// TestEmail has a worker try the email service out, and send a mail unless To is "".
func (c *Client) TestEmail(ctx context.Context, in contract.TestEmail) (contract.EmailReport, error) {
	var report contract.EmailReport
	err := c.askMail(ctx, contract.TestEmailActivity, emailTestTimeout, &report, in)
	if err != nil {
		return report, fmt.Errorf("test the email service: %w", err)
	}
	return report, nil
}

// EmailHealth asks a worker, any of those that send mail, what its last mails tell of the servers.
func (c *Client) EmailHealth(ctx context.Context) (contract.EmailHealth, error) {
	var health contract.EmailHealth
	err := c.askMail(ctx, contract.EmailHealthActivity, emailHealthTimeout, &health)
	if err != nil {
		return health, fmt.Errorf("ask for the state of the email service: %w", err)
	}
	return health, nil
}

// askMail asks once: a repetition would send a second mail.
func (c *Client) askMail(ctx context.Context, activity string, timeout time.Duration, out any, in ...any) error {
	return c.askOnce(ctx, question{activity: activity, queue: contract.EmailQueue, hint: connectorsAnswer, timeout: timeout, heartbeat: contract.CallHeartbeat}, out, in...)
}
