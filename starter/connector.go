package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/catalog"
	"github.com/waybill-io/waybill/connectors/jsonfile"
	"github.com/waybill-io/waybill/connectors/suggest"
	"github.com/waybill-io/waybill/project"
)

func (a *app) connectorCommand() *cobra.Command {
	return group("connector", "See, check, try and write connectors",
		a.connectorListCommand(), a.connectorShowCommand(), a.connectorValidateCommand(), a.connectorCallCommand(), a.connectorNewCommand(), a.connectorTemplateCommand(),
	)
}

// known are the connectors that are built in and those of files.
func known(files []string) ([]project.Connector, error) {
	all, err := project.Connectors(files, catalog.Definitions())
	if err == nil {
		return all, nil
	}
	var errs []error
	for _, e := range jsonfile.Parts(err) {
		errs = append(errs, usage(e))
	}
	return all, errors.Join(errs...)
}

// find is the connector of a name.
func find(name string, files []string) (project.Connector, error) {
	all, err := known(files)
	if err != nil {
		return project.Connector{}, err
	}
	var names []string
	for _, c := range all {
		if c.Name == name {
			return c, nil
		}
		names = append(names, c.Name)
	}
	return project.Connector{}, coded(exitNotFound, fmt.Errorf("there is no connector %q%s (one that is not built in is found by its definition file: name that, too)",
		name, suggest.Hint(name, names)))
}

