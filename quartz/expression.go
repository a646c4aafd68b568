package quartz

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Years that an expression can name.
const (
	firstYear = 1970
	lastYear  = 2199
)

// Expression is a cron expression of Quartz. Its zero value never fires.
type Expression struct {
	seconds, minutes, hours, months, years set
	monthDays                              []monthDay
	weekDays                               []weekDay
}

type set map[int]bool

// monthDay is a day of the month: day, or so many days before the last of it, or the weekday nearest to that.
type monthDay struct {
	day        int // 0: counted from the last
	beforeLast int
	nearest    bool
}

// weekDay is a day of the week: each, or the one of that number in the month, or the last.
type weekDay struct {
	day    time.Weekday
	number int // 0: each
	last   bool
}

type field struct {
	name        string
	first, last int
	names       []string // of the values from first on
}

var (
	seconds    = field{name: "seconds", last: 59}
	minutes    = field{name: "minutes", last: 59}
	hours      = field{name: "hours", last: 23}
	daysOf     = field{name: "day of the month", first: 1, last: 31}
	months     = field{name: "month", first: 1, last: 12, names: strings.Fields("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC")}
	daysOfWeek = field{name: "day of the week", first: 1, last: 7, names: strings.Fields("SUN MON TUE WED THU FRI SAT")}
	years      = field{name: "year", first: firstYear, last: lastYear}
)

// Parse reads an expression. Errors name the field and what it takes.
func Parse(text string) (Expression, error) {
	e, err := parse(strings.Fields(strings.ToUpper(text)))
	if err != nil {
		return Expression{}, fmt.Errorf("quartz expression %q: %w", text, err)
	}
	return e, nil
}

func parse(parts []string) (e Expression, err error) {
	switch len(parts) {
	case 6:
		parts = append(parts, "*")
	case 7:
	default:
		return e, fmt.Errorf("%d fields; 6 or 7 are right: seconds minutes hours day-of-month month day-of-week [year]", len(parts))
	}
	if (parts[3] == "?") == (parts[5] == "?") {
		return e, fmt.Errorf("exactly one of day of the month and day of the week is ?")
	}
	for _, p := range []struct {
		into *set
		text string
		field
	}{
		{&e.seconds, parts[0], seconds}, {&e.minutes, parts[1], minutes}, {&e.hours, parts[2], hours},
		{&e.months, parts[4], months}, {&e.years, parts[6], years},
	} {
		if *p.into, err = p.parse(p.text); err != nil {
			return e, err
		}
	}
	if parts[3] != "?" {
		e.monthDays, err = parseMonthDays(parts[3])
	} else {
		e.weekDays, err = parseWeekDays(parts[5])
	}
	return e, err
}

func parseMonthDays(text string) (days []monthDay, err error) {
	if strings.Contains(text, ",") && strings.ContainsAny(text, "LW") {
		return nil, fmt.Errorf("day of the month %q: L and W stand alone, in no list", text)
	}
	for item := range strings.SplitSeq(text, ",") {
		rest, nearest := strings.CutSuffix(item, "W")
		if before, last := strings.CutPrefix(rest, "L"); last {
			d := monthDay{nearest: nearest}
			if before != "" {
				if d.beforeLast, err = strconv.Atoi(strings.TrimPrefix(before, "-")); err != nil || before[0] != '-' || d.beforeLast < 0 || d.beforeLast > 30 {
					return nil, fmt.Errorf("day of the month %q: L takes -0 to -30", item)
				}
			}
			days = append(days, d)
			continue
		}
		if nearest {
			day, err := daysOf.value(rest)
			if err != nil {
				return nil, err
			}
			days = append(days, monthDay{day: day, nearest: true})
			continue
		}
		values, err := daysOf.parse(item)
		if err != nil {
			return nil, err
		}
		for day := range values {
			days = append(days, monthDay{day: day})
		}
	}
	return days, nil
}

func parseWeekDays(text string) (days []weekDay, err error) {
	if strings.Contains(text, ",") && strings.ContainsAny(text, "L#") {
		return nil, fmt.Errorf("day of the week %q: L and # stand alone, in no list", text)
	}
	for item := range strings.SplitSeq(text, ",") {
		name, number, numbered := strings.Cut(item, "#")
		rest, last := strings.CutSuffix(item, "L")
		switch {
		case numbered:
			day, err := daysOfWeek.value(name)
			if err != nil {
				return nil, err
			}
			n, err := strconv.Atoi(number)
			if err != nil || n < 1 || n > 5 {
				return nil, fmt.Errorf("day of the week %q: # takes 1 to 5", item)
			}
			days = append(days, weekDay{day: time.Weekday(day - 1), number: n})
		case item == "L":
			days = append(days, weekDay{day: time.Saturday})
		case last:
			day, err := daysOfWeek.value(rest)
			if err != nil {
				return nil, err
			}
			days = append(days, weekDay{day: time.Weekday(day - 1), last: true})
		default:
			values, err := daysOfWeek.parse(item)
			if err != nil {
				return nil, err
			}
			for day := range values {
				days = append(days, weekDay{day: time.Weekday(day - 1)})
			}
		}
	}
	return days, nil
}

// parse reads a list of values, ranges and steps.
func (f field) parse(text string) (set, error) {
	values := set{}
	for item := range strings.SplitSeq(text, ",") {
		span, stepText, stepped := strings.Cut(item, "/")
		step := 1
		if stepped {
			var err error
			if step, err = strconv.Atoi(stepText); err != nil || step < 1 || step > f.last {
				return nil, fmt.Errorf("%s %q: the step is a number from 1 to %d", f.name, item, f.last)
			}
		}
		from, to := f.first, f.last
		if fromText, toText, ranged := strings.Cut(span, "-"); span != "*" {
			var err error
			if from, err = f.value(fromText); err != nil {
				return nil, err
			}
			switch {
			case ranged:
				if to, err = f.value(toText); err != nil {
					return nil, err
				}
			case !stepped:
				to = from
			}
		}
		if to < from { // around the end
			if f.name == years.name {
				return nil, fmt.Errorf("%s %q: the range ends before it begins", f.name, item)
			}
			to += f.last - f.first + 1
		}
		for v := from; v <= to; v += step {
			values[f.first+(v-f.first)%(f.last-f.first+1)] = true
		}
	}
	return values, nil
}

func (f field) value(text string) (int, error) {
	for i, name := range f.names {
		if text == name {
			return f.first + i, nil
		}
	}
	v, err := strconv.Atoi(text)
	if err != nil || v < f.first || v > f.last {
		return 0, fmt.Errorf("%s %q: it is from %d to %d", f.name, text, f.first, f.last)
	}
	return v, nil
}
