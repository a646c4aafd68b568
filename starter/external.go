package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/external"
)

// openExternal is a line of external list.
type openExternal struct {
	ID          string     `json:"id"`
	Topic       string     `json:"topic"`
	Instance    string     `json:"instance"`
	Key         string     `json:"key"`
	Version     int        `json:"version"`
	Element     string     `json:"element"`
	Name        string     `json:"name,omitempty"`
	BusinessKey string     `json:"businessKey,omitempty"`
	Tenant      string     `json:"tenant,omitempty"`
	Worker      string     `json:"worker,omitempty"`
	Until       *time.Time `json:"until,omitempty"`
	Retries     *int       `json:"retries,omitempty"`
	Priority    int        `json:"priority"`
	Message     string     `json:"message,omitempty"`
	Details     string     `json:"details,omitempty"`
	Incident    int        `json:"incident,omitempty"`
	Suspended   bool       `json:"suspended,omitempty"`
	Created     time.Time  `json:"created"`
}

func (a *app) externalCommand() *cobra.Command {
	return group("external", "See and steer external tasks: work that programs outside fetch", a.externalListCommand(), a.externalUnlockCommand(), a.externalRetriesCommand())
}

// externals is with for commands about external tasks.
func (a *app) externals(cmd *cobra.Command, fn func(ctx context.Context, tasks *external.Tasks) error) error {
	namespace, err := a.inNamespace()
	if err != nil {
		return err
	}
	return a.with(cmd, func(ctx context.Context, c *client.Client) error { return fn(ctx, external.New(c, namespace)) })
}

func (a *app) externalListCommand() *cobra.Command {
	var (
		f               external.Filter
		key, in, worker string
	)
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List open external tasks: offered, locked, or with no retries left",
		Long: "list finds instances through Temporal's visibility store, which is some moments behind what happens, and asks them;\n" +
			"with --instance it asks that instance itself.",
		Example: `  starter external list --topic invoices
  starter external list --failed
  starter external list --instance support/k3v9q2 --output json`,
		Args: need(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if key != "" {
				f.Keys = []string{key}
			}
			if in != "" {
				f.Instances = []string{in}
			}
			f.Match = func(t *external.Task) bool { return worker == "" || t.Worker == worker }
			return a.externals(cmd, func(ctx context.Context, tasks *external.Tasks) error {
				l, err := tasks.List(ctx, f)
				if err != nil {
					return err
				}
				if l.Partial {
					fmt.Fprintf(cmd.ErrOrStderr(), "warning: only the newest %d instances were looked at\n", external.LookAtMost)
				}
				return a.printExternals(cmd, l.Tasks)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.Topic, "topic", "", "only tasks of this topic")
	flags.StringVar(&key, "key", "", "only tasks of this process")
	flags.StringVar(&in, "instance", "", "only tasks of this instance")
	flags.StringVar(&worker, "worker", "", "only tasks that this worker has, or had last")
	flags.BoolVar(&f.Failed, "failed", false, "only tasks with no retries left, which are incidents")
	flags.IntVar(&f.Limit, "limit", 100, "at most so many")
	a.completeTopics(cmd)
	return cmd
}

func (a *app) printExternals(cmd *cobra.Command, tasks []*external.Task) error {
	all := []openExternal{}
	for _, t := range tasks {
		c := t.Context
		o := openExternal{
			ID: t.ID, Topic: t.Topic, Instance: c.ProcessInstanceID, Key: c.ProcessDefinitionKey, Version: c.ProcessDefinitionVersion, Element: c.ElementID,
			Name: c.ElementName, BusinessKey: c.BusinessKey, Tenant: c.Tenant, Worker: t.Worker, Retries: t.Retries, Priority: t.Priority,
			Message: t.ErrorMessage, Details: t.ErrorDetails, Incident: t.Incident, Suspended: t.Suspended, Created: t.Created.UTC(),
		}
		if !t.Until.IsZero() {
			until := t.Until.UTC()
			o.Until = &until
		}
		all = append(all, o)
	}
	return a.print(cmd, all, func(w io.Writer) {
		var rows [][]string
		for _, o := range all {
			until, retries := "", ""
			if o.Until != nil {
				until = stamp(*o.Until)
			}
			if o.Retries != nil {
				retries = strconv.Itoa(*o.Retries)
			}
			rows = append(rows, []string{o.ID, o.Topic, o.Instance, cmp.Or(o.Name, o.Element), o.Worker, until, retries, stamp(o.Created), o.Message})
		}
		table(w, "no open external tasks", []string{"ID", "TOPIC", "INSTANCE", "ELEMENT", "WORKER", "UNTIL", "RETRIES", "CREATED", "MESSAGE"}, rows)
	})
}

func (a *app) externalUnlockCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "unlock ID",
		Short:             "Take an external task from whoever has it: it is offered again at once",
		Example:           "  starter external unlock MiBzdXBwb3J0L2szdjlxMg",
		Args:              need("ID"),
		ValidArgsFunction: a.completeExternal,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.externals(cmd, func(ctx context.Context, tasks *external.Tasks) error {
				if err := tasks.Unlock(ctx, args[0], external.Scope{}); err != nil {
					return err
				}
				return a.print(cmd, map[string]string{"id": args[0], "result": "unlocked"}, func(w io.Writer) { fmt.Fprintln(w, "unlocked external task", args[0]) })
			})
		},
	}
}

