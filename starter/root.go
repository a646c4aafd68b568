package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/connectors/jsonfile"
	"github.com/waybill-io/waybill/connectors/suggest"
)

// app is what the commands share.
type app struct {
	address   string
	namespace string
	output    string

	dial     dialer
	answerIn time.Duration // how long a command waits for the server and the workers
	poll     time.Duration // how often a waiting command looks for incidents
	running  bool          // the command's own code has begun, so that an error is none of usage
}

func newApp() *app {
	return &app{dial: dialTemporal, answerIn: 30 * time.Second, poll: time.Second}
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, a *app, args []string, in io.Reader, out, errOut io.Writer) int {
	root := newRoot(a)
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if !a.running {
		err = fmt.Errorf("%w\nsee `%s --help`", usage(err), cmd.CommandPath())
	}
	for _, e := range jsonfile.Parts(err) {
		fmt.Fprintln(errOut, "error: "+e.Error())
	}
	return exitCode(err)
}

func newRoot(a *app) *cobra.Command {
	root := group("starter", "Deploy, start and look after Waybill's processes")
	root.Long = "starter talks to Waybill's workers through a Temporal server (`go run ./worker dev` starts both).\n" +
		"The server is found by --temporal-address, or TEMPORAL_ADDRESS and the other variables of Temporal's clients,\n" +
		"or the profile of Temporal's configuration file that TEMPORAL_PROFILE names, or at " + defaultAddress + ".\n\n" +
		"Exit codes: 0 done; 1 refused or failed; 2 wrong usage or a malformed file; 3 not found;\n" +
		"4 the server or the workers do not answer; 5 with --wait: not completed; another such thing is under way."
	root.Example = `  go run ./starter deploy examples/support-desk
  go run ./starter start support --var customer=ada --wait
  go run ./starter list --state active`
	root.SilenceUsage, root.SilenceErrors = true, true
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if known := outputsOf(cmd); !slices.Contains(known, a.output) {
			return fmt.Errorf("--output %s: %s is expected", a.output, strings.Join(known, " or "))
		}
		return nil
	}
	flags := root.PersistentFlags()
	flags.StringVar(&a.address, "temporal-address", "", "Temporal server, host:port (default "+defaultAddress+", or the environment's)")
	flags.StringVar(&a.namespace, "namespace", "", "Temporal namespace (default \"default\", or the environment's)")
	flags.StringVarP(&a.output, "output", "o", outputText, "text or json; of reports table, csv or svg, too")
	// It cannot fail: the flag was defined a line above.
	_ = root.RegisterFlagCompletionFunc("output", func(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return outputsOf(cmd), cobra.ShellCompDirectiveNoFileComp
	})

	root.AddCommand(
		a.deployCommand(), a.undeployCommand(), a.definitionCommand(), a.lintCommand(), a.testCommand(),
		a.startCommand(), a.listCommand(), a.getCommand(), a.cancelCommand(), a.historyCommand(),
		a.instanceCommand(), a.variablesCommand(), a.messageCommand(), a.signalCommand(), a.taskCommand(), a.externalCommand(), a.incidentCommand(),
		a.connectorCommand(), a.mailboxCommand(), a.credentialCommand(), a.triggerCommand(), a.webhookCommand(), a.deadLetterCommand(), a.alertCommand(), a.eventsCommand(), a.secretCommand(), a.tokenCommand(), a.mailCommand(), a.emailCommand(), a.peopleCommand(), a.reportCommand(), a.versionCommand(),
	)
	a.mark(root)
	return root
}

// mark notes for every command when its own code begins: what fails before is a mistake in the command line.
func (a *app) mark(cmd *cobra.Command) {
	if inner := cmd.RunE; inner != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			a.running = true
			return inner(cmd, args)
		}
	}
	for _, child := range cmd.Commands() {
		a.mark(child)
	}
}

// group makes a command that only holds others. Cobra answers a misspelt one with help and success.
func group(name, short string, commands ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{
		Use:   name,
		Short: short,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			var known []string
			for _, c := range cmd.Commands() {
				known = append(known, c.Name())
			}
			return fmt.Errorf("unknown command %q for %q%s", args[0], cmd.CommandPath(), suggest.Hint(args[0], known))
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	g.AddCommand(commands...)
	return g
}

// need checks that exactly these arguments are given; a last name that ends in "..." takes one or more.
func need(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		more := len(names) > 0 && strings.HasSuffix(names[len(names)-1], "...")
		switch {
		case len(args) < len(names):
			return fmt.Errorf("%s is missing", strings.TrimSuffix(names[len(args)], "..."))
		case len(args) > len(names) && !more:
			return fmt.Errorf("%q is one argument too many", args[len(names)])
		}
		return nil
	}
}
