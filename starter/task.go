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
	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/client"
)

func (a *app) taskCommand() *cobra.Command {
	return group("task", "Work on user tasks",
		a.taskListCommand(), a.taskGetCommand(), a.taskClaimCommand(), a.taskDelegateCommand(),
		a.taskWithVariables("resolve", "Give a delegated task back to its owner", "starter task resolve task/support/k3v9q2/4 --var checked=true",
			func(ctx context.Context, c *client.Client, id string, v map[string]any) (contract.Task, error) {
				return c.ResolveTask(ctx, id, v)
			}),
		a.taskWithVariables("set", "Set variables of a task alone, which are gone with it", "starter task set task/support/k3v9q2/4 --var draft=yes",
			func(ctx context.Context, c *client.Client, id string, v map[string]any) (contract.Task, error) {
				return c.SetTaskVariables(ctx, id, v)
			}),
		a.taskCompleteCommand(),
		a.taskAnswerCommand("fail", "End a task with a BPMN error, which an error event of the model catches",
			"starter task fail task/support/k3v9q2/4 --code REFUSED --message 'not for us'",
			func(ctx context.Context, c *client.Client, id, code, message string, v map[string]any) error {
				return c.FailTask(ctx, id, code, message, v)
			}),
		a.taskAnswerCommand("escalate", "Escalate from a task, which stays open unless an interrupting event catches it",
			"starter task escalate task/support/k3v9q2/4 --code LATE",
			func(ctx context.Context, c *client.Client, id, code, _ string, v map[string]any) error {
				return c.EscalateTask(ctx, id, code, v)
			}),
	)
}

func (a *app) taskListCommand() *cobra.Command {
	var f client.TaskFilter
	var before string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List open user tasks, the newest first",
		Long:  "list reads Temporal's visibility store, which is some moments behind what happens.",
		Example: `  starter task list --candidate on-call
  starter task list --unassigned --due-before 2026-12-24 --limit 20 --skip 20
  starter task list --instance support/k3v9q2 --output json`,
		Args: need(),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if before != "" {
				if f.DueBefore, err = bpmn.ParseDate(before); err != nil {
					return usage(fmt.Errorf("--due-before: %w", err))
				}
			}
			if f.Skip < 0 {
				return usage(errors.New("--skip must not be negative"))
			}
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
	flags.StringSliceVar(&f.Candidates, "candidate", nil, "only tasks that one of these users or groups may claim")
	flags.BoolVar(&f.Unassigned, "unassigned", false, "only tasks that nobody has claimed")
	flags.StringVar(&f.Owner, "owner", "", "only tasks of this owner")
	flags.StringVar(&f.Key, "key", "", "only tasks of this process")
	flags.StringVar(&f.Text, "text", "", "only tasks with this in their name or description")
	flags.StringVar(&before, "due-before", "", "only tasks due before this date, such as 2026-03-02 or 2026-03-02T09:00:00Z")
	flags.IntVar(&f.Skip, "skip", 0, "leave out so many, which an earlier list has shown")
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
		user, by string
		release  bool
	)
	cmd := &cobra.Command{
		Use:   "claim ID",
		Short: "Give an open task to a user, or back to its candidates",
		Example: `  starter task claim task/support/k3v9q2/4 --user ada
  starter task claim task/support/k3v9q2/4 --user ada --by bert
  starter task claim task/support/k3v9q2/4 --release`,
		Args: need("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (user == "") != release {
				return usage(errors.New("either --user NAME or --release is expected"))
			}
			if by != "" && release {
				return usage(errors.New("--by goes with --user"))
			}
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				t, err := c.GiveTask(ctx, args[0], user, by)
				if err != nil {
					return err
				}
				return a.printTask(cmd, t)
			})
		},
	}
	cmd.Flags().StringVar(&user, "user", "", "who takes the task")
	cmd.Flags().StringVar(&by, "by", "", "who gives it to the user, who then gets mail of it when the task sends mails")
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
			"owner", t.Owner,
			"candidates", candidates(t),
			"created", stamp(t.Created),
			"due", due(t),
			"follow up", followUp(t),
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

func followUp(t contract.Task) string {
	if t.FollowUp == nil {
		return ""
	}
	return stamp(*t.FollowUp)
}

func due(t contract.Task) string {
	if t.Due == nil {
		return ""
	}
	return stamp(*t.Due)
}