func (a *app) externalRetriesCommand() *cobra.Command {
	var topic string
	var all, failed bool
	cmd := &cobra.Command{
		Use:   "retries ID NUMBER",
		Short: "Set how many retries an external task has left",
		Long: "retries has an external task offered again that has none left, which solves its incident. 0 makes a task an incident, and takes it from\n" +
			"whoever has it. --all sets those of all tasks of a topic, or with --failed of those that have none left: then NUMBER is the only argument.",
		Example: `  starter external retries MiBzdXBwb3J0L2szdjlxMg 3
  starter external retries --topic invoices --all --failed 3`,
		Args: func(cmd *cobra.Command, args []string) error {
			if all {
				return need("NUMBER")(cmd, args)
			}
			return need("ID", "NUMBER")(cmd, args)
		},
		ValidArgsFunction: a.completeExternal,
		RunE: func(cmd *cobra.Command, args []string) error {
			if all != (topic != "") || failed && !all {
				return usage(errors.New("--all and --topic go together, and --failed goes with them"))
			}
			last := args[len(args)-1]
			retries, err := strconv.Atoi(last)
			if err != nil || retries < 0 {
				return usage(fmt.Errorf("%q is no number of retries: 0 or more is expected", last))
			}
			return a.externals(cmd, func(ctx context.Context, tasks *external.Tasks) error {
				n := 1
				if all {
					n, err = setRetriesOf(ctx, tasks, external.Filter{Topic: topic, Failed: failed}, retries)
				} else {
					err = tasks.SetRetries(ctx, args[0], external.Scope{}, retries)
				}
				if err != nil {
					return err
				}
				return a.print(cmd, map[string]int{"tasks": n, "retries": retries}, func(w io.Writer) {
					fmt.Fprintf(w, "set the retries of %d external tasks to %d\n", n, retries)
				})
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&topic, "topic", "", "with --all: the topic")
	flags.BoolVar(&all, "all", false, "set those of all tasks of a topic")
	flags.BoolVar(&failed, "failed", false, "with --all: only of tasks with no retries left")
	a.completeTopics(cmd)
	return cmd
}

// setRetriesOf sets the retries of the tasks that a filter finds, and tells of how many.
func setRetriesOf(ctx context.Context, tasks *external.Tasks, f external.Filter, retries int) (int, error) {
	l, err := tasks.List(ctx, f)
	if err != nil {
		return 0, err
	}
	if l.Partial {
		return 0, fmt.Errorf("more than %d instances may have such tasks: set those of one after the other, or by --failed", external.LookAtMost)
	}
	var ids []string
	for _, t := range l.Tasks {
		ids = append(ids, t.ID)
	}
	return tasks.SetRetriesOf(ctx, ids, external.Scope{}, retries)
}

// completeExternal offers ids of open tasks to the shell.
func (a *app) completeExternal(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return a.completeNames(cmd, args, func(ctx context.Context, c *client.Client) (ids []string, err error) {
		err = a.eachExternal(ctx, c, func(t *external.Task) {
			ids = append(ids, cobra.CompletionWithDesc(t.ID, t.Topic+" of "+t.Context.ProcessInstanceID))
		})
		return ids, err
	})
}

// completeTopics offers topics with open tasks to the shell.
func (a *app) completeTopics(cmd *cobra.Command) {
	// It cannot fail: the flag was defined before.
	_ = cmd.RegisterFlagCompletionFunc("topic", func(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return a.completeNames(cmd, nil, func(ctx context.Context, c *client.Client) (topics []string, err error) {
			err = a.eachExternal(ctx, c, func(t *external.Task) { topics = append(topics, t.Topic) })
			slices.Sort(topics)
			return slices.Compact(topics), err
		})
	})
}

// offeredAtMost bounds what is offered to the shell.
const offeredAtMost = 100

func (a *app) eachExternal(ctx context.Context, c *client.Client, fn func(*external.Task)) error {
	namespace, err := a.inNamespace()
	if err != nil {
		return err
	}
	l, err := external.New(c, namespace).List(ctx, external.Filter{Limit: offeredAtMost})
	if err != nil {
		return err
	}
	for _, t := range l.Tasks {
		fn(t)
	}
	return nil
}
