package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	sdk "go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

// started is the result of start.
type started struct {
	ID         string                 `json:"id"`
	Definition contract.DefinitionRef `json:"definition"`
	Started    bool                   `json:"started"` // false: an instance of this id had been started before

	run string
}

// ended is the result of start --wait.
type ended struct {
	ID         string                 `json:"id"`
	Definition contract.DefinitionRef `json:"definition"`
	State      string                 `json:"state"`
	Variables  map[string]any         `json:"variables"`
	Path       []string               `json:"path"`
}

func (a *app) startCommand() *cobra.Command {
	var (
		vars    variableFlags
		options client.StartOptions
		wait    bool
		timeout time.Duration
	)
	cmd := &cobra.Command{
		Use:   "start KEY",
		Short: "Start an instance of a process",
		Long: "start begins an instance at the none start event of the process with this key (its BPMN id).\n" +
			"With --wait it stays until the instance has ended and tells every incident that opens meanwhile on standard error;\n" +
			"it exits with 0 when the instance completed, and with 5 when it ended otherwise or --timeout came first.\n" +
			"The instance goes on when the command is interrupted.",
		Example: `  starter start support --var customer=ada --var urgent=true --business-key CASE-7
  starter start support --var-file case.json --wait --timeout 1m --output json`,
		Args: need("KEY"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			options.Key = args[0]
			if timeout != 0 && !wait {
				return usage(errors.New("--timeout bounds --wait; give both"))
			}
			if timeout < 0 || options.Version < 0 {
				return usage(errors.New("--timeout and --version must not be negative"))
			}
			if options.Variables, err = vars.read(cmd); err != nil {
				return err
			}
			return a.connected(cmd, func(ctx context.Context, c *client.Client) error {
				if !wait {
					return a.start(ctx, cmd, c, options)
				}
				return a.startAndWait(ctx, cmd, c, options, timeout)
			})
		},
	}
	vars.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&options.BusinessKey, "business-key", "", "business key of the instance")
	flags.StringVar(&options.ID, "id", "", "id of the instance (default a new one); an id that was started before is not started again")
	flags.IntVar(&options.Version, "version", 0, "version of the process (default the latest)")
	flags.StringVar(&options.VersionTag, "version-tag", "", "the newest version with this tag")
	cmd.MarkFlagsMutuallyExclusive("version", "version-tag")
	flags.BoolVar(&wait, "wait", false, "wait until the instance has ended")
	flags.DurationVar(&timeout, "timeout", 0, "with --wait: how long to wait (default for ever)")
	return cmd
}

func (a *app) begin(ctx context.Context, c *client.Client, o client.StartOptions) (s started, err error) {
	err = a.answered(ctx, func(ctx context.Context) error {
		d, err := c.DefinitionFor(ctx, o.Key, o.Version, o.VersionTag)
		if err != nil {
			return err
		}
		s.Definition = contract.DefinitionRef{Key: d.Key, Version: d.Version, Tenant: d.Tenant}
		i, err := c.StartDefinition(ctx, d, o)
		s.ID, s.run, s.Started = i.ID, i.Run, i.New
		return err
	})
	return s, err
}

func (a *app) start(ctx context.Context, cmd *cobra.Command, c *client.Client, o client.StartOptions) error {
	s, err := a.begin(ctx, c, o)
	if err != nil {
		return err
	}
	if !s.Started { // perhaps with another version
		err := a.answered(ctx, func(ctx context.Context) error {
			r, err := c.Get(ctx, s.ID)
			s.Definition = r.Definition
			return err
		})
		if err != nil {
			return err
		}
	}
	return a.print(cmd, s, func(w io.Writer) {
		verb := "started"
		if !s.Started {
			verb = "had been started before:"
		}
		fmt.Fprintf(w, "%s %s (%s, version %d)\n", verb, s.ID, s.Definition.Key, s.Definition.Version)
	})
}

func (a *app) startAndWait(ctx context.Context, cmd *cobra.Command, c *client.Client, o client.StartOptions, timeout time.Duration) error {
	if timeout > 0 {
		bounded, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		ctx = bounded
	}
	s, err := a.begin(ctx, c, o)
	if err != nil {
		return err
	}
	if a.output == outputText {
		fmt.Fprintf(cmd.ErrOrStderr(), "waiting for %s (%s, version %d)\n", s.ID, s.Definition.Key, s.Definition.Version)
	}
	r, err := a.waitFor(ctx, cmd, c, client.Started{ID: s.ID, Run: s.run})
	if deadline, bounded := ctx.Deadline(); err != nil && bounded && time.Until(deadline) < time.Second {
		<-ctx.Done() // the transport knows the deadline, too, and may be faster by a moment
	}
	switch {
	case err == nil:
	case cmd.Context().Err() != nil:
		return fmt.Errorf("interrupted; instance %s goes on", s.ID)
	case ctx.Err() != nil:
		return a.notInTime(cmd, c, s.ID, timeout)
	default:
		if _, ok := errors.AsType[*sdk.WorkflowExecutionError](err); ok {
			return coded(exitNotDone, err)
		}
		return err
	}
	if err := a.printEnded(cmd, r); err != nil {
		return err
	}
	if r.State != contract.StateCompleted {
		return coded(exitNotDone, fmt.Errorf("instance %s ended as %s", r.ID, r.State))
	}
	return nil
}

// notInTime shows where an instance stands that has not ended within --timeout.
func (a *app) notInTime(cmd *cobra.Command, c *client.Client, id string, timeout time.Duration) error {
	late := fmt.Errorf("instance %s has not ended within %s; it goes on", id, timeout)
	err := a.answered(cmd.Context(), func(ctx context.Context) error {
		r, err := c.Get(ctx, id)
		if err != nil {
			return err
		}
		if len(r.Active) > 0 {
			late = fmt.Errorf("%w (it waits at %s)", late, strings.Join(r.Active, ", "))
		}
		return a.printEnded(cmd, r)
	})
	if err != nil {
		late = fmt.Errorf("%w; its state could not be read: %w", late, err)
	}
	return coded(exitNotDone, late)
}

func (a *app) printEnded(cmd *cobra.Command, r contract.ProcessResult) error {
	e := ended{ID: r.ID, Definition: r.Definition, State: r.State, Variables: r.Variables, Path: list(r.Path)}
	if e.Variables == nil {
		e.Variables = map[string]any{}
	}
	return a.print(cmd, e, func(w io.Writer) { printInstance(w, r) })
}

// waitFor waits for the end of an instance and tells the incidents that open meanwhile.
func (a *app) waitFor(ctx context.Context, cmd *cobra.Command, c *client.Client, i client.Started) (contract.ProcessResult, error) {
	watching, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.tellIncidents(watching, cmd.ErrOrStderr(), c, i.ID)
	}()
	r, err := c.WaitFor(ctx, i)
	stop()
	<-done
	return r, err
}

// tellIncidents writes every incident of an instance once, until ctx is done. An answer that fails is asked for again:
// it is Wait that tells of a server that is gone.
func (a *app) tellIncidents(ctx context.Context, w io.Writer, c *client.Client, id string) {
	told := map[int]bool{}
	ticks := time.NewTicker(a.poll)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		r, err := c.Get(ctx, id)
		if err != nil {
			continue
		}
		for _, i := range r.Incidents {
			if !told[i.ID] {
				told[i.ID] = true
				fmt.Fprintf(w, "incident %d at %s: %s\nanswer it with `starter incident retry %s --incident %d`, resolve or cancel; still waiting\n",
					i.ID, i.Element, oneLine(i.Message), id, i.ID)
			}
		}
	}
}
