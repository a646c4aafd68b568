package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

func (a *app) instanceCommand() *cobra.Command {
	return group("instance", "Operate an instance: suspend it, and run ad-hoc sub-processes",
		a.operateCommand("suspend", "ID", "Let nothing happen to an instance until resume: results, timers, messages and people's answers wait",
			func(ctx context.Context, c *client.Client, args []string) error { return c.Suspend(ctx, args[0]) }),
		a.operateCommand("resume", "ID", "Let a suspended instance go on with what came in the meantime",
			func(ctx context.Context, c *client.Client, args []string) error { return c.Resume(ctx, args[0]) }),
		a.operateCommand("activate", "ID ELEMENT", "Start an activity of an ad-hoc sub-process",
			func(ctx context.Context, c *client.Client, args []string) error {
				return c.Activate(ctx, args[0], args[1])
			}),
		a.operateCommand("finish", "ID ELEMENT", "Complete an ad-hoc sub-process in which nothing runs",
			func(ctx context.Context, c *client.Client, args []string) error {
				return c.FinishScope(ctx, args[0], args[1])
			}),
	)
}

func (a *app) operateCommand(name, arguments, short string, do func(context.Context, *client.Client, []string) error) *cobra.Command {
	example, names := "  starter instance "+name+" support/k3v9q2", []string{"ID"}
	if arguments != "ID" {
		example, names = example+" write-letter", append(names, "ELEMENT")
	}
	return &cobra.Command{
		Use: name + " " + arguments, Short: short, Example: example, Args: need(names...),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				if err := do(ctx, c, args); err != nil {
					return err
				}
				r, err := c.Get(ctx, args[0])
				if err != nil {
					return err
				}
				return a.printResult(cmd, r)
			})
		},
	}
}

func (a *app) signalCommand() *cobra.Command {
	var vars variableFlags
	var b contract.SignalBroadcast
	cmd := &cobra.Command{
		Use:   "signal NAME",
		Short: "Broadcast a signal to all instances that wait for it, and start the processes that begin with it",
		Example: `  starter signal price-list-changed --var year=2027
  starter signal price-list-changed --id change-88`,
		Args: need("NAME"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			b.Name = args[0]
			if b.Variables, err = vars.read(cmd); err != nil {
				return err
			}
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				r, err := c.Signal(ctx, b)
				if err != nil {
					return err
				}
				return a.print(cmd, r, func(w io.Writer) {
					if r.Duplicate {
						fmt.Fprintln(w, "dropped: this id was broadcast before")
						return
					}
					fmt.Fprintf(w, "delivered %d times, started %d instances\n", r.Delivered, len(r.Started))
				})
			})
		},
	}
	vars.add(cmd)
	cmd.Flags().StringVar(&b.ID, "id", "", "the signal's own id: the same one again is dropped")
	return cmd
}

func (a *app) variablesCommand() *cobra.Command {
	var vars variableFlags
	set := &cobra.Command{
		Use:   "set ID",
		Short: "Set variables of a running instance; conditional events hear of it",
		Example: `  starter variables set support/k3v9q2 --var urgent=true
  starter variables set support/k3v9q2 --var-file correction.json`,
		Args: need("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			values, err := vars.read(cmd)
			if err != nil {
				return err
			}
			if len(values) == 0 {
				return usage(errors.New("--var or --var-file is missing"))
			}
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				if err := c.SetVariables(ctx, args[0], values); err != nil {
					return err
				}
				r, err := c.Get(ctx, args[0])
				if err != nil {
					return err
				}
				return a.printResult(cmd, r)
			})
		},
	}
	vars.add(set)
	return group("variables", "Change variables of a running instance (get shows them)", set)
}
