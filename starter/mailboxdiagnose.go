package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/client"
)

// maxTestWait bounds how long a test message is waited for.
const maxTestWait = 10 * time.Minute

func (a *app) mailboxDiagnoseCommand() *cobra.Command {
	var test bool
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "diagnose NAME",
		Short: "Check everything that a mailbox needs, each by itself",
		Long: "diagnose asks whether Temporal answers, workers are there, the mailbox is watched and connected, a worker can log in and for how long\n" +
			"its token is good, somebody wants its mail, the settings of each webhook are good, each answers a call (OPTIONS, which delivers\n" +
			"nothing) and accepts mail, and whether there are dead letters. With --test-message it also sends a mail from the mailbox to\n" +
			"itself, marked as one of a machine, and waits until it was handled: triggers for automatic mail and all webhooks are told of it.\n" +
			"It exits with 1 when a check finds something.",
		Example: `  starter mailbox diagnose support
  starter mailbox diagnose support --test-message --wait 2m`,
		Args:              need("NAME"),
		ValidArgsFunction: a.completeMailbox,
		RunE: func(cmd *cobra.Command, args []string) error {
			o := client.DiagnoseOptions{}
			switch {
			case test && (wait < time.Second || wait > maxTestWait):
				return usage(fmt.Errorf("--wait %s: a time between 1s and %s is expected", wait, maxTestWait))
			case test:
				o.TestMessage = wait
			case cmd.Flags().Changed("wait"):
				return usage(errors.New("--wait is for --test-message"))
			}
			return a.connected(cmd, func(ctx context.Context, c *client.Client) error {
				findings := c.Diagnose(ctx, args[0], o)
				err := a.print(cmd, findings, func(w io.Writer) {
					var rows [][]string
					for _, f := range findings {
						state := "ok"
						if !f.OK {
							state = "NOT OK"
						}
						rows = append(rows, []string{state, f.Check, f.Cause, f.Cure})
					}
					table(w, "", []string{"", "CHECK", "FOUND", "WHAT TO DO"}, rows)
				})
				if err != nil {
					return err
				}
				if bad := slices.IndexFunc(findings, func(f client.Finding) bool { return !f.OK }); bad >= 0 {
					return fmt.Errorf("mailbox %q: %s: %s", args[0], findings[bad].Check, findings[bad].Cause)
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&test, "test-message", false, "send a mail from the mailbox to itself, and wait until it was handled")
	cmd.Flags().DurationVar(&wait, "wait", 30*time.Second, "with --test-message: how long; where the mailbox is polled, so much longer")
	return cmd
}
