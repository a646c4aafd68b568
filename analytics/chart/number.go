package chart

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/waybill-io/waybill/analytics/report"
)

// nothing stands for what is not known.
const nothing = "–"

// cell is a cell of a table as text.
func cell(unit report.Unit, v any) string {
	switch v := v.(type) {
	case nil:
		return nothing
	case string:
		return moment(unit, v)
	case float64:
		return number(unit, v)
	case int:
		return number(unit, float64(v))
	case int64:
		return number(unit, float64(v))
	}
	return fmt.Sprint(v)
}

// number is a number with its unit.
func number(unit report.Unit, v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return nothing
	case unit == report.Milliseconds:
		return span(v)
	case unit == report.Percent:
		return decimal(v, 1) + " %"
	}
	return decimal(v, 2)
}

// decimal groups thousands, and has at most so many digits after the point.
func decimal(v float64, digits int) string {
	text := strconv.FormatFloat(math.Abs(v), 'f', digits, 64)
	whole, rest, _ := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if rest = strings.TrimRight(rest, "0"); rest != "" {
		whole += "." + rest
	}
	if v < 0 && whole != "0" {
		return "-" + whole
	}
	return whole
}

// span is a time in milliseconds, in its two largest units.
func span(ms float64) string {
	switch {
	case ms < 0:
		return "-" + span(-ms)
	case ms < 1000:
		return decimal(ms, 0) + " ms"
	case ms < 60_000:
		return decimal(ms/1000, 1) + " s"
	}
	units := []struct {
		name string
		ms   float64
	}{{"d", 86_400_000}, {"h", 3_600_000}, {"min", 60_000}, {"s", 1000}}
	for i, u := range units {
		if ms < u.ms {
			continue
		}
		next := units[i+1]
		n := math.Round(ms / next.ms)
		per := u.ms / next.ms
		text := decimal(math.Floor(n/per), 0) + " " + u.name
		if rest := math.Mod(n, per); rest > 0 {
			text += " " + decimal(rest, 0) + " " + next.name
		}
		return text
	}
	return "0 ms"
}

// scale is the unit in which an axis of times up to a largest one is read.
func scale(largest float64) (name string, ms float64) {
	switch {
	case largest < 2000:
		return "milliseconds", 1
	case largest < 120_000:
		return "seconds", 1000
	case largest < 7_200_000:
		return "minutes", 60_000
	case largest < 172_800_000:
		return "hours", 3_600_000
	}
	return "days", 86_400_000
}

// moment is a time, or the beginning of an interval, as a reader wants it; other texts are left alone.
func moment(unit report.Unit, text string) string {
	layout := ""
	switch unit {
	case report.Moment, report.Hours:
		layout = "2006-01-02 15:04"
	case report.Days, report.Weeks:
		layout = "2006-01-02"
	case report.Months:
		layout = "Jan 2006"
	case report.Years:
		layout = "2006"
	default:
		return text
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return text
	}
	return at.Format(layout)
}
