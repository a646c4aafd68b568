package report

import (
	"fmt"
	"time"
)

// span works out from when to when the report is.
func (q *question) span() error {
	given := q.result.Parameters
	day := func(add int) time.Time {
		now := q.now.In(q.zone)
		return time.Date(now.Year(), now.Month(), now.Day()+add, 0, 0, 0, 0, q.zone)
	}
	month := func(add int) time.Time {
		now := q.now.In(q.zone)
		return time.Date(now.Year(), now.Month()+time.Month(add), 1, 0, 0, 0, 0, q.zone)
	}
	from, to := given[FromParameter], given[ToParameter]
	if from == "" && to != "" {
		return fmt.Errorf("the parameter %s is missing: %s alone says nothing of when the range begins", FromParameter, ToParameter)
	}
	switch name := given[RangeParameter]; {
	case from != "" && name != "" && name != Custom:
		return fmt.Errorf("the parameter %s is %s: either that is expected or %s and %s", RangeParameter, name, FromParameter, ToParameter)
	case from != "":
		if err := q.customSpan(from, to); err != nil {
			return err
		}
		given[RangeParameter] = Custom
	case name == Custom:
		return fmt.Errorf("the parameter %s is missing: the range %s needs it", FromParameter, Custom)
	case name == Today:
		q.from, q.to = day(0), day(1)
	case name == Yesterday:
		q.from, q.to = day(-1), day(0)
	case name == LastSevenDays:
		q.from, q.to = day(-6), day(1)
	case name == PreviousMonth:
		q.from, q.to = month(-1), month(0)
	case name == CurrentYear:
		year := q.now.In(q.zone).Year()
		q.from, q.to = time.Date(year, 1, 1, 0, 0, 0, 0, q.zone), time.Date(year+1, 1, 1, 0, 0, 0, 0, q.zone)
	}
	given[FromParameter], given[ToParameter] = q.from.Format(time.RFC3339), q.to.Format(time.RFC3339)
	return q.bars()
}

func (q *question) customSpan(from, to string) error {
	var err error
	if q.from, _, err = q.moment(from); err != nil {
		return fmt.Errorf("the parameter %s: %w", FromParameter, err)
	}
	q.to = q.now.In(q.zone)
	if to != "" {
		var wholeDay bool
		if q.to, wholeDay, err = q.moment(to); err != nil {
			return fmt.Errorf("the parameter %s: %w", ToParameter, err)
		}
		if wholeDay {
			q.to = q.to.AddDate(0, 0, 1)
		}
	}
	if !q.to.After(q.from) {
		return fmt.Errorf("the parameter %s: the range ends at %s, before it has begun", ToParameter, q.to.Format(time.RFC3339))
	}
	return nil
}

// moment reads a day or a time.
func (q *question) moment(text string) (at time.Time, wholeDay bool, err error) {
	if at, err = time.ParseInLocation(time.DateOnly, text, q.zone); err == nil {
		return at, true, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if at, err = time.ParseInLocation(layout, text, q.zone); err == nil {
			return at.In(q.zone), false, nil
		}
	}
	return at, false, fmt.Errorf("%q: a day such as 2026-11-28 or a time such as 2026-11-28T08:00:00Z is expected", text)
}

// bars checks that a chart over time does not have too many.
func (q *question) bars() error {
	length := map[string]time.Duration{"hour": time.Hour, "day": 24 * time.Hour, "week": 7 * 24 * time.Hour, "month": 28 * 24 * time.Hour, "year": 365 * 24 * time.Hour}[q.interval]
	if length == 0 {
		return nil
	}
	if n := q.to.Sub(q.from) / length; n > maxIntervals {
		return fmt.Errorf("the parameter %s: a chart by %s would have %d bars in this range, at most %d are drawn: a longer interval or a shorter range is expected", IntervalParameter, q.interval, n, maxIntervals)
	}
	return nil
}
