package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/events"
)

// letterPage is how many dead letters are asked for, retried or dropped at a time.
const letterPage = 200

// letterFilter selects dead letters on the command line.
type letterFilter struct {
	tenant, index string
	all           bool
}

func (f *letterFilter) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.tenant, "tenant", "", "of this tenant alone; \"-\" is the default one (default all)")
	cmd.Flags().StringVar(&f.index, "index", "", "of this index alone: process-instances, tasks, activities, variables or histories (default all)")
	// It cannot fail: the flag was defined a line above.
	_ = cmd.RegisterFlagCompletionFunc("index", cobra.FixedCompletions(letterIndexes(), cobra.ShellCompDirectiveNoFileComp))
}

func letterIndexes() []string { return append(events.Indexes(), "histories") }

func (f *letterFilter) query() (q contract.IndexLettersQuery, err error) {
	if f.index != "" && !slices.Contains(letterIndexes(), f.index) {
		return q, usage(fmt.Errorf("--index %s: one of %v is expected", f.index, letterIndexes()))
	}
	q.Index = f.index
	switch f.tenant {
	case "":
	case "-":
		q.Tenant = new("")
	default:
		q.Tenant = &f.tenant
	}
	return q, nil
}

func (a *app) deadDocumentsListCommand() *cobra.Command {
	var filter letterFilter
	var limit int
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List dead letters of the index, the latest refused first",
		Long: "list shows documents that Elasticsearch refuses for what they are, such as a field of another type, and histories that cannot be read (index histories). Each is\n" +
			"there once, with how often it was refused. Nothing else waits for them.",
		Example: `  starter events deadletters list
  starter events deadletters list --index variables --output json`,
		Args: need(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			q, err := filter.query()
			if err != nil {
				return err
			}
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				var letters []contract.IndexLetter
				total, err := eachLetters(ctx, c, q, limit, func(page []contract.IndexLetter) error {
					letters = append(letters, page...)
					return nil
				})
				if err != nil {
					return err
				}
				return a.print(cmd, contract.IndexLetters{Letters: list(letters), Total: total}, func(w io.Writer) {
					var rows [][]string
					for _, l := range letters {
						rows = append(rows, []string{l.ID, l.Index, l.DocumentID, strconv.FormatInt(l.Count, 10), stamp(l.Last), l.Type, clipped(l.Reason)})
					}
					table(w, "no dead letters", []string{"ID", "INDEX", "DOCUMENT", "COUNT", "LAST", "TYPE", "REASON"}, rows)
					if int64(len(letters)) < total {
						fmt.Fprintf(w, "%d of %d; see --limit\n", len(letters), total)
					}
				})
			})
		},
	}
	filter.flags(cmd)
	cmd.Flags().IntVar(&limit, "limit", 50, "at most so many")
	return cmd
}

// eachLetters visits dead letters page by page, at most limit of them, and returns how many there are.
func eachLetters(ctx context.Context, c *client.Client, q contract.IndexLettersQuery, limit int, visit func([]contract.IndexLetter) error) (total int64, err error) {
	for limit > 0 {
		q.Limit = min(limit, letterPage)
		page, err := c.IndexLetters(ctx, q)
		if err != nil {
			return 0, err
		}
		if total = page.Total; len(page.Letters) > 0 {
			if err := visit(page.Letters); err != nil {
				return total, err
			}
		}
		limit -= len(page.Letters)
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	return total, nil
}

func (a *app) deadDocumentsRetryCommand() *cobra.Command {
	var filter letterFilter
	cmd := &cobra.Command{
		Use:   "retry [ID...]",
		Short: "Index documents of dead letters again, as they are",
		Long:  "retry is for when the reason is gone, such as a mapping that somebody has changed. What is indexed, or older than what is there, is no dead letter any more; what is refused again is counted.",
		Example: `  starter events deadletters retry 5f6c1a0b9d3e4c7f8a1b2c3d4e5f6a7b
  starter events deadletters retry --all --index variables`,
		Args: filter.args,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withLetters(cmd, &filter, args, func(ctx context.Context, c *client.Client, chosen [][]string) error {
				var all contract.IndexCount
				for _, ids := range chosen {
					done, err := c.RetryIndexLetters(ctx, ids)
					if err != nil {
						return err
					}
					all.Add(done)
				}
				return a.print(cmd, all, func(w io.Writer) {
					fmt.Fprintf(w, "%d indexed, %d known, %d refused again\n", all.Written, all.Known, all.Dead)
				})
			})
		},
	}
	filter.flags(cmd)
	cmd.Flags().BoolVar(&filter.all, "all", false, "all of them, or all of the tenant or index")
	return cmd
}

func (a *app) deadDocumentsDropCommand() *cobra.Command {
	var filter letterFilter
	cmd := &cobra.Command{
		Use:   "drop [ID...]",
		Short: "Delete dead letters; what they hold stays out of the index",
		Example: `  starter events deadletters drop 5f6c1a0b9d3e4c7f8a1b2c3d4e5f6a7b
  starter events deadletters drop --all --tenant acme`,
		Args: filter.args,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withLetters(cmd, &filter, args, func(ctx context.Context, c *client.Client, chosen [][]string) error {
				n := 0
				for _, ids := range chosen {
					dropped, err := c.DropIndexLetters(ctx, ids)
					if err != nil {
						return err
					}
					n += dropped
				}
				return a.print(cmd, map[string]int{"dropped": n}, func(w io.Writer) { fmt.Fprintf(w, "dropped %d dead letters\n", n) })
			})
		},
	}
	filter.flags(cmd)
	cmd.Flags().BoolVar(&filter.all, "all", false, "all of them, or all of the tenant or index")
	return cmd
}

func (f *letterFilter) args(_ *cobra.Command, args []string) error {
	if f.all == (len(args) > 0) {
		return errors.New("ids of dead letters are expected, or --all")
	}
	if !f.all && (f.tenant != "" || f.index != "") {
		return errors.New("--tenant and --index go with --all")
	}
	return nil
}

// maxAllLetters bounds what --all takes at a time; it may be called again.
const maxAllLetters = 100_000

// withLetters calls fn with the ids of the letters that are chosen, in parts.
func (a *app) withLetters(cmd *cobra.Command, f *letterFilter, args []string, fn func(context.Context, *client.Client, [][]string) error) error {
	q, err := f.query()
	if err != nil {
		return err
	}
	return a.connected(cmd, func(ctx context.Context, c *client.Client) error {
		if !f.all {
			return fn(ctx, c, slices.Collect(slices.Chunk(args, letterPage)))
		}
		var chosen [][]string
		_, err := eachLetters(ctx, c, q, maxAllLetters, func(page []contract.IndexLetter) error {
			var ids []string
			for _, l := range page {
				if !l.Final || cmd.Name() == "drop" { // what is final cannot be tried again
					ids = append(ids, l.ID)
				}
			}
			if len(ids) > 0 {
				chosen = append(chosen, ids)
			}
			return nil
		})
		if err != nil {
			return err
		}
		return fn(ctx, c, chosen)
	})
}
