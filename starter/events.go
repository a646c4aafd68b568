package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/events"
)

func (a *app) eventsCommand() *cobra.Command {
	return group("events", "See how events of processes get into the index, and what they are",
		a.eventsStatusCommand(),
		a.eventsPauseCommand("pause", "Index nothing until it is resumed; nothing is lost as long as Temporal keeps the histories", "indexing is paused", true, (*client.Client).PauseIndexer),
		a.eventsPauseCommand("resume", "Index again, at once", "indexing goes on", false, (*client.Client).ResumeIndexer),
		a.eventsRunCommand(), a.eventsShowCommand(),
		a.eventsRebuildCommand(), a.eventsVerifyCommand(), a.eventsExportCommand(), a.eventsDropOldCommand(),
		group("deadletters", "Documents that the index refuses, and histories that cannot be read",
			a.deadDocumentsListCommand(), a.deadDocumentsRetryCommand(), a.deadDocumentsDropCommand()),
	)
}

func (a *app) eventsStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show how far indexing is, and when it runs next",
		Long: "status shows up to when events are in the index (the watermark), how old the oldest event is that may not be (the lag), what the last pass did, how far the\n" +
			"sweep through all running instances is, and when the schedules fire next, in UTC. While what it does fails, it shows why.",
		Example: `  starter events status
  starter events status --output json`,
		Args: need(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				s, err := c.IndexerStatus(ctx)
				if err != nil {
					return err
				}
				s.Schedules = list(s.Schedules)
				return a.print(cmd, s, func(w io.Writer) { printIndexer(w, s) })
			})
		},
	}
}

func printIndexer(w io.Writer, s client.IndexerStatus) {
	lag := time.Duration(s.LagMS) * time.Millisecond
	last, sweep, pass := "none yet", "none yet", ""
	if p := s.Last; p != nil {
		last = fmt.Sprintf("%d, %s, took %s: %d executions, %d documents written, %d known, %d dead", p.Number, stamp(p.Began), p.Ended.Sub(p.Began).Round(time.Millisecond),
			p.Executions, p.Written, p.Known, p.Dead)
	}
	if p := s.Pass; p != nil {
		pass = fmt.Sprintf("%d, since %s: %d executions done, %d planned", p.Number, stamp(p.Began), p.Executions, p.Waiting)
	}
	if !s.Swept.IsZero() {
		sweep = "of " + stamp(s.Swept)
	}
	if !s.Sweep.Began.IsZero() {
		sweep += fmt.Sprintf("; under way since %s: %d of %d", stamp(s.Sweep.Began), s.Sweep.Visited, s.Sweep.Total)
	}
	alarm := ""
	if s.Alarm != nil {
		alarm = fmt.Sprintf("%s since %s: %s", s.Alarm.Code, stamp(s.Alarm.Since), s.Alarm.Reason)
	}
	fields(w, "state", s.State, "error", s.Error, "alarm", alarm, "watermark", stamp(s.Watermark), "lag", lag.Round(time.Second).String(), "pass", pass, "last pass", last,
		"last sweep", sweep, "waiting", fmt.Sprintf("%d instances that moved", s.Waiting),
		"in all", fmt.Sprintf("%d passes, %d documents written, %d known, %d dead letters; %d ticks folded, %d notes dropped", s.Passes, s.Total.Written, s.Total.Known, s.Total.Dead, s.Folded, s.Dropped))
	printArchive(w, s.Archive)
	var rows [][]string
	for _, c := range s.Schedules {
		state := "on"
		if c.Paused {
			state = "paused"
		}
		var next []string
		for _, at := range c.Next[:min(len(c.Next), 3)] {
			next = append(next, stamp(at))
		}
		rows = append(rows, []string{c.ID, c.Expression, state, strings.Join(next, " ")})
	}
	table(w, "no schedules: has a worker with the role indexer run?", []string{"SCHEDULE", "EXPRESSION", "STATE", "NEXT RUNS"}, rows)
}

func printArchive(w io.Writer, s *client.ArchiveStatus) {
	if s == nil {
		return
	}
	last, waiting, damaged, now := "none yet", "", "", ""
	if m := s.Last; m != nil {
		last = fmt.Sprintf("%s: %d documents in %d blocks, from %d staged files", stamp(m.Ended), m.Documents, m.Blocks, m.Staged)
		waiting = fmt.Sprintf("%d staged files were left", m.Waiting)
		if len(m.Damaged) > 0 {
			damaged = fmt.Sprintf("%d staged files, which stay where they are: %s", len(m.Damaged), strings.Join(m.Damaged[:min(len(m.Damaged), 3)], " "))
		}
	}
	if s.Began != nil {
		now = "since " + stamp(*s.Began)
	}
	fields(w, "archive, last move", last, "archive, waiting", waiting, "archive, damaged", damaged, "archive, moving", now, "archive, error", s.Error)
}

