package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/events"
)

func (a *app) eventsExportCommand() *cobra.Command {
	var in contract.ExportInput
	var from, to, format, file string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write documents of events as NDJSON or CSV",
		Long: "export writes the documents of a tenant, in the order of their times, as they were when it began. With --archive it writes what the archive has:\n" +
			"every document that was ever indexed, by day, so that one thing may be there several times, each time with a higher sequence.\n\n" +
			"CSV has the columns of one kind of documents, or of one index. Text that a table calculator would take for a formula begins with an apostrophe.",
		Example: `  starter events export --from 2026-11-01 --to 2026-12-01 > november.ndjson
  starter events export --kind task --format csv --file tasks.csv
  starter events export --archive --index tasks --tenant acme --file acme.ndjson`,
		Args: need(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err, late error
			in.From, err = moment("--from", from)
			in.To, late = moment("--to", to)
			indexes, wrong := exportedIndexes(&in)
			if err := errors.Join(err, late, wrong); err != nil {
				return err
			}
			open, err := formatOf(format, in)
			if err != nil {
				return err
			}
			return a.connected(cmd, func(ctx context.Context, c *client.Client) error {
				return exportTo(cmd, file, func(w io.Writer, told func(done, total int64)) error {
					return export(ctx, c, in, indexes, open(w), told)
				})
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&from, "from", "", "events from a day (yyyy-mm-dd, UTC) or a time (RFC 3339) on")
	f.StringVar(&to, "to", "", "events before a day or a time")
	f.StringVar(&in.Tenant, "tenant", "", "the tenant (default the one without a name)")
	f.StringVar(&in.Index, "index", "", "only of an index: "+strings.Join(events.Indexes(), ", "))
	f.StringVar(&in.Kind, "kind", "", "only of a kind: "+strings.Join(kindNames(), ", "))
	f.StringVar(&format, "format", "ndjson", "ndjson or csv")
	f.StringVar(&file, "file", "", "the file to write (default standard output)")
	f.BoolVar(&in.Archive, "archive", false, "from the archive rather than the indexes")
	return cmd
}

// kindNames are the kinds of documents.
func kindNames() (names []string) {
	for _, k := range exportKinds() {
		names = append(names, string(k.kind))
	}
	return names
}

// exportedIndexes checks index and kind, and returns the indexes to read; "" for all of the archive.
func exportedIndexes(in *contract.ExportInput) ([]string, error) {
	if in.Index != "" && !slices.Contains(events.Indexes(), in.Index) {
		return nil, usage(fmt.Errorf("--index %q: one of %s is expected", in.Index, strings.Join(events.Indexes(), ", ")))
	}
	if in.Kind != "" {
		if !slices.Contains(kindNames(), in.Kind) {
			return nil, usage(fmt.Errorf("--kind %q: one of %s is expected", in.Kind, strings.Join(kindNames(), ", ")))
		}
		of := (&events.Document{Kind: events.Kind(in.Kind)}).Index()
		if in.Index != "" && in.Index != of {
			return nil, usage(fmt.Errorf("--kind %s is in the index %s; leave --index out", in.Kind, of))
		}
		in.Index = of
	}
	if in.Index == "" && !in.Archive {
		return events.Indexes(), nil
	}
	return []string{in.Index}, nil
}

// rows take documents, each as the text of its JSON.
type rows interface {
	row(document json.RawMessage) error
	end() error
}

// formatOf returns how documents are written.
func formatOf(format string, in contract.ExportInput) (func(io.Writer) rows, error) {
	switch {
	case format == "ndjson":
		return func(w io.Writer) rows { return &ndjson{bufio.NewWriter(w)} }, nil
	case format == "csv" && in.Index == "":
		return nil, usage(errors.New("--format csv has the columns of one kind or index: name it with --kind or --index"))
	case format == "csv":
		return func(w io.Writer) rows { return newCSVRows(w, columnsOf(in.Index, in.Kind)) }, nil
	}
	return nil, usage(fmt.Errorf("--format %q: ndjson or csv is expected", format))
}

type ndjson struct{ w *bufio.Writer }

func (n *ndjson) row(document json.RawMessage) error {
	if _, err := n.w.Write(document); err != nil {
		return err
	}
	return n.w.WriteByte('\n')
}

func (n *ndjson) end() error { return n.w.Flush() }

// export reads page after page.
func export(ctx context.Context, c *client.Client, in contract.ExportInput, indexes []string, to rows, told func(done, total int64)) error {
	var done, total int64
	for _, index := range indexes {
		in.Index, in.Cursor = index, ""
		for {
			page, err := c.ExportEvents(ctx, in)
			if ctx.Err() != nil {
				return errors.New("interrupted")
			}
			if err != nil {
				return err
			}
			for _, document := range page.Documents {
				if err := to.row(document); err != nil {
					return fmt.Errorf("write documents: %w", err)
				}
			}
			done += int64(len(page.Documents))
			total += page.Total
			told(done, total)
			if in.Cursor = page.Cursor; in.Cursor == "" {
				break
			}
		}
	}
	if err := to.end(); err != nil {
		return fmt.Errorf("write documents: %w", err)
	}
	return nil
}

// exportTo opens the file and shows progress on standard error. A file that is not complete gets no name.
func exportTo(cmd *cobra.Command, file string, write func(w io.Writer, told func(done, total int64)) error) error {
	line := newProgressLine(cmd.ErrOrStderr())
	defer line.end()
	begun, shown := time.Now(), time.Time{}
	var all int64
	told := func(done, total int64) {
		all = done
		if now := time.Now(); now.Sub(shown) > time.Second/2 && now.Sub(begun) > 2*time.Second {
			shown = now
			text := fmt.Sprintf("%d documents", done)
			if total > 0 {
				text = fmt.Sprintf("%d of %d documents", done, total)
			}
			line.show("export", text)
		}
	}
	if file == "" {
		return write(cmd.OutOrStdout(), told)
	}
	part := file + ".part"
	f, err := os.Create(part)
	if err != nil {
		return err
	}
	err = errors.Join(write(f, told), f.Close())
	if err == nil {
		err = os.Rename(part, file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part))
	}
	line.end()
	fmt.Fprintf(cmd.ErrOrStderr(), "%d documents in %s\n", all, file)
	return nil
}
