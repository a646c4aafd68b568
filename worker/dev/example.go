package dev

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/examples"
	"github.com/waybill-io/waybill/project"
)

const (
	// Password opens every mailbox of the development server.
	Password = "waybill"
	// passwordVariable carries it to the watchers the way a secret travels: by reference.
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
	// The loader reads folders; the example is in the program.
	dir := filepath.Join(e.options.Data, "examples")
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.CopyFS(dir, examples.Files); err != nil {
		return err
	}
	if err := e.Deploy(ctx, filepath.Join(dir, "support-desk")); err != nil {
		return fmt.Errorf("deploy the support-desk example: %w", err)
	}
	e.say("example  support desk: write to %s, read answers in the sender's mailbox", address)
	return e.Watch(ctx, mailbox, address)
}

// Deploy loads files and folders and deploys all that they hold.
func (e *Environment) Deploy(ctx context.Context, paths ...string) error {
	p, err := project.Load(paths, project.Options{BuiltIn: e.definitions})
	if err != nil {
		return err
	}
	for _, t := range p.Templates {
		if err := e.Client.PutTemplate(ctx, t.Key, t.Template); err != nil {
			return err
		}
	}
	for _, d := range p.Definitions {
		if _, err := e.Client.Deploy(ctx, d); err != nil {
			return err
		}
	}
	for _, t := range p.Triggers {
		if err := e.Client.PutTrigger(ctx, t.Source, t.Name, t.Raw); err != nil {
			return err
		}
	}
	return nil
}

// Watch has the mailbox of an address watched under a name and returns when it is connected, so that the first mail is handled at once.
func (e *Environment) Watch(ctx context.Context, name, address string) error {
	imapHost, imapPort, err := split(e.Mail.IMAPAddr())
	if err != nil {
		return err
	}
	err = e.Client.ConfigureMailbox(ctx, contract.MailboxConfig{
		Name: name, Host: imapHost, Port: imapPort, TLS: "none", Username: address, Password: "env:" + passwordVariable,
		Folder: "INBOX", MarkSeen: true, MaxBytes: 50 << 20, PollMS: time.Minute.Milliseconds(), LeaseMS: lease.Milliseconds(),
	})
	if err != nil {
		return err
	}
	cause := ""
	for {
		m, err := e.Client.Mailbox(ctx, name)
		if err == nil && m.Connection == "connected" {
			return nil
		}
		if err == nil {
			cause = m.Cause
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("mailbox %s is not connected: %s: %w", name, cause, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}
