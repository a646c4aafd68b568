package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors/trigger"
)

func (a *app) triggerCommand() *cobra.Command {
	return group("trigger", "See what events do, and try it out", a.triggerTestCommand(), a.triggerListCommand(), a.triggerShowCommand(), a.triggerDeleteCommand())
}

// deployedAt is a trigger that is deployed.
type deployedAt struct {
	Source string          `json:"source"`
	Name   string          `json:"name"`
	Does   string          `json:"does"`
	File   json.RawMessage `json:"file,omitempty"`
}

func (a *app) triggerListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list [SOURCE]",
		Short: "List the triggers that are deployed, of one source or of all",
		Example: `  starter trigger list
  starter trigger list connector.support.EMAIL_RECEIVED`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) (err error) {
				sources := args
				if len(sources) == 0 {
					if sources, err = c.TriggerSources(ctx); err != nil {
						return err
					}
				}
				slices.Sort(sources)
				var all []deployedAt
				for _, source := range sources {
					entries, err := c.Triggers(ctx, source)
					if err != nil {
						return err
					}
					for _, e := range entries {
						all = append(all, deployedAt{Source: source, Name: e.ID, Does: does(e)})
					}
				}
				return a.print(cmd, list(all), func(w io.Writer) {
					var rows [][]string
					for _, t := range all {
						rows = append(rows, []string{t.Source, t.Name, t.Does})
					}
					table(w, "no triggers", []string{"SOURCE", "NAME", "DOES"}, rows)
				})
			})
		},
	}
}

// does says in words what a trigger does.
func does(e contract.RegistryEntry) string {
	t, err := trigger.Read(e.ID, e.Value)
	switch {
	case err != nil:
		return "cannot be read: " + err.Error()
	case t.Implementation() != "":
		return "calls " + t.Implementation()
	case t.PayloadType() == trigger.ReceiveMessage && t.Process() != "":
		return trigger.ReceiveMessage + ", otherwise process " + t.Process()
	case t.Process() != "":
		return "starts process " + t.Process()
	}
	return t.PayloadType()
}

// deployedTriggerAt finds one trigger.
func deployedTriggerAt(ctx context.Context, c *client.Client, source, name string) (deployedAt, error) {
	entries, err := c.Triggers(ctx, source)
	if err != nil {
		return deployedAt{}, err
	}
	for _, e := range entries {
		if e.ID == name {
			return deployedAt{Source: source, Name: name, Does: does(e), File: e.Value}, nil
		}
	}
	return deployedAt{}, fmt.Errorf("%s has no trigger %q, see `starter trigger list`: %w", source, name, client.ErrNotFound)
}

func (a *app) triggerShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show SOURCE NAME",
		Short:   "Show a trigger as it is deployed",
		Example: `  starter trigger show connector.support.EMAIL_RECEIVED support-mail`,
		Args:    need("SOURCE", "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				t, err := deployedTriggerAt(ctx, c, args[0], args[1])
				if err != nil {
					return err
				}
				return a.print(cmd, t, func(w io.Writer) {
					fields(w, "source", t.Source, "name", t.Name, "does", t.Does)
					fmt.Fprintf(w, "%s\n", t.File)
				})
			})
		},
	}
}

func (a *app) triggerDeleteCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "delete SOURCE NAME",
		Short:   "Remove a trigger; what it has begun goes on",
		Example: `  starter trigger delete connector.support.EMAIL_RECEIVED support-mail`,
		Args:    need("SOURCE", "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				if err := c.RemoveTrigger(ctx, args[0], args[1]); err != nil {
					return err
				}
				return a.print(cmd, map[string]string{"deleted": args[1], "source": args[0]}, func(w io.Writer) {
					fmt.Fprintf(w, "deleted trigger %s of %s\n", args[1], args[0])
				})
			})
		},
	}
}
