package alerts

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/waybill-io/waybill/connectors/jsonfile"
	"github.com/waybill-io/waybill/connectors/suggest"
)

// Quiet is a time of every week, or of some days of it, in which nobody is told.
type Quiet struct {
	zone        *time.Location
	from, to    int // minutes of the day; to <= from: of the next day
	days        []time.Weekday
	exceptGrave bool // critical alerts pass through
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} // as time.Weekday counts

// readQuiet reads {"timeZone":"Europe/Berlin","from":"22:00","to":"06:00","days":["sat","sun"],"exceptCritical":true}.
func readQuiet(o jsonfile.Object) Quiet {
	q := Quiet{exceptGrave: o.Bool("exceptCritical")}
	name := o.Required("timeZone")
	zone, err := time.LoadLocation(name)
	if name != "" && (err != nil || name == "Local") {
		o.Errorf("timeZone", "%q is not in the time zone database; write it as in Europe/Berlin", name)
	}
	q.zone = zone
	q.from, q.to = minutes(o, "from"), minutes(o, "to")
	for i, day := range texts(o, "days") {
		n := slices.Index(weekdays, strings.ToLower(day))
		if n < 0 {
			o.Errorf(fmt.Sprintf("days[%d]", i), "%q is no day%s", day, suggest.Hint(day, weekdays))
			continue
		}
		q.days = append(q.days, time.Weekday(n))
	}
	o.Done()
	return q
}

func minutes(o jsonfile.Object, field string) int {
	text := o.Required(field)
	if text == "" {
		return 0
	}
	t, err := time.Parse("15:04", text)
	if err != nil {
		o.Errorf(field, "%q is no time of day; write it as in 22:00", text)
	}
	return t.Hour()*60 + t.Minute()
}

// end is when the quiet hours end that t is in; zero: it is in none. A time that a change of the clock leaves out is that many minutes later, and
// one that comes twice is the first of the two, as the package time has it.
func (q Quiet) end(t time.Time) time.Time {
	year, month, day := t.In(q.zone).Date()
	for _, back := range []int{1, 0} {
		begin := time.Date(year, month, day-back, 0, q.from, 0, 0, q.zone)
		last := day - back
		if q.to <= q.from {
			last++
		}
		end := time.Date(year, month, last, 0, q.to, 0, 0, q.zone)
		weekday := time.Date(year, month, day-back, 12, 0, 0, 0, q.zone).Weekday()
		if (len(q.days) == 0 || slices.Contains(q.days, weekday)) && !t.Before(begin) && t.Before(end) {
			return end
		}
	}
	return time.Time{}
}

// longestQuiet bounds quiet hours that follow each other: 8 days of them are for ever.
const longestQuiet = 8 * 24 * time.Hour

// QuietUntil is until when nobody is to be told of an alert of this severity; zero: now is a good time.
func (r *Rule) QuietUntil(t time.Time, severity string) time.Time {
	until := t
	for until.Sub(t) < longestQuiet {
		end := time.Time{}
		for _, q := range r.Quiet {
			if q.exceptGrave && severity == Critical {
				continue
			}
			if e := q.end(until); e.After(end) {
				end = e
			}
		}
		if end.IsZero() {
			break
		}
		until = end
	}
	if until.Equal(t) {
		return time.Time{}
	}
	return until
}
