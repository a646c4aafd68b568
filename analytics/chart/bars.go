package chart

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/go-analyze/charts"

	"github.com/waybill-io/waybill/analytics/chart/svg"
	"github.com/waybill-io/waybill/analytics/report"
)

// columns are what a bar chart shows: values by series and then by name.
type columns struct {
	keys   []string
	names  []string
	values [][]float64 // charts.GetNullValue: not known
	top    float64
	axis   string
	per    float64 // what an axis divides values by
}

// bars draws values with names as bars from left to right, one below the other, and values over time as bars side by side, or as a line where there are many.
func bars(e report.Element) (panel, []string, error) {
	p := panel{title: e.Title, width: full}
	c, notes := columnsOf(e)
	if c.top <= 0 {
		return empty(p), notes, nil
	}
	over := e.XAxis != report.Text && e.XAxis != "" && len(c.names) > 1
	p.height = 300
	if !over {
		p.height = max(110, 64+float64(len(c.names))*max(26, 14*float64(len(c.keys))+8))
	}
	var err error
	p.body, err = paint(p.width, p.height, func(painter *charts.Painter) error {
		switch {
		case over && len(c.names) > 60:
			return painter.LineChart(line(e, c))
		case over:
			return painter.BarChart(upright(e, c))
		}
		return painter.BarChart(lying(e, c))
	})
	p.text = c.text(e)
	return p, notes, err
}

func columnsOf(e report.Element) (columns, []string) {
	var notes []string
	c := columns{per: 1}
	values, most := e.Values, maxPoints
	if e.XAxis == report.Text || e.XAxis == "" {
		most = maxBars
	}
	if len(values) > maxSeries {
		notes = append(notes, fmt.Sprintf("%s: the first %d of %d series are drawn.", e.Title, maxSeries, len(values)))
		values = values[:maxSeries]
	}
	for i, v := range values {
		points := v.Points
		if len(points) > most {
			if i == 0 {
				notes = append(notes, fmt.Sprintf("%s: the first %d of %d are drawn; --output csv has all.", e.Title, most, len(points)))
			}
			points = points[:most]
		}
		row := make([]float64, len(points))
		for j, point := range points {
			if i == 0 {
				c.names = append(c.names, svg.Clip(moment(e.XAxis, point.X), 240, textSize))
			}
			if row[j] = charts.GetNullValue(); point.Y != nil && number(report.Count, *point.Y) != nothing {
				row[j] = *point.Y
				c.top = max(c.top, *point.Y)
			}
		}
		c.keys, c.values = append(c.keys, v.Key), append(c.values, row)
	}
	for i, row := range c.values { // every series has the same names
		for len(row) < len(c.names) {
			row = append(row, charts.GetNullValue())
		}
		c.values[i] = row[:len(c.names)]
	}
	switch e.YAxis {
	case report.Milliseconds:
		c.axis, c.per = scale(c.top)
	case report.Percent:
		c.axis = "percent"
	}
	return c, notes
}

// scaled are the values as the axis has them.
func (c columns) scaled() [][]float64 {
	out := make([][]float64, len(c.values))
	for i, row := range c.values {
		out[i] = slices.Clone(row)
		for j, v := range row {
			if v != charts.GetNullValue() {
				out[i][j] = v / c.per
			}
		}
	}
	return out
}

func (c columns) text(e report.Element) string {
	var texts []string
	for i, row := range c.values {
		var points []string
		for j, v := range row {
			if j == 12 {
				points = append(points, "and so on")
				break
			}
			value := nothing
			if v != charts.GetNullValue() {
				value = number(e.YAxis, v)
			}
			points = append(points, c.names[j]+" "+value)
		}
		texts = append(texts, c.keys[i]+": "+strings.Join(points, ", "))
	}
	return "bar chart. " + strings.Join(texts, "; ")
}

