package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

func (a *app) taskDelegateCommand() *cobra.Command {
	var user string
	cmd := &cobra.Command{
		Use:   "delegate ID",
		Short: "Have somebody else work on a task, who gives it back to its owner",
		Long: "delegate makes --user the assignee and keeps who had the task as its owner. The delegate resolves it; then the owner\n" +
			"completes it.",
		Example: `  starter task delegate task/support/k3v9q2/4 --user bob
  starter task resolve task/support/k3v9q2/4 --var checked=true`,
		Args: need("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if user == "" {
				return usage(errors.New("--user is missing"))
			}
			return a.changeTask(cmd, func(ctx context.Context, c *client.Client) (contract.Task, error) {
				return c.DelegateTask(ctx, args[0], user)
			})
		},
	}
	cmd.Flags().StringVar(&user, "user", "", "who works on the task")
	return cmd
}

// taskWithVariables is a command that takes a task and variables.
func (a *app) taskWithVariables(name, short, example string, change func(context.Context, *client.Client, string, map[string]any) (contract.Task, error)) *cobra.Command {
	var vars variableFlags
	cmd := &cobra.Command{
		Use: name + " ID", Short: short, Example: "  " + example, Args: need("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			values, err := vars.read(cmd)
			if err != nil {
				return err
			}
			return a.changeTask(cmd, func(ctx context.Context, c *client.Client) (contract.Task, error) {
				return change(ctx, c, args[0], values)
			})
		},
	}
	vars.add(cmd)
	return cmd
}

// taskAnswerCommand is a command that answers a task with a code.
func (a *app) taskAnswerCommand(name, short, example string, answer func(ctx context.Context, c *client.Client, id, code, message string, v map[string]any) error) *cobra.Command {
	var vars variableFlags
	var code, message string
	cmd := &cobra.Command{
		Use: name + " ID", Short: short, Example: "  " + example, Args: need("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if code == "" {
				return usage(errors.New("--code is missing"))
			}
			values, err := vars.read(cmd)
			if err != nil {
				return err
			}
			return a.changeTask(cmd, func(ctx context.Context, c *client.Client) (contract.Task, error) {
				if err := answer(ctx, c, args[0], code, message, values); err != nil {
					return contract.Task{}, err
				}
				return c.Task(ctx, args[0])
			})
		},
	}
	vars.add(cmd)
	cmd.Flags().StringVar(&code, "code", "", "the code that the model catches")
	if name == "fail" {
		cmd.Flags().StringVar(&message, "message", "", "what went wrong")
	}
	return cmd
}

func (a *app) changeTask(cmd *cobra.Command, change func(context.Context, *client.Client) (contract.Task, error)) error {
	return a.with(cmd, func(ctx context.Context, c *client.Client) error {
		t, err := change(ctx, c)
		if err != nil {
			return err
		}
		return a.printTask(cmd, t)
	})
}
