package diagram

import (
	"math"

	"github.com/waybill-io/waybill/analytics/chart/svg"
	"github.com/waybill-io/waybill/bpmn"
)

// event draws the rings of an event and the symbol of what it waits for or does.
func (c *canvas) event(s bpmn.Shape, style string) {
	b := s.Bounds
	x, y, r := b.X+b.Width/2, b.Y+b.Height/2, min(b.Width, b.Height)/2
	dash := ""
	if s.NonInterrupting {
		dash = "5 3"
	}
	join := func(more string) string {
		if style == "" {
			return more
		}
		return style + ";" + more
	}
	switch s.Kind {
	case "startEvent":
		c.circle(x, y, r, "class", "wb-shape", "style", style, "stroke-dasharray", dash)
	case "endEvent":
		c.circle(x, y, r-1, "class", "wb-shape", "style", join("stroke-width:3.5"))
	default:
		c.circle(x, y, r, "class", "wb-shape", "style", style, "stroke-dasharray", dash)
		c.circle(x, y, r-3, "class", "wb-shape", "style", join("fill-opacity:0"), "stroke-dasharray", dash)
	}
	c.trigger(s, x, y, r)
}

func (c *canvas) trigger(s bpmn.Shape, x, y, r float64) {
	full := s.Throws
	n := svg.Number
	poly := func(points ...float64) { // in parts of r around the middle
		d := ""
		for i := 0; i+1 < len(points); i += 2 {
			letter := "L"
			if i == 0 {
				letter = "M"
			}
			d += letter + n(x+points[i]*r) + " " + n(y+points[i+1]*r)
		}
		c.out.Add("path", "class", sign(full), "d", d+"Z")
	}
	switch s.Event {
	case "message":
		c.envelope(x-r*0.5, y-r*0.36, r, r*0.72, full)
	case "timer":
		c.circle(x, y, r*0.6, "class", "wb-sign")
		d := "M" + n(x+r*0.12) + " " + n(y-r*0.45) + "L" + n(x) + " " + n(y) + "L" + n(x+r*0.36) + " " + n(y)
		for i := range 12 {
			sin, cos := math.Sincos(float64(i) * math.Pi / 6)
			d += "M" + n(x+r*0.5*cos) + " " + n(y+r*0.5*sin) + "L" + n(x+r*0.6*cos) + " " + n(y+r*0.6*sin)
		}
		c.out.Add("path", "class", "wb-sign", "d", d)
	case "signal":
		c.polygon(x, y+r*0.06, r*0.55, 3, full)
	case "error":
		poly(-0.5, 0.42, -0.18, -0.44, 0.14, 0.12, 0.5, -0.46, 0.2, 0.46, -0.14, -0.08)
	case "escalation":
		poly(0, -0.55, 0.4, 0.48, 0, 0.08, -0.4, 0.48)
	case "cancel":
		poly(-0.5, -0.3, -0.3, -0.5, 0, -0.2, 0.3, -0.5, 0.5, -0.3, 0.2, 0, 0.5, 0.3, 0.3, 0.5, 0, 0.2, -0.3, 0.5, -0.5, 0.3, -0.2, 0)
	case "compensate":
		poly(-0.56, 0, -0.04, -0.36, -0.04, 0.36)
		poly(-0.04, 0, 0.48, -0.36, 0.48, 0.36)
	case "conditional":
		d := "M" + n(x-r*0.36) + " " + n(y-r*0.46) + "H" + n(x+r*0.36) + "V" + n(y+r*0.46) + "H" + n(x-r*0.36) + "Z"
		for _, at := range []float64{-0.26, -0.09, 0.09, 0.26} {
			d += "M" + n(x-r*0.24) + " " + n(y+at*r) + "H" + n(x+r*0.24)
		}
		c.out.Add("path", "class", "wb-sign", "d", d)
	case "link":
		poly(-0.5, -0.2, 0.12, -0.2, 0.12, -0.44, 0.56, 0, 0.12, 0.44, 0.12, 0.2, -0.5, 0.2)
	case "terminate":
		c.circle(x, y, r*0.6, "class", "wb-full")
	case "multiple":
		c.pentagon(x, y, r*0.56, full)
	case "parallelMultiple":
		const a, l = 0.13, 0.54
		poly(-l, -a, -a, -a, -a, -l, a, -l, a, -a, l, -a, l, a, a, a, a, l, -a, l, -a, a, -l, a)
	}
}
