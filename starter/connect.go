package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/api/serviceerror"
	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/log"

	"github.com/waybill-io/waybill/client"
)

const (
	defaultAddress = "127.0.0.1:7233"
	dialIn         = 5 * time.Second
)

// dialer connects to a Temporal server; address and namespace override the environment when they are not "".
type dialer func(ctx context.Context, address, namespace string) (temporal.Client, error)

func dialTemporal(ctx context.Context, address, namespace string) (temporal.Client, error) {
	options, err := settings()
	if err != nil {
		return nil, err
	}
	options.HostPort = cmp.Or(address, options.HostPort, defaultAddress)
	options.Namespace = cmp.Or(namespace, options.Namespace)
	// The SDK would log to standard output's neighbour what the error says already.
	options.Logger = log.NewStructuredLogger(slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithTimeout(ctx, dialIn)
	defer cancel()
	c, err := temporal.DialContext(ctx, options)
	if err != nil {
		return nil, coded(exitUnreachable, fmt.Errorf("no Temporal server answers at %s: %w\n"+
			"start everything on this machine with `go run ./worker dev`, or name the server with --temporal-address or TEMPORAL_ADDRESS",
			options.HostPort, err))
	}
	return c, nil
}

// settings are those of Temporal's client in the environment.
func settings() (temporal.Options, error) {
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		err = usage(fmt.Errorf("read the settings of Temporal's client from the environment: %w", err))
	}
	return options, err
}

// inNamespace is the namespace that the client is of.
func (a *app) inNamespace() (string, error) {
	options, err := settings()
	return cmp.Or(a.namespace, options.Namespace, temporal.DefaultNamespace), err
}

// with calls fn with a connected client and makes sure that a server or worker that does not answer ends the command.
func (a *app) with(cmd *cobra.Command, fn func(ctx context.Context, c *client.Client) error) error {
	return a.connected(cmd, func(ctx context.Context, c *client.Client) error {
		return a.answered(ctx, func(ctx context.Context) error { return fn(ctx, c) })
	})
}

// connected is with for commands that may take as long as they like.
func (a *app) connected(cmd *cobra.Command, fn func(ctx context.Context, c *client.Client) error) error {
	t, err := a.dial(cmd.Context(), a.address, a.namespace)
	if err != nil {
		return err
	}
	defer t.Close()
	return fn(cmd.Context(), client.New(t))
}

// answered bounds calls that a worker has to answer.
func (a *app) answered(ctx context.Context, fn func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, a.answerIn)
	defer cancel()
	err := fn(bounded)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return errors.New("interrupted")
	case bounded.Err() != nil, noWorker(err):
		return unanswered(err)
	}
	return err
}

// present gets what there is of names that were listed, which is behind what happens: what was removed meanwhile is left out. It is never nil.
func present[T any](ctx context.Context, names []string, get func(context.Context, string) (T, error)) ([]T, error) {
	all := []T{}
	for _, name := range names {
		one, err := get(ctx, name)
		if errors.Is(err, client.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// unanswered is the error of a call that no worker has answered.
func unanswered(err error) error {
	return coded(exitUnreachable, fmt.Errorf("%w\nno worker answered; is one running? (`go run ./worker dev`, or `go run ./worker`)", err))
}

// noWorker recognises how a server, or the client in its place, gives up on a workflow that nobody runs.
func noWorker(err error) bool {
	_, notReady := errors.AsType[*serviceerror.WorkflowNotReady](err)
	_, late := errors.AsType[*serviceerror.DeadlineExceeded](err)
	return notReady || late || errors.Is(err, context.DeadlineExceeded) || client.NoPoller(err)
}

// completeNames offers names that the server knows to the shell; none when it does not answer at once.
func (a *app) completeNames(cmd *cobra.Command, args []string, names func(context.Context, *client.Client) ([]string, error)) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), time.Second)
	defer cancel()
	t, err := a.dial(ctx, a.address, a.namespace)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer t.Close()
	known, err := names(ctx, client.New(t))
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return known, cobra.ShellCompDirectiveNoFileComp
}
