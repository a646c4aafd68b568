package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/alerts"
	"github.com/waybill-io/waybill/client"
)

func (a *app) alertCommand() *cobra.Command {
	return group("alert", "Say who is told when a process stands still, and see what is open",
		a.alertListCommand(), a.alertTestCommand(),
		group("rule", "Rules say who is told of which alerts, and how often",
			a.alertRulePutCommand(), a.alertRuleListCommand(), a.alertRuleShowCommand(), a.alertRuleRemoveCommand()),
	)
}

// openGroup is a line of alert list.
type openGroup struct {
	Rule      string    `json:"rule"`
	Group     string    `json:"group"`
	Source    string    `json:"source"`
	Severity  string    `json:"severity"`
	Count     int64     `json:"count"`
	New       int64     `json:"new"` // that nobody has been told of
	Opened    time.Time `json:"opened"`
	Last      time.Time `json:"last"`
	Next      time.Time `json:"next,omitzero"`
	State     string    `json:"state"` // nobody is told, sending, held, told, waiting
	Result    string    `json:"result,omitempty"`
	ProcessID string    `json:"processId,omitempty"` // of one of them
}

func (a *app) alertListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the open groups of alerts with their counts",
		Long: "list shows which alerts have come of late, by rule and group, and what became of the last message. The rule " + strconv.Quote(alerts.Unrouted) + " holds\n" +
			"what no rule takes: nobody is told of that. A group is over when nothing has come within a window and nothing more is to be told.",
		Example: `  starter alert list
  starter alert list --output json`,
		Args: need(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				states, err := c.OpenAlerts(ctx)
				if err != nil {
					return err
				}
				open := openGroups(states)
				return a.print(cmd, list(open), func(w io.Writer) {
					var rows [][]string
					for _, g := range open {
						rows = append(rows, []string{g.Rule, g.Group, g.Severity, strconv.FormatInt(g.Count, 10), stamp(g.Opened), stamp(g.Last), g.State, g.Result})
					}
					table(w, "no open alerts", []string{"RULE", "GROUP", "SEVERITY", "COUNT", "SINCE", "LAST", "STATE", "RESULT"}, rows)
				})
			})
		},
	}
}

func openGroups(states []contract.AlertsState) (all []openGroup) {
	for _, s := range states {
		for _, g := range s.Groups {
			if g.Test {
				continue // kept for whoever waits for it; nothing has happened
			}
			line := openGroup{
				Rule: s.Rule, Group: g.Key, Source: g.Alert.Source, Severity: alerts.Severity(g.Alert), Count: g.Count, New: g.New, Opened: g.Opened,
				Last: g.Until, Next: g.Next, Result: g.Result, ProcessID: g.Alert.ProcessID,
			}
			if g.Until.Before(g.Opened) { // alerts take a moment to come
				line.Opened = g.Until
			}
			if g.Others {
				line.Group = fmt.Sprintf("other groups (%d or more)", len(g.Parts))
			}
			switch {
			case s.Policy.Silent:
				line.State = "nobody is told"
			case g.Sending != nil:
				line.State = "sending since " + stamp(g.Sending.Since)
			case g.Held:
				line.State = "held until " + stamp(g.Next)
			case g.Messages > 0:
				line.State = "told"
			default:
				line.State = "waiting"
			}
			all = append(all, line)
		}
	}
	return all
}

// alertRule is a rule as it is listed.
type alertRule struct {
	Name string          `json:"name"`
	Does string          `json:"does"`
	Rule json.RawMessage `json:"rule,omitempty"`
}

func describeRule(e contract.RegistryEntry) alertRule {
	r, err := alerts.Read(e.ID, e.Value)
	if err != nil {
		return alertRule{Name: e.ID, Does: "cannot be read: " + err.Error()}
	}
	var does []string
	if r.Ignore {
		does = append(does, "ignores")
	}
	for _, m := range r.Mails {
		does = append(does, "mails "+strings.Join(append(append(append([]string{}, m.To...), m.Users...), m.Groups...), ", "))
	}
	for _, t := range r.Triggers {
		if t.Implementation() != "" {
			does = append(does, "calls "+t.Implementation())
		} else {
			does = append(does, "starts "+t.Process())
		}
	}
	return alertRule{Name: e.ID, Does: strings.Join(does, "; ")}
}

func (a *app) alertRuleListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the rules that are deployed",
		Example: `  starter alert rule list`,
		Args:    need(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				entries, err := c.AlertRules(ctx)
				if err != nil {
					return err
				}
				var rules []alertRule
				for _, e := range entries {
					rules = append(rules, describeRule(e))
				}
				return a.print(cmd, list(rules), func(w io.Writer) {
					var rows [][]string
					for _, r := range rules {
						rows = append(rows, []string{r.Name, r.Does})
					}
					table(w, "no rules; workers tell the addresses of alert.to (WAYBILL_ALERT_TO), if that is set", []string{"NAME", "DOES"}, rows)
				})
			})
		},
	}
}

func (a *app) alertRuleShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "show NAME",
		Short:             "Show a rule as it is deployed",
		Example:           `  starter alert rule show billing`,
		Args:              need("NAME"),
		ValidArgsFunction: a.completeAlertRule,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				e, err := c.AlertRule(ctx, args[0])
				if err != nil {
					return err
				}
				r := describeRule(e)
				r.Rule = e.Value
				return a.print(cmd, r, func(w io.Writer) {
					fields(w, "name", r.Name, "does", r.Does)
					fmt.Fprintf(w, "%s\n", r.Rule)
				})
			})
		},
	}
}

func (a *app) alertRuleRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "remove NAME",
		Short:             "Remove a rule; what it has not told yet is told to nobody",
		Example:           `  starter alert rule remove billing`,
		Args:              need("NAME"),
		ValidArgsFunction: a.completeAlertRule,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				if err := c.RemoveAlertRule(ctx, args[0]); err != nil {
					return err
				}
				return a.print(cmd, map[string]string{"removed": args[0]}, func(w io.Writer) { fmt.Fprintf(w, "removed alert rule %s\n", args[0]) })
			})
		},
	}
}

func (a *app) completeAlertRule(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return a.completeNames(cmd, args, func(ctx context.Context, c *client.Client) (names []string, err error) {
		entries, err := c.AlertRules(ctx)
		for _, e := range entries {
			names = append(names, e.ID)
		}
		return names, err
	})
}
