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
	return group("deadletter", "Look after mail and events that could not be handled", a.deadLetterListCommand(), a.deadLetterShowCommand(),
		a.deadLetterChangeCommand("retry", contract.RetryDeadUpdate, "Handle dead letters again, from what is stored of them",
			"A dead letter that fails again is listed again, under a new number. One that was never stored, because it was too large,\n"+
				"is kept: raise --max-size with `starter mailbox add` and read the mailbox again with `starter mailbox resync`."),
		a.deadLetterChangeCommand("drop", contract.DropDeadUpdate, "Forget dead letters; their mail stays in the mailbox", ""),
	)
}

func (a *app) deadLetterListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list NAME",
		Short: "List the dead letters of a mailbox, a connector or a timer with their reasons",
		Example: `  starter deadletter list support
  starter deadletter list shop`,
		Args:              need("NAME"),
		ValidArgsFunction: a.completeMailbox,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				mails, mailbox, events, err := deadLettersOf(ctx, c, args[0])
				if err != nil {
					return err
				}
				if !mailbox && len(events) == 0 {
					fmt.Fprintf(cmd.ErrOrStderr(), "warning: there is no mailbox %q, and no event of a connector or timer of this name is dead\n", args[0])
				}
				all := []any{}
				for _, d := range mails {
					all = append(all, d)
				}
				for _, d := range events {
					all = append(all, d)
				}
				return a.print(cmd, all, func(w io.Writer) {
					if mailbox {
						printDeadLetters(w, mails)
					}
					if !mailbox || len(events) > 0 {
						printDeadEvents(w, events)
					}
				})
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
		Use:   "show MAILBOX N|EVENT",
		Short: "Show a dead letter",
		Example: `  starter deadletter show support 3
  starter deadletter show event/shop/SOLD/7`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && isEvent(args[0]) {
				return nil
			}
			return need("MAILBOX", "N")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return a.showDeadEvent(cmd, args[0])
			}
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
		Use:     name + " MAILBOX N...|NAME --all|EVENT...",
		Short:   short,
		Long:    long,
		Example: "  starter deadletter " + name + " support 3 4\n  starter deadletter " + name + " support --all",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if isEvent(args[0]) && !all {
				return a.changeDeadEvents(cmd, name, update, args)
			}
			numbers, err := letterNumbers(args[1:])
			if err != nil {
				return err
			}
			if all == (len(numbers) > 0) {
				return usage(errors.New("the numbers of dead letters are expected, or --all"))
			}
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				answer, events, err := changeDead(ctx, c, args[0], update, contract.DeadLetterChoice{Numbers: numbers, All: all})
				if err != nil {
					return err
				}
				if err := a.print(cmd, changedDead{answer, events}, func(w io.Writer) {
					fmt.Fprintf(w, "%s: %d dead letters\n", name, len(answer.Done))
					if len(events) > 0 {
						fmt.Fprintf(w, "%s: %d events\n", name, len(events))
					}
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