// eventsPauseCommand changes whether the indexer is paused.
func (a *app) eventsPauseCommand(name, short, said string, paused bool, change func(*client.Client, context.Context) error) *cobra.Command {
	return &cobra.Command{
		Use:     name,
		Short:   short,
		Example: "  starter events " + name,
		Args:    need(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				if err := change(c, ctx); err != nil {
					return err
				}
				return a.print(cmd, map[string]bool{"paused": paused}, func(w io.Writer) { fmt.Fprintln(w, said) })
			})
		},
	}
}

func (a *app) eventsRunCommand() *cobra.Command {
	var wait bool
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Begin a pass now, or after the one that is under way",
		Long:  "run does not wait for the schedule. With --wait it returns when the pass has ended: what had happened before is in the index then, and searchable a second later.",
		Example: `  starter events run
  starter events run --wait --timeout 2m`,
		Args: need(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.connected(cmd, func(ctx context.Context, c *client.Client) error {
				var pass int64
				err := a.answered(ctx, func(ctx context.Context) (err error) {
					pass, err = c.RunIndexer(ctx)
					return err
				})
				if err != nil {
					return err
				}
				if wait {
					if err := a.awaitPass(ctx, c, pass, timeout); err != nil {
						return err
					}
				}
				return a.print(cmd, map[string]any{"pass": pass, "ended": wait}, func(w io.Writer) {
					if wait {
						fmt.Fprintf(w, "pass %d has ended\n", pass)
						return
					}
					fmt.Fprintf(w, "pass %d begins; see `starter events status`\n", pass)
				})
			})
		},
	}
	cmd.Flags().BoolVar(&wait, "wait", false, "return when the pass has ended")
	cmd.Flags().DurationVar(&timeout, "timeout", 10*time.Minute, "of --wait")
	return cmd
}

// awaitPass returns when a pass has ended.
func (a *app) awaitPass(ctx context.Context, c *client.Client, pass int64, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for {
		s, err := c.IndexerState(ctx)
		if err == nil && s.Last != nil && s.Last.Number >= pass {
			return nil
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return coded(exitNotDone, fmt.Errorf("pass %d has not ended within %s; see `starter events status`", pass, timeout))
		case <-time.After(a.poll):
		}
	}
}

func (a *app) eventsShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show INSTANCE",
		Short: "Show the event log of an instance, as its histories have it",
		Long: "show reads the histories of an instance and of its tasks, not the index, and lists what happened, the oldest first. It works without an index, as long as Temporal\n" +
			"keeps the histories; what a worker recorded with event.generation.enabled=false is not there.",
		Example: `  starter events show order/1001
  starter events show order/1001 --output json`,
		Args: need("INSTANCE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				log, err := c.EventLog(ctx, args[0])
				if err != nil {
					return err
				}
				return a.print(cmd, list(log), func(w io.Writer) {
					var rows [][]string
					for _, d := range log {
						rows = append(rows, []string{d.Time.UTC().Format("2006-01-02T15:04:05.000Z"), string(d.Type), string(d.Status), eventAbout(&d), took(&d)})
					}
					table(w, "no events", []string{"TIME", "TYPE", "STATUS", "ABOUT", "TOOK"}, rows)
				})
			})
		},
	}
}

// eventAbout names what an event is about.
func eventAbout(d *events.Document) string {
	switch d.Kind {
	case events.KindProcess:
		return d.Instance
	case events.KindFlow:
		return d.SourceID + " -> " + d.TargetID
	case events.KindVariable:
		return d.Ref + " = " + clipped(shownValue(d))
	case events.KindIntegration:
		return d.ActivityID + " " + d.Implementation + errorOf(d)
	case events.KindExternalTask:
		return strings.TrimSpace(d.ActivityID+" "+d.Topic+" "+d.WorkerID) + errorOf(d)
	case events.KindMail:
		return d.Mailbox + d.Outcome + " " + d.MessageID
	case events.KindTask:
		return d.ActivityID + " " + d.Assignee
	}
	return d.ActivityID + errorOf(d)
}

func errorOf(d *events.Document) string {
	if d.Error == "" && d.ErrorCode == "" {
		return ""
	}
	return " " + d.ErrorCode + ": " + clipped(d.Error)
}

func shownValue(d *events.Document) string {
	switch {
	case d.Masked:
		return "(masked)"
	case d.Boolean != nil:
		return strconv.FormatBool(*d.Boolean)
	case d.Long != nil:
		return strconv.FormatInt(*d.Long, 10)
	case d.Double != nil:
		return strconv.FormatFloat(*d.Double, 'g', -1, 64)
	case d.String != nil:
		return *d.String
	case d.JSON != nil:
		return *d.JSON
	}
	return "null"
}

// clipped is the beginning of a text.
func clipped(text string) string {
	if runes := []rune(text); len(runes) > 60 {
		return string(runes[:60]) + "…"
	}
	return text
}

func took(d *events.Document) string {
	if d.Duration == nil {
		return ""
	}
	return (time.Duration(*d.Duration) * time.Millisecond).String()
}
