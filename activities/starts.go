package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	temporalclient "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/definition"
	"github.com/waybill-io/waybill/engine"
	"github.com/waybill-io/waybill/juel"
)

// SyncStarts makes the timer and message start events of a process those of its newest version: a Temporal Schedule for
// each timer, an entry in the registry of each message.
func (s *Steering) SyncStarts(ctx context.Context, in contract.SyncStartsInput) error {
	timers, registered := map[string]*bpmn.Node{}, map[string]string{}
	if len(in.Definition.Model) > 0 {
		next, err := definition.Parse(in.Definition, 0)
		if err != nil {
			return final(err)
		}
		if timers, registered, err = starts(next); err != nil {
			return final(err)
		}
	}
	if in.Old != nil {
		old, err := definition.Parse(*in.Old, 0)
		if err != nil {
			return final(err)
		}
		oldTimers, oldRegistered, err := starts(old)
		if err != nil {
			return final(err)
		}
		for element := range oldTimers {
			if timers[element] == nil {
				if err := s.unschedule(ctx, contract.ScheduleID(in.Definition.Key, element)); err != nil {
					return err
				}
			}
		}
		for place := range oldRegistered {
			if registered[place] == "" {
				if err := s.client.Remove(ctx, place, in.Definition.Key); err != nil {
					return fmt.Errorf("stop starting %q at %s: %w", in.Definition.Key, place, err)
				}
			}
		}
	}
	if s.clock != nil {
		timers = nil // they are the test's
	}
	for element, node := range timers {
		if err := s.schedule(ctx, in.Definition, element, node.Timer); err != nil {
			return err
		}
	}
	for place, element := range registered {
		entry, err := json.Marshal(contract.MessageStart{Key: in.Definition.Key, Element: element})
		if err != nil {
			return err
		}
		if err := s.client.Put(ctx, place, in.Definition.Key, entry); err != nil {
			return fmt.Errorf("start %q at %s: %w", in.Definition.Key, place, err)
		}
	}
	return nil
}

func final(err error) error {
	return temporal.NewNonRetryableApplicationError(err.Error(), "refused", err)
}

// starts lists the timer start events by element, and the elements that messages and signals start by the registry where those
// who publish look.
func starts(p *bpmn.Process) (timers map[string]*bpmn.Node, registered map[string]string, err error) {
	timers, registered = map[string]*bpmn.Node{}, map[string]string{}
	for _, n := range p.Top() {
		if !engine.Starts(n) {
			continue
		}
		switch {
		case n.Event == bpmn.TimerEvent && n.Kind == bpmn.StartEvent:
			timers[n.ID] = n
		case n.Message != nil:
			name, err := text(n.Message.Name)
			if err != nil {
				return nil, nil, fmt.Errorf("message of %q: %w", n.ID, err)
			}
			registered[contract.MessageStartsID(name)] = n.ID
		case n.Signal != nil:
			name, err := text(n.Signal.Name)
			if err != nil {
				return nil, nil, fmt.Errorf("signal of %q: %w", n.ID, err)
			}
			registered[contract.SignalStartsID(name)] = n.ID
		}
	}
	return timers, registered, nil
}

// clock is what expressions of a start event see: the time, and no variables.
type clock struct{ juel.Vars }

func (clock) Now() time.Time { return time.Now() }

func text(e *juel.Expr) (string, error) {
	v, err := e.Eval(clock{})
	if err != nil {
		return "", err
	}
	return fmt.Sprint(v), nil
}

// schedule creates the schedule of a timer start event anew: a timer counts from its deployment.
func (s *Steering) schedule(ctx context.Context, d contract.Definition, element string, timer *bpmn.Timer) error {
	spec, times, err := scheduleSpec(timer, time.Now())
	if err != nil {
		return final(fmt.Errorf("timer of start event %q: %w", element, err))
	}
	id := contract.ScheduleID(d.Key, element)
	if err := s.unschedule(ctx, id); err != nil {
		return err
	}
	options, input, err := s.client.Launch(d, client.StartOptions{ID: d.Key + "/" + contract.Segment(element), Element: element})
	if err != nil {
		return final(err)
	}
	_, err = s.client.Temporal.ScheduleClient().Create(ctx, temporalclient.ScheduleOptions{
		ID: id, Spec: spec, RemainingActions: times, Overlap: enums.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL,
		Note: fmt.Sprintf("timer start event %s of process %s, version %d", element, d.Key, d.Version),
		Action: &temporalclient.ScheduleWorkflowAction{
			ID: options.ID, Workflow: d.Key, Args: []any{input}, TaskQueue: options.TaskQueue,
			TypedSearchAttributes: options.TypedSearchAttributes, StaticSummary: options.StaticSummary, Memo: options.Memo,
		},
	})
	if err != nil && !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return startError(fmt.Errorf("create schedule %q: %w", id, err))
	}
	return nil
}

