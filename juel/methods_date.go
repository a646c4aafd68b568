package juel

import (
	"errors"
	"fmt"
	"time"
)

// dateLayouts are how variables hold dates: ISO 8601, without a zone in UTC.
var dateLayouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04",
	time.DateOnly,
}

var errNoDate = errors.New("the text is not a date such as 2026-03-02 or 2026-03-02T09:00:00Z")

func toDate(text string) (t time.Time, layout string, err error) {
	for _, layout := range dateLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t, layout, nil
		}
	}
	return time.Time{}, "", errNoDate
}

// dateMethods are those of java.time and of Joda's DateTime, which dateTime() gives in Activiti, on the texts that hold dates here.
var dateMethods = datesMethods()

func datesMethods() map[string]method {
	list := map[string]method{
		"isBefore": {min: 1, max: 1, text: compareDates(func(a, b time.Time) bool { return a.Before(b) })},
		"isAfter":  {min: 1, max: 1, text: compareDates(func(a, b time.Time) bool { return a.After(b) })},
		"getTime":  {text: epochMillis}, "getMillis": {text: epochMillis}, "toEpochMilli": {text: epochMillis},
		"toDate":  {text: func(s string, _ []any) (any, error) { _, _, err := toDate(s); return s, err }},
		"getYear": {text: datePart(func(t time.Time) int { return t.Year() })}, "getMonthValue": {text: datePart(func(t time.Time) int { return int(t.Month()) })},
		"getDayOfMonth": {text: datePart(func(t time.Time) int { return t.Day() })}, "getHour": {text: datePart(func(t time.Time) int { return t.Hour() })},
		"getMinute": {text: datePart(func(t time.Time) int { return t.Minute() })},
	}
	for unit, add := range map[string]func(t time.Time, n int) time.Time{
		"Years": func(t time.Time, n int) time.Time { return addMonths(t, 12*n) }, "Months": addMonths,
		"Weeks": func(t time.Time, n int) time.Time { return t.AddDate(0, 0, 7*n) }, "Days": func(t time.Time, n int) time.Time { return t.AddDate(0, 0, n) },
		"Hours":   func(t time.Time, n int) time.Time { return t.Add(time.Duration(n) * time.Hour) },
		"Minutes": func(t time.Time, n int) time.Time { return t.Add(time.Duration(n) * time.Minute) },
		"Seconds": func(t time.Time, n int) time.Time { return t.Add(time.Duration(n) * time.Second) },
	} {
		list["plus"+unit] = method{min: 1, max: 1, text: moveDate(add, 1)}
		list["minus"+unit] = method{min: 1, max: 1, text: moveDate(add, -1)}
	}
	for part, set := range map[string]func(t time.Time, n int) time.Time{
		"Year":       func(t time.Time, n int) time.Time { return addMonths(t, 12*(n-t.Year())) },
		"Month":      func(t time.Time, n int) time.Time { return addMonths(t, n-int(t.Month())) },
		"DayOfMonth": func(t time.Time, n int) time.Time { return t.AddDate(0, 0, n-t.Day()) },
		"Hour":       func(t time.Time, n int) time.Time { return at(t, n, t.Minute(), t.Second()) },
		"Minute":     func(t time.Time, n int) time.Time { return at(t, t.Hour(), n, t.Second()) },
		"Second":     func(t time.Time, n int) time.Time { return at(t, t.Hour(), t.Minute(), n) },
	} {
		list["with"+part] = method{min: 1, max: 1, text: setDate(part, set)}
	}
	for joda, java := range map[string]string{
		"withMonthOfYear": "withMonth", "withHourOfDay": "withHour", "withMinuteOfHour": "withMinute", "withSecondOfMinute": "withSecond",
		"getMonthOfYear": "getMonthValue", "getHourOfDay": "getHour", "getMinuteOfHour": "getMinute",
	} {
		list[joda] = list[java]
	}
	return list
}

func at(t time.Time, hour, minute, second int) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), hour, minute, second, t.Nanosecond(), t.Location())
}

// datePartOf reads back a part that was set: another one than was asked for does not exist, such as a 31st of June.
var datePartOf = map[string]func(time.Time) int{
	"Year": time.Time.Year, "Month": func(t time.Time) int { return int(t.Month()) }, "DayOfMonth": time.Time.Day,
	"Hour": time.Time.Hour, "Minute": time.Time.Minute, "Second": time.Time.Second,
}

// setDate sets a part of a date, in the form in which the date is written.
func setDate(part string, set func(time.Time, int) time.Time) func(string, []any) (any, error) {
	return changeDate(func(t time.Time, n int) (time.Time, error) {
		changed := set(t, n)
		if datePartOf[part](changed) != n {
			return t, fmt.Errorf("there is no %d there", n)
		}
		return changed, nil
	})
}

// addMonths keeps to the last day of a shorter month, as in Java.
func addMonths(t time.Time, n int) time.Time {
	first := time.Date(t.Year(), t.Month()+time.Month(n), 1, 0, 0, 0, 0, t.Location())
	last := first.AddDate(0, 1, -1).Day()
	return t.AddDate(0, n, min(t.Day(), last)-t.Day())
}

func moveDate(add func(time.Time, int) time.Time, sign int) func(string, []any) (any, error) {
	return changeDate(func(t time.Time, n int) (time.Time, error) { return add(t, sign*n), nil })
}

// changeDate keeps the form in which the date is written, but for a date that gets a time.
func changeDate(change func(time.Time, int) (time.Time, error)) func(string, []any) (any, error) {
	return func(s string, args []any) (any, error) {
		t, layout, err := toDate(s)
		if err != nil {
			return nil, err
		}
		n, err := toIndex(args[0])
		if err != nil {
			return nil, err
		}
		if n < -1_000_000 || n > 1_000_000 {
			return nil, errors.New("the number is out of range")
		}
		if t, err = change(t, int(n)); err != nil {
			return nil, err
		}
		if t.Year() < 1 || t.Year() > 9999 {
			return nil, errors.New("the year is out of range")
		}
		switch {
		case layout == time.RFC3339Nano:
			layout = timestamp
		case layout == time.DateOnly && !t.Equal(t.Truncate(24*time.Hour)):
			layout = "2006-01-02T15:04:05"
		}
		return t.Format(layout), nil
	}
}

func compareDates(test func(a, b time.Time) bool) func(string, []any) (any, error) {
	return func(s string, args []any) (any, error) {
		other, ok := args[0].(string)
		if !ok {
			return nil, errNoDate
		}
		a, _, err := toDate(s)
		if err != nil {
			return nil, err
		}
		b, _, err := toDate(other)
		if err != nil {
			return nil, err
		}
		return test(a, b), nil
	}
}

func epochMillis(s string, _ []any) (any, error) {
	t, _, err := toDate(s)
	return t.UnixMilli(), err
}

func datePart(part func(time.Time) int) func(string, []any) (any, error) {
	return func(s string, _ []any) (any, error) {
		t, _, err := toDate(s)
		return int64(part(t)), err
	}
}
