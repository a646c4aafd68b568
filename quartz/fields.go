package quartz

import (
	"maps"
	"slices"
	"time"
)

// Fields are the values of an expression without L, W and #, each in order. A day of the week counts from 0, Sunday.
type Fields struct {
	Seconds, Minutes, Hours  []int
	MonthDays, Months        []int
	WeekDays                 []int // nil: every day
	Years                    []int
	EveryMonthDay, EveryYear bool
}

// Time are the fields for the time of day.
func (e Expression) Time() (seconds, minutes, hours []int) {
	return sorted(e.seconds), sorted(e.minutes), sorted(e.hours)
}

// Fields reports false for an expression whose days no lists of values can tell.
func (e Expression) Fields() (f Fields, plain bool) {
	f.Seconds, f.Minutes, f.Hours = e.Time()
	f.Months, f.Years, f.EveryYear = sorted(e.months), sorted(e.years), len(e.years) == lastYear-firstYear+1
	days := set{}
	for _, m := range e.monthDays {
		if m.day == 0 || m.nearest {
			return f, false
		}
		days[m.day] = true
	}
	f.MonthDays, f.EveryMonthDay = sorted(days), len(days) == 0 || len(days) == daysOf.last
	days = set{}
	for _, w := range e.weekDays {
		if w.number != 0 || w.last {
			return f, false
		}
		days[int(w.day)] = true
	}
	f.WeekDays = sorted(days)
	return f, true
}

// Days are the first days on which the expression fires, at most so many, from the day of a time on; each is midnight UTC.
func (e Expression) Days(from time.Time, most int) (days []time.Time) {
	year, month, day := from.Date()
	for d := time.Date(year, month, day, 0, 0, 0, 0, time.UTC); d.Year() <= lastYear && len(days) < most; d = d.AddDate(0, 0, 1) {
		if e.fires(d) {
			days = append(days, d)
		}
	}
	return days
}

func sorted(s set) []int { return slices.Sorted(maps.Keys(s)) }
