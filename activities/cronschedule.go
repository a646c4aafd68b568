package activities

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	temporalclient "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/quartz"
)

const (
	// explicitDays is how many days a schedule holds whose expression has L, W or #, which fire once a month at most: two years.
	explicitDays = 24
	// cronCatchUp is how long after its time a firing that the server missed is still of use.
	cronCatchUp = time.Minute
	// Years that a Temporal Schedule can name.
	firstScheduleYear, lastScheduleYear = 2000, 2100
)

// CronSchedule is a Temporal Schedule that follows an expression of Quartz and starts a workflow, which is skipped while the last one runs. Times
// are UTC: workers in several zones must mean the same, and an hour that comes twice or never is nothing for a machine.
type CronSchedule struct {
	ID         string
	Expression string // as the settings have it
	Workflow   string // type
	TaskQueue  string
	Timeout    time.Duration // of the workflow; 0: none
	Summary    string
}

// Ensure creates the schedule, or changes it when its expression has changed or its explicit days run out. It may be called by many
// workers, at any time. Whether the schedule is paused stays as it is.
func (c CronSchedule) Ensure(ctx context.Context, t temporalclient.Client) error {
	spec, err := quartzSpec(c.Expression, time.Now())
	if err != nil {
		return fmt.Errorf("schedule %q: %w", c.ID, err)
	}
	action := &temporalclient.ScheduleWorkflowAction{
		ID: c.ID + "-tick", Workflow: c.Workflow, TaskQueue: c.TaskQueue, WorkflowExecutionTimeout: c.Timeout, StaticSummary: c.Summary,
	}
	handle := t.ScheduleClient().GetHandle(ctx, c.ID)
	err = handle.Update(ctx, temporalclient.ScheduleUpdateOptions{DoUpdate: func(in temporalclient.ScheduleUpdateInput) (*temporalclient.ScheduleUpdate, error) {
		have := in.Description.Schedule
		if have.Spec != nil && sameSpec(*have.Spec, spec, time.Now()) {
			return nil, temporal.ErrSkipScheduleUpdate
		}
		have.Spec, have.Action = &spec, action
		return &temporalclient.ScheduleUpdate{Schedule: &have}, nil
	}})
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		_, err = t.ScheduleClient().Create(ctx, temporalclient.ScheduleOptions{
			ID: c.ID, Spec: spec, Action: action, Overlap: enums.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: cronCatchUp,
		})
		if errors.Is(err, temporal.ErrScheduleAlreadyRunning) { // another worker was faster
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("put schedule %q, %s: %w", c.ID, c.Expression, err)
	}
	return nil
}

// sameSpec tells whether a schedule is as it should be. Its comment holds the expression; of one with explicit days, half must lie ahead.
func sameSpec(have, want temporalclient.ScheduleSpec, now time.Time) bool {
	if len(have.Calendars) == 0 || have.Calendars[0].Comment != want.Calendars[0].Comment {
		return false
	}
	last := func(s temporalclient.ScheduleSpec) (ahead int, last time.Time) {
		for _, c := range s.Calendars {
			if len(c.Year) != 1 || len(c.Month) != 1 || len(c.DayOfMonth) != 1 {
				return 0, time.Time{} // not explicit
			}
			day := time.Date(c.Year[0].Start, time.Month(c.Month[0].Start), c.DayOfMonth[0].Start, 0, 0, 0, 0, time.UTC)
			if !day.Before(now.UTC().Truncate(24 * time.Hour)) {
				ahead++
			}
			last = day
		}
		return ahead, last
	}
	ahead, until := last(have)
	_, wanted := last(want)
	return ahead >= explicitDays/2 || !until.Before(wanted)
}

// quartzSpec is an expression in Temporal's terms. What no calendar of Temporal can say, L, W and #, becomes the next days on which it fires.
func quartzSpec(expression string, now time.Time) (spec temporalclient.ScheduleSpec, err error) {
	e, err := quartz.Parse(expression)
	if err != nil {
		return spec, err
	}
	now = now.UTC()
	next, fires := e.Next(now)
	if !fires || next.Year() > lastScheduleYear {
		return spec, fmt.Errorf("quartz expression %q: it never fires from now to the year %d", expression, lastScheduleYear)
	}
	f, plain := e.Fields()
	calendar := temporalclient.ScheduleCalendarSpec{
		Second: ranges(f.Seconds), Minute: ranges(f.Minutes), Hour: ranges(f.Hours), Month: ranges(f.Months), Comment: comment(expression),
	}
	if plain {
		if !f.EveryMonthDay {
			calendar.DayOfMonth = ranges(f.MonthDays)
		}
		calendar.DayOfWeek = ranges(f.WeekDays)
		if !f.EveryYear {
			calendar.Year = ranges(within(f.Years))
		}
		spec.Calendars = []temporalclient.ScheduleCalendarSpec{calendar}
		return spec, nil
	}
	point := func(n int) []temporalclient.ScheduleRange {
		return []temporalclient.ScheduleRange{{Start: n, End: n, Step: 1}}
	}
	for _, day := range e.Days(now, explicitDays) {
		if day.Year() > lastScheduleYear {
			break
		}
		calendar.Year, calendar.Month, calendar.DayOfMonth = point(day.Year()), point(int(day.Month())), point(day.Day())
		spec.Calendars = append(spec.Calendars, calendar)
	}
	return spec, nil
}

// comment is how a schedule says whose expression it follows.
func comment(expression string) string {
	return contract.QuartzComment + strings.Join(strings.Fields(expression), " ")
}

func within(years []int) (named []int) {
	for _, y := range years {
		if y >= firstScheduleYear && y <= lastScheduleYear {
			named = append(named, y)
		}
	}
	return named
}

// ranges packs values in order into ranges of the same step.
func ranges(values []int) (packed []temporalclient.ScheduleRange) {
	for i := 0; i < len(values); {
		r := temporalclient.ScheduleRange{Start: values[i], End: values[i], Step: 1}
		j := i + 1
		if j < len(values) {
			step := values[j] - values[i]
			for j < len(values) && values[j]-values[j-1] == step {
				j++
			}
			if j-i > 2 || step == 1 {
				r.End, r.Step = values[j-1], step
			} else {
				j = i + 1
			}
		}
		packed = append(packed, r)
		i = j
	}
	return packed
}

// CheckExpression tells what is wrong with an expression of Quartz that a schedule is to follow.
func CheckExpression(expression string) error {
	_, err := quartzSpec(expression, time.Now())
	return err
}
