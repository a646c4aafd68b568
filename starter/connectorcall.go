package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/activities/binding"
	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/suggest"
)

// called is the result of call.
type called struct {
	Implementation string          `json:"implementation"`
	Outputs        map[string]any  `json:"outputs"`
	Await          *contract.Await `json:"await,omitempty"` // a process would go on only when this message has come
	Error          *failedCall     `json:"error,omitempty"`
}

type failedCall struct {
	Kind    string `json:"kind"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (a *app) connectorCallCommand() *cobra.Command {
	var (
		inputs  []string
		files   []string
		timeout time.Duration
	)
	cmd := &cobra.Command{
		Use:   "call NAME.ACTION [FILE|FOLDER...]",
		Short: "Call an action of a connector once, and print its outputs",
		Long: "call has a worker call an action as a process would, once, with an idempotency key of its own. Nothing is repeated. The inputs are\n" +
			"kept in Temporal like those of a process. A connector that is not built in is found by its definition file; without one its\n" +
			"inputs are not checked, and whoever works on task queue connector-NAME gets the call.\n\n" +
			"Exit codes: 1 the connector failed; 2 the inputs are wrong; 3 there is no such action; 4 no worker took the call.",
		Example: `  starter connector call email.SEND --input to=ada@example.com --input subject=Hello --input text=Hi
  starter connector call vat.CHECK examples/connectors/typescript/vat.json --input number=DE136695976 --output json`,
		Args:              need1("NAME.ACTION"),
		ValidArgsFunction: completeActions,
		RunE: func(cmd *cobra.Command, args []string) error {
			call, err := prepareCall(args[0], args[1:])
			if err != nil {
				return err
			}
			if err := call.read(cmd, inputs, files); err != nil {
				return err
			}
			call.Timeout = cmp.Or(timeout, call.Timeout)
			call.Unclaimed = a.answerIn
			return a.connected(cmd, func(ctx context.Context, c *client.Client) error { return a.call(ctx, cmd, c, call.ConnectorCall) })
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&inputs, "input", nil, `an input, name=value: text where the definition says string, else JSON if it parses as such; may be repeated`)
	f.StringArrayVar(&files, "input-json", nil, "a JSON file whose fields are inputs (- for standard input); --input wins over it; may be repeated")
	f.DurationVar(&timeout, "timeout", 0, "how long the call may take (default as the connector's definition says)")
	_ = cmd.MarkFlagFilename("input-json", "json")
	_ = cmd.RegisterFlagCompletionFunc("input", completeInputs)
	return cmd
}

// completeInputs completes NAME= for the action that is called.
func completeInputs(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	if c, err := prepareCall(args[0], args[1:]); err == nil && c.definition != nil {
		if f, err := c.definition.Action(c.action); err == nil {
			for _, p := range f.Inputs {
				names = append(names, p.Name+"=\t"+p.Description)
			}
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// preparedCall is a call with what the definition, if there is one, says of it.
type preparedCall struct {
	client.ConnectorCall
	definition *connectors.Definition
	action     string
}

func prepareCall(implementation string, files []string) (*preparedCall, error) {
	name, action := connectors.SplitImplementation(implementation)
	c := &preparedCall{action: action, ConnectorCall: client.ConnectorCall{
		Implementation: implementation, TaskQueue: binding.Queue(cmp.Or(name, action), false), Timeout: connectors.DefaultPolicy().Timeout,
	}}
	all, err := known(files)
	if err != nil {
		return nil, err
	}
	for _, k := range all {
		switch {
		case k.Name == action && name == "":
			return nil, usage(fmt.Errorf("%s names no action; it has %s", action, strings.Join(featureNames(k.Actions), ", ")))
		case k.Name == name:
			if _, err := k.Action(action); err != nil {
				return nil, coded(exitNotFound, err)
			}
			c.definition, c.TaskQueue, c.Timeout = k.Definition, k.TaskQueue(), k.Policy.Timeout
			return c, nil
		}
	}
	if len(files) > 0 {
		return nil, coded(exitNotFound, fmt.Errorf("connector %q is neither built in nor in these files", cmp.Or(name, action)))
	}
	return c, nil
}

// read reads and checks the inputs.
func (c *preparedCall) read(cmd *cobra.Command, pairs, files []string) error {
	v := variableFlags{files: files}
	given, err := v.read(cmd)
	if err != nil {
		return err
	}
	for _, pair := range pairs {
		name, text, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return usage(fmt.Errorf("--input %s: name=value is expected", pair))
		}
		given[name] = c.value(name, text)
	}
	c.Inputs = given
	if c.definition == nil {
		return nil
	}
	feature, err := c.definition.Action(c.action)
	if err != nil {
		return coded(exitNotFound, err)
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if feature.Input(name) == nil {
			errs = append(errs, usage(fmt.Errorf("%s has no input %q%s", c.Implementation, name, suggest.Hint(name, inputNames(feature)))))
		}
	}
	if err := c.definition.CheckInputs(c.action, given); err != nil {
		errs = append(errs, usage(errors.New(connectors.AsError(err).Public)))
	}
	return errors.Join(errs...)
}

func inputNames(f *connectors.Feature) (names []string) {
	for _, p := range f.Inputs {
		names = append(names, p.Name)
	}
	return names
}

func (c *preparedCall) value(name, text string) any {
	if c.definition != nil {
		if f, err := c.definition.Action(c.action); err == nil {
			p := f.Input(name)
			if p != nil && (p.Type == connectors.TypeString || p.Type == connectors.TypeDate || p.Type == connectors.TypeDatetime) {
				return text
			}
		}
	}
	var value any
	if err := decode([]byte(text), &value); err != nil {
		return text
	}
	return value
}

func (a *app) call(ctx context.Context, cmd *cobra.Command, c *client.Client, call client.ConnectorCall) error {
	result, err := c.CallConnector(ctx, call)
	printed := called{Implementation: call.Implementation, Outputs: result.Outputs, Await: result.Await}
	if printed.Outputs == nil {
		printed.Outputs = map[string]any{}
	}
	failure, failed := errors.AsType[*client.CallError](err)
	switch {
	case errors.Is(err, client.ErrUnclaimed):
		return coded(exitUnreachable, fmt.Errorf("%w; is a worker of this connector running?", err))
	case failed:
		printed.Error = &failedCall{failure.Kind, failure.Code, failure.Message}
		if a.output == outputJSON {
			return errors.Join(a.print(cmd, printed, nil), err)
		}
		return err
	case ctx.Err() != nil:
		return errors.New("interrupted; the call goes on")
	case err != nil:
		return err
	}
	return a.print(cmd, printed, func(w io.Writer) {
		for _, name := range slices.Sorted(maps.Keys(printed.Outputs)) {
			fmt.Fprintf(w, "%s = ", name)
			_ = encode(w, printed.Outputs[name])
		}
		if len(printed.Outputs) == 0 {
			fmt.Fprintln(w, "done; no outputs")
		}
		if printed.Await != nil {
			fmt.Fprintf(w, "a process would now wait for message %s with key %s\n", printed.Await.Name, printed.Await.Key)
		}
	})
}
