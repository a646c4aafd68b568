package diagram

import (
	"cmp"
	"math"
	"slices"

	"github.com/waybill-io/waybill/analytics/chart/svg"
	"github.com/waybill-io/waybill/bpmn"
)

// Mark is what is drawn over an element.
type Mark struct {
	Fill  string // a light colour, #rrggbb: text on it is dark
	Badge string // a short text at its upper right
	Title string // what is read out, and shown under the pointer
}

// margin is around a diagram; badges and arrow heads reach beyond shapes.
const margin = 24.0

// Sheet is a drawing: SVG from 0, 0 on, of this size.
type Sheet struct {
	Body          []byte
	Width, Height float64
}

// CSS styles what Draw makes; colours follow the reader's scheme.
const CSS = `.wb-shape{fill:#fff;stroke:#374151;stroke-width:1.5}
.wb-frame{fill:none;stroke:#374151;stroke-width:1.2}
.wb-flow{fill:none;stroke:#374151;stroke-width:1.3;stroke-linejoin:round}
.wb-open{fill:#fff;stroke:#374151;stroke-width:1.3}
.wb-head{fill:#374151;stroke:#374151;stroke-width:1}
.wb-sign{fill:none;stroke:#1f2937;stroke-width:1.2;stroke-linecap:round;stroke-linejoin:round}
.wb-full{fill:#1f2937;stroke:#1f2937;stroke-width:1;stroke-linejoin:round}
.wb-fold{fill:none;stroke:#fff;stroke-width:1.2}
.wb-in{fill:#1f2937}
.wb-out{fill:#1f2937;paint-order:stroke;stroke:#fff;stroke-width:2;stroke-linejoin:round}
.wb-badge{fill:#1f2937;stroke:#fff;stroke-width:1}
.wb-number{fill:#fff;font-weight:bold}
@media screen and (prefers-color-scheme:dark){
.wb-shape{fill:#e5e7eb;stroke:#9ca3af}.wb-frame,.wb-flow{stroke:#9ca3af}.wb-open{fill:#111827;stroke:#9ca3af}.wb-head{fill:#9ca3af;stroke:#9ca3af}
.wb-out{fill:#e5e7eb;stroke:#111827}.wb-badge{stroke:#9ca3af}}
`

// Draw draws a diagram. Of marks the keys are ids of elements.
func Draw(d bpmn.Diagram, marks map[string]Mark) Sheet {
	c := canvas{marks: marks, shapes: map[string]bpmn.Shape{}}
	shapes := slices.Clone(d.Shapes)
	slices.SortStableFunc(shapes, func(a, b bpmn.Shape) int {
		return cmp.Or(cmp.Compare(layer(a), layer(b)), cmp.Compare(b.Bounds.Width*b.Bounds.Height, a.Bounds.Width*a.Bounds.Height))
	})
	for _, s := range shapes {
		c.shapes[s.Element] = s
	}
	c.area(d)
	c.out.Open("g", "transform", "translate("+svg.Number(margin-c.left)+" "+svg.Number(margin-c.top)+")")
	for _, s := range shapes {
		if layer(s) == frames {
			c.shape(s)
		}
	}
	for _, e := range d.Edges {
		c.edge(e)
	}
	for _, s := range shapes {
		if layer(s) != frames {
			c.shape(s)
		}
	}
	for _, e := range d.Edges {
		c.edgeName(e)
	}
	for _, s := range shapes {
		c.name(s)
	}
	for _, s := range shapes {
		c.badge(s)
	}
	c.out.Close("g")
	return Sheet{Body: c.out.Bytes(), Width: c.right - c.left + 2*margin, Height: c.bottom - c.top + 2*margin}
}

// The layers, from the lowest up.
const (
	frames = iota // what has an inside
	nodes
	attached
)

func layer(s bpmn.Shape) int {
	switch {
	case s.Kind == "participant", s.Kind == "lane", s.Kind == "group", expanded(s):
		return frames
	case s.Kind == "boundaryEvent":
		return attached
	}
	return nodes
}

// expanded tells whether a shape is a sub-process whose inside is shown.
func expanded(s bpmn.Shape) bool {
	switch s.Kind {
	case "subProcess", "transaction", "adHocSubProcess", "subChoreography", "callActivity":
		return !s.Collapsed
	}
	return false
}

type canvas struct {
	out                      svg.Buffer
	marks                    map[string]Mark
	shapes                   map[string]bpmn.Shape
	left, top, right, bottom float64
}

// area finds the corners of all that is drawn.
func (c *canvas) area(d bpmn.Diagram) {
	c.left, c.top, c.right, c.bottom = math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	grow := func(b bpmn.Bounds) {
		c.left, c.top = min(c.left, b.X), min(c.top, b.Y)
		c.right, c.bottom = max(c.right, b.X+b.Width), max(c.bottom, b.Y+b.Height)
	}
	for _, s := range d.Shapes {
		grow(s.Bounds)
		if l := outside(s); l != nil {
			grow(l.bounds())
		}
	}
	for _, e := range d.Edges {
		for _, w := range e.Waypoints {
			grow(bpmn.Bounds{X: w.X, Y: w.Y})
		}
		if l := edgeLabel(e); l != nil {
			grow(l.bounds())
		}
	}
	if math.IsInf(c.left, 1) {
		c.left, c.top, c.right, c.bottom = 0, 0, 0, 0
	}
}
