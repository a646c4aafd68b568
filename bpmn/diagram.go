package bpmn

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ErrNoDiagram is the error of ReadDiagrams for a model without drawings.
var ErrNoDiagram = errors.New("the model has no diagram: its editor saved none (BPMNDiagram), open it there and save it with one")

// maxDrawn bounds the shapes and edges of a file.
const maxDrawn = 5000

// Diagram is a drawing of a model, or of part of it, as its editor saved it (BPMN 2.0, chapter 12).
type Diagram struct {
	Name   string // "" of most
	Shapes []Shape
	Edges  []Edge
}

// Point is a place in a diagram, in pixels from its upper left.
type Point struct{ X, Y float64 }

// Bounds is a rectangle of a diagram; no side is negative.
type Bounds struct{ X, Y, Width, Height float64 }

// Shape is what is drawn at a place.
type Shape struct {
	Element string // its id in the model
	Kind    string // its element name in BPMN: userTask, participant, ...
	Name    string // of a text annotation the text
	Bounds  Bounds
	Label   *Bounds // where the name stands, when the editor said so

	Vertical  bool // a pool or lane from top to bottom
	Collapsed bool // a sub-process or call whose inside is not shown, or a pool that has none

	Event           string // what an event waits for or does: message, timer, ...; multiple; "" of a none event
	NonInterrupting bool
	Throws          bool
	Loop            string // standard, parallel, sequential
	Compensation    bool   // a compensation handler
	AdHoc           bool
	Triggered       bool // an event sub-process
	Instantiates    bool // a receive task or an event-based gateway that starts the process
	Collection      bool // several of a data object, or of a participant
	MarkerHidden    bool // an exclusive gateway without X
}

// Edge is a line between shapes.
type Edge struct {
	Element        string
	Kind           string // sequenceFlow, messageFlow, association, dataInputAssociation, ...
	Name           string
	Source, Target string // ids of elements, when the model says so
	Waypoints      []Point
	Label          *Bounds

	Default, Conditional bool   // of a sequence flow
	Direction            string // of an association: None, One, Both
}

// ReadDiagrams reads what an editor drew, in the order of the file. It takes models that Parse refuses, too: what is drawn does not have to
// be executable. A model without drawings is ErrNoDiagram; shapes of what is not in the model are left out. XML is bounded and read as
// Parse does it.
func ReadDiagrams(src []byte, limits Limits) ([]Diagram, error) {
	root, err := readElements(src, limits, true)
	if err != nil {
		return nil, fmt.Errorf("read the diagram: %w", err)
	}
	if !root.is("definitions") {
		return nil, fmt.Errorf("read the diagram: %w", &Error{Line: root.line, Msg: "the root element is " + root.name.Local + ", not definitions of BPMN 2.0"})
	}
	d := drawing{elements: map[string]*element{}, parents: map[*element]*element{}}
	d.collect(root, nil)
	var diagrams []Diagram
	for _, e := range root.children {
		if e.name.Local != "BPMNDiagram" || !isDiagram(e.name.Space) {
			continue
		}
		g := Diagram{Name: e.attr("", "name")}
		d.shown = map[string]bool{}
		for _, plane := range e.children {
			for _, c := range plane.children {
				if err := d.add(&g, c); err != nil {
					return nil, fmt.Errorf("read the diagram: %w", err)
				}
			}
		}
		for i := range g.Shapes { // some editors do not say that the inside is shown
			if s := &g.Shapes[i]; hasInside(s.Kind) && !d.shown[s.Element] {
				s.Collapsed = true
			}
		}
		if len(g.Shapes) > 0 {
			diagrams = append(diagrams, g)
		}
	}
	if len(diagrams) == 0 {
		return nil, ErrNoDiagram
	}
	return diagrams, nil
}

// drawing finds what shapes are about.
type drawing struct {
	elements map[string]*element
	parents  map[*element]*element
	shown    map[string]bool // ids of elements of which the current diagram shows something inside
	drawn    int
}

