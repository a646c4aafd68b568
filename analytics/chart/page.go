package chart

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/analytics/chart/diagram"
	"github.com/waybill-io/waybill/analytics/chart/svg"
	"github.com/waybill-io/waybill/analytics/report"
)

// Bounds of a picture.
const (
	maxBytes    = 8 << 20
	maxElements = 40
	maxRows     = 60  // of a table
	maxBars     = 30  // of a chart with names
	maxPoints   = 800 // of a chart over time
	maxSlices   = 9   // of a pie, the rest among them
	maxSeries   = 8
	maxText     = 2000 // letters of the description
)

// Sizes in pixels.
const (
	width  = 960.0
	border = 24.0
	gap    = 20.0
	half   = (width - 2*border - gap) / 2
	full   = width - 2*border
)

// Measure is the number by which a heat map is coloured.
type Measure string

// The measures.
const (
	ByCount   Measure = "count"
	ByTotal   Measure = "total"
	ByAverage Measure = "average"
)

// Options say how a report is drawn. The zero value is fine.
type Options struct {
	// Model is the BPMN file over whose diagram a heat map is drawn. Without it, or without a diagram in it, a bar chart takes its place.
	Model   []byte
	Measure Measure // "": ByCount
}

// SVG draws a report.
func SVG(r report.Result, o Options) ([]byte, error) {
	switch o.Measure {
	case "":
		o.Measure = ByCount
	case ByCount, ByTotal, ByAverage:
	default:
		return nil, fmt.Errorf("draw report %s: measure %q is unknown: count, total and average exist", r.Report, o.Measure)
	}
	var panels []panel
	notes := slices.Clone(r.Notes)
	for i, e := range r.Elements {
		if i == maxElements {
			notes = append(notes, fmt.Sprintf("%d more elements are not drawn.", len(r.Elements)-i))
			break
		}
		drawn, more, err := draw(e, o)
		if err != nil {
			return nil, fmt.Errorf("draw %s of report %s: %w", e.ID, r.Report, err)
		}
		panels, notes = append(panels, drawn...), append(notes, more...)
	}
	out := assemble(r, panels, notes)
	if len(out) > maxBytes {
		return nil, fmt.Errorf("draw report %s: the picture has %d bytes, at most %d are drawn: ask for a shorter range, or for --output json", r.Report, len(out), maxBytes)
	}
	return out, nil
}

// panel is an element, drawn from 0, 0 on.
type panel struct {
	title         string
	text          string // what it shows, in words
	body          []byte
	width, height float64
}

// draw draws an element, and the tables of its details.
func draw(e report.Element, o Options) ([]panel, []string, error) {
	switch e.Type {
	case report.Table, report.MasterDetailTable:
		p, notes := table(e)
		panels := []panel{p}
		for i, d := range e.DetailTables {
			if i == maxElements {
				notes = append(notes, fmt.Sprintf("%s: the details of %d more rows are not drawn.", e.Title, len(e.DetailTables)-i))
				break
			}
			p, more := table(d)
			panels, notes = append(panels, p), append(notes, more...)
		}
		return panels, notes, nil
	case report.PieChart:
		p, err := pie(e)
		return []panel{p}, nil, err
	case report.BarChart, report.MultiBarChart:
		p, notes, err := bars(e)
		return []panel{p}, notes, err
	case report.ProcessHeatMap:
		if e.HeatMap == nil {
			return nil, nil, errors.New("the heat map has no numbers")
		}
		return heatMap(e, o)
	}
	return nil, nil, fmt.Errorf("elements of type %q are not drawn", e.Type)
}