func completeConnectors(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault // files
	}
	var names []string
	for _, d := range catalog.Definitions() {
		names = append(names, d.Name+"\t"+d.Description)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeActions completes NAME.ACTION.
func completeActions(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	var names []string
	for _, d := range catalog.Definitions() {
		for _, f := range d.Actions {
			names = append(names, d.Name+"."+f.Name+"\t"+f.Description)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

type listedConnector struct {
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Template    string   `json:"template,omitempty"` // the connector that it is an instance of
	BuiltIn     bool     `json:"builtIn"`
	File        string   `json:"file,omitempty"`
	TaskQueue   string   `json:"taskQueue"`
	Actions     []string `json:"actions"`
	Events      []string `json:"events"`
}

func (a *app) connectorListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list [FILE|FOLDER...]",
		Short: "List the connectors that are built in, and those of definition files",
		Example: `  starter connector list
  starter connector list examples/support-desk/connectors --output json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			all, err := known(args)
			if err != nil {
				return err
			}
			listed := make([]listedConnector, 0, len(all))
			for _, c := range all {
				listed = append(listed, listedConnector{
					Name: c.Name, Description: c.Description, Template: instanceOf(c), BuiltIn: c.File == "", File: c.File, TaskQueue: c.TaskQueue(),
					Actions: list(featureNames(c.Actions)), Events: list(featureNames(c.Events)),
				})
			}
			return a.print(cmd, listed, func(w io.Writer) {
				var rows [][]string
				for _, c := range listed {
					from := c.File
					if c.BuiltIn {
						from = "built in"
					}
					rows = append(rows, []string{c.Name, strings.Join(c.Actions, " "), strings.Join(c.Events, " "), c.Template, from})
				}
				table(w, "no connectors", []string{"NAME", "ACTIONS", "EVENTS", "INSTANCE OF", "FROM"}, rows)
			})
		},
	}
}

func instanceOf(c project.Connector) string {
	if c.BuiltIn && c.File != "" {
		return c.Template
	}
	return ""
}

func featureNames(features []connectors.Feature) (names []string) {
	for _, f := range features {
		names = append(names, f.Name)
	}
	return names
}

type shownConnector struct {
	listedConnector
	Actions  []shownFeature `json:"actions"`
	Events   []shownFeature `json:"events"`
	Errors   []shownError   `json:"errors"`
	Settings []shownSetting `json:"settings"`
	Mode     string         `json:"errorMode"` // bpmn: failures are BPMN errors; output: of the first generation
	Calls    shownCalls     `json:"calls"`
	Warnings []string       `json:"warnings,omitempty"`
}

type shownFeature struct {
	Name        string           `json:"name"`
	Description string           `json:"description"`
	Inputs      []shownParameter `json:"inputs"`
	Outputs     []shownParameter `json:"outputs"`
}

type shownParameter struct {
	Name        string `json:"name"`
	Type        string `json:"type"`
	Required    bool   `json:"required,omitempty"`
	Description string `json:"description"`
}

type shownError struct {
	Code        string `json:"code"`
	Description string `json:"description"`
}

type shownSetting struct {
	Name        string `json:"name"`
	Variable    string `json:"variable"` // of the worker's environment
	Description string `json:"description"`
	Required    bool   `json:"required,omitempty"`
	Secret      bool   `json:"secret,omitempty"`
	Default     string `json:"default,omitempty"`
}

type shownCalls struct {
	Attempts  int     `json:"attempts"`
	Timeout   string  `json:"timeout"`
	PerSecond float64 `json:"perSecond,omitempty"`
}

func (a *app) connectorShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME [FILE|FOLDER...]",
		Short: "Show the actions, events, errors and settings of a connector",
		Example: `  starter connector show email
  starter connector show orders connectors/orders.json --output json`,
		Args:              need1("NAME"),
		ValidArgsFunction: completeConnectors,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := find(args[0], args[1:])
			if err != nil {
				return err
			}
			shown := show(c)
			return a.print(cmd, shown, func(w io.Writer) { shown.write(w) })
		},
	}
}

// need1 checks that the first argument is given; more may follow.
func need1(name string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return fmt.Errorf("%s is missing", name)
		}
		return nil
	}
}

func show(c project.Connector) shownConnector {
	s := shownConnector{
		listedConnector: listedConnector{
			Name: c.Name, Description: c.Description, Template: instanceOf(c), BuiltIn: c.File == "", File: c.File, TaskQueue: c.TaskQueue(),
		},
		Actions: shownFeatures(c.Actions), Events: shownFeatures(c.Events), Errors: []shownError{}, Settings: []shownSetting{}, Mode: string(c.Mode),
		Calls:    shownCalls{Attempts: c.Policy.Retry.Attempts, Timeout: c.Policy.Timeout.Round(time.Millisecond).String(), PerSecond: c.Policy.PerSecond},
		Warnings: c.Warnings(),
	}
	for _, e := range c.Errors {
		s.Errors = append(s.Errors, shownError{e.Code, e.Description})
	}
	for _, e := range c.Config {
		if e.OfPolicy() { // told by Calls
			continue
		}
		setting := shownSetting{Name: e.Name, Variable: e.Name, Description: e.Description, Required: e.Required, Secret: e.Secure, Default: e.Value}
		if c.BuiltIn { // a worker of somebody else's reads what it likes
			setting.Variable = c.Variable(e.Name)
		}
		s.Settings = append(s.Settings, setting)
	}
	return s
}

func shownFeatures(features []connectors.Feature) []shownFeature {
	all := []shownFeature{}
	for _, f := range features {
		all = append(all, shownFeature{f.Name, f.Description, shownParameters(f.Inputs), shownParameters(f.Outputs)})
	}
	return all
}

func shownParameters(parameters []connectors.Parameter) []shownParameter {
	all := []shownParameter{}
	for _, p := range parameters {
		all = append(all, shownParameter{p.Name, string(p.Type), p.Required, p.Description})
	}
	return all
}

func (s shownConnector) write(w io.Writer) {
	calls := fmt.Sprintf("%d attempts of at most %s", s.Calls.Attempts, s.Calls.Timeout)
	if s.Calls.PerSecond > 0 {
		calls += ", " + strconv.FormatFloat(s.Calls.PerSecond, 'g', -1, 64) + " a second"
	}
	fields(w, "name", s.Name, "description", s.Description, "instance of", s.Template, "file", s.File, "task queue", s.TaskQueue, "calls", calls, "errors as", s.Mode)
	for _, warning := range s.Warnings {
		fmt.Fprintf(w, "warning: %s\n", warning)
	}
	for _, part := range []struct {
		kind     string
		features []shownFeature
	}{{"action", s.Actions}, {"event", s.Events}} {
		for _, f := range part.features {
			name := f.Name
			if part.kind == "action" {
				name = s.Name + "." + f.Name
			}
			fmt.Fprintf(w, "\n%s %s\n", part.kind, name)
			if f.Description != "" {
				fmt.Fprintf(w, "  %s\n", oneLine(f.Description))
			}
			var rows [][]string
			for _, p := range f.Inputs {
				required := "optional"
				if p.Required {
					required = "required"
				}
				rows = append(rows, []string{"  input", p.Name, p.Type, required, p.Description})
			}
			for _, p := range f.Outputs {
				rows = append(rows, []string{"  output", p.Name, p.Type, "", p.Description})
			}
			table(w, "  no inputs or outputs", []string{"  ", "NAME", "TYPE", "", "DESCRIPTION"}, rows)
		}
	}
	var rows [][]string
	for _, e := range s.Errors {
		rows = append(rows, []string{e.Code, e.Description})
	}
	if fmt.Fprintln(w); len(rows) > 0 {
		table(w, "", []string{"ERROR", "DESCRIPTION"}, rows)
		fmt.Fprintln(w)
	}
	rows = nil
	for _, e := range s.Settings {
		notes := e.Default
		if e.Secret {
			notes = "secret"
		} else if e.Required {
			notes = "required"
		}
		rows = append(rows, []string{e.Variable, notes, e.Description})
	}
	table(w, "no settings", []string{"SETTING", "DEFAULT", "DESCRIPTION"}, rows)
}
