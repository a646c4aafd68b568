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

// maxDeadEvents is how many events of an instance are listed, and retried or dropped at a time.
const maxDeadEvents = 1000

// isEvent tells the id of an event from the name of a mailbox.
func isEvent(arg string) bool { return strings.HasPrefix(arg, contract.EventPrefix) }

// deadLettersOf are the dead letters of a mailbox, if there is one of this name, and the dead events of the mailbox, connector or timer.
func deadLettersOf(ctx context.Context, c *client.Client, name string) (mails []contract.DeadLetter, mailbox bool, events []client.DeadEvent, err error) {
	m, err := c.Mailbox(ctx, name)
	if err != nil && !errors.Is(err, client.ErrNotFound) {
		return nil, false, nil, err
	}
	mailbox = err == nil
	events, err = c.DeadEvents(ctx, name, maxDeadEvents)
	return m.DeadLetters, mailbox, events, err
}

func printDeadEvents(w io.Writer, all []client.DeadEvent) {
	var rows [][]string
	for _, d := range all {
		var reasons []string
		for _, f := range d.Failed {
			reasons = append(reasons, strings.TrimPrefix("trigger "+f.Trigger+": "+f.Reason, "trigger : "))
		}
		rows = append(rows, []string{d.Workflow, strconv.Itoa(d.Tries), stamp(d.At), strings.Join(reasons, "; ")})
	}
	table(w, "no dead events", []string{"EVENT", "TRIES", "AT", "REASON"}, rows)
}

func (a *app) showDeadEvent(cmd *cobra.Command, id string) error {
	return a.with(cmd, func(ctx context.Context, c *client.Client) error {
		state, err := c.Event(ctx, id)
		if err != nil {
			return err
		}
		return a.print(cmd, client.DeadEvent{Workflow: id, EventState: state}, func(w io.Writer) {
			fields(w, "event", id, "source", state.Source, "id", state.ID, "tries", strconv.Itoa(state.Tries), "at", stamp(state.At))
			for _, f := range state.Failed {
				fields(w, "failed", strings.TrimPrefix("trigger "+f.Trigger+": "+f.Reason, "trigger : "))
			}
			for _, f := range state.Fired {
				fields(w, "fired", "trigger "+f.Trigger+" "+f.Done)
			}
			for _, f := range state.Unechoed {
				fields(w, "no echo", "trigger "+f.Trigger+": "+f.Reason)
			}
		})
	})
}

// changeEvents retries or drops events, all of which are tried before an error is told.
func changeEvents(ctx context.Context, c *client.Client, ids []string, update string) (done []string, err error) {
	var errs []error
	for _, id := range ids {
		if err := c.ChangeEvent(ctx, id, update); err != nil {
			errs = append(errs, err)
			continue
		}
		done = append(done, id)
	}
	return done, errors.Join(errs...)
}

// changeDeadEvents is the command for events that are named.
func (a *app) changeDeadEvents(cmd *cobra.Command, name, update string, ids []string) error {
	if i := slices.IndexFunc(ids, func(id string) bool { return !isEvent(id) }); i >= 0 {
		return usage(fmt.Errorf("%q is not the id of an event, which begins with event/", ids[i]))
	}
	return a.with(cmd, func(ctx context.Context, c *client.Client) error {
		done, err := changeEvents(ctx, c, ids, update)
		return errors.Join(a.print(cmd, map[string]any{"done": list(done)}, func(w io.Writer) { fmt.Fprintf(w, "%s: %d events\n", name, len(done)) }), err)
	})
}

// changedDead is what became of dead letters.
type changedDead struct {
	contract.DeadLetterAnswer
	Events []string `json:"events,omitempty"`
}

// changeDead retries or drops dead letters of a mailbox; all of them are the dead events of this name, too.
func changeDead(ctx context.Context, c *client.Client, name, update string, choice contract.DeadLetterChoice) (answer contract.DeadLetterAnswer, done []string, err error) {
	answer, err = c.DeadLetters(ctx, name, update, choice)
	if !choice.All {
		return answer, nil, err
	}
	none := errors.Is(err, client.ErrNotFound) || errors.Is(err, client.ErrNotRunning)
	if err != nil && !none {
		return answer, nil, err
	}
	events, failed := c.DeadEvents(ctx, name, maxDeadEvents)
	if failed != nil || none && len(events) == 0 {
		return answer, nil, errors.Join(failed, err)
	}
	var ids []string
	for _, e := range events {
		ids = append(ids, e.Workflow)
	}
	if none {
		answer = contract.DeadLetterAnswer{Done: []int64{}, Kept: []int64{}}
	}
	done, err = changeEvents(ctx, c, ids, update)
	return answer, done, err
}
