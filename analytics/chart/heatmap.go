package chart

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/analytics/chart/diagram"
	"github.com/waybill-io/waybill/analytics/chart/svg"
	"github.com/waybill-io/waybill/analytics/report"
	"github.com/waybill-io/waybill/bpmn"
)

const hour = 3_600_000.0 // in milliseconds

// heat are the numbers by which a heat map is coloured.
type heat struct {
	name   string
	unit   report.Unit
	values map[string]float64 // in the unit
	top    float64
}

func heatOf(h *report.HeatMap, m Measure) heat {
	x := heat{name: "How often", unit: report.Count, values: h.TotalCountValues}
	switch m {
	case ByTotal:
		x = heat{name: "Time in total", unit: report.Milliseconds, values: inMilliseconds(h.TotalTimeValues)}
	case ByAverage:
		x = heat{name: "Time on average", unit: report.Milliseconds, values: inMilliseconds(h.AvgTimeValues)}
	}
	for _, v := range x.values {
		x.top = max(x.top, v)
	}
	return x
}

func inMilliseconds(hours map[string]float64) map[string]float64 {
	out := make(map[string]float64, len(hours))
	for k, v := range hours {
		out[k] = v * hour
	}
	return out
}

// shades go from little to much; the darkest still lets dark text be read.
func shades() [][3]float64 {
	return [][3]float64{{255, 247, 214}, {254, 217, 142}, {253, 174, 97}, {244, 122, 82}}
}

// shade is the colour of a share from 0 to 1.
func shade(share float64) string {
	all := shades()
	at := min(max(share, 0), 1) * float64(len(all)-1)
	i := min(int(at), len(all)-2)
	part := at - float64(i)
	mix := func(k int) int { return int(all[i][k] + (all[i+1][k]-all[i][k])*part + 0.5) }
	return fmt.Sprintf("#%02x%02x%02x", mix(0), mix(1), mix(2))
}

// heatMap draws the numbers over the diagrams of the model; the bars that take their place say why.
func heatMap(e report.Element, o Options) ([]panel, []string, error) {
	x := heatOf(e.HeatMap, o.Measure)
	if len(o.Model) == 0 {
		p, notes, err := heatBars(e, x)
		return p, append(notes, "The heat map is drawn over the diagram of the model when its file is given: --model FILE.bpmn."), err
	}
	diagrams, err := bpmn.ReadDiagrams(o.Model, bpmn.Limits{})
	if errors.Is(err, bpmn.ErrNoDiagram) {
		p, notes, err := heatBars(e, x)
		return p, append(notes, "The model has no diagram to draw over: open it in a BPMN editor and save it with one."), err
	}
	if err != nil {
		return nil, nil, err
	}
	marks := make(map[string]diagram.Mark, len(x.values))
	for id, v := range x.values {
		m := diagram.Mark{Title: heatTitle(e.HeatMap, id)}
		if v > 0 && x.top > 0 {
			m.Fill, m.Badge = shade(v/x.top), number(x.unit, v)
		}
		marks[id] = m
	}
	var panels []panel
	shown := map[string]bool{}
	for _, d := range diagrams {
		if p, ok := heatDiagram(e, d, marks, shown, len(diagrams) > 1); ok {
			panels = append(panels, p)
		}
	}
	var missing []string
	for _, id := range slices.Sorted(maps.Keys(x.values)) {
		if !shown[id] && x.values[id] > 0 {
			missing = append(missing, id)
		}
	}
	var notes []string
	if len(panels) == 0 {
		p, more, err := heatBars(e, x)
		return p, append(more, "The diagram has none of these activities: is it a model of this process?"), err
	}
	if len(missing) > 0 {
		notes = append(notes, fmt.Sprintf("Not in the diagram, so perhaps of another version of the model: %s.", strings.Join(missing[:min(len(missing), 20)], ", ")))
	}
	panels[0].body, panels[0].height = legend(x, panels[0])
	panels[0].text = x.words(e.HeatMap)
	return panels, notes, nil
}

// heatDiagram draws one diagram, if it shows something that has numbers.
func heatDiagram(e report.Element, d bpmn.Diagram, marks map[string]diagram.Mark, shown map[string]bool, several bool) (panel, bool) {
	found := false
	for _, s := range d.Shapes {
		if _, ok := marks[s.Element]; ok {
			shown[s.Element], found = true, true
		}
	}
	if !found {
		return panel{}, false
	}
	sheet := diagram.Draw(d, marks)
	p := panel{title: e.Title, width: full}
	if several && d.Name != "" {
		p.title += ": " + d.Name
	}
	factor := min(full/sheet.Width, 1.4)
	if sheet.Width > 2*full { // a large one may take more room than other panels, so that it can be read
		factor = 0.5
	}
	p.width, p.height = max(full, sheet.Width*factor), sheet.Height*factor
	var b svg.Buffer
	b.Open("g", "transform", "scale("+svg.Number(factor)+")")
	b.Write(sheet.Body)
	b.Close("g")
	p.body = b.Bytes()
	return p, true
}

// legend puts what the colours mean above a diagram.
func legend(x heat, p panel) ([]byte, float64) {
	var b svg.Buffer
	const steps, step, height = 12, 14.0, 30.0
	left := svg.Width(x.name, textSize) + 16
	b.Text("text", x.name, "class", "wb-soft", "x", 0, "y", 15, "font-size", textSize)
	for i := range steps {
		b.Add("rect", "x", left+float64(i)*step, "y", 4, "width", step+0.5, "height", 13, "fill", shade(float64(i)/(steps-1)))
	}
	b.Text("text", "up to "+number(x.unit, x.top), "class", "wb-soft", "x", left+steps*step+10, "y", 15, "font-size", textSize)
	b.Open("g", "transform", "translate(0 "+svg.Number(height)+")")
	b.Write(p.body)
	b.Close("g")
	return b.Bytes(), p.height + height
}

func heatTitle(h *report.HeatMap, id string) string {
	return fmt.Sprintf("%s: %s times, %s in total, %s on average", name(h, id), number(report.Count, h.TotalCountValues[id]),
		span(h.TotalTimeValues[id]*hour), span(h.AvgTimeValues[id]*hour))
}

func name(h *report.HeatMap, id string) string { return cmp.Or(h.ActivityNames[id], id) }

// order are the activities with something to show, the largest first.
func (x heat) order() []string {
	var ids []string
	for id, v := range x.values {
		if v > 0 {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b string) int { return cmp.Or(cmp.Compare(x.values[b], x.values[a]), cmp.Compare(a, b)) })
	return ids
}

func (x heat) words(h *report.HeatMap) string {
	var texts []string
	for _, id := range x.order() {
		texts = append(texts, heatTitle(h, id))
	}
	return "heat map over the diagram of the process. " + strings.Join(texts, "; ")
}

// heatBars draws the numbers without a diagram.
func heatBars(e report.Element, x heat) ([]panel, []string, error) {
	v := report.Value{Key: x.name}
	for _, id := range x.order() {
		y := x.values[id]
		v.Points = append(v.Points, report.Point{X: name(e.HeatMap, id), Y: &y})
	}
	p, notes, err := bars(report.Element{ID: e.ID, Type: report.BarChart, Title: e.Title + ": " + strings.ToLower(x.name), XAxis: report.Text, YAxis: x.unit, Values: []report.Value{v}})
	return []panel{p}, notes, err
}
