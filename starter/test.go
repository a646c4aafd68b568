package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	temporal "go.temporal.io/sdk/client"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/connectors/jsonfile"
	"github.com/waybill-io/waybill/testsuite/scenario"
)

func (a *app) testCommand() *cobra.Command {
	var models, mapDefault string
	var server bool
	cmd := &cobra.Command{
		Use:   "test FILE...",
		Short: "Run scenario files: tests of processes, in memory or on a Temporal server",
		Long: "test deploys the models that a scenario file names, drives them and checks what it expects, without a server.\n" +
			"With --server it does the same on a live Temporal server, in a namespace that it makes for the run and serves itself;\n" +
			"the clock of the instances is the file's there, too.\n" +
			"It prints a line for each case and the numbers on the last line. It exits with 0 when all cases passed, with 1 when\n" +
			"one failed, with 2 when a file is malformed.",
		Example: `  starter test examples/support-desk/scenarios/*.yaml
  starter test order.yaml --models processes --output json
  starter test --server order.yaml`,
		Args: need("FILE..."),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := parseMapDefault(mapDefault)
			if err != nil {
				return err
			}
			options := scenario.Options{Models: models, MapDefault: m, Out: cmd.OutOrStdout(), JSON: a.output == outputJSON}
			if server {
				options.Server = func(ctx context.Context, namespace string) (temporal.Client, error) {
					return a.dial(ctx, a.address, cmp.Or(namespace, a.namespace))
				}
			}
			summary, err := scenario.RunFiles(cmd.Context(), args, options)
			switch {
			case err != nil:
				return scenarioErrors(err)
			case summary.Failed > 0:
				return fmt.Errorf("%d of %d cases failed", summary.Failed, summary.Passed+summary.Failed+summary.Skipped)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&models, "models", "", "folder of the models that the files deploy (default that of the file)")
	cmd.Flags().BoolVar(&server, "server", false, "run on a live Temporal server, in a namespace made for the run")
	mapDefaultFlag(cmd, &mapDefault)
	return cmd
}

// scenarioErrors marks what is wrong with the files.
func scenarioErrors(err error) error {
	var errs []error
	for _, e := range jsonfile.Parts(err) {
		if scenario.Malformed(e) {
			e = usage(e)
		}
		errs = append(errs, e)
	}
	return errors.Join(errs...)
}

func parseMapDefault(text string) (bpmn.MapDefault, error) {
	m := bpmn.MapDefault(text)
	if m != bpmn.MapNone && m != bpmn.MapAll {
		return "", usage(fmt.Errorf("--map-default %s: none or all is expected", text))
	}
	return m, nil
}
