package report

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Grid is an element as a table, whatever its type is.
type Grid struct {
	Columns []string
	Units   []Unit
	Rows    [][]any
}

// Grid turns charts into tables, too.
func (e Element) Grid() Grid {
	switch {
	case e.HeatMap != nil:
		return e.HeatMap.grid()
	case e.Type == PieChart:
		g := Grid{Columns: []string{"Name", "Value"}, Units: []Unit{Text, Count}}
		for _, v := range e.Values {
			g.Rows = append(g.Rows, []any{v.Key, cell(v.Y)})
		}
		return g
	case e.Type == BarChart || e.Type == MultiBarChart:
		g := Grid{Columns: []string{"Name"}, Units: []Unit{Text}}
		if e.XAxis != Text {
			g = Grid{Columns: []string{"From"}, Units: []Unit{Moment}}
		}
		for _, v := range e.Values {
			g.Columns, g.Units = append(g.Columns, v.Key), append(g.Units, e.YAxis)
			for i, p := range v.Points {
				if i == len(g.Rows) {
					g.Rows = append(g.Rows, []any{p.X})
				}
				g.Rows[i] = append(g.Rows[i], cell(p.Y))
			}
		}
		return g
	}
	return Grid{Columns: e.ColumnNames, Units: e.ColumnTypes, Rows: e.Rows}
}

func (h *HeatMap) grid() Grid {
	g := Grid{
		Columns: []string{"Id", "Activity", "Count", "Count", "Total hours", "Total hours", "Average hours", "Average hours"},
		Units:   []Unit{Text, Text, Count, Percent, Count, Percent, Count, Percent},
	}
	for _, id := range slices.Sorted(maps.Keys(h.TotalCountValues)) {
		g.Rows = append(g.Rows, []any{
			id, h.ActivityNames[id], h.TotalCountValues[id], h.TotalCountPercentages[id], h.TotalTimeValues[id], h.TotalTimePercentages[id], h.AvgTimeValues[id], h.AvgTimePercentages[id],
		})
	}
	return g
}

// Show writes a cell for people: durations as 2h3m, nothing as "".
func Show(value any, unit Unit) string {
	switch v := value.(type) {
	case string:
		return v
	case float64:
		switch unit {
		case Milliseconds:
			return showDuration(v)
		case Percent:
			return strconv.FormatFloat(v, 'f', 1, 64) + " %"
		}
		return strconv.FormatFloat(math.Round(v*1000)/1000, 'f', -1, 64)
	case nil:
		return ""
	}
	return fmt.Sprint(value)
}

// showDuration keeps the two largest units.
func showDuration(milliseconds float64) string {
	d := time.Duration(milliseconds * float64(time.Millisecond))
	switch {
	case d < time.Second:
		return strconv.FormatFloat(math.Round(milliseconds*10)/10, 'f', -1, 64) + "ms"
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		return withoutZero(d.Round(time.Second).String())
	case d < 24*time.Hour:
		return withoutZero(d.Round(time.Minute).String())
	}
	hours := int64(math.Round(d.Hours()))
	return fmt.Sprintf("%dd%dh", hours/24, hours%24)
}

// withoutZero takes seconds that are none away: 30m0s is 30m.
func withoutZero(text string) string {
	if minutes, ok := strings.CutSuffix(text, "m0s"); ok {
		return minutes + "m"
	}
	return text
}
