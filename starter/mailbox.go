package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

func (a *app) mailboxCommand() *cobra.Command {
	return group("mailbox", "Look after the mailboxes that are watched",
		a.mailboxAddCommand(), a.mailboxListCommand(), a.mailboxStatusCommand(),
		a.mailboxChangeCommand("pause", contract.PauseUpdate, "paused", "Stop watching a mailbox for a while; its position is kept"),
		a.mailboxChangeCommand("resume", contract.ResumeUpdate, "resumed", "Watch a mailbox again that was paused or that errors stopped, from where it was left"),
		a.mailboxDiscoverCommand(), a.mailboxImportCommand(), a.mailboxDiagnoseCommand(), a.mailboxResyncCommand(),
		a.mailboxChangeCommand("remove", contract.RemoveMailboxUpdate, "removed", "Stop watching a mailbox and forget its position; its mail stays"),
	)
}

func (a *app) mailboxListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List mailboxes with the state of their connections",
		Long:    "list reads Temporal's visibility store, which is some moments behind what happens.",
		Example: `  starter mailbox list`,
		Args:    need(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				names, err := c.Mailboxes(ctx)
				if err != nil {
					return err
				}
				mailboxes, err := present(ctx, names, c.Mailbox)
				if err != nil {
					return err
				}
				return a.print(cmd, mailboxes, func(w io.Writer) {
					var rows [][]string
					for _, m := range mailboxes {
						rows = append(rows, []string{m.Name, m.Connection, m.Config.Username, m.Config.Host, m.Config.Folder,
							strconv.FormatInt(m.Started, 10), strconv.FormatInt(m.Dead, 10), stamp(m.LastMail), m.Cause})
					}
					table(w, "no mailboxes", []string{"NAME", "CONNECTION", "USER", "HOST", "FOLDER", "STARTED", "DEAD", "LAST MAIL", "CAUSE"}, rows)
				})
			})
		},
	}
}

func (a *app) mailboxStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "status NAME",
		Short:             "Show a mailbox: its connection, what its mail has caused, and its dead letters",
		Example:           `  starter mailbox status support --output json`,
		Args:              need("NAME"),
		ValidArgsFunction: a.completeMailbox,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				m, err := c.Mailbox(ctx, args[0])
				if err != nil {
					return err
				}
				return a.print(cmd, m, func(w io.Writer) { printMailbox(w, m) })
			})
		},
	}
}

func printMailbox(w io.Writer, m client.Mailbox) {
	push := ""
	if m.Watch.Connected {
		push = "polled every " + (time.Duration(m.Config.PollMS) * time.Millisecond).String()
		if m.Watch.Idle {
			push = "the server tells of new mail (IDLE)"
		}
	}
	fields(w,
		"name", m.Name,
		"connection", m.Connection,
		"cause", m.Cause,
		"new mail", push,
		"last sign of life", stamp(m.Watch.LastAlive),
		"worker", m.Watch.Worker,
		"server", fmt.Sprintf("%s:%d, tls %s, user %s, folder %s", m.Config.Host, m.Config.Port, m.Config.TLS, m.Config.Username, strings.Join(m.Config.Folders(), ", ")),
		"last mail", stamp(m.LastMail),
		"processes and messages", strconv.FormatInt(m.Started, 10),
		"handled before", strconv.FormatInt(m.Duplicates, 10),
		"ignored", strconv.FormatInt(m.Ignored, 10),
		"skipped", strconv.FormatInt(m.Skipped, 10),
		"dead letters", strconv.FormatInt(m.Dead, 10),
	)
	if m.Stopped != nil {
		fields(w, "stopped", stamp(m.Stopped.At))
	}
	if len(m.Config.ErrorPolicy) > 0 {
		fields(w, "error policy", string(m.Config.ErrorPolicy))
	}
	if m.LastError != "" {
		fields(w, "last error", m.LastError+" ("+stamp(m.LastErrorAt)+")")
	}
	if len(m.DeadLetters) > 0 {
		fmt.Fprintln(w)
		printDeadLetters(w, m.DeadLetters)
	}
}

func (a *app) mailboxResyncCommand() *cobra.Command {
	var since string
	cmd := &cobra.Command{
		Use:   "resync NAME",
		Short: "Read a mailbox again from a time on",
		Long: "resync has everything that arrived since then read again. What was handled before is recognised, and webhooks get the same\n" +
			"Webhook-Id again.",
		Example:           `  starter mailbox resync support --since 2026-11-20T08:00:00Z`,
		Args:              need("NAME"),
		ValidArgsFunction: a.completeMailbox,
		RunE: func(cmd *cobra.Command, args []string) error {
			at, err := time.Parse(time.RFC3339, since)
			if err != nil {
				return usage(fmt.Errorf("--since %q: a time such as 2026-11-20T08:00:00Z is expected", since))
			}
			if at.After(time.Now()) {
				return usage(fmt.Errorf("--since %s: a time that has been is expected; mail that waits would be passed over", since))
			}
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				if err := c.Resync(ctx, args[0], at); err != nil {
					return err
				}
				return a.print(cmd, map[string]string{"name": args[0], "since": since}, func(w io.Writer) {
					fmt.Fprintf(w, "reading mailbox %s again from %s on\n", args[0], since)
				})
			})
		},
	}
	cmd.Flags().StringVar(&since, "since", "", "when (required)")
	return cmd
}

func (a *app) mailboxChangeCommand(name, update, done, short string) *cobra.Command {
	return &cobra.Command{
		Use:               name + " NAME",
		Short:             short,
		Example:           "  starter mailbox " + name + " support",
		Args:              need("NAME"),
		ValidArgsFunction: a.completeMailbox,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				if err := c.ChangeMailbox(ctx, args[0], update); err != nil {
					return err
				}
				return a.print(cmd, map[string]string{"name": args[0], "result": done}, func(w io.Writer) {
					fmt.Fprintln(w, done, "mailbox", args[0])
				})
			})
		},
	}
}

func (a *app) completeMailbox(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return a.completeNames(cmd, args, func(ctx context.Context, c *client.Client) ([]string, error) { return c.Mailboxes(ctx) })
}
