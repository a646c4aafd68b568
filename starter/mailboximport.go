package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

const importAtOnce = 8

// imported is the result of mailbox import.
type imported struct {
	Watched int      `json:"watched"`
	Failed  []string `json:"failed"`
}

func (a *app) mailboxImportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE.csv",
		Short: "Watch all mailboxes of a table",
		Long: "import does what `mailbox add` does for each line of a table (RFC 4180). The first line names the columns: name, and any\n" +
			"flag of `mailbox add` without its dashes; folder may hold several, separated by semicolons. Columns may be separated by\n" +
			"semicolons, too, as Excel does it. All lines are checked before the first mailbox is added. Mailboxes that are watched already take the new settings, so it may be repeated.",
		Example: `  starter mailbox import mailboxes.csv
  printf 'name,username,password\nann,ann@gmail.com,env:ANN\n' | starter mailbox import -`,
		Args: need("FILE.csv"),
		RunE: func(cmd *cobra.Command, args []string) error {
			configs, err := readMailboxes(cmd.InOrStdin(), args[0])
			if err != nil {
				return usage(err)
			}
			return a.connected(cmd, func(ctx context.Context, c *client.Client) error {
				result := a.importAll(ctx, cmd.ErrOrStderr(), c, configs)
				if err := a.print(cmd, result, func(w io.Writer) { fmt.Fprintf(w, "watching %d mailboxes\n", result.Watched) }); err != nil {
					return err
				}
				if len(result.Failed) > 0 {
					return fmt.Errorf("%d of %d mailboxes could not be added; the first: %s", len(result.Failed), len(configs), result.Failed[0])
				}
				return nil
			})
		},
	}
}

func (a *app) importAll(ctx context.Context, progress io.Writer, c *client.Client, configs []contract.MailboxConfig) imported {
	failed := make([]string, len(configs))
	var done atomic.Int64
	var group errgroup.Group
	group.SetLimit(importAtOnce)
	for i, config := range configs {
		group.Go(func() error {
			if err := c.ConfigureMailbox(ctx, config); err != nil {
				failed[i] = err.Error()
			}
			if n := done.Add(1); n%100 == 0 {
				fmt.Fprintf(progress, "%d of %d mailboxes\n", n, len(configs))
			}
			return nil
		})
	}
	_ = group.Wait() // its functions return nil
	failed = slices.DeleteFunc(failed, func(text string) bool { return text == "" })
	return imported{Watched: len(configs) - len(failed), Failed: list(failed)}
}

// readMailboxes reads a table and tells everything that is wrong with it.
func readMailboxes(in io.Reader, name string) ([]contract.MailboxConfig, error) {
	t, err := readTable(in, name, "mailboxes")
	if err != nil {
		return nil, err
	}
	if err := t.known("name", columnNames()); err != nil {
		return nil, err
	}
	var configs []contract.MailboxConfig
	var errs []error
	seen := map[string]int{}
	for i, row := range t.rows {
		line := t.lines[i]
		config, err := mailboxOf(t.columns, row)
		if first, twice := seen[config.Name]; err == nil && twice {
			err = fmt.Errorf("mailbox %q is in line %d, too", config.Name, first)
		}
		seen[config.Name] = line
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: line %d: %w", name, line, err))
			continue
		}
		configs = append(configs, config)
	}
	if len(configs) == 0 && len(errs) == 0 {
		return nil, fmt.Errorf("%s: no mailbox is in it", name)
	}
	return configs, errors.Join(errs...)
}

// columnNames are those that a table may have.
func columnNames() []string {
	names := []string{"name"}
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	new(mailboxFlags).define(flags)
	flags.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}

// mailboxOf reads a line as the flags of mailbox add.
func mailboxOf(columns, row []string) (contract.MailboxConfig, error) {
	var f mailboxFlags
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.define(flags)
	for i, column := range columns {
		var err error
		switch {
		case column == "name":
			f.Name = row[i]
		case row[i] == "":
		case column == "folder":
			for folder := range strings.SplitSeq(row[i], ";") {
				err = errors.Join(err, flags.Set(column, folder))
			}
		default:
			err = flags.Set(column, row[i])
		}
		if err != nil {
			return f.MailboxConfig, fmt.Errorf("column %s: %w", column, err)
		}
	}
	return f.config()
}