func (c columns) valueAxis(e report.Element) charts.ValueAxisOption {
	a := charts.ValueAxisOption{Min: charts.Ptr(0.0), Title: c.axis, LabelFontStyle: font, TitleFontStyle: font, SplitLineShow: charts.Ptr(true)}
	a.ValueFormatter = func(v float64) string { return decimal(v, 2) }
	switch {
	case e.YAxis == report.Count && c.top < 8:
		a.Max, a.Unit, a.LabelCount = charts.Ptr(math.Ceil(c.top)), 1, int(math.Ceil(c.top))+1
	case e.YAxis == report.Percent && c.top <= 100:
		a.Max, a.Unit = charts.Ptr(100.0), 20
	default:
		step := niceStep(c.top / c.per / 6)
		most := math.Ceil(c.top/c.per/step) * step
		a.Max, a.Unit, a.LabelCount = charts.Ptr(most), step, int(math.Round(most/step))+1
	}
	return a
}

// niceStep is the next of 1, 2, 5, 10, 20, ... (or 0.1, 0.2, ...).
func niceStep(least float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(least)))
	for _, n := range []float64{1, 2, 5} {
		if n*power >= least*0.999 {
			return n * power
		}
	}
	return 10 * power
}

func (c columns) legend() charts.LegendOption {
	l := charts.LegendOption{SeriesNames: clipped(c.keys, 160), FontStyle: font, Symbol: charts.SymbolSquare, Show: charts.Ptr(len(c.keys) > 1)}
	l.Offset = charts.OffsetStr{Left: charts.PositionLeft, Top: charts.PositionTop}
	return l
}

func clipped(texts []string, width float64) []string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = svg.Clip(t, width, textSize)
	}
	return out
}

// lying are bars from left to right; the library begins at the bottom.
func lying(e report.Element, c columns) charts.BarChartOption {
	values := c.scaled()
	for _, row := range values {
		slices.Reverse(row)
	}
	names := slices.Clone(c.names)
	slices.Reverse(names)
	for i := range names {
		names[i] += "\u00a0" // away from the axis, where the reader's font is wider
	}
	opt := charts.NewBarChartOptionWithData(values)
	room := 44 // for the number behind the longest bar
	if e.YAxis == report.Milliseconds {
		room = 84
	}
	opt.Horizontal, opt.Theme, opt.Padding = true, theme(), charts.NewBox(8, 4, room, 4)
	opt.CategoryAxis = charts.CategoryAxisOption{Labels: names, LabelFontStyle: font}
	opt.ValueAxis = []charts.ValueAxisOption{c.valueAxis(e)}
	opt.Legend = c.legend()
	for i := range opt.SeriesList {
		opt.SeriesList[i].Label = charts.SeriesLabel{Show: charts.Ptr(true), FontStyle: font, ValueFormatter: func(v float64) string { return number(e.YAxis, v*c.per) }}
	}
	return opt
}

// timeAxis names as many intervals as there is room for, at equal distances.
func (c columns) timeAxis() charts.CategoryAxisOption {
	widest := 0.0
	for _, n := range c.names {
		widest = max(widest, svg.Width(n, textSize)+24)
	}
	room := max(1, int((full-60)/widest))
	step := (len(c.names) + room - 1) / room
	labels := make([]string, len(c.names))
	for i := 0; i < len(labels); i += step {
		labels[i] = c.names[i]
	}
	return charts.CategoryAxisOption{Labels: labels, LabelFontStyle: font, LabelCount: len(labels)}
}

func upright(e report.Element, c columns) charts.BarChartOption {
	opt := charts.NewBarChartOptionWithData(c.scaled())
	opt.Theme, opt.Padding = theme(), charts.NewBox(0, 8, 12, 4)
	opt.BarSize = min(1, 60*float64(len(c.names)*len(c.keys))/full) // a few are not stretched
	opt.CategoryAxis, opt.ValueAxis, opt.Legend = c.timeAxis(), []charts.ValueAxisOption{c.valueAxis(e)}, c.legend()
	return opt
}

func line(e report.Element, c columns) charts.LineChartOption {
	opt := charts.NewLineChartOptionWithData(c.scaled())
	opt.Theme, opt.Padding = theme(), charts.NewBox(24, 8, 24, 4) // the outer names are in the middle of the ends
	opt.XAxis, opt.YAxis, opt.Legend = c.timeAxis(), []charts.ValueAxisOption{c.valueAxis(e)}, c.legend()
	opt.Symbol, opt.LineStrokeWidth = charts.Symbol{Shape: charts.SymbolNone}, 1.6
	return opt
}
