package main

import (
	"context"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

// openIncident is a line of incident list.
type openIncident struct {
	Instance string `json:"instance"`
	Key      string `json:"key"`
	contract.Incident
}

func (a *app) incidentCommand() *cobra.Command {
	return group("incident", "See and answer incidents: calls that failed for good",
		a.incidentListCommand(),
		a.incidentAnswerCommand("retry", "Try the failed element of an instance again, with variables set before where given",
			"starter incident retry support/k3v9q2 --var to=ada@example.com"),
		a.incidentAnswerCommand("resolve", "Take the failed element of an instance as done, with results of your own",
			"starter incident resolve support/k3v9q2 --var tier=gold"),
		a.incidentAnswerCommand("skip", "Go on behind the failed element of an instance, without results",
			"starter incident skip support/k3v9q2"),
		a.incidentAnswerCommand("cancel", "Give an instance up at its failed element: the instance is cancelled",
			"starter incident cancel support/k3v9q2"),
	)
}

func (a *app) incidentListCommand() *cobra.Command {
	var f client.Filter
	var instance string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List open incidents",
		Long: "list finds suspended instances through Temporal's visibility store, which is some moments behind what happens;\n" +
			"with --instance it asks that instance itself.",
		Example: `  starter incident list --key support
  starter incident list --instance support/k3v9q2 --output json`,
		Args: need(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				incidents, err := openIncidents(ctx, c, f, instance)
				if err != nil {
					return err
				}
				return a.print(cmd, list(incidents), func(w io.Writer) {
					var rows [][]string
					for _, i := range incidents {
						rows = append(rows, []string{i.Instance, strconv.Itoa(i.ID), i.Element, i.Code, stamp(i.At), i.Message})
					}
					table(w, "no open incidents", []string{"INSTANCE", "INCIDENT", "ELEMENT", "CODE", "SINCE", "MESSAGE"}, rows)
				})
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&instance, "instance", "", "only incidents of this instance")
	flags.StringVar(&f.Key, "key", "", "only instances of this process")
	flags.IntVar(&f.Limit, "limit", 100, "at most so many instances")
	cmd.MarkFlagsMutuallyExclusive("instance", "key")
	return cmd
}

func openIncidents(ctx context.Context, c *client.Client, f client.Filter, instance string) ([]openIncident, error) {
	ids := []string{instance}
	if instance == "" {
		f.State = contract.StateSuspended
		suspended, err := c.List(ctx, f)
		if err != nil {
			return nil, err
		}
		ids = nil
		for _, i := range suspended {
			ids = append(ids, i.ID)
		}
	}
	var all []openIncident
	for _, id := range ids {
		r, err := c.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		for _, i := range r.Incidents {
			all = append(all, openIncident{Instance: id, Key: r.Definition.Key, Incident: i})
		}
	}
	return all, nil
}

func (a *app) incidentAnswerCommand(action, short, example string) *cobra.Command {
	var vars variableFlags
	answer := contract.IncidentAnswer{Action: action}
	cmd := &cobra.Command{
		Use:     action + " ID",
		Short:   short,
		Long:    short + ".\nID is that of the instance. Which of its incidents is meant, --incident or --element says when several are open.",
		Example: "  " + example,
		Args:    need("ID"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if answer.Variables, err = vars.read(cmd); err != nil {
				return err
			}
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				r, err := c.AnswerIncident(ctx, args[0], answer)
				if err != nil {
					return err
				}
				return a.printResult(cmd, r)
			})
		},
	}
	if action != "cancel" && action != "skip" {
		vars.add(cmd)
	}
	cmd.Flags().IntVar(&answer.ID, "incident", 0, "number of the incident")
	cmd.Flags().StringVar(&answer.Element, "element", "", "element of the incident")
	return cmd
}
