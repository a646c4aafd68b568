package report

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/waybill-io/waybill/events"
)

// fold works reports out in memory, from the documents alone.
type fold struct {
	documents []events.Document
	from, to  time.Time
	zone      *time.Location
	interval  string
	process   string // "", key or key:version
	status    string // "": all
}

// of are the documents of a kind in the range.
func (f fold) of(kind events.Kind) []events.Document {
	var found []events.Document
	for _, d := range f.documents {
		at := d.Start
		if kind == events.KindMail {
			at = d.Time
		}
		if d.Kind == kind && f.in(at) && f.belongs(d) && (f.status == "" || string(d.Status) == f.status) {
			found = append(found, d)
		}
	}
	return found
}

func (f fold) in(at time.Time) bool { return !at.Before(f.from) && at.Before(f.to) }

func (f fold) belongs(d events.Document) bool {
	return f.process == "" || f.process == d.Key || f.process == fmt.Sprintf("%s:%d", d.Key, d.DefinitionVersion)
}

// floor is the beginning of the interval that holds a time.
func (f fold) floor(at time.Time) time.Time {
	at = at.In(f.zone)
	day := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, f.zone)
	switch f.interval {
	case "hour":
		_, offset := at.Zone()
		local := at.Unix() + int64(offset)
		return time.Unix(local-local%3600-int64(offset), 0).In(f.zone)
	case "week":
		return day.AddDate(0, 0, -(int(at.Weekday())+6)%7)
	case "month":
		return day.AddDate(0, 0, 1-at.Day())
	case "year":
		return time.Date(at.Year(), 1, 1, 0, 0, 0, 0, f.zone)
	}
	return day
}

// intervals are all beginnings up to now.
func (f fold) intervals() []string {
	var all []string
	for at := f.from; at.Before(f.to) && at.Before(today); at = at.Add(time.Minute * 30) {
		if s := f.floor(at).Format(time.RFC3339); len(all) == 0 || all[len(all)-1] != s {
			all = append(all, s)
		}
	}
	return all
}

// points counts times by interval.
func (f fold) points(times []time.Time) []Point {
	n := map[string]float64{}
	for _, at := range times {
		n[f.floor(at).Format(time.RFC3339)]++
	}
	points := []Point{}
	for _, s := range f.intervals() {
		y := n[s]
		points = append(points, Point{s, &y})
	}
	return points
}

func counts(documents []events.Document) []any {
	n := map[events.Status]float64{}
	for _, d := range documents {
		n[d.Status]++
	}
	return []any{float64(len(documents)), n[events.Active], n[events.Completed], n[events.Cancelled], n[events.Failed]}
}

// statistics are Count, Sum, Min, Max, Average, Deviation of durations.
func statistics(documents []events.Document) []any {
	var n, sum float64
	least, most := math.Inf(1), math.Inf(-1)
	for _, d := range documents {
		if d.Duration != nil {
			v := float64(*d.Duration)
			n, sum, least, most = n+1, sum+v, min(least, v), max(most, v)
		}
	}
	if n == 0 {
		return []any{0.0, 0.0, nil, nil, nil, nil}
	}
	var squares float64
	for _, d := range documents {
		if d.Duration != nil {
			squares += (float64(*d.Duration) - sum/n) * (float64(*d.Duration) - sum/n)
		}
	}
	return []any{n, sum, least, most, sum / n, math.Sqrt(squares / n)}
}

// split sorts documents into parts by a name.
func split(documents []events.Document, by func(events.Document) string) map[string][]events.Document {
	parts := map[string][]events.Document{}
	for _, d := range documents {
		parts[by(d)] = append(parts[by(d)], d)
	}
	return parts
}

// names are those of the parts, the largest first.
func names(parts map[string][]events.Document) []string {
	return slices.SortedFunc(maps.Keys(parts), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(parts[b]), len(parts[a])), cmp.Compare(a, b))
	})
}

// shares are the slices of a pie.
func shares(parts map[string][]events.Document) []Value {
	var all []Value
	for _, name := range names(parts) {
		n := float64(len(parts[name]))
		all = append(all, Value{Key: name, Y: &n, KeyAndValue: &[2]string{name, fmt.Sprint(len(parts[name]))}})
	}
	return all
}

func rowsOf(parts map[string][]events.Document, row func(string, []events.Document) []any) [][]any {
	var rows [][]any
	for _, name := range names(parts) {
		rows = append(rows, row(name, parts[name]))
	}
	return rows
}

func assignee(d events.Document) string { return cmp.Or(d.Assignee, "(nobody)") }

func starts(documents []events.Document) []time.Time {
	var times []time.Time
	for _, d := range documents {
		times = append(times, d.Start)
	}
	return times
}
