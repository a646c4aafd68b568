package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

func (a *app) taskCommand() *cobra.Command {
	return group("task", "Work on user tasks",
		a.taskListCommand(), a.taskGetCommand(), a.taskClaimCommand(), a.taskCompleteCommand())
}

func (a *app) taskListCommand() *cobra.Command {
	var f client.TaskFilter
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List open user tasks, the newest first",
		Long:  "list reads Temporal's visibility store, which is some moments behind what happens.",
		Example: `  starter task list --candidate on-call
  starter task list --instance support/k3v9q2 --output json`,
		Args: need(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				tasks, err := c.Tasks(ctx, f)
				if err != nil {
					return err
				}
				return a.print(cmd, list(tasks), func(w io.Writer) {
					var rows [][]string
					for _, t := range tasks {
						rows = append(rows, []string{t.ID, title(t), t.Assignee, candidates(t), t.BusinessKey, stamp(t.Created), due(t)})
					}
					table(w, "no open tasks", []string{"ID", "NAME", "ASSIGNEE", "CANDIDATES", "BUSINESS KEY", "CREATED", "DUE"}, rows)
				})
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.Assignee, "assignee", "", "only tasks of this user")
	flags.StringVar(&f.Candidate, "candidate", "", "only tasks that this user or group may claim")
	flags.StringVar(&f.Instance, "instance", "", "only tasks of this instance")
	flags.IntVar(&f.Limit, "limit", 100, "at most so many")
	return cmd
}

func (a *app) taskGetCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "get ID",
		Short:   "Show a user task with its variables",
		Example: `  starter task get task/support/k3v9q2/4`,
		Args:    need("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				t, err := c.Task(ctx, args[0])
				if err != nil {
					return err
				}
				return a.printTask(cmd, t)
			})
		},
	}
}

func (a *app) taskClaimCommand() *cobra.Command {
	var (
		user    string
		release bool
	)
	cmd := &cobra.Command{
		Use:   "claim ID",
		Short: "Give an open task to a user, or back to its candidates",
		Example: `  starter task claim task/support/k3v9q2/4 --user ada
  starter task claim task/support/k3v9q2/4 --release`,
		Args: need("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (user == "") != release {
				return usage(errors.New("either --user NAME or --release is expected"))
			}
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				t, err := c.ClaimTask(ctx, args[0], user)
				if err != nil {
					return err
				}
				return a.printTask(cmd, t)
			})
		},
	}
	cmd.Flags().StringVar(&user, "user", "", "who takes the task")
	cmd.Flags().BoolVar(&release, "release", false, "give the task back to its candidates")
	return cmd
}

func (a *app) taskCompleteCommand() *cobra.Command {
	var (
		vars variableFlags
		user string
	)
	cmd := &cobra.Command{
		Use:     "complete ID",
		Short:   "Complete an open task with results",
		Long:    "complete returns when the process has accepted the results. Which of them become variables of the process, its mappings say.",
		Example: `  starter task complete task/support/k3v9q2/4 --user ada --var approved=true`,
		Args:    need("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			values, err := vars.read(cmd)
			if err != nil {
				return err
			}
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				t, err := c.CompleteTask(ctx, args[0], contract.CompleteTask{User: user, Variables: values})
				if err != nil {
					return err
				}
				return a.printTask(cmd, t)
			})
		},
	}
	vars.add(cmd)
	cmd.Flags().StringVar(&user, "user", "", "who completes the task; refused when somebody else has claimed it")
	return cmd
}

func (a *app) printTask(cmd *cobra.Command, t contract.Task) error {
	return a.print(cmd, t, func(w io.Writer) {
		fields(w,
			"id", t.ID,
			"name", t.Name,
			"element", t.Element,
			"instance", t.Instance,
			"process", fmt.Sprintf("%s, version %d", t.Definition.Key, t.Definition.Version),
			"business key", t.BusinessKey,
			"state", t.State,
			"assignee", t.Assignee,
			"candidates", candidates(t),
			"created", stamp(t.Created),
			"due", due(t),
			"form", t.FormKey,
			"description", t.Description,
		)
		if t.Priority != 0 {
			fields(w, "priority", strconv.Itoa(t.Priority))
		}
		variables(w, t.Variables)
	})
}

func title(t contract.Task) string {
	if t.Name == "" {
		return t.Element
	}
	return t.Name
}

func candidates(t contract.Task) string {
	return strings.Join(slices.Concat(t.CandidateUsers, t.CandidateGroups), ", ")
}

func due(t contract.Task) string {
	if t.Due == nil {
		return ""
	}
	return stamp(*t.Due)
}
