package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

func (a *app) deadLetterCommand() *cobra.Command {
	return group("deadletter", "Look after mail that could not be handled", a.deadLetterListCommand(), a.deadLetterShowCommand(),
		a.deadLetterChangeCommand("retry", contract.RetryDeadUpdate, "Deliver dead letters again, from what is stored of them",
			"A dead letter that fails again is listed again, under a new number. One that was never stored, because it was too large,\n"+
				"is kept: raise --max-size with `starter mailbox add` and read the mailbox again with `starter mailbox resync`."),
		a.deadLetterChangeCommand("drop", contract.DropDeadUpdate, "Forget dead letters; their mail stays in the mailbox", ""),
	)
}

func (a *app) deadLetterListCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "list MAILBOX",
		Short:             "List the dead letters of a mailbox with their reasons",
		Example:           `  starter deadletter list support`,
		Args:              need("MAILBOX"),
		ValidArgsFunction: a.completeMailbox,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				m, err := c.Mailbox(ctx, args[0])
				if err != nil {
					return err
				}
				return a.print(cmd, list(m.DeadLetters), func(w io.Writer) { printDeadLetters(w, m.DeadLetters) })
			})
		},
	}
}

func printDeadLetters(w io.Writer, all []contract.DeadLetter) {
	var rows [][]string
	for _, d := range all {
		rows = append(rows, []string{strconv.FormatInt(d.N, 10), d.From, d.Subject, strconv.FormatInt(d.Size, 10), stamp(d.At), d.Reason})
	}
	table(w, "no dead letters", []string{"N", "FROM", "SUBJECT", "BYTES", "AT", "REASON"}, rows)
}

func (a *app) deadLetterShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show MAILBOX N",
		Short:   "Show a dead letter",
		Example: `  starter deadletter show support 3`,
		Args:    need("MAILBOX", "N"),
		RunE: func(cmd *cobra.Command, args []string) error {
			numbers, err := letterNumbers(args[1:])
			if err != nil {
				return err
			}
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				m, err := c.Mailbox(ctx, args[0])
				if err != nil {
					return err
				}
				i := slices.IndexFunc(m.DeadLetters, func(d contract.DeadLetter) bool { return d.N == numbers[0] })
				if i < 0 {
					return fmt.Errorf("mailbox %q has no dead letter %d: %w", args[0], numbers[0], client.ErrNotFound)
				}
				d := m.DeadLetters[i]
				return a.print(cmd, d, func(w io.Writer) {
					fields(w, "number", args[1], "reason", d.Reason, "webhook", d.Webhook, "from", d.From, "subject", d.Subject,
						"message-id", d.MessageID, "bytes", strconv.FormatInt(d.Size, 10), "at", stamp(d.At), "folder", d.Folder, "mail", d.ID, "stored as", d.Blob)
				})
			})
		},
	}
}

func (a *app) deadLetterChangeCommand(name, update, short, long string) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:     name + " MAILBOX [N...]",
		Short:   short,
		Long:    long,
		Example: "  starter deadletter " + name + " support 3 4\n  starter deadletter " + name + " support --all",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			numbers, err := letterNumbers(args[1:])
			if err != nil {
				return err
			}
			if all == (len(numbers) > 0) {
				return usage(errors.New("the numbers of dead letters are expected, or --all"))
			}
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				answer, err := c.DeadLetters(ctx, args[0], update, contract.DeadLetterChoice{Numbers: numbers, All: all})
				if err != nil {
					return err
				}
				if err := a.print(cmd, answer, func(w io.Writer) {
					fmt.Fprintf(w, "%s: %d dead letters\n", name, len(answer.Done))
					if len(answer.Kept) > 0 {
						fmt.Fprintf(w, "kept, since their mail was never stored: %v\n", answer.Kept)
					}
				}); err != nil {
					return err
				}
				unknown := slices.DeleteFunc(numbers, func(n int64) bool { return slices.Contains(answer.Done, n) || slices.Contains(answer.Kept, n) })
				if len(unknown) > 0 {
					return fmt.Errorf("mailbox %q has no dead letters %v, see `starter deadletter list %s`: %w", args[0], unknown, args[0], client.ErrNotFound)
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all of them")
	return cmd
}

func letterNumbers(args []string) ([]int64, error) {
	var numbers []int64
	for _, text := range args {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 {
			return nil, usage(fmt.Errorf("%q: the number of a dead letter is expected, as `starter deadletter list` shows it", text))
		}
		numbers = append(numbers, n)
	}
	return numbers, nil
}
