package diagram

import (
	"math"

	"github.com/waybill-io/waybill/analytics/chart/svg"
	"github.com/waybill-io/waybill/bpmn"
)

// typed tells whether a task has a symbol in its corner.
func typed(kind string) bool {
	switch kind {
	case "userTask", "serviceTask", "scriptTask", "sendTask", "receiveTask", "manualTask", "businessRuleTask":
		return true
	}
	return false
}

// task draws the symbol of a task's type, 16 by 16.
func (c *canvas) task(kind string, x, y float64, instantiates bool) {
	switch kind {
	case "userTask":
		c.put("wb-sign", x, y, 1, "M8 7.5a3 3 0 1 1 0.01 0ZM1.5 15V12.5C1.5 10 4 8.5 8 8.5S14.5 10 14.5 12.5V15ZM4.5 15V12.5M11.5 15V12.5")
	case "serviceTask":
		c.put("wb-sign", x, y, 1, gear)
		c.circle(x+8, y+8, 2.5, "class", "wb-sign")
	case "scriptTask":
		c.put("wb-sign", x, y, 1, "M5 1H14.5C11 4 15.5 7 12 10.5 10 12.5 10.5 14 11.5 15H2C5.5 11.5 1 9 4.5 5.5 6.5 3.5 6 2 5 1ZM6 4.5H11.5M5 7.5H11.5M4.5 10.5H10.5")
	case "manualTask":
		c.put("wb-sign", x, y, 1, "M1 7L6 2.5C7.5 1.5 8.5 3 7.5 4L5.5 6H14.5C15.5 6 15.5 8 14.5 8H15C16 8 16 10 15 10H14.5C15.3 10 15.3 12 14.5 12H13.5C14.3 12 14.3 14 13.5 14H5L1 13Z")
	case "businessRuleTask":
		c.put("wb-sign", x, y, 1, "M1 2.5H15V13.5H1ZM1 6H15M1 9.75H15M5.5 6V13.5")
		c.put("wb-full", x, y, 1, "M1 2.5H15V6H1Z")
	case "sendTask":
		c.envelope(x+0.5, y+2.5, 15, 11, true)
	case "receiveTask":
		if instantiates {
			c.circle(x+9, y+9, 9, "class", "wb-sign")
			c.envelope(x+3.5, y+5, 11, 8, false)
			break
		}
		c.envelope(x+0.5, y+2.5, 15, 11, false)
	}
}

// gear is a wheel of eight teeth around 8, 8.
var gear = teeth(8, 8, 7.5, 5.4, 8)

func teeth(x, y, outer, inner float64, n int) string {
	d := ""
	for i := range n {
		for j, at := range []struct{ r, turn float64 }{{inner, -0.32}, {outer, -0.2}, {outer, 0.2}, {inner, 0.32}} {
			sin, cos := math.Sincos(2 * math.Pi * (float64(i) + at.turn) / float64(n))
			letter := "L"
			if i == 0 && j == 0 {
				letter = "M"
			}
			d += letter + svg.Number(x+at.r*cos) + " " + svg.Number(y+at.r*sin)
		}
	}
	return d + "Z"
}

// envelope draws a letter; a full one is sent.
func (c *canvas) envelope(x, y, w, h float64, full bool) {
	flap := "wb-sign"
	if full {
		flap = "wb-fold"
	}
	c.out.Add("rect", "class", sign(full), "x", x, "y", y, "width", w, "height", h)
	c.out.Add("path", "class", flap, "d", path([]bpmn.Point{{X: x, Y: y}, {X: x + w/2, Y: y + h*0.55}, {X: x + w, Y: y}}))
}

