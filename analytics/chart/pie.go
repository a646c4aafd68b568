package chart

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/go-analyze/charts"

	"github.com/waybill-io/waybill/analytics/chart/svg"
	"github.com/waybill-io/waybill/analytics/report"
)

// slice is a part of a pie.
type slice struct {
	name  string
	value float64
}

// pie draws a ring with a legend beside it that has the numbers: names on the ring would run into each other.
func pie(e report.Element) (panel, error) {
	p := panel{title: e.Title, width: half}
	parts, total := slicesOf(e.Values)
	if total <= 0 {
		return empty(p), nil
	}
	const height, ring = 220.0, 200.0
	values := make([]float64, len(parts))
	for i, s := range parts {
		values[i] = s.value
	}
	opt := charts.NewDoughnutChartOptionWithData(values)
	opt.Theme, opt.Padding = theme(), charts.NewBoxEqual(2)
	opt.RadiusRing, opt.RadiusCenter = "48%", "30%"
	opt.CenterValues = "sum"
	opt.CenterValuesFontStyle = charts.FontStyle{FontSize: 16, FontColor: charts.ColorFromRGBA(inkRGB)}
	opt.ValueFormatter = func(v float64) string { return number(e.YAxis, v) }
	opt.Legend.Show = charts.Ptr(false)
	for i := range opt.SeriesList {
		opt.SeriesList[i].Label.Show = charts.Ptr(false)
	}
	chart, err := paint(ring, height, func(p *charts.Painter) error { return p.DoughnutChart(opt) })
	if err != nil {
		return p, err
	}
	var b svg.Buffer
	b.Write(chart)
	var texts []string
	colours := series()
	for i, s := range parts {
		x, y := ring+14, height/2+(float64(i)-float64(len(parts)-1)/2)*22
		text := number(e.YAxis, s.value) + " · " + decimal(100*s.value/total, 1) + " %"
		b.Add("rect", "x", x, "y", y-6, "width", 12, "height", 12, "rx", 2, "fill", colours[i%len(colours)].String())
		b.Text("text", svg.Clip(s.name, half-x-26-svg.Width(text, textSize*spare)-12, textSize*spare), "class", "wb-text", "x", x+20, "y", y+4.5, "font-size", textSize)
		b.Text("text", text, "class", "wb-soft", "x", half-4, "y", y+4.5, "font-size", textSize, "text-anchor", "end")
		texts = append(texts, s.name+" "+text)
	}
	p.body, p.height, p.text = b.Bytes(), height, "pie chart. "+strings.Join(texts, "; ")
	return p, nil
}

// slicesOf are the parts with something in them, the smallest, and what the report has left of others, together as the last one.
func slicesOf(values []report.Value) (parts []slice, total float64) {
	rest, others := 0.0, 0
	for _, v := range values {
		if v.Y == nil || *v.Y <= 0 || number(report.Count, *v.Y) == nothing {
			continue
		}
		total += *v.Y
		if v.Others > 0 {
			rest, others = rest+*v.Y, others+v.Others
		} else {
			parts = append(parts, slice{v.Key, *v.Y})
		}
	}
	if others > 0 && len(parts) >= maxSlices || len(parts) > maxSlices {
		slices.SortStableFunc(parts, func(a, b slice) int { return cmp.Compare(b.value, a.value) })
		for _, s := range parts[maxSlices-1:] {
			rest, others = rest+s.value, others+1
		}
		parts = parts[:maxSlices-1]
	}
	if others > 0 {
		parts = append(parts, slice{fmt.Sprintf("%d others", others), rest})
	}
	return parts, total
}
