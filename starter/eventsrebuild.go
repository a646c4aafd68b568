package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

// namedDifferences is how many differences are named, unless one asks for more or fewer.
const namedDifferences = 20

// settle is how long an event may be on its way to the index: it is visible within 35 seconds, where nothing stands still.
const settle = time.Minute

func (a *app) eventsRebuildCommand() *cobra.Command {
	var in contract.GatherInput
	var since string
	var flags gatherFlags
	cmd := &cobra.Command{
		Use:   "rebuild",
		Short: "Make the indexes of a tenant anew, from the archive and the histories",
		Long: "rebuild fills new indexes beside the present ones, with all that the archive of events and the histories that Temporal keeps have, while the\n" +
			"indexer writes to both. It compares the new ones with what was read, by count and checksum, and then has searches see them, all at once. The old\n" +
			"ones stay until `starter events drop-old`. It is a workflow: ctrl-C leaves it running, --follow shows it again, --cancel gives it up.\n\n" +
			"With --since it makes no new indexes, and fills in what the present ones lack of what happened since then: it takes nothing away, and leaves what\n" +
			"is there with the same version as it is.",
		Example: `  starter events rebuild
  starter events rebuild --tenant acme --follow
  starter events rebuild --since 2026-11-01`,
		Args: need(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if in.Since, err = moment("--since", since); err != nil {
				return err
			}
			in.Limit, in.SettleMS = namedDifferences, settle.Milliseconds()
			id := contract.RebuildID(in.Tenant)
			return a.gathering(cmd, id, flags, func(ctx context.Context, c *client.Client) error {
				return c.StartRebuild(ctx, in)
			}, printRebuilt)
		},
	}
	f := cmd.Flags()
	f.StringVar(&in.Tenant, "tenant", "", "the tenant (default the one without a name)")
	f.StringVar(&since, "since", "", "only fill in what is missing since a day (yyyy-mm-dd, UTC) or a time (RFC 3339)")
	f.BoolVar(&in.HistoriesOnly, "histories-only", false, "go without the archive: what is older than Temporal's retention will be missing")
	f.BoolVar(&in.AllowLoss, "allow-loss", false, "leave behind what is older than histories and in no archive, instead of refusing")
	f.BoolVar(&in.SkipDamaged, "skip-damaged", false, "leave out what of the archive is damaged, and name it")
	flags.define(cmd, "rebuild")
	return cmd
}

func (a *app) eventsVerifyCommand() *cobra.Command {
	var in contract.GatherInput
	var since string
	var flags gatherFlags
	var late time.Duration
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Compare the indexes of a tenant with the histories and the archive",
		Long: "verify reads all that the archive and the histories have, and compares each document that follows with the one in the index: its version and what\n" +
			"it says. It names what is missing, what is there and should not be, and what is different, and checks the files of the archive. It changes nothing.\n\n" +
			"Exit code: 0 all is the same, 1 there are differences, 3 nothing is known of the tenant, 5 another is under way, or it was given up.",
		Example: `  starter events verify
  starter events verify --tenant acme --since 2026-11-01
  starter events verify --instance order/4711`,
		Args: need(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if in.Since, err = moment("--since", since); err != nil {
				return err
			}
			in.SettleMS = late.Milliseconds()
			return a.gathering(cmd, contract.VerifyID(in.Tenant), flags, func(ctx context.Context, c *client.Client) error {
				return c.StartVerify(ctx, in)
			}, printVerified)
		},
	}
	f := cmd.Flags()
	f.StringVar(&in.Tenant, "tenant", "", "the tenant (default the one without a name)")
	f.StringVar(&since, "since", "", "only what ended or happened since a day (yyyy-mm-dd, UTC) or a time (RFC 3339), and what runs")
	f.StringVar(&in.Instance, "instance", "", "only this instance")
	f.IntVar(&in.Limit, "limit", namedDifferences, fmt.Sprintf("how many differences are named, at most %d", contract.MaxDifferences))
	f.DurationVar(&late, "settle", settle, "events that are younger may be on their way to the index, and are not compared")
	flags.define(cmd, "verification")
	return cmd
}

func (a *app) eventsDropOldCommand() *cobra.Command {
	var tenant string
	cmd := &cobra.Command{
		Use:     "drop-old",
		Short:   "Delete the indexes that rebuilds have replaced",
		Example: `  starter events drop-old --tenant acme`,
		Args:    need(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				d, err := c.DropReplaced(ctx, tenant)
				if err != nil {
					return err
				}
				d.Dropped = list(d.Dropped)
				return a.print(cmd, d, func(w io.Writer) {
					for _, g := range d.Dropped {
						fmt.Fprintf(w, "dropped generation %d: %d documents, %d bytes\n", g.Number, documentsOf(g), g.Bytes)
					}
					if len(d.Dropped) == 0 {
						fmt.Fprintf(w, "there is only generation %d, which is the current one\n", d.Current)
					}
				})
			})
		},
	}
	cmd.Flags().StringVar(&tenant, "tenant", "", "the tenant (default the one without a name)")
	return cmd
}