func (s *Steering) unschedule(ctx context.Context, id string) error {
	err := s.client.Temporal.ScheduleClient().GetHandle(ctx, id).Delete(ctx)
	if missing := (*serviceerror.NotFound)(nil); err != nil && !errors.As(err, &missing) {
		return fmt.Errorf("delete schedule %q: %w", id, err)
	}
	return nil
}

// scheduleSpec puts a timer into Temporal's terms; times 0 means for ever.
func scheduleSpec(t *bpmn.Timer, now time.Time) (spec temporalclient.ScheduleSpec, times int, err error) {
	switch {
	case t.Date != nil:
		value, err := text(t.Date)
		if err != nil {
			return spec, 0, err
		}
		at, err := bpmn.ParseDate(value)
		if err != nil {
			return spec, 0, err
		}
		return once(at, now), 1, nil
	case t.Duration != nil:
		value, err := text(t.Duration)
		if err != nil {
			return spec, 0, err
		}
		d, err := bpmn.ParseDuration(value)
		if err != nil {
			return spec, 0, err
		}
		return once(d.AddTo(now), now), 1, nil
	}
	value, err := text(t.Cycle)
	if err != nil {
		return spec, 0, err
	}
	c, err := bpmn.ParseCycle(value)
	if err != nil {
		return spec, 0, err
	}
	spec.StartAt, spec.EndAt = c.Start, c.End
	if c.Cron != "" {
		if strings.ContainsAny(strings.ReplaceAll(strings.ToUpper(c.Cron), "JUL", ""), "LW#") {
			return spec, 0, fmt.Errorf("%q: L, W and # are not supported in the cron expression of a timer start event", value)
		}
		spec.CronExpressions = []string{strings.ReplaceAll(c.Cron, "?", "*")}
		return spec, 0, nil
	}
	d := c.Interval
	every := d.AddTo(now).Sub(now)
	if later := now.AddDate(0, 1, 0); d.AddTo(later).Sub(later) != every || every >= 28*24*time.Hour {
		return spec, 0, fmt.Errorf("%q: the cycle of a timer start event is counted in days or less, up to four weeks", value)
	}
	if every < time.Second {
		return spec, 0, fmt.Errorf("%q repeats faster than once a second", value)
	}
	// Intervals count from the Unix epoch; the offset makes them count from now, or from the start date.
	from := now
	if !c.Start.IsZero() {
		from = c.Start
	}
	offset := time.Duration(from.UnixNano()) % every
	spec.Intervals = []temporalclient.ScheduleIntervalSpec{{Every: every, Offset: offset.Truncate(time.Second)}}
	return spec, max(c.Times, 0), nil
}

// once fires at a time, at the next full second. A date that has passed fires at deployment, as in the engines that models
// come from; so does one that would pass before Temporal knows the schedule, which fires nothing for a time that is over.
func once(at, now time.Time) temporalclient.ScheduleSpec {
	if earliest := now.Add(2 * time.Second); at.Before(earliest) {
		at = earliest
	}
	at = at.Add(time.Second - 1).Truncate(time.Second).UTC()
	point := func(n int) []temporalclient.ScheduleRange { return []temporalclient.ScheduleRange{{Start: n}} }
	return temporalclient.ScheduleSpec{Calendars: []temporalclient.ScheduleCalendarSpec{{
		Second: point(at.Second()), Minute: point(at.Minute()), Hour: point(at.Hour()),
		DayOfMonth: point(at.Day()), Month: point(int(at.Month())), Year: point(at.Year()),
	}}}
}
