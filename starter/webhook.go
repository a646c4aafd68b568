package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/mail/webhook"
)

var errMailbox = errors.New("--mailbox is required")

func (a *app) webhookCommand() *cobra.Command {
	return group("webhook", "Tell other programs of the mail of a mailbox", a.webhookAddCommand(), a.webhookListCommand(), a.webhookRemoveCommand())
}

func (a *app) webhookAddCommand() *cobra.Command {
	var s webhook.Subscription
	var mailboxes []string
	var format string
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Have a program told of mail, or change how it is told",
		Long: "add has every mail of the mailboxes posted to an address, signed as Standard Webhooks have it: the headers Webhook-Id,\n" +
			"Webhook-Timestamp and Webhook-Signature. What is not accepted with 2xx is tried again, with the same Webhook-Id, and becomes\n" +
			"a dead letter after --give-up. To change a secret, give both for a while: deliveries then carry two signatures.",
		Example: `  starter webhook add crm --mailbox support --url https://crm.example.com/mail --secret env:CRM_SECRET
  starter webhook add crm --mailbox support --url https://crm.example.com/mail --secret env:CRM_SECRET_NEW --secret env:CRM_SECRET
  starter webhook add creatio --mailbox sales --url https://creatio.example.com/mail --format full-email --secret file:/run/secrets/creatio`,
		Args: need("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			s.Name, s.Format = args[0], webhook.Format(format)
			if len(mailboxes) == 0 {
				return usage(errMailbox)
			}
			if s.GiveUp == 0 { // which means the default to those who read it
				return usage(errors.New("--give-up 0s: a positive time is expected, such as 1s"))
			}
			if err := s.Validate(); err != nil {
				return usage(err)
			}
			document, err := json.Marshal(s)
			if err != nil {
				return err
			}
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				for _, mailbox := range mailboxes {
					if err := c.PutWebhook(ctx, mailbox, s.Name, document); err != nil {
						return err
					}
					// It may be added first, so that no mail comes before it.
					if _, err := c.Mailbox(ctx, mailbox); errors.Is(err, client.ErrNotFound) {
						fmt.Fprintf(cmd.ErrOrStderr(), "warning: no mailbox %s is watched yet: `starter mailbox add %s` adds it\n", mailbox, mailbox)
					}
				}
				return a.print(cmd, s, func(w io.Writer) {
					fmt.Fprintf(w, "webhook %s is told of the mail of %s\n", s.Name, strings.Join(mailboxes, ", "))
				})
			})
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&mailboxes, "mailbox", nil, "mailbox (required); may be repeated")
	flags.StringVar(&s.URL, "url", "", "address (required)")
	flags.StringVar(&format, "format", string(webhook.CloudEvents), "cloudevents; or full-email, new-email as the listener service that applications had before")
	flags.StringArrayVar(&s.Secrets, "secret", nil, "where the workers find what to sign with, env:NAME or file:/path; may be repeated")
	flags.BoolVar(&s.Unsigned, "unsigned", false, "do not sign: anybody can then pretend to be Waybill")
	flags.BoolVar(&s.Plain, "allow-plain", false, "let mail cross a network in clear text (http)")
	flags.BoolVar(&s.Ordered, "ordered", false, "post the mails of a mailbox in order: each waits until those before it were accepted")
	flags.DurationVar(&s.GiveUp, "give-up", webhook.DefaultGiveUp, "how long a mail is tried until it becomes a dead letter")
	flags.StringVar(&s.ID, "id", "", "with full-email, new-email: Id that is repeated to the application")
	flags.StringVar(&s.MailboxID, "mailbox-id", "", "likewise MailboxId")
	flags.StringVar(&s.SysAdminUnit, "sys-admin-unit", "", "likewise SysAdminUnit")
	flags.StringVar(&s.TimeZoneID, "time-zone-id", "", "likewise TimeZoneId")
	return cmd
}

func (a *app) webhookListCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "list MAILBOX",
		Short:             "List who is told of the mail of a mailbox",
		Example:           `  starter webhook list support`,
		Args:              need("MAILBOX"),
		ValidArgsFunction: a.completeMailbox,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				entries, err := c.Webhooks(ctx, args[0])
				if err != nil {
					return err
				}
				if len(entries) == 0 {
					if _, err := c.Mailbox(ctx, args[0]); err != nil {
						return err
					}
				}
				all := []webhook.Subscription{}
				for _, e := range entries {
					s, err := webhook.Parse(e.Value)
					if err != nil {
						return err
					}
					all = append(all, s)
				}
				return a.print(cmd, all, func(w io.Writer) {
					var rows [][]string
					for _, s := range all {
						signed := fmt.Sprintf("%d secrets", len(s.Secrets))
						if s.Unsigned {
							signed = "unsigned"
						}
						rows = append(rows, []string{s.Name, s.URL, string(s.Format), signed, fmt.Sprint(s.Ordered), s.GiveUp.String()})
					}
					table(w, "no webhooks", []string{"NAME", "URL", "FORMAT", "SIGNED", "ORDERED", "GIVE UP"}, rows)
				})
			})
		},
	}
}

func (a *app) webhookRemoveCommand() *cobra.Command {
	var mailbox string
	cmd := &cobra.Command{
		Use:     "remove NAME",
		Short:   "Tell a program no more; what it has not accepted yet is dropped",
		Example: `  starter webhook remove crm --mailbox support`,
		Args:    need("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if mailbox == "" {
				return usage(errMailbox)
			}
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				all, err := c.Webhooks(ctx, mailbox)
				if err != nil {
					return err
				}
				if !slices.ContainsFunc(all, func(e contract.RegistryEntry) bool { return e.ID == args[0] }) {
					return fmt.Errorf("mailbox %q has no webhook %q, see `starter webhook list %s`: %w", mailbox, args[0], mailbox, client.ErrNotFound)
				}
				if err := c.RemoveWebhook(ctx, mailbox, args[0]); err != nil {
					return err
				}
				return a.print(cmd, map[string]string{"removed": args[0], "mailbox": mailbox}, func(w io.Writer) {
					fmt.Fprintf(w, "webhook %s is told of the mail of %s no more\n", args[0], mailbox)
				})
			})
		},
	}
	cmd.Flags().StringVar(&mailbox, "mailbox", "", "mailbox (required)")
	return cmd
}