func documentsOf(g contract.Generation) (n int64) {
	for _, count := range g.Documents {
		n += count
	}
	return n
}

// moment reads a day or a time; "" is none.
func moment(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, usage(fmt.Errorf("%s %q: a day such as 2026-11-01 (UTC) or a time such as 2026-11-01T08:00:00+01:00 is expected", flag, text))
}

// printRebuilt shows the result of a rebuild. The error says that it is not as it should be.
func printRebuilt(w io.Writer, p contract.GatherProgress) error {
	if p.Generation > 0 {
		fmt.Fprintf(w, "searches see generation %d now: %d documents of the archive and %d histories were read\n", p.Generation, p.Archived, p.Executions)
	} else {
		fmt.Fprintf(w, "%d documents of the archive and %d histories were read: %d documents were missing or older, %d were there\n", p.Archived, p.Executions, p.Written, p.Known)
	}
	differences := printCounts(w, p)
	for _, g := range p.Generations {
		if g.Number < p.Generation {
			fmt.Fprintf(w, "generation %d is kept, %d documents, %d bytes: `starter events drop-old` deletes it\n", g.Number, documentsOf(g), g.Bytes)
		}
	}
	if p.BeyondCount > 0 {
		fmt.Fprintf(w, "%d documents of the indexes before are not in the new ones: they are older than %s, to which histories go back, and in no archive that was read\n", p.BeyondCount, stamp(p.Beyond))
	}
	if differences > 0 && p.Generation == 0 {
		return fmt.Errorf("%d differences are left, which --since does not mend: rebuild without it", differences)
	}
	return nil
}

func printVerified(w io.Writer, p contract.GatherProgress) error {
	if unknownTenant(p) {
		return coded(exitNotFound, fmt.Errorf("nothing is known of tenant %s: it has no index, and %d histories and the archive tell nothing of it; check its name", p.Tenant, p.Executions))
	}
	fmt.Fprintf(w, "%d documents of the archive and %d histories were read\n", p.Archived, p.Executions)
	differences := printCounts(w, p)
	wrong := p.Damages
	if c := p.Archive; c != nil {
		fmt.Fprintf(w, "archive: %d documents in %d blocks of %d days, %d bytes, %d compressed; %d files are wrong\n", c.Documents, c.Blocks, c.Days, c.Bytes, c.Packed, c.Wrong)
		for _, text := range c.Errors {
			fmt.Fprintln(w, "archive: "+oneLine(text))
		}
		for _, name := range c.Unlisted {
			fmt.Fprintf(w, "archive: %s is in no manifest yet\n", oneLine(name))
		}
		wrong = max(wrong, c.Wrong)
	}
	var errs []error
	if differences > 0 {
		errs = append(errs, fmt.Errorf("%d documents of the index are not what histories and archive tell: `starter events rebuild` makes it anew", differences))
	}
	if wrong > 0 {
		errs = append(errs, fmt.Errorf("%d files of the archive are not as they were written: put them back from a copy", wrong))
	}
	return errors.Join(errs...)
}

// unknownTenant tells whether no source and no index knows the tenant of a verification. The one without a name is always there.
func unknownTenant(p contract.GatherProgress) bool {
	if p.Tenant == "" || !p.NoIndex || p.Damages > 0 || p.Archive != nil && (p.Archive.Days > 0 || p.Archive.Wrong > 0) {
		return false
	}
	for _, c := range p.Counts {
		if c.Expected+c.Held+c.Late+c.Beyond > 0 {
			return false
		}
	}
	return true
}

// printCounts shows what was compared, and counts the differences.
func printCounts(w io.Writer, p contract.GatherProgress) (differences int64) {
	var rows [][]string
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	for _, c := range p.Counts {
		differences += c.Missing + c.Extra + c.Different
		same := "yes"
		if c.Expected != c.Held || c.Sum != c.HeldSum {
			same = "no"
		}
		rows = append(rows, []string{
			c.Index, number(c.Expected), number(c.Held), fmt.Sprintf("%016x", c.HeldSum), same, number(c.Missing), number(c.Extra), number(c.Different), number(c.Late), number(c.Beyond),
		})
	}
	table(w, "nothing was compared", []string{"INDEX", "EXPECTED", "INDEXED", "CHECKSUM", "SAME", "MISSING", "EXTRA", "DIFFERENT", "LATE", "OLDER"}, rows)
	for _, d := range p.Differences {
		text := ""
		if d.Detail != "" {
			text = " (" + d.Detail + ")"
		}
		fmt.Fprintf(w, "%s in %s: %s%s\n", d.Kind, d.Index, oneLine(d.ID), text)
	}
	if more := differences - int64(len(p.Differences)); more > 0 {
		fmt.Fprintf(w, "and %d more\n", more)
	}
	if p.Dead > 0 {
		fmt.Fprintf(w, "%d documents were refused, or histories cannot be read: see `starter events deadletters list`\n", p.Dead)
	}
	for _, text := range p.Damaged {
		fmt.Fprintln(w, "left out: "+oneLine(text))
	}
	return differences
}
