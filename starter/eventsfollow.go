package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

// gatherFlags say what is done with a rebuild or a verification.
type gatherFlags struct{ follow, cancel, detach bool }

func (g *gatherFlags) define(cmd *cobra.Command, what string) {
	f := cmd.Flags()
	f.BoolVar(&g.follow, "follow", false, "show the "+what+" that is under way, or the result of the last")
	f.BoolVar(&g.cancel, "cancel", false, "give up the "+what+" that is under way")
	f.BoolVar(&g.detach, "no-wait", false, "do not wait for the end")
	cmd.MarkFlagsMutuallyExclusive("follow", "cancel", "no-wait")
}

// gathering starts one, unless it is there already and is to be followed or given up, and shows how far it is until it ends.
func (a *app) gathering(cmd *cobra.Command, id string, f gatherFlags, start func(context.Context, *client.Client) error, show func(io.Writer, contract.GatherProgress) error) error {
	return a.connected(cmd, func(ctx context.Context, c *client.Client) error {
		if f.cancel {
			return a.answered(ctx, func(ctx context.Context) error {
				if err := c.CancelGathering(ctx, id); err != nil {
					return err
				}
				return a.print(cmd, map[string]string{"cancelled": id}, func(w io.Writer) { fmt.Fprintf(w, "%s is given up\n", client.GatheringName(id)) })
			})
		}
		if !f.follow {
			err := a.answered(ctx, func(ctx context.Context) error { return start(ctx, c) })
			if errors.Is(err, client.ErrUnderWay) {
				return fmt.Errorf("%w: --follow shows it, --cancel gives it up", err)
			}
			if err != nil {
				return err
			}
		}
		if f.detach {
			return a.print(cmd, map[string]string{"started": id}, func(w io.Writer) { fmt.Fprintf(w, "%s has begun; --follow shows it\n", client.GatheringName(id)) })
		}
		p, err := a.follow(ctx, cmd, c, id)
		if err != nil {
			return err
		}
		var text error
		if err := a.print(cmd, p, func(w io.Writer) { text = show(w, p) }); err != nil {
			return err
		}
		if a.output == outputJSON {
			text = show(io.Discard, p)
		}
		return text
	})
}

// follow shows on standard error how far it is, until it ends.
func (a *app) follow(ctx context.Context, cmd *cobra.Command, c *client.Client, id string) (contract.GatherProgress, error) {
	type result struct {
		p   contract.GatherProgress
		err error
	}
	ended := make(chan result, 1)
	go func() {
		p, err := c.AwaitGathering(ctx, id)
		ended <- result{p, err}
	}()
	line := newProgressLine(cmd.ErrOrStderr())
	defer line.end()
	tick := time.NewTicker(a.poll)
	defer tick.Stop()
	for {
		select {
		case r := <-ended:
			if ctx.Err() != nil {
				line.end()
				return r.p, coded(exitNotDone, fmt.Errorf("%s goes on; --follow shows it again, --cancel gives it up", client.GatheringName(id)))
			}
			return r.p, r.err
		case <-tick.C:
			asked, cancel := context.WithTimeout(ctx, 5*time.Second)
			p, err := c.GatherProgress(asked, id)
			waits := ""
			if err == nil {
				waits, err = c.GatheringWaits(asked, id)
			}
			cancel()
			switch {
			case ctx.Err() != nil:
			case err != nil && noWorker(err):
				line.show("waiting", "no worker answers; it goes on when one does")
			case waits != "":
				line.show(p.Stage+" is tried again", waits)
			case err == nil:
				line.show(p.Stage, progressOf(p, time.Now()))
			}
		}
	}
}

// progressOf says how far a rebuild or a verification is.
func progressOf(p contract.GatherProgress, now time.Time) string {
	done, total, of := int64(p.Share), int64(p.Shares), "shares"
	switch p.Stage {
	case contract.GatherArchive:
		done, total, of = p.Archived, p.ArchiveTotal, "documents"
	case contract.GatherHistories:
		done, total, of = p.Executions, p.HistoryTotal, "histories"
	case contract.GatherCompare, contract.GatherLosses:
		total = max(total, 1)
	default:
		return ""
	}
	total = max(total, done)
	text := fmt.Sprintf("%d of %d %s", done, total, of)
	elapsed := now.Sub(p.StageBegan)
	if done == 0 || elapsed < time.Second {
		return text
	}
	left := time.Duration(float64(elapsed) / float64(done) * float64(total-done)).Round(time.Second)
	return text + fmt.Sprintf(", %d%%, %.0f a second, %s left", 100*done/max(total, 1), float64(done)/elapsed.Seconds(), left)
}
