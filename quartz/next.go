package quartz

import "time"

// Next is the first time after another at which the expression fires, in that time's zone. It reports false when there is none. A time of
// day that the clocks skip fires an hour away from it, one that they repeat fires once.
func (e Expression) Next(after time.Time) (time.Time, bool) {
	year, month, day := after.Date()
	for d := time.Date(year, month, day, 0, 0, 0, 0, time.UTC); d.Year() <= lastYear; d = d.AddDate(0, 0, 1) {
		if !e.fires(d) {
			continue
		}
		if t, ok := e.timeOf(d, after); ok {
			return t, true
		}
	}
	return time.Time{}, false
}

// timeOf is the first time of a day that is after another.
func (e Expression) timeOf(d, after time.Time) (time.Time, bool) {
	for h := range 24 {
		if !e.hours[h] {
			continue
		}
		for m := range 60 {
			if !e.minutes[m] {
				continue
			}
			for s := range 60 {
				if !e.seconds[s] {
					continue
				}
				if t := time.Date(d.Year(), d.Month(), d.Day(), h, m, s, 0, after.Location()); t.After(after) {
					return t, true
				}
			}
		}
	}
	return time.Time{}, false
}

// fires reports whether the expression fires on a day.
func (e Expression) fires(d time.Time) bool {
	if !e.years[d.Year()] || !e.months[int(d.Month())] {
		return false
	}
	last := d.AddDate(0, 1, -d.Day()).Day()
	for _, m := range e.monthDays {
		if m.of(d, last) == d.Day() {
			return true
		}
	}
	for _, w := range e.weekDays {
		if w.day == d.Weekday() && (w.number == 0 || w.number == (d.Day()+6)/7) && (!w.last || d.Day()+7 > last) {
			return true
		}
	}
	return false
}

// of is the day in the month of d, whose last day is given. It is none of the month's when the month has no such day.
func (m monthDay) of(d time.Time, last int) int {
	day := m.day
	if day == 0 {
		day = last - m.beforeLast
	}
	if !m.nearest || day < 1 || day > last {
		return day
	}
	switch d.AddDate(0, 0, day-d.Day()).Weekday() {
	case time.Saturday:
		if day == 1 {
			return 3
		}
		return day - 1
	case time.Sunday:
		if day == last {
			return day - 2
		}
		return day + 1
	}
	return day
}
