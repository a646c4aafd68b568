package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/api/temporalproto"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

// states are what list shows: those of a process, and the two ends that it does not know of.
var states = []string{contract.StateActive, contract.StateSuspended, contract.StatePaused, contract.StateCompleted, contract.StateCancelled, "terminated", "failed"}

func (a *app) listCommand() *cobra.Command {
	var f client.Filter
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List instances, the newest first",
		Long:  "list reads Temporal's visibility store, which is some moments behind what happens.",
		Example: `  starter list --key support --state suspended
  starter list --business-key CASE-7 --output json`,
		Args: need(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.State != "" && !slices.Contains(states, f.State) {
				return usage(fmt.Errorf("--state %s: %s is expected", f.State, strings.Join(states, ", ")))
			}
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				instances, err := c.List(ctx, f)
				if err != nil {
					return err
				}
				return a.print(cmd, list(instances), func(w io.Writer) {
					var rows [][]string
					for _, i := range instances {
						end := time.Time{}
						if i.Ended != nil {
							end = *i.Ended
						}
						rows = append(rows, []string{i.ID, i.Key, i.State, i.BusinessKey, stamp(i.Started), stamp(end)})
					}
					table(w, "no instances", []string{"ID", "KEY", "STATE", "BUSINESS KEY", "STARTED", "ENDED"}, rows)
				})
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.Key, "key", "", "only instances of this process")
	flags.StringVar(&f.State, "state", "", "only instances in this state: "+strings.Join(states, ", "))
	// It cannot fail: the flag was defined a line above.
	_ = cmd.RegisterFlagCompletionFunc("state", cobra.FixedCompletions(states, cobra.ShellCompDirectiveNoFileComp))
	flags.StringVar(&f.BusinessKey, "business-key", "", "only instances with this business key")
	flags.IntVar(&f.Limit, "limit", 100, "at most so many")
	return cmd
}

func (a *app) getCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "get ID",
		Short:   "Show an instance: its state, variables, path and incidents",
		Example: `  starter get support/k3v9q2 --output json`,
		Args:    need("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				r, err := c.Get(ctx, args[0])
				if err != nil {
					return err
				}
				return a.printResult(cmd, r)
			})
		},
	}
}

func (a *app) cancelCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "cancel ID",
		Short:   "End an instance in good order: its tasks, timers and calls are stopped",
		Example: `  starter cancel support/k3v9q2`,
		Args:    need("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				if err := c.Cancel(ctx, args[0]); err != nil {
					return err
				}
				result := map[string]string{"id": args[0], "state": contract.StateCancelled}
				return a.print(cmd, result, func(w io.Writer) { fmt.Fprintln(w, "cancelled", args[0]) })
			})
		},
	}
}

func (a *app) historyCommand() *cobra.Command {
	var run string
	cmd := &cobra.Command{
		Use:   "history ID",
		Short: "Write the history of an instance as JSON, as Temporal's replayer reads it",
		Long: "history writes JSON whatever --output says. An instance that went on as new has several runs; without --run it is the last.\n" +
			"testsuite.Replay replays it under the id that it ran with, from which the ids of its tasks are made. It holds the instance's variables.",
		Example: `  starter history support/k3v9q2 > history.json`,
		Args:    need("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				h, err := c.History(ctx, args[0], run)
				if err != nil {
					return err
				}
				text, err := temporalproto.CustomJSONMarshalOptions{Indent: "  "}.Marshal(h)
				if err != nil {
					return fmt.Errorf("write history of instance %q: %w", args[0], err)
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", text)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&run, "run", "", "id of the run (default the last)")
	return cmd
}

// printResult prints the state of an instance with everything in it.
func (a *app) printResult(cmd *cobra.Command, r contract.ProcessResult) error {
	r.Path = list(r.Path)
	if r.Variables == nil {
		r.Variables = map[string]any{}
	}
	return a.print(cmd, r, func(w io.Writer) { printInstance(w, r) })
}

func printInstance(w io.Writer, r contract.ProcessResult) {
	fields(w,
		"id", r.ID,
		"process", fmt.Sprintf("%s, version %d", r.Definition.Key, r.Definition.Version),
		"tenant", r.Definition.Tenant,
		"business key", r.BusinessKey,
		"state", r.State,
		"waits at", strings.Join(r.Active, ", "),
		"can start", strings.Join(r.Enabled, ", "),
		"path", strings.Join(r.Path, ", "),
	)
	for _, i := range r.Incidents {
		fields(w, "incident", incidentLine(i))
	}
	variables(w, r.Variables)
}

func incidentLine(i contract.Incident) string {
	line := fmt.Sprintf("%d at %s since %s: ", i.ID, i.Element, stamp(i.At))
	if i.Code != "" {
		line += i.Code + ": "
	}
	return line + i.Message
}
