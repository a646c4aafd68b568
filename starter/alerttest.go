package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/alerts"
	"github.com/waybill-io/waybill/client"
)

// alertTest is the result of alert test.
type alertTest struct {
	Rules    []contract.AlertVerdict `json:"rules"`
	Ignored  string                  `json:"ignored,omitempty"`
	Outcomes []alertOutcome          `json:"outcomes"`
}

// alertOutcome is what became of the message of a rule.
type alertOutcome struct {
	Rule   string `json:"rule"`
	Done   bool   `json:"done"`
	Failed bool   `json:"failed,omitempty"` // somebody was not told
	Result string `json:"result"`
}

func (a *app) alertTestCommand() *cobra.Command {
	var rule, file string
	var sample, dryRun bool
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "test --sample|--fault FILE",
		Short: "Send a sample fault through the rules, and show what became of it",
		Long: "test has a worker take an alert as it takes every one, and prints which rules match, why others do not, and what became of the mails. What is told\n" +
			"is marked as a test, comes at once whatever the hour, and counts in no group. With --rule only that rule acts. With --fault the alert is\n" +
			"read from a file, whose fields are those of docs/alerts.md. It exits with 1 when no rule matches or something failed.",
		Example: `  starter alert test --sample --dry-run
  starter alert test --rule billing --sample
  starter alert test --rule billing --fault fault.json --output json`,
		Args: need(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if sample == (file != "") {
				return usage(errors.New("--sample or --fault FILE is expected"))
			}
			alert, err := testAlert(file)
			if err != nil {
				return usage(err)
			}
			alert.Test = &contract.AlertTest{Rule: rule}
			return a.connected(cmd, func(ctx context.Context, c *client.Client) error {
				result, err := a.testAlert(ctx, c, alert, dryRun, wait)
				if err != nil {
					return err
				}
				if err := a.print(cmd, result, func(w io.Writer) { result.print(w) }); err != nil {
					return err
				}
				return result.verdict()
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&rule, "rule", "", "only this rule acts (default all that match)")
	flags.BoolVar(&sample, "sample", false, "the alert of a process that does not exist")
	flags.StringVar(&file, "fault", "", "file with an alert of your own, JSON")
	flags.BoolVar(&dryRun, "dry-run", false, "only show which rules match: nothing is told")
	flags.DurationVar(&wait, "wait", 30*time.Second, "how long the mails are waited for")
	_ = cmd.RegisterFlagCompletionFunc("rule", func(cmd *cobra.Command, _ []string, text string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return a.completeAlertRule(cmd, nil, text)
	})
	return cmd
}

// testAlert is the alert of a file, else the sample.
func testAlert(file string) (contract.Alert, error) {
	alert := contract.Alert{
		Source: contract.AlertProcess, ProcessID: "sample-order/test", ProcessName: "Sample order", ProcessNamespace: "http://waybill.example/samples",
		ProcessKey: "sample-order", ProcessVersion: 1, BusinessKey: "4711", LocationPath: "ship/print-label", Status: contract.StateSuspended,
		FaultName: "SAMPLE_FAULT", FaultDetails: contract.FaultDetails{Code: "SAMPLE_FAULT", Reason: "the label printer does not answer", Details: "Print the label"},
		Initiator: "ada",
	}
	if file != "" {
		data, err := os.ReadFile(file)
		if err != nil {
			return alert, err
		}
		alert = contract.Alert{}
		d := json.NewDecoder(strings.NewReader(string(data)))
		d.DisallowUnknownFields()
		if err := d.Decode(&alert); err != nil {
			return alert, fmt.Errorf("%s: %w; the fields are %s", file, err, strings.Join(alerts.Fields(), ", "))
		}
		if alert.Source == "" {
			alert.Source = contract.AlertProcess
		}
	}
	alert.ID, alert.At, alert.Incident = "test/"+strings.ToLower(rand.Text()[:12]), time.Now(), 0
	return alert, nil
}

func (a *app) testAlert(ctx context.Context, c *client.Client, alert contract.Alert, dryRun bool, wait time.Duration) (alertTest, error) {
	result := alertTest{Rules: []contract.AlertVerdict{}, Outcomes: []alertOutcome{}}
	entries, err := c.AlertRules(ctx)
	if err != nil {
		return result, err
	}
	named := func(e contract.RegistryEntry) bool { return e.ID == alert.Test.Rule }
	if name := alert.Test.Rule; name != "" && name != alerts.Default && !slices.ContainsFunc(entries, named) {
		return result, fmt.Errorf("alert rule %q, see `starter alert rule list`: %w", name, client.ErrNotFound)
	}
	if dryRun {
		var rules []*alerts.Rule
		for _, e := range entries {
			r, err := alerts.Read(e.ID, e.Value)
			if err != nil {
				return result, err
			}
			rules = append(rules, r)
		}
		result.Rules = list(alerts.Explain(rules, alert))
		result.Ignored = alerts.Route(rules, alert).Ignored
		return result, nil
	}
	var taken contract.AlertResult
	err = a.answered(ctx, func(ctx context.Context) (err error) {
		taken, err = c.TryAlert(ctx, alert)
		return err
	})
	if err != nil {
		return result, err
	}
	result.Rules, result.Ignored = list(taken.Verdicts), taken.Ignored
	for _, rule := range taken.Rules {
		if result.Ignored != "" {
			break
		}
		outcome, err := a.awaitTest(ctx, c, rule, alert.ID, wait)
		if err != nil {
			return result, err
		}
		result.Outcomes = append(result.Outcomes, outcome)
	}
	return result, nil
}

// awaitTest waits until the message of a test is settled.
func (a *app) awaitTest(ctx context.Context, c *client.Client, rule, id string, wait time.Duration) (alertOutcome, error) {
	outcome := alertOutcome{Rule: rule}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		state, err := c.AlertGroups(ctx, rule)
		if err != nil && ctx.Err() == nil {
			return outcome, err
		}
		for _, g := range state.Groups {
			if g.Key != alerts.TestGroup(id) {
				continue
			}
			if outcome.Done = g.Result != ""; outcome.Done {
				outcome.Result, outcome.Failed = g.Result, g.Failed
				return outcome, nil
			}
		}
		select {
		case <-ctx.Done():
			outcome.Result = fmt.Sprintf("not settled within %s; it is tried on: see `starter alert list`, and the mail server with `starter email test`", wait)
			return outcome, nil
		case <-time.After(a.poll):
		}
	}
}

func (t alertTest) print(w io.Writer) {
	for _, v := range t.Rules {
		switch {
		case v.Matches && v.Why != "":
			fmt.Fprintf(w, "rule %s matches: %s\n", v.Rule, v.Why)
		case v.Matches:
			fmt.Fprintf(w, "rule %s matches; group: %s\n", v.Rule, oneLine(v.Group))
		default:
			fmt.Fprintf(w, "rule %s does not match: %s\n", v.Rule, oneLine(v.Why))
		}
	}
	if t.Ignored != "" {
		fmt.Fprintf(w, "nobody is told: rule %s ignores it\n", t.Ignored)
	}
	for _, o := range t.Outcomes {
		fmt.Fprintf(w, "rule %s: %s\n", o.Rule, oneLine(o.Result))
	}
}

// verdict is an error when somebody who runs a test would want to know.
func (t alertTest) verdict() error {
	matched := false
	for _, v := range t.Rules {
		matched = matched || v.Matches
	}
	if len(t.Rules) == 0 {
		return errors.New("no rule is deployed (see `starter alert rule put`): nobody is told, unless alert.to (WAYBILL_ALERT_TO) is set for the workers, which a dry run cannot see")
	}
	if !matched {
		return errors.New("no rule matches: nobody would be told")
	}
	for _, o := range t.Outcomes {
		if !o.Done || o.Failed {
			return fmt.Errorf("rule %s: %s", o.Rule, o.Result)
		}
	}
	return nil
}
