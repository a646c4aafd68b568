package diagram

import (
	"strings"

	"github.com/waybill-io/waybill/analytics/chart/svg"
	"github.com/waybill-io/waybill/bpmn"
)

// kind is how something is drawn.
type kind int

const (
	activity kind = iota // and all that has no symbol of its own
	event
	gateway
	pool
	data
	note
	group
)

func family(element string) kind {
	switch {
	case strings.HasSuffix(element, "Event"):
		return event
	case strings.HasSuffix(element, "Gateway"):
		return gateway
	}
	switch element {
	case "participant", "lane":
		return pool
	case "dataObject", "dataObjectReference", "dataInput", "dataOutput", "dataStore", "dataStoreReference", "message":
		return data
	case "textAnnotation":
		return note
	case "group":
		return group
	}
	return activity
}

const (
	strip      = 30.0 // of a pool or lane, where its name stands
	markerSize = 14.0 // of loops and the like
)

// shape draws a shape without its name.
func (c *canvas) shape(s bpmn.Shape) {
	m, marked := c.marks[s.Element]
	title := m.Title
	if title == "" {
		title = s.Name
	}
	c.out.Open("g", "data-element", s.Element)
	if title != "" {
		c.out.Text("title", title)
	}
	style := ""
	if marked && m.Fill != "" {
		style = "fill:" + m.Fill
		if expanded(s) { // what is inside is to be seen
			style += ";fill-opacity:.35"
		}
	}
	switch family(s.Kind) {
	case event:
		c.event(s, style)
	case gateway:
		c.gateway(s, style)
	case pool:
		c.pool(s)
	case data:
		c.data(s)
	case note:
		b := s.Bounds
		c.out.Add("path", "class", "wb-frame", "d", path([]bpmn.Point{{X: b.X + 10, Y: b.Y}, {X: b.X, Y: b.Y}, {X: b.X, Y: b.Y + b.Height}, {X: b.X + 10, Y: b.Y + b.Height}}))
	case group:
		c.box(s.Bounds, 10, "class", "wb-frame", "stroke-dasharray", "8 4 2 4")
	default:
		c.activity(s, style)
	}
	c.out.Close("g")
}

// box draws a rectangle with attributes; those without a value are left out.
func (c *canvas) box(b bpmn.Bounds, radius float64, attributes ...any) {
	all := []any{"x", b.X, "y", b.Y, "width", b.Width, "height", b.Height}
	if radius > 0 {
		all = append(all, "rx", radius)
	}
	c.out.Add("rect", append(all, given(attributes)...)...)
}

func given(attributes []any) []any {
	var out []any
	for i := 0; i+1 < len(attributes); i += 2 {
		if attributes[i+1] != "" {
			out = append(out, attributes[i], attributes[i+1])
		}
	}
	return out
}

func (c *canvas) circle(x, y, r float64, attributes ...any) {
	c.out.Add("circle", append([]any{"cx", x, "cy", y, "r", max(r, 0)}, given(attributes)...)...)
}

func inset(b bpmn.Bounds, by float64) bpmn.Bounds {
	return bpmn.Bounds{X: b.X + by, Y: b.Y + by, Width: max(b.Width-2*by, 0), Height: max(b.Height-2*by, 0)}
}

func (c *canvas) activity(s bpmn.Shape, style string) {
	class, width, dash := "wb-shape", "", ""
	if expanded(s) {
		class = "wb-frame"
	}
	switch {
	case s.Kind == "callActivity", s.Kind == "callChoreography", s.Kind == "callConversation":
		width = "stroke-width:4"
	case s.Triggered:
		dash = "1.5 4"
	}
	if style != "" && width != "" {
		style += ";"
	}
	c.box(s.Bounds, 8, "class", class, "style", style+width, "stroke-dasharray", dash)
	if s.Kind == "transaction" {
		c.box(inset(s.Bounds, 3), 6, "class", "wb-frame")
	}
	if typed(s.Kind) && s.Bounds.Width >= 40 && s.Bounds.Height >= 36 {
		c.task(s.Kind, s.Bounds.X+5, s.Bounds.Y+5, s.Instantiates)
	}
	c.markers(s)
}

