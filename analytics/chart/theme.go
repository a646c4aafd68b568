package chart

import (
	"bytes"
	"fmt"
	"math"

	"github.com/go-analyze/charts"

	"github.com/waybill-io/waybill/analytics/chart/svg"
)

// The colours of charts, as they are written; the style sheet finds them by that and changes them on dark pages.
const (
	inkRGB   = "rgb(31,41,55)"
	axisRGB  = "rgb(107,114,128)"
	gridRGB  = "rgb(229,231,235)"
	paperRGB = "white"
)

// series are colours that people who see few colours tell apart, on light and on dark pages.
func series() []charts.Color {
	var colours []charts.Color
	for _, hex := range []string{"#3b78c3", "#e08a1e", "#2a9d8f", "#c2477f", "#8a6fc9", "#7a8f2a", "#b5651d", "#5b7083", "#9ca3af"} {
		colours = append(colours, charts.ColorFromHex(hex))
	}
	return colours
}

func theme() charts.ColorPalette {
	return charts.MakeTheme(charts.ThemeOption{
		AxisStrokeColor: charts.ColorFromRGBA(axisRGB), AxisSplitLineColor: charts.ColorFromRGBA(gridRGB), BackgroundColor: charts.ColorWhite,
		TextColor: charts.ColorFromRGBA(inkRGB), SeriesColors: series(),
	})
}

// font is that of names and numbers in charts, in points.
var font = charts.FontStyle{FontSize: 9.5}

// paint has the library draw, and takes what it drew as a picture within ours.
func paint(width, height float64, draw func(p *charts.Painter) error) ([]byte, error) {
	p := charts.NewPainter(charts.PainterOptions{OutputFormat: charts.ChartOutputSVG, Width: int(width), Height: int(height), Theme: theme()})
	if err := draw(p); err != nil {
		return nil, fmt.Errorf("lay out the chart: %w", err)
	}
	drawn, err := p.Bytes()
	if err != nil {
		return nil, fmt.Errorf("write the chart: %w", err)
	}
	_, inner, ok := bytes.Cut(drawn, []byte(">")) // its <svg ...>
	inner, closed := bytes.CutSuffix(bytes.TrimSpace(inner), []byte("</svg>"))
	if !ok || !closed {
		return nil, fmt.Errorf("write the chart: it is no SVG")
	}
	var b svg.Buffer
	b.Open("svg", "overflow", "visible", "width", math.Floor(width), "height", math.Floor(height), "viewBox", "0 0 "+svg.Number(math.Floor(width))+" "+svg.Number(math.Floor(height)))
	b.Write(inner)
	b.Close("svg")
	return b.Bytes(), nil
}
