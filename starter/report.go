package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/analytics/chart"
	"github.com/waybill-io/waybill/analytics/report"
	"github.com/waybill-io/waybill/client"
)

// The outputs of reports, beside those of all commands.
const (
	outputTable = "table" // another name for text
	outputCSV   = "csv"
	outputSVG   = "svg"
)

// measures colour a heat map.
var measures = []string{string(chart.ByCount), string(chart.ByTotal), string(chart.ByAverage)}

// completionTime bounds a question to a worker while somebody waits at the tabulator key.
const completionTime = 3 * time.Second

func (a *app) reportCommand() *cobra.Command {
	commands := []*cobra.Command{a.reportListCommand()}
	for _, r := range report.All() {
		commands = append(commands, a.reportNamed(r))
	}
	return group("report", "Ask what happened: how many instances, tasks, incidents, calls and mails, and how long they took", commands...)
}

func (a *app) reportListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the reports and what each can be asked with", Example: "  starter report list --output json", Args: need(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.print(cmd, report.All(), func(w io.Writer) {
				for i, r := range report.All() {
					if i > 0 {
						fmt.Fprintln(w)
					}
					fmt.Fprintf(w, "%s: %s\n", r.Name, r.Summary)
					var rows [][]string
					for _, p := range r.Parameters {
						rows = append(rows, []string{"--" + p.Flag, p.ID, cmp.Or(p.Default, needed(p)), parameterHelp(p)})
					}
					table(w, "", []string{"FLAG", "PARAMETER", "DEFAULT", "WHAT IT SAYS"}, rows)
				}
			})
		},
	}
}

func needed(p report.Parameter) string {
	if p.Required {
		return "(required)"
	}
	return ""
}

func parameterHelp(p report.Parameter) string {
	if len(p.Options) == 0 {
		return p.Description
	}
	return p.Description + ": " + strings.Join(p.Options, ", ")
}

// reportFlags are those of a report that say what becomes of the answer.
type reportFlags struct {
	tenant, out, element, model, measure string
}

func (a *app) reportNamed(r report.Report) *cobra.Command {
	var f reportFlags
	given := map[string]*string{}
	cmd := &cobra.Command{
		Use: r.Name, Short: r.Summary, Args: need(),
		Long: r.Summary + ".\n\nThe answer comes from the index of events, which lags behind what happens by some seconds. A worker with the role indexer is asked for it:\n" +
			"it has the account at Elasticsearch.",
		Example:     reportExample(r),
		Annotations: map[string]string{outputsAnnotation: strings.Join([]string{outputText, outputTable, outputJSON, outputCSV, outputSVG}, " ")},
		RunE: func(cmd *cobra.Command, _ []string) error {
			parameters := map[string]string{}
			for id, value := range given {
				parameters[id] = *value
			}
			return a.report(cmd, r, parameters, f)
		},
	}
	if r.Name == "task-service-level-agreement" {
		cmd.Aliases = []string{"task-sla"}
	}
	for _, p := range r.Parameters {
		value := new(string)
		given[p.ID] = value
		usage := parameterHelp(p)
		if p.Required {
			usage += " (required)"
		}
		if p.Default != "" {
			usage += " (default " + p.Default + ")"
		}
		cmd.Flags().StringVar(value, p.Flag, "", usage)
		if p.Type == report.BooleanType {
			cmd.Flags().Lookup(p.Flag).NoOptDefVal = "true"
		}
		_ = cmd.RegisterFlagCompletionFunc(p.Flag, a.completeParameter(r, p, given, &f)) // the flag was defined a line above
	}
	cmd.Flags().StringVar(&f.tenant, "tenant", "", "whose events (default those without a tenant)")
	cmd.Flags().StringVar(&f.out, "out", "", "file to write (default standard output)")
	cmd.Flags().StringVar(&f.element, "element", "", "with --output csv: this element alone, by its id in --output json")
	if r.Name == "process-definition-heat-map" {
		cmd.Flags().StringVar(&f.model, "model", "", "with --output svg: the BPMN file over whose diagram the numbers are drawn (deployed models have no diagram)")
		cmd.Flags().StringVar(&f.measure, "measure", "", "with --output svg: what colours the activities: count, total or average (default count)")
		_ = cmd.MarkFlagFilename("model", "bpmn", "xml")
		_ = cmd.RegisterFlagCompletionFunc("measure", cobra.FixedCompletions(measures, cobra.ShellCompDirectiveNoFileComp))
	}
	return cmd
}

func reportExample(r report.Report) string {
	line := "  starter report " + r.Name
	if p, ok := r.Parameter(report.ProcessParameter); ok && p.Required {
		line += " --process order"
	}
	if p, ok := r.Parameter(report.DurationParameter); ok && p.Required {
		line += " --duration 4h"
	}
	return line + " --range yesterday --zone Europe/Berlin\n" + line + " --from 2026-11-01 --to 2026-11-15 --output svg --out report.svg"
}

