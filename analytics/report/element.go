package report

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

const (
	// maxRows bounds a table.
	maxRows = 1000
	// maxSlices bounds a pie, and the bars of a chart that is not over time.
	maxSlices = 20
)

type column struct {
	name string
	unit Unit
}

// counted are the columns that say how many things of a status there are, in the order of statuses.
var counted = []column{{"Total", Count}, {"Active", Count}, {"Completed", Count}, {"Cancelled", Count}, {"Failed", Count}}

func (q *question) element(kind ElementType, id, title string) Element {
	return Element{ID: id, Type: kind, Title: title, TitleKey: titleKey(q.report.Name, id)}
}

// table makes a table of at most maxRows rows.
func (q *question) table(id, title string, columns []column, rows [][]any) Element {
	e := q.element(Table, id, title)
	for _, c := range columns {
		e.ColumnNames, e.ColumnTypes = append(e.ColumnNames, c.name), append(e.ColumnTypes, c.unit)
	}
	if len(rows) > maxRows {
		q.note(fmt.Sprintf("%s: only %d of %d rows are shown.", title, maxRows, len(rows)))
		rows = rows[:maxRows]
	}
	e.Rows = rows
	return e
}

// figures are a table of names and numbers.
func (q *question) figures(id, title string, pairs ...any) Element {
	var rows [][]any
	for i := 0; i+1 < len(pairs); i += 2 {
		rows = append(rows, []any{pairs[i], pairs[i+1]})
	}
	return q.table(id, title, []column{{"Figure", Text}, {"Value", Count}}, rows)
}

// pie makes a pie of the largest numbers, and one slice of the rest.
func (q *question) pie(id, title string, numbers map[string]float64) Element {
	e := q.element(PieChart, id, title)
	rest, others := 0.0, 0
	for i, name := range largest(numbers) {
		n := numbers[name]
		if i >= maxSlices-1 && len(numbers) > maxSlices {
			rest, others = rest+n, others+1
			continue
		}
		e.Values = append(e.Values, slice(name, n))
	}
	if others > 0 {
		v := slice(fmt.Sprintf("%d others", others), rest)
		v.Others = others
		e.Values = append(e.Values, v)
	}
	return e
}

func slice(name string, n float64) Value {
	return Value{Key: name, Y: &n, KeyAndValue: &[2]string{name, strconv.FormatFloat(n, 'f', -1, 64)}}
}

// largest are the names, that with the largest number first.
func largest(numbers map[string]float64) []string {
	return slices.SortedFunc(maps.Keys(numbers), func(a, b string) int {
		return cmp.Or(cmp.Compare(numbers[b], numbers[a]), cmp.Compare(a, b))
	})
}

// known says of what has no name that it has none.
func known(name, otherwise string) string { return cmp.Or(name, otherwise) }

// line is a series of a chart over time.
type line struct {
	name   string
	points map[int64]*float64 // by the beginning of the interval, in milliseconds
}

// overTime makes a chart of series over time: what one has no point for is 0, or for measures nothing.
func (q *question) overTime(id, title string, y Unit, lines ...line) Element {
	kind := MultiBarChart
	if len(lines) == 1 {
		kind = BarChart
	}
	e := q.element(kind, id, title)
	e.XAxis, e.YAxis = Unit("date_"+q.interval), y
	starts := map[int64]bool{}
	for _, l := range lines {
		for at := range l.points {
			starts[at] = true
		}
	}
	for _, l := range lines {
		v := Value{Key: l.name, Points: []Point{}}
		for _, at := range slices.Sorted(maps.Keys(starts)) {
			n := l.points[at]
			if n == nil && y == Count {
				n = new(float64)
			}
			v.Points = append(v.Points, Point{X: time.UnixMilli(at).In(q.zone).Format(time.RFC3339), Y: n})
		}
		e.Values = append(e.Values, v)
	}
	return e
}

// histogram counts documents in the intervals of the report by a time field, also in those in which there is nothing, up to now.
func (q *question) histogram(ctx context.Context, index string, f filter, field string, aggs map[string]any) (intervals, error) {
	last := q.to
	if q.now.Before(last) {
		last = q.now
	}
	h := map[string]any{"field": field, "calendar_interval": q.interval, "time_zone": q.zone.String(), "min_doc_count": 0}
	if last.After(q.from) {
		h["extended_bounds"] = map[string]any{"min": q.from.UnixMilli(), "max": last.UnixMilli() - 1}
	}
	b := map[string]any{"date_histogram": h}
	if len(aggs) > 0 {
		b["aggs"] = aggs
	}
	a, err := q.search(ctx, index, f, map[string]any{"aggs": map[string]any{"intervals": b}})
	if err != nil {
		return intervals{}, err
	}
	return read[intervals](a.Aggregations, "intervals")
}

// interval is a bucket of a chart over time.
type interval struct {
	start int64
	group
}

// UnmarshalJSON implements json.Unmarshaler.
func (i *interval) UnmarshalJSON(text []byte) error {
	if err := i.group.UnmarshalJSON(text); err != nil {
		return err
	}
	var key float64
	_, err := fmt.Sscan(string(i.aggs["key"]), &key)
	i.start = int64(key)
	return err
}

type intervals struct {
	Buckets []interval `json:"buckets"`
}

// counts are the numbers of documents.
func (i intervals) counts(name string) line {
	l := line{name, map[int64]*float64{}}
	for _, b := range i.Buckets {
		l.points[b.start] = &b.Count
	}
	return l
}
