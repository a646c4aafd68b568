package diagram

import (
	"math"

	"github.com/waybill-io/waybill/analytics/chart/svg"
	"github.com/waybill-io/waybill/bpmn"
)

const (
	nameSize   = 12.0 // of names inside, in pixels
	labelSize  = 11.0 // of names outside
	lineHeight = 1.2
	labelWidth = 90.0 // to which names outside are wrapped, as editors do it
)

// label is text in lines around a middle.
type label struct {
	lines  []string
	x, y   float64 // the middle
	size   float64
	anchor string // of SVG; "" is middle
	class  string
}

func (l *label) height() float64 { return float64(len(l.lines)) * l.size * lineHeight }

func (l *label) bounds() bpmn.Bounds {
	width := 0.0
	for _, line := range l.lines {
		width = max(width, svg.Width(line, l.size))
	}
	return bpmn.Bounds{X: l.x - width/2, Y: l.y - l.height()/2, Width: width, Height: l.height()}
}

func (c *canvas) label(l *label) {
	if l == nil {
		return
	}
	anchor := l.anchor
	if anchor == "" {
		anchor = "middle"
	}
	for i, line := range l.lines {
		y := l.y - l.height()/2 + (float64(i)+0.8)*l.size*lineHeight
		c.out.Text("text", line, "class", l.class, "x", l.x, "y", y, "font-size", l.size, "text-anchor", anchor)
	}
}

// outside is the name of a shape that has no room for it inside; nil of others.
func outside(s bpmn.Shape) *label {
	if s.Name == "" {
		return nil
	}
	b := s.Bounds
	switch family(s.Kind) {
	case event, gateway, data:
	case group:
		return &label{lines: []string{svg.Clip(s.Name, max(b.Width-10, 40), labelSize)}, x: b.X + b.Width/2, y: b.Y - labelSize*0.8, size: labelSize, class: "wb-out"}
	default:
		return nil
	}
	l := &label{size: labelSize, class: "wb-out"}
	l.lines = svg.Wrap(s.Name, labelWidth, labelSize, 5)
	l.x, l.y = b.X+b.Width/2, b.Y+b.Height+4+l.height()/2
	if usable(s.Label) {
		l.place(*s.Label, s.Name)
	}
	return l
}

// usable tells whether an editor's place of a label says anything; some write it without a size, or all at the same place.
func usable(b *bpmn.Bounds) bool { return b != nil && b.Width > 1 && b.Height > 1 }

// place puts a label where the editor has it.
func (l *label) place(b bpmn.Bounds, name string) {
	l.lines = svg.Wrap(name, max(b.Width+8, labelWidth), l.size, 6)
	l.x, l.y = b.X+b.Width/2, b.Y+l.height()/2
}

// edgeLabel is the name of a line: beside the middle of its longest part, unless the editor says where.
func edgeLabel(e bpmn.Edge) *label {
	if e.Name == "" {
		return nil
	}
	l := &label{size: labelSize, class: "wb-out"}
	if usable(e.Label) {
		l.place(*e.Label, e.Name)
		return l
	}
	best, length := 0, -1.0
	for i := range len(e.Waypoints) - 1 {
		a, b := e.Waypoints[i], e.Waypoints[i+1]
		if n := math.Hypot(b.X-a.X, b.Y-a.Y); n > length+1 {
			best, length = i, n
		}
	}
	a, b := e.Waypoints[best], e.Waypoints[best+1]
	l.lines = svg.Wrap(e.Name, labelWidth, labelSize, 4)
	l.x, l.y = (a.X+b.X)/2, (a.Y+b.Y)/2
	if math.Abs(a.Y-b.Y) < math.Abs(a.X-b.X) {
		l.y -= l.height()/2 + 3
	} else {
		l.x += l.bounds().Width/2 + 5
	}
	return l
}

func (c *canvas) edgeName(e bpmn.Edge) { c.label(edgeLabel(e)) }

// name writes the name of a shape.
func (c *canvas) name(s bpmn.Shape) {
	if s.Name == "" {
		return
	}
	b := s.Bounds
	l := &label{size: nameSize, class: "wb-in", x: b.X + b.Width/2, y: b.Y + b.Height/2}
	lines := func(height float64) int { return max(1, int(height/(nameSize*lineHeight))) }
	switch family(s.Kind) {
	case pool:
		c.poolName(s)
		return
	case note:
		l.class = "wb-out"
		l.lines = svg.Wrap(s.Name, max(b.Width-10, 40), labelSize, max(1, int(b.Height/(labelSize*lineHeight))))
		l.size, l.anchor, l.x, l.y = labelSize, "start", b.X+6, b.Y+4+float64(len(l.lines))*labelSize*lineHeight/2
	case activity:
		if expanded(s) {
			l.class = "wb-out"
			l.lines = svg.Wrap(s.Name, b.Width-20, nameSize, 2)
			l.y = b.Y + 6 + l.height()/2
			break
		}
		room := b.Height - 8
		if hasMarker(s) {
			room -= markerSize + 2
			l.y -= (markerSize + 2) / 2
		}
		l.lines = svg.Wrap(s.Name, max(b.Width-12, 20), nameSize, lines(room))
		if typed(s.Kind) && l.y-l.height()/2 < b.Y+18 && len(l.lines) > 1 { // beside or below the symbol of its type
			l.y = min(l.y+8, b.Y+b.Height-4-l.height()/2)
		}
	default:
		l = outside(s)
	}
	c.label(l)
}

// poolName writes the name of a pool or lane into its strip, from bottom to top where that is narrow.
func (c *canvas) poolName(s bpmn.Shape) {
	b := s.Bounds
	l := &label{size: nameSize, class: "wb-out"}
	switch {
	case s.Kind == "participant" && s.Collapsed && !s.Vertical:
		l.lines = svg.Wrap(s.Name, b.Width-16, nameSize, max(1, int(b.Height/(nameSize*lineHeight))))
		l.x, l.y = b.X+b.Width/2, b.Y+b.Height/2
	case s.Vertical:
		l.lines = svg.Wrap(s.Name, b.Width-8, nameSize, 2)
		l.x, l.y = b.X+b.Width/2, b.Y+strip/2
	default:
		x, y := b.X+strip/2, b.Y+b.Height/2
		c.out.Open("g", "transform", "rotate(-90 "+svg.Number(x)+" "+svg.Number(y)+")")
		l.lines = svg.Wrap(s.Name, b.Height-8, nameSize, 2)
		l.x, l.y = x, y
		c.label(l)
		c.out.Close("g")
		return
	}
	c.label(l)
}

// badge writes the number of a marked shape over its upper right corner.
func (c *canvas) badge(s bpmn.Shape) {
	m := c.marks[s.Element]
	if m.Badge == "" {
		return
	}
	const size, height = 11.0, 16.0
	width := svg.Width(m.Badge, size)*1.15 + 14 // it is bold
	right := s.Bounds.X + s.Bounds.Width + 6
	if family(s.Kind) == event || family(s.Kind) == gateway { // above, for flows leave at the sides
		right = s.Bounds.X + s.Bounds.Width/2 + max(width/2, 14)
	}
	y := s.Bounds.Y - height/2 - 1
	c.out.Add("rect", "class", "wb-badge", "x", right-width, "y", y, "width", width, "height", height, "rx", height/2)
	c.out.Text("text", m.Badge, "class", "wb-number", "x", right-width/2, "y", y+height/2+size*0.36, "font-size", size, "text-anchor", "middle")
}