// report asks a worker and writes the answer.
func (a *app) report(cmd *cobra.Command, r report.Report, parameters map[string]string, f reportFlags) error {
	for _, p := range r.Parameters {
		if p.Required && parameters[p.ID] == "" {
			return usage(fmt.Errorf("--%s is missing: %s", p.Flag, p.Description))
		}
	}
	if f.tenant != "" && !contract.ValidTenant(f.tenant) {
		return usage(fmt.Errorf("--tenant %q: %s is expected", f.tenant, contract.TenantRule))
	}
	if err := report.Check(report.Request{Report: r.Name, Parameters: parameters}); err != nil {
		return usage(err)
	}
	if err := a.checkReportFlags(f); err != nil {
		return usage(err)
	}
	options := chart.Options{Measure: chart.Measure(f.measure)}
	if f.model != "" {
		var err error
		if options.Model, err = os.ReadFile(f.model); err != nil {
			return usage(fmt.Errorf("read the model: %w", err))
		}
	}
	return a.connected(cmd, func(ctx context.Context, c *client.Client) error {
		var result report.Result
		if err := c.Report(ctx, contract.ReportRequest{Report: r.Name, Tenant: f.tenant, Parameters: parameters}, &result); err != nil {
			return reportError(err)
		}
		var text bytes.Buffer
		if err := a.writeReport(&text, result, f, options); err != nil {
			return err
		}
		if f.out == "" {
			_, err := cmd.OutOrStdout().Write(text.Bytes())
			return err
		}
		if err := os.WriteFile(f.out, text.Bytes(), 0o644); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
		fmt.Fprintln(cmd.ErrOrStderr(), "wrote", f.out)
		return nil
	})
}

// checkReportFlags refuses flags that would change nothing.
func (a *app) checkReportFlags(f reportFlags) error {
	switch {
	case f.element != "" && a.output != outputCSV:
		return errors.New("--element goes with --output csv")
	case (f.model != "" || f.measure != "") && a.output != outputSVG:
		return errors.New("--model and --measure go with --output svg")
	case f.measure != "" && !slices.Contains(measures, f.measure):
		return fmt.Errorf("--measure %s: %s is expected", f.measure, strings.Join(measures, " or "))
	}
	return nil
}

// reportError is the error of a report with its exit code.
func reportError(err error) error {
	switch client.ReportRefused(err) {
	case contract.ReportInvalid:
		return usage(err)
	case contract.ReportNoIndex:
		return coded(exitNotFound, fmt.Errorf("%w\nevents are indexed within the interval of the indexer's schedule; check the tenant, and that event.generation.enabled is not false", err))
	case contract.ReportNoServer, contract.ReportSlow, contract.ReportUnavailable:
		return coded(exitUnreachable, err)
	}
	return err
}

func (a *app) writeReport(w io.Writer, result report.Result, f reportFlags, options chart.Options) error {
	switch a.output {
	case outputJSON:
		return encode(w, result)
	case outputCSV:
		err := report.WriteCSV(w, result, f.element)
		if errors.Is(err, report.ErrInvalid) {
			return usage(err)
		}
		return err
	case outputSVG:
		picture, err := chart.SVG(result, options)
		if err == nil {
			_, err = w.Write(picture)
		}
		return err
	}
	fmt.Fprintf(w, "%s, %s to %s\n", result.Title, result.Parameters[report.FromParameter], result.Parameters[report.ToParameter])
	for _, e := range result.Elements {
		printElement(w, e)
	}
	for _, note := range result.Notes {
		fmt.Fprintf(w, "\nnote: %s\n", oneLine(note))
	}
	return nil
}

func printElement(w io.Writer, e report.Element) {
	if e.Type == report.ProcessHeatMap {
		return // the table of its activities has all of it
	}
	fmt.Fprintf(w, "\n%s\n", oneLine(e.Title))
	g := e.Grid()
	var head []string
	for _, name := range g.Columns {
		head = append(head, strings.ToUpper(name))
	}
	var rows [][]string
	for _, row := range g.Rows {
		var cells []string
		for i, value := range row {
			cells = append(cells, report.Show(value, g.Units[i]))
		}
		rows = append(rows, cells)
	}
	table(w, "nothing", head, rows)
}

// completeParameter completes the value of a flag: one of its options, or what a worker finds in the index.
func (a *app) completeParameter(r report.Report, p report.Parameter, given map[string]*string, f *reportFlags) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if !p.Choices {
			return p.Options, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
		defer cancel()
		t, err := a.dial(ctx, a.address, a.namespace)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		defer t.Close()
		in := contract.ReportRequest{Report: r.Name, Tenant: f.tenant, Choices: p.ID, Parameters: map[string]string{}}
		if p.DependsOn != "" {
			in.Parameters[p.DependsOn] = *given[p.DependsOn]
		}
		var choices []report.Choice
		if err := client.New(t).Report(ctx, in, &choices); err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var values []cobra.Completion
		for _, c := range choices {
			values = append(values, cobra.CompletionWithDesc(c.ID, c.Name))
		}
		return values, cobra.ShellCompDirectiveNoFileComp
	}
}