func (c *canvas) pool(s bpmn.Shape) {
	b := s.Bounds
	c.box(b, 0, "class", "wb-frame")
	switch {
	case s.Kind == "participant" && s.Collapsed:
	case s.Kind == "participant" && s.Vertical:
		c.out.Add("path", "class", "wb-frame", "d", path([]bpmn.Point{{X: b.X, Y: b.Y + strip}, {X: b.X + b.Width, Y: b.Y + strip}}))
	case s.Kind == "participant":
		c.out.Add("path", "class", "wb-frame", "d", path([]bpmn.Point{{X: b.X + strip, Y: b.Y}, {X: b.X + strip, Y: b.Y + b.Height}}))
	}
	if s.Collection {
		c.parallelBars(b.X+b.Width/2, b.Y+b.Height-markerSize-3, "wb-sign")
	}
}

// data draws a data object or a store.
func (c *canvas) data(s bpmn.Shape) {
	b := s.Bounds
	n := svg.Number
	if s.Kind == "message" {
		c.envelope(b.X, b.Y, b.Width, b.Height, false)
		return
	}
	if strings.HasPrefix(s.Kind, "dataStore") {
		r := min(b.Height*0.18, b.Width/2)
		side := "M" + n(b.X) + " " + n(b.Y+r)
		arc := func(y, sweep float64) string {
			return "A" + n(b.Width/2) + " " + n(r) + " 0 0 " + n(sweep) + " " + n(b.X+b.Width) + " " + n(y)
		}
		back := "A" + n(b.Width/2) + " " + n(r) + " 0 0 1 " + n(b.X) + " " + n(b.Y+b.Height-r)
		c.out.Add("path", "class", "wb-shape", "d", side+arc(b.Y+r, 1)+"V"+n(b.Y+b.Height-r)+back+"Z")
		for i := range 3 {
			y := b.Y + r + float64(i)*b.Height*0.08
			c.out.Add("path", "class", "wb-sign", "d", "M"+n(b.X)+" "+n(y)+arc(y, 0))
		}
		return
	}
	fold := min(b.Width, b.Height) * 0.3
	c.out.Add("path", "class", "wb-shape", "d", "M"+n(b.X)+" "+n(b.Y)+"H"+n(b.X+b.Width-fold)+"L"+n(b.X+b.Width)+" "+n(b.Y+fold)+"V"+n(b.Y+b.Height)+"H"+n(b.X)+"Z")
	c.out.Add("path", "class", "wb-sign", "d", "M"+n(b.X+b.Width-fold)+" "+n(b.Y)+"V"+n(b.Y+fold)+"H"+n(b.X+b.Width))
	switch s.Kind {
	case "dataInput":
		c.arrow(b.X+4, b.Y+4, false)
	case "dataOutput":
		c.arrow(b.X+4, b.Y+4, true)
	}
	if s.Collection {
		c.parallelBars(b.X+b.Width/2, b.Y+b.Height-markerSize-1, "wb-sign")
	}
}

// arrow marks what goes in or out.
func (c *canvas) arrow(x, y float64, full bool) {
	class := "wb-sign"
	if full {
		class = "wb-full"
	}
	c.put(class, x, y, 1, "M0 3.5H6V1L11 6 6 11V8.5H0Z")
}

// put draws a path that begins at 0, 0 somewhere else, scaled.
func (c *canvas) put(class string, x, y, scale float64, d string) {
	transform := "translate(" + svg.Number(x) + " " + svg.Number(y) + ")"
	if scale != 1 {
		transform += " scale(" + svg.Number(scale) + ")"
	}
	c.out.Add("path", "class", class, "transform", transform, "d", d)
}
