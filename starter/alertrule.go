package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/activities/binding"
	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/alerts"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/jsonfile"
	"github.com/waybill-io/waybill/mail/template"
	"github.com/waybill-io/waybill/project"
)

func (a *app) alertRulePutCommand() *cobra.Command {
	var files []string
	cmd := &cobra.Command{
		Use:   "put FILE...",
		Short: "Check rules and deploy them, in place of those of the same names",
		Long: "put reads rules, each a file of JSON or YAML (docs/alerts.md), and checks them against what is deployed: fields, operators, patterns,\n" +
			"processes, connectors and templates. All are checked before the first is deployed. A rule is of effect within seconds.",
		Example: `  starter alert rule put examples/alerts/billing.json
  starter alert rule put billing.yaml --connector connectors/pager.json`,
		Args: need("FILE..."),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				rules, err := checkRules(ctx, c, args, files)
				if err != nil {
					return err
				}
				var put []alertRule
				for _, r := range rules {
					if err := c.PutAlertRule(ctx, r.ID, r.Value); err != nil {
						return err
					}
					put = append(put, describeRule(r))
				}
				return a.print(cmd, list(put), func(w io.Writer) {
					for _, r := range put {
						fmt.Fprintf(w, "deployed alert rule %s: %s\n", r.Name, r.Does)
					}
				})
			})
		},
	}
	cmd.Flags().StringArrayVar(&files, "connector", nil, "definition file of a connector that a rule calls and that is not built in; may be repeated")
	return cmd
}

// checkRules reads and checks rules, and notes with each how its connectors are called.
func checkRules(ctx context.Context, c *client.Client, paths, definitions []string) ([]contract.RegistryEntry, error) {
	all, err := known(definitions)
	if err != nil {
		return nil, err
	}
	o := alerts.Options{}
	byName := map[string]project.Connector{}
	for _, k := range all {
		byName[k.Name] = k
		o.Connectors = append(o.Connectors, k.Name)
	}
	o.Definition = func(name string) *connectors.Definition { return byName[name].Definition }
	if o.Processes, err = c.ProcessKeys(ctx); err != nil {
		return nil, err
	}
	for _, key := range template.BundledKeys() {
		o.Templates = append(o.Templates, key.Name)
	}
	deployed, err := c.Templates(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range deployed {
		o.Templates = append(o.Templates, t.Name)
	}
	var rules []contract.RegistryEntry
	var errs []error
	for _, path := range paths {
		data, err := readRule(path)
		if err != nil {
			errs = append(errs, usage(err))
			continue
		}
		r, err := alerts.Parse(path, data, o)
		if err != nil {
			for _, e := range jsonfile.Parts(err) {
				errs = append(errs, usage(e))
			}
			continue
		}
		bindings := map[string]contract.Binding{}
		for _, name := range r.Calls() {
			bindings[name] = binding.Of(byName[name].TaskQueue(), byName[name].Policy)
		}
		stored, err := r.Stored(bindings)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		rules = append(rules, contract.RegistryEntry{ID: r.Name, Value: stored})
	}
	return rules, errors.Join(errs...)
}

// readRule reads a rule as JSON, also where it is written in YAML.
func readRule(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := readAtMost(f, path, jsonfile.MaxSize)
	if err != nil {
		return nil, err
	}
	if ending := strings.ToLower(filepath.Ext(path)); ending == ".yaml" || ending == ".yml" {
		if data, err = yaml.YAMLToJSON(data); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return data, nil
}
