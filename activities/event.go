package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"go.temporal.io/sdk/activity"
	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/trigger"
)

// maxCalls bounds what the triggers of one event have to say to connectors together, in bytes of JSON: it goes through a history.
const maxCalls = 1 << 20

// Fire gives an event that is no mail to the calls that it is the reply to, and fires its triggers: it starts their processes and publishes their messages, and returns what else is to
// be done. It may be repeated: a start is known by (trigger, source, event). A trigger that can never be fired is told as failed, one that
// cannot be fired now as to be fired later; the others are not held up.
func (d *Deliverer) Fire(ctx context.Context, in contract.FireInput) ([]contract.Firing, error) {
	defer keepAlive(ctx, nil)()
	e, err := readEvent(in.Event)
	if err != nil {
		return nil, err
	}
	instance, name := contract.SplitSource(in.Event.Source)
	if in.Only == nil {
		for _, r := range e.Replies {
			err := d.client.Reply(ctx, contract.Message{
				ID: hash(in.Event.Source, in.Event.ID), Name: contract.ReplyName(instance), Key: r.Key, Variables: e.Outputs,
			}, r.Early)
			if err != nil {
				return nil, err
			}
		}
	}
	triggers, err := d.triggersAt(ctx, in.Event.Source)
	if err != nil {
		return nil, err
	}
	if in.Only != nil {
		triggers = slices.DeleteFunc(triggers, func(t *trigger.Trigger) bool { return !slices.Contains(in.Only, t.Name) })
	}
	last := max(in.Try, int(activity.GetInfo(ctx).Attempt)) >= contract.FireTries
	firings := make([]*contract.Firing, len(triggers))
	var failed []error
	var mu sync.Mutex
	var group errgroup.Group // one that fails does not cancel the others
	group.SetLimit(deliveries)
	for i, t := range triggers {
		group.Go(func() error {
			f, err := d.fire(ctx, t, occurrence{outputs: e.Outputs, prefix: "event-", key: hash(t.Name, in.Event.Source, in.Event.ID)})
			switch {
			case err == nil && !f.matches:
				return nil
			case err == nil:
			case hopeless(err) || last && ctx.Err() == nil:
				f.Failed = cut(err.Error(), maxCause)
			default:
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, fmt.Errorf("trigger %s: %w", t.Name, err))
				firings[i] = &contract.Firing{Trigger: t.Name, Failed: cut(err.Error(), maxCause), Later: true}
				return nil
			}
			d.addEchoes(&f, t, in.Event, e, instance)
			firings[i] = &f.Firing
			return nil
		})
	}
	_ = group.Wait() // none returns an error
	// One that was stopped is fired again by the next attempt, with the others: they are known to have been.
	if len(failed) > 0 && (in.Try == 0 || ctx.Err() != nil) {
		return nil, errors.Join(failed...)
	}
	done := bounded(slices.DeleteFunc(firings, func(f *contract.Firing) bool { return f == nil }))
	switch {
	case len(failed) > 0: // it is counted when the rest is done
	case len(done) == 0:
		d.events.WithLabelValues(mailIgnored).Inc()
	case slices.ContainsFunc(done, func(f contract.Firing) bool { return f.Failed == "" }): // else it is dead in a moment
		d.events.WithLabelValues(mailDelivered).Inc()
	}
	activity.GetLogger(ctx).Debug("event", "instance", instance, "event", name, "triggers", len(done))
	return done, nil
}

// bounded has triggers fail whose calls do not fit into a history any more.
func bounded(firings []*contract.Firing) []contract.Firing {
	all, size := make([]contract.Firing, 0, len(firings)), 0
	for _, f := range firings {
		text, err := json.Marshal(f)
		if size += len(text); err != nil || size > maxCalls {
			size -= len(text)
			f = &contract.Firing{Trigger: f.Trigger, Failed: fmt.Sprintf("what it calls takes %d bytes; all triggers of an event together may take %d", len(text), maxCalls)}
		}
		all = append(all, *f)
	}
	return all
}

// readEvent reads the content of an event; whole numbers keep their digits.
func readEvent(in contract.Event) (connectors.Event, error) {
	var read struct {
		connectors.Event
		Outputs contract.Variables // wins over that of Event
	}
	if err := json.Unmarshal(in.Content, &read); err != nil {
		return read.Event, final(fmt.Errorf("read event %s: %w", in.Source, err))
	}
	e := read.Event
	if e.Outputs = read.Outputs; e.Outputs == nil {
		e.Outputs = map[string]any{}
	}
	return e, nil
}

// addEchoes says how the sender is answered.
func (d *Deliverer) addEchoes(f *firing, t *trigger.Trigger, source contract.Event, e connectors.Event, instance string) {
	answer := d.answers[source.Template]
	if answer == nil {
		return
	}
	// Whom an answer goes to is in its inputs; without the text these are the same for all answers to one sender.
	_, receiver, ok := answer(e, "")
	if !ok {
		return
	}
	to, err := json.Marshal(receiver)
	if err != nil {
		return
	}
	a := answering{
		answer: answer, connector: instance, shared: instance == source.Template, to: hash(string(to)), key: hash(t.Name, source.Source, source.ID),
	}
	f.Echo, f.EchoError = a.echo(t, e, f.groups, false), a.echo(t, e, f.groups, true)
}

// echoesAnHour is how many echoes of a trigger one sender gets.
const echoesAnHour = 5

// PermitEcho tells whether an echo may go out: a sender gets few of a trigger within an hour, so that two machines which answer each
// other soon stop. A workflow that ends at once stands for each, under an id that Temporal gives once. It may be repeated.
func (d *Deliverer) PermitEcho(ctx context.Context, in contract.EchoPermit) (bool, error) {
	for n := 1; n <= echoesAnHour; n++ {
		holder, err := d.client.Take(ctx, contract.EchoID(in, n), in.Key)
		if err != nil {
			return false, err
		}
		if holder == in.Key {
			return true, nil
		}
	}
	d.events.WithLabelValues(eventEchoStopped).Inc()
	return false, nil
}

// BuryEvent counts an event that is a dead letter, and fires the triggers of EVENT_FAILED of its instance.
func (d *Deliverer) BuryEvent(ctx context.Context, in contract.DeadEvent) error {
	instance, name := contract.SplitSource(in.Source)
	var reasons []string
	for _, f := range in.Failed {
		reasons = append(reasons, strings.TrimPrefix(f.Trigger+": "+f.Reason, ": "))
	}
	reason := cut(strings.Join(reasons, "; "), maxCause)
	activity.GetLogger(ctx).Error("an event is a dead letter", "instance", instance, "event", name, "reason", reason)
	if name != trigger.EventFailed { // or a trigger that fails would tell of itself for ever
		triggers, err := d.client.Triggers(ctx, contract.EventSource(instance, trigger.EventFailed))
		if err != nil {
			return err
		}
		if len(triggers) > 0 {
			if _, err := d.client.Emit(ctx, instance, "", connectors.Event{
				Name: trigger.EventFailed, ID: hash(in.Source, in.ID, in.At.String()), Time: in.At,
				Outputs: map[string]any{"event": name, "id": in.ID, "message": reason},
			}); err != nil {
				return err
			}
		}
	}
	d.events.WithLabelValues(mailDead).Inc()
	return nil
}
