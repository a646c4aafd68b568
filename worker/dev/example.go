package dev

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors/catalog"
	"github.com/waybill-io/waybill/examples"
	"github.com/waybill-io/waybill/project"
)

const (
	// Password opens every mailbox of the development server.
	Password = "waybill"
	// passwordVariable carries it to the watcher the way a secret travels: by reference.
	passwordVariable = "WAYBILL_DEV_MAIL_PASSWORD"
	// mailbox and address are those of the example.
	mailbox = "support"
	address = "support@example.com"
	// lease is short on a machine where a heartbeat costs nobody anything.
	lease = 5 * time.Second
)

// deployExample deploys the support desk and has its mailbox watched.
func (e *Environment) deployExample(ctx context.Context) error {
	if !e.options.Example {
		return nil
	}
	if err := os.Setenv(passwordVariable, Password); err != nil {
		return err
	}
	// The loader reads folders; the example is in the program.
	dir := filepath.Join(e.options.Data, "examples")
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.CopyFS(dir, examples.Files); err != nil {
		return err
	}
	p, err := project.Load([]string{filepath.Join(dir, "support-desk")}, project.Options{BuiltIn: catalog.Definitions()})
	if err != nil {
		return err
	}
	c := e.Client
	for _, d := range p.Definitions {
		if _, err := c.Deploy(ctx, d); err != nil {
			return err
		}
	}
	for _, t := range p.Triggers {
		if err := c.PutTrigger(ctx, t.Source, t.Name, t.Raw); err != nil {
			return err
		}
	}
	imapHost, imapPort, err := split(e.Mail.IMAPAddr())
	if err != nil {
		return err
	}
	err = c.ConfigureMailbox(ctx, contract.MailboxConfig{
		Name: mailbox, Host: imapHost, Port: imapPort, TLS: "none", Username: address, Password: "env:" + passwordVariable,
		Folder: "INBOX", MarkSeen: true, MaxBytes: 50 << 20, PollMS: time.Minute.Milliseconds(), LeaseMS: lease.Milliseconds(),
	})
	if err != nil {
		return err
	}
	e.say("example  support desk: write to %s, read answers in the sender's mailbox", address)
	return e.connected(ctx, c)
}

// connected waits until the mailbox is watched, so that the first mail is answered at once.
func (e *Environment) connected(ctx context.Context, c *client.Client) error {
	for {
		m, err := c.Mailbox(ctx, mailbox)
		if err != nil {
			return err
		}
		if m.Connection == "connected" {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(50 * time.Millisecond):
		}
		if m.Cause != "" {
			return fmt.Errorf("mailbox %s: %s", mailbox, m.Cause)
		}
	}
}