const css = `.wb-page{font-family:Roboto,"Helvetica Neue",Helvetica,Arial,sans-serif}
.wb-back{fill:#fff}.wb-text{fill:#1f2937}.wb-soft{fill:#6b7280}.wb-rule{stroke:#d1d5db;stroke-width:1}.wb-stripe{fill:#f3f4f6}
@media screen and (prefers-color-scheme:dark){.wb-back{fill:#111827}.wb-text{fill:#e5e7eb}.wb-soft{fill:#9ca3af}.wb-rule{stroke:#374151}.wb-stripe{fill:#1f2937}
.wb-page [style*="fill:` + inkRGB + `"]{fill:#e5e7eb!important}.wb-page [style*="stroke:` + axisRGB + `"]{stroke:#9ca3af!important}
.wb-page [style*="stroke:` + gridRGB + `"]{stroke:#374151!important}.wb-page [style*="fill:` + paperRGB + `"]{fill:#111827!important}}
`

// assemble puts panels below each other, narrow ones side by side.
func assemble(r report.Result, panels []panel, notes []string) []byte {
	var body svg.Buffer
	wide := width
	for _, p := range panels {
		wide = max(wide, p.width+2*border)
	}
	y := border + 20
	body.Text("text", svg.Clip(r.Title, full, 22*1.1), "class", "wb-text", "x", border, "y", y, "font-size", 22, "font-weight", "bold")
	y += 12
	if text := parameters(r.Parameters); text != "" {
		y += 12
		body.Text("text", svg.Clip(text, full, 13*spare), "class", "wb-soft", "x", border, "y", y, "font-size", 13)
		y += 8
	}
	x, row := border, 0.0
	for _, p := range panels {
		if x > border && x+p.width > width-border+0.5 {
			x, y, row = border, y+row, 0
		}
		body.Open("g", "transform", "translate("+svg.Number(x)+" "+svg.Number(y)+")", "role", "group", "aria-label", svg.Clip(p.title, 4*full, textSize))
		body.Text("text", svg.Clip(p.title, p.width, 15*spare), "class", "wb-text", "x", 0, "y", gap+15, "font-size", 15, "font-weight", "bold")
		body.Open("g", "transform", "translate(0 "+svg.Number(gap+26)+")")
		body.Write(p.body)
		body.Close("g")
		body.Close("g")
		x, row = x+p.width+gap, max(row, p.height+gap+26)
	}
	y += row + 8
	for _, n := range notes {
		for _, line := range svg.Wrap(n, full, 12*spare, 4) {
			y += 16
			body.Text("text", line, "class", "wb-soft", "x", border, "y", y, "font-size", 12)
		}
	}
	y += border

	var out svg.Buffer
	title, description := "wb-title-"+r.Report, "wb-description-"+r.Report
	out.Open("svg", "xmlns", "http://www.w3.org/2000/svg", "viewBox", "0 0 "+svg.Number(wide)+" "+svg.Number(y), "width", wide, "height", y,
		"class", "wb-page", "role", "img", "aria-labelledby", title+" "+description)
	out.Text("title", svg.Clip(r.Title, 4*full, textSize), "id", title)
	out.Text("desc", describe(r, panels, notes), "id", description)
	out.WriteString("<style>" + css + diagram.CSS + "</style>\n")
	out.Add("rect", "class", "wb-back", "width", wide, "height", y, "rx", 8)
	out.Write(body.Bytes())
	out.Close("svg")
	return out.Bytes()
}

func parameters(p map[string]string) string {
	var texts []string
	for _, k := range slices.Sorted(maps.Keys(p)) {
		if p[k] != "" {
			texts = append(texts, k+": "+p[k])
		}
	}
	return strings.Join(texts, " · ")
}

// describe says what is to be seen.
func describe(r report.Result, panels []panel, notes []string) string {
	var texts []string
	if p := parameters(r.Parameters); p != "" {
		texts = append(texts, p)
	}
	for _, p := range panels {
		texts = append(texts, p.title+": "+p.text)
	}
	text := []rune(strings.Join(append(texts, notes...), "\n"))
	if len(text) > maxText {
		text = append(text[:maxText], '…')
	}
	return string(text)
}