// gateway draws a diamond with its symbol.
func (c *canvas) gateway(s bpmn.Shape, style string) {
	b := s.Bounds
	x, y := b.X+b.Width/2, b.Y+b.Height/2
	attributes := []any{"class", "wb-shape", "d", path([]bpmn.Point{{X: x, Y: b.Y}, {X: b.X + b.Width, Y: y}, {X: x, Y: b.Y + b.Height}, {X: b.X, Y: y}}) + "Z"}
	if style != "" {
		attributes = append(attributes, "style", style)
	}
	c.out.Add("path", attributes...)
	r := min(b.Width, b.Height) / 2
	n := svg.Number
	lines := func(arms ...float64) { // of a length, each to two sides
		d := ""
		for i := 0; i < len(arms); i += 2 {
			sin, cos := math.Sincos(arms[i])
			l := arms[i+1]
			d += "M" + n(x-l*cos) + " " + n(y-l*sin) + "L" + n(x+l*cos) + " " + n(y+l*sin)
		}
		c.out.Add("path", "class", "wb-sign", "d", d, "stroke-width", 3, "style", "stroke-width:3")
	}
	switch s.Kind {
	case "exclusiveGateway":
		if !s.MarkerHidden {
			lines(math.Pi/4, r*0.42, -math.Pi/4, r*0.42)
		}
	case "parallelGateway":
		lines(0, r*0.52, math.Pi/2, r*0.52)
	case "inclusiveGateway":
		c.circle(x, y, r*0.48, "class", "wb-sign", "style", "stroke-width:2.5")
	case "complexGateway":
		lines(0, r*0.52, math.Pi/2, r*0.52, math.Pi/4, r*0.45, -math.Pi/4, r*0.45)
	case "eventBasedGateway":
		c.circle(x, y, r*0.56, "class", "wb-sign")
		if !s.Instantiates {
			c.circle(x, y, r*0.46, "class", "wb-sign")
		}
		c.pentagon(x, y, r*0.32, false)
	}
}

func (c *canvas) pentagon(x, y, r float64, full bool) {
	c.polygon(x, y, r, 5, full)
}

func (c *canvas) polygon(x, y, r float64, corners int, full bool) {
	var points []bpmn.Point
	for i := range corners {
		sin, cos := math.Sincos(2*math.Pi*float64(i)/float64(corners) - math.Pi/2)
		points = append(points, bpmn.Point{X: x + r*cos, Y: y + r*sin})
	}
	c.out.Add("path", "class", sign(full), "d", path(points)+"Z")
}

func sign(full bool) string {
	if full {
		return "wb-full"
	}
	return "wb-sign"
}

// hasMarker tells whether something stands at the lower border of an activity.
func hasMarker(s bpmn.Shape) bool { return closed(s) || s.Loop != "" || s.Compensation || s.AdHoc }

// closed tells whether a shape has an inside that is not shown.
func closed(s bpmn.Shape) bool {
	switch s.Kind {
	case "subProcess", "transaction", "adHocSubProcess", "callActivity", "subChoreography", "subConversation":
		return s.Collapsed
	}
	return false
}

// markers draws what stands at the lower border of an activity, beside each other.
func (c *canvas) markers(s bpmn.Shape) {
	var signs []func(x, y float64)
	add := func(f func(x, y float64)) { signs = append(signs, f) }
	if closed(s) {
		add(func(x, y float64) { c.put("wb-sign", x-7, y, 1, "M0.5 0.5H13.5V13.5H0.5ZM7 3V11M3 7H11") })
	}
	switch s.Loop {
	case "standard":
		add(func(x, y float64) { c.put("wb-sign", x-7, y, 1, "M4.5 12.5A5.5 5.5 0 1 1 9 12.6M5 9V13H1") })
	case "parallel":
		add(func(x, y float64) { c.parallelBars(x, y, "wb-sign") })
	case "sequential":
		add(func(x, y float64) { c.put("wb-sign", x-7, y, 1, "M2 3H12M2 7H12M2 11H12") })
	}
	if s.Compensation {
		add(func(x, y float64) { c.put("wb-sign", x-7, y, 1, "M7 2.5V11.5L1 7ZM13 2.5V11.5L7 7Z") })
	}
	if s.AdHoc {
		add(func(x, y float64) { c.put("wb-sign", x-7, y, 1, "M1 9C3 4 5 5 7 7S11 10 13 5") })
	}
	const step = markerSize + 3
	x := s.Bounds.X + s.Bounds.Width/2 - float64(len(signs)-1)*step/2
	for _, draw := range signs {
		draw(x, s.Bounds.Y+s.Bounds.Height-markerSize-2)
		x += step
	}
}

func (c *canvas) parallelBars(x, y float64, class string) {
	c.put(class, x-7, y, 1, "M3 2V12M7 2V12M11 2V12")
}
