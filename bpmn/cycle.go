package bpmn

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/adhocore/gronx" // cron with seconds, years and Quartz's L, W and #; robfig/cron has none of these
)

// Cycle is when a timer fires again and again.
type Cycle struct {
	Times    int       // firings in all; -1: for ever
	Interval Duration  // zero: Cron
	Cron     string    // six or seven fields, seconds first, weekdays from 0 (Sunday); "": Interval
	Start    time.Time // of the first firing; zero: one interval after the timer has begun
	End      time.Time // no firing after it; zero: none
}

// ParseCycle reads an ISO 8601 repeating interval, R3/PT10M (three times) or R/PT1H (for ever), with a start or an end date
// (R5/2026-03-02T09:00:00Z/PT1H, R/PT1H/2026-12-31), or a cron expression: five fields, or Quartz's six or seven that begin with
// seconds, as Camunda and Activiti have them.
func ParseCycle(text string) (Cycle, error) {
	if fields := strings.Fields(text); len(fields) >= 5 && len(fields) <= 7 {
		return parseCron(text, fields)
	}
	parts := strings.Split(text, "/")
	if len(parts) != 3 {
		n, d, err := parseRepeat(text)
		if err == nil && d.IsZero() {
			err = fmt.Errorf("the interval of %q is zero", clip(text))
		}
		return Cycle{Times: n, Interval: d}, err
	}
	c := Cycle{}
	interval, date, at := parts[1], parts[2], &c.End
	if !strings.HasPrefix(interval, "P") {
		interval, date, at = date, interval, &c.Start
	}
	var err error
	if c.Times, c.Interval, err = parseRepeat(parts[0] + "/" + interval); err != nil {
		return Cycle{}, err
	}
	if c.Interval.IsZero() {
		return Cycle{}, fmt.Errorf("the interval of %q is zero", clip(text))
	}
	if *at, err = ParseDate(date); err != nil {
		return Cycle{}, fmt.Errorf("repeating interval %q: %w", clip(text), err)
	}
	return c, nil
}

// parseCron puts a cron expression into six or seven fields. Quartz counts weekdays from 1, Sunday, where classic cron and the
// library count from 0.
func parseCron(text string, fields []string) (Cycle, error) {
	if len(fields) == 5 {
		fields = slices.Insert(fields, 0, "0")
	} else {
		day, err := quartzWeekday(fields[5])
		if err != nil {
			return Cycle{}, fmt.Errorf("cron expression %q: %w", clip(text), err)
		}
		fields[5] = day
	}
	cron := strings.Join(fields, " ")
	if !gronx.IsValid(cron) {
		return Cycle{}, fmt.Errorf("%q is not a cron expression such as 0 0 9 ? * MON-FRI (seconds first) or 0 9 * * 1-5, nor an ISO 8601 repeating interval such as R3/PT10M", clip(text))
	}
	c := Cycle{Times: -1, Cron: cron}
	if _, ok := c.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)); !ok {
		return Cycle{}, fmt.Errorf("the cron expression %q never fires", clip(text))
	}
	return c, nil
}

// quartzWeekday subtracts one from the numbers of days in a field, but for those that count weeks or steps.
func quartzWeekday(field string) (string, error) {
	var out strings.Builder
	for i := 0; i < len(field); i++ {
		c := field[i]
		counted := i > 0 && (field[i-1] == '#' || field[i-1] == '/')
		digit := c >= '0' && c <= '9'
		if digit && !counted && (i == 0 || field[i-1] < 'A' || field[i-1] > 'z') {
			day, _ := strconv.Atoi(string(c))
			if day < 1 || day > 7 {
				return "", fmt.Errorf("weekday %c: want 1 (Sunday) to 7 (Saturday)", c)
			}
			c = byte('0' + day - 1)
		}
		out.WriteByte(c)
	}
	return out.String(), nil
}

// First is when a timer fires that begins now; ok is false when it never does. Of a start date that has passed, the next one in its
// rhythm counts.
func (c Cycle) First(now time.Time) (at time.Time, ok bool) {
	if c.Start.IsZero() {
		return c.Next(now)
	}
	at = c.Start
	for n := 0; at.Before(now); n++ {
		if n == 1_000_000 {
			return time.Time{}, false
		}
		at = c.Interval.AddTo(at)
	}
	return at, c.End.IsZero() || !at.After(c.End)
}

// Next is the firing after one that was due at a time; ok is false when there is none.
func (c Cycle) Next(after time.Time) (at time.Time, ok bool) {
	if c.Cron == "" {
		at = c.Interval.AddTo(after)
		return at, c.End.IsZero() || !at.After(c.End)
	}
	at, err := gronx.NextTickAfter(c.Cron, after.UTC(), false)
	if err != nil || !at.After(after) || at.Year() > 9999 {
		return time.Time{}, false
	}
	return at, c.End.IsZero() || !at.After(c.End)
}