func hasInside(kind string) bool {
	return kind == "subProcess" || kind == "adHocSubProcess" || kind == "transaction" || kind == "callActivity"
}

func (d *drawing) collect(e, parent *element) {
	d.parents[e] = parent
	if id := e.id(); id != "" && e.name.Space == nsBPMN && d.elements[id] == nil {
		d.elements[id] = e
	}
	for _, c := range e.children {
		d.collect(c, e)
	}
}

// of finds the element that an attribute refers to by a qualified name. Some tools write a prefix, and some an id with a colon.
func (d *drawing) of(reference string) *element {
	if e := d.elements[reference]; e != nil {
		return e
	}
	return d.elements[reference[strings.LastIndexByte(reference, ':')+1:]]
}

// add adds a BPMNShape or BPMNEdge.
func (d *drawing) add(g *Diagram, c *element) error {
	if !isDiagram(c.name.Space) {
		return nil
	}
	about := d.of(c.attr("", "bpmnElement"))
	if about == nil {
		return nil
	}
	if d.drawn++; d.drawn > maxDrawn {
		return &Error{Line: c.line, Msg: fmt.Sprintf("more than %d shapes and edges", maxDrawn)}
	}
	switch c.name.Local {
	case "BPMNShape":
		bounds, err := boundsOf(c)
		if err != nil {
			return err
		}
		if bounds == nil {
			return nil
		}
		s := d.shape(about)
		s.Bounds = *bounds
		s.Vertical = c.attr("", "isHorizontal") == "false"
		s.Collapsed = s.Collapsed || c.attr("", "isExpanded") == "false"
		s.MarkerHidden = c.attr("", "isMarkerVisible") == "false"
		if s.Label, err = labelOf(c); err != nil {
			return err
		}
		if p := d.parents[about]; p != nil {
			d.shown[p.id()] = true
		}
		g.Shapes = append(g.Shapes, s)
	case "BPMNEdge":
		e := d.edge(about)
		for _, w := range c.children {
			if w.name.Local != "waypoint" || !isDiagram(w.name.Space) {
				continue
			}
			x, y, err := numbers(w, "x", "y")
			if err != nil {
				return err
			}
			e.Waypoints = append(e.Waypoints, Point{x, y})
		}
		if len(e.Waypoints) < 2 {
			return nil
		}
		var err error
		if e.Label, err = labelOf(c); err != nil {
			return err
		}
		g.Edges = append(g.Edges, e)
	}
	return nil
}

func labelOf(c *element) (*Bounds, error) {
	for _, l := range c.children {
		if l.name.Local == "BPMNLabel" && isDiagram(l.name.Space) {
			return boundsOf(l)
		}
	}
	return nil, nil
}

func boundsOf(c *element) (*Bounds, error) {
	for _, b := range c.children {
		if b.name.Local != "Bounds" || !isDiagram(b.name.Space) {
			continue
		}
		x, y, err := numbers(b, "x", "y")
		if err != nil {
			return nil, err
		}
		w, h, err := numbers(b, "width", "height")
		if err != nil {
			return nil, err
		}
		return &Bounds{x, y, max(w, 0), max(h, 0)}, nil
	}
	return nil, nil
}

// farthest bounds coordinates: what is beyond is no drawing.
const farthest = 1e6

func numbers(e *element, first, second string) (a, b float64, err error) {
	for _, n := range []struct {
		name string
		to   *float64
	}{{first, &a}, {second, &b}} {
		text := e.attr("", n.name)
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(v) || math.Abs(v) > farthest {
			return 0, 0, &Error{Line: e.line, Msg: fmt.Sprintf("%s of %s is %q, want a number up to %d", n.name, e.name.Local, text, int(farthest))}
		}
		*n.to = v
	}
	return a, b, nil
}
