package main

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/client"
)

func (a *app) definitionCommand() *cobra.Command {
	return group("definition", "See the versions of a process, and let no more of it start",
		a.definitionListCommand(),
		a.definitionChangeCommand("suspend", "suspended", "Let no instance of a process start, in whatever way; those that run go on",
			func(ctx context.Context, c *client.Client, key string) error {
				return c.SuspendDefinition(ctx, key, true)
			}),
		a.definitionChangeCommand("resume", "resumed", "Let instances of a suspended process start again; its timers count anew",
			func(ctx context.Context, c *client.Client, key string) error {
				return c.SuspendDefinition(ctx, key, false)
			}),
	)
}

func (a *app) definitionListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list KEY",
		Short:   "List the deployed versions of a process, the oldest first",
		Example: `  starter definition list support --output json`,
		Args:    need("KEY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				versions, err := c.Versions(ctx, args[0])
				if err != nil {
					return err
				}
				return a.print(cmd, list(versions), func(w io.Writer) {
					var rows [][]string
					for _, v := range versions {
						rows = append(rows, []string{strconv.Itoa(v.Version), v.VersionTag, v.Digest[:min(len(v.Digest), 12)]})
					}
					table(w, "no versions", []string{"VERSION", "TAG", "DIGEST"}, rows)
				})
			})
		},
	}
}

func (a *app) undeployCommand() *cobra.Command {
	return a.definitionChangeCommand("undeploy", "undeployed",
		"Remove a process: nothing starts it any more, its instances go on", (func(ctx context.Context, c *client.Client, key string) error {
			return c.Undeploy(ctx, key)
		}))
}

// keyed is the JSON of a change to a process.
type keyed struct {
	Key  string `json:"key"`
	Done string `json:"done"`
}

func (a *app) definitionChangeCommand(name, done, short string, change func(context.Context, *client.Client, string) error) *cobra.Command {
	example := "  starter definition " + name + " support"
	if name == "undeploy" {
		example = "  starter undeploy support"
	}
	return &cobra.Command{
		Use: name + " KEY", Short: short, Example: example, Args: need("KEY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				if err := change(ctx, c, args[0]); err != nil {
					return err
				}
				return a.print(cmd, keyed{args[0], done}, func(w io.Writer) { fmt.Fprintf(w, "%s process %s\n", done, args[0]) })
			})
		},
	}
}
