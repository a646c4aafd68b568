package diagram

import (
	"math"
	"strings"

	"github.com/waybill-io/waybill/analytics/chart/svg"
	"github.com/waybill-io/waybill/bpmn"
)

// edge draws a line with its ends.
func (c *canvas) edge(e bpmn.Edge) {
	points := c.trim(e)
	first, last := points[0], points[len(points)-1]
	ahead, back := heading(points), heading(reversed(points))
	dash := ""
	switch e.Kind {
	case "messageFlow", "conversationLink":
		dash = "8 5"
	case "association", "dataInputAssociation", "dataOutputAssociation":
		dash = "1.5 4"
	}
	attributes := []any{"class", "wb-flow", "d", path(points)}
	if dash != "" {
		attributes = append(attributes, "stroke-dasharray", dash)
	}
	c.out.Add("path", attributes...)
	switch e.Kind {
	case "sequenceFlow":
		c.head(last, ahead, "wb-head", true)
		if e.Default {
			c.slash(first, back)
		}
		if e.Conditional {
			c.diamondAt(first, back)
		}
	case "messageFlow":
		c.head(last, ahead, "wb-open", true)
		c.out.Add("circle", "class", "wb-open", "cx", first.X, "cy", first.Y, "r", 3.5)
	case "dataInputAssociation", "dataOutputAssociation":
		c.head(last, ahead, "wb-flow", false)
	case "association":
		if e.Direction == "One" || e.Direction == "Both" {
			c.head(last, ahead, "wb-flow", false)
		}
		if e.Direction == "Both" {
			c.head(first, back, "wb-flow", false)
		}
	}
}

func reversed(points []bpmn.Point) []bpmn.Point {
	out := make([]bpmn.Point, len(points))
	for i, p := range points {
		out[len(points)-1-i] = p
	}
	return out
}

// heading is the direction in which a line arrives, in radians.
func heading(points []bpmn.Point) float64 {
	last := points[len(points)-1]
	for i := len(points) - 2; i >= 0; i-- {
		if p := points[i]; math.Hypot(last.X-p.X, last.Y-p.Y) > 0.5 {
			return math.Atan2(last.Y-p.Y, last.X-p.X)
		}
	}
	return 0
}

func path(points []bpmn.Point) string {
	var b strings.Builder
	for i, p := range points {
		if i == 0 {
			b.WriteString("M")
		} else {
			b.WriteString("L")
		}
		b.WriteString(svg.Number(p.X) + " " + svg.Number(p.Y))
	}
	return b.String()
}

// at is the point that lies ahead of and beside another, seen in a direction.
func at(p bpmn.Point, direction, ahead, beside float64) bpmn.Point {
	sin, cos := math.Sincos(direction)
	return bpmn.Point{X: p.X + ahead*cos - beside*sin, Y: p.Y + ahead*sin + beside*cos}
}

func (c *canvas) head(p bpmn.Point, direction float64, class string, closed bool) {
	d := path([]bpmn.Point{at(p, direction, -10, -4.5), p, at(p, direction, -10, 4.5)})
	if closed {
		d += "Z"
	}
	c.out.Add("path", "class", class, "d", d)
}

func (c *canvas) slash(first bpmn.Point, back float64) {
	middle := at(first, back, -9, 0)
	c.out.Add("path", "class", "wb-flow", "d", path([]bpmn.Point{at(middle, back, -3, -5), at(middle, back, 3, 5)}))
}

func (c *canvas) diamondAt(first bpmn.Point, back float64) {
	c.out.Add("path", "class", "wb-open", "d",
		path([]bpmn.Point{first, at(first, back, -8, -4.5), at(first, back, -16, 0), at(first, back, -8, 4.5)})+"Z")
}

// trim cuts a line where it runs inside of the shapes at its ends.
func (c *canvas) trim(e bpmn.Edge) []bpmn.Point {
	points := append([]bpmn.Point(nil), e.Waypoints...)
	if s, ok := c.shapes[e.Target]; ok {
		points = cutEnd(points, s)
	}
	if s, ok := c.shapes[e.Source]; ok {
		points = reversed(cutEnd(reversed(points), s))
	}
	return points
}

// cutEnd cuts the end of a line that lies inside of a shape.
func cutEnd(points []bpmn.Point, s bpmn.Shape) []bpmn.Point {
	n := len(points)
	for n > 2 && inside(points[n-1], s) && inside(points[n-2], s) {
		n--
	}
	points = points[:n]
	if from, to := points[n-2], points[n-1]; inside(to, s) && !inside(from, s) {
		for range 20 { // halving finds the border of any shape
			middle := bpmn.Point{X: (from.X + to.X) / 2, Y: (from.Y + to.Y) / 2}
			if inside(middle, s) {
				to = middle
			} else {
				from = middle
			}
		}
		points[n-1] = from
	}
	return points
}

// inside tells whether a point lies in a shape, its border not counted.
func inside(p bpmn.Point, s bpmn.Shape) bool {
	const border = 1.0
	b := s.Bounds
	w, h := b.Width/2-border, b.Height/2-border
	if w <= 0 || h <= 0 {
		return false
	}
	x, y := math.Abs(p.X-b.X-b.Width/2)/w, math.Abs(p.Y-b.Y-b.Height/2)/h
	switch family(s.Kind) {
	case event:
		return x*x+y*y < 1
	case gateway:
		return x+y < 1
	}
	return x < 1 && y < 1
}
