package bpmn

import "strings"

// shape is what the model says about an element that is drawn.
func (d *drawing) shape(e *element) Shape {
	s := Shape{Element: e.id(), Kind: e.name.Local, Name: e.attr("", "name")}
	switch e.name.Local {
	case "textAnnotation":
		if text := e.child("text"); text != nil {
			s.Name = text.text()
		}
	case "group":
		if v := d.of(e.attr("", "categoryValueRef")); v != nil {
			s.Name = v.attr("", "value")
		}
	case "dataObjectReference":
		if o := d.of(e.attr("", "dataObjectRef")); o != nil {
			s.Collection = o.attr("", "isCollection") == "true"
		}
		if state := e.child("dataState"); state != nil && state.attr("", "name") != "" {
			s.Name += " [" + state.attr("", "name") + "]"
		}
	case "dataObject", "dataInput", "dataOutput":
		s.Collection = e.attr("", "isCollection") == "true"
	case "participant":
		s.Collection = e.child("participantMultiplicity") != nil
		s.Collapsed = e.attr("", "processRef") == ""
	case "startEvent":
		s.NonInterrupting = e.attr("", "isInterrupting") == "false"
	case "boundaryEvent":
		s.NonInterrupting = e.attr("", "cancelActivity") == "false"
	case "endEvent", "intermediateThrowEvent":
		s.Throws = true
	}
	s.Event = d.trigger(e)
	for _, c := range e.children {
		switch {
		case c.is("standardLoopCharacteristics"):
			s.Loop = "standard"
		case c.is("multiInstanceLoopCharacteristics") && c.attr("", "isSequential") == "true":
			s.Loop = "sequential"
		case c.is("multiInstanceLoopCharacteristics"):
			s.Loop = "parallel"
		}
	}
	s.Compensation = e.attr("", "isForCompensation") == "true"
	s.AdHoc = e.name.Local == "adHocSubProcess"
	s.Triggered = e.attr("", "triggeredByEvent") == "true"
	s.Instantiates = e.attr("", "instantiate") == "true"
	return s
}

// trigger is the kind of an event's definition.
func (d *drawing) trigger(e *element) string {
	const suffix = "EventDefinition"
	found := ""
	for _, c := range e.children {
		kind := ""
		switch {
		case c.name.Space != nsBPMN:
		case c.name.Local == "eventDefinitionRef":
			if r := d.of(c.text()); r != nil {
				kind = strings.TrimSuffix(r.name.Local, suffix)
			}
		case strings.HasSuffix(c.name.Local, suffix):
			kind = strings.TrimSuffix(c.name.Local, suffix)
		}
		switch {
		case kind == "":
		case found == "":
			found = kind
		case e.attr("", "parallelMultiple") == "true":
			return "parallelMultiple"
		default:
			return "multiple"
		}
	}
	return found
}

// edge is what the model says about a connection that is drawn.
func (d *drawing) edge(e *element) Edge {
	g := Edge{Element: e.id(), Kind: e.name.Local, Name: e.attr("", "name"), Direction: e.attr("", "associationDirection")}
	g.Source, g.Target = d.id(e.attr("", "sourceRef")), d.id(e.attr("", "targetRef"))
	switch e.name.Local {
	case "sequenceFlow":
		source := d.of(e.attr("", "sourceRef"))
		if source == nil {
			break
		}
		g.Default = source.attr("", "default") == e.id() && e.id() != ""
		g.Conditional = e.child("conditionExpression") != nil && !strings.HasSuffix(source.name.Local, "Gateway")
	case "dataInputAssociation", "dataOutputAssociation":
		// One end is a data input or output inside of the activity, which is not drawn: the activity is.
		if s := e.child("sourceRef"); s != nil {
			g.Source = d.id(s.text())
		}
		if t := e.child("targetRef"); t != nil {
			g.Target = d.id(t.text())
		}
		owner := d.parents[e]
		if owner == nil {
			break
		}
		if e.name.Local == "dataInputAssociation" {
			g.Target = owner.id()
		} else {
			g.Source = owner.id()
		}
	}
	return g
}

// id is the id that a qualified name means, as it is written in the model.
func (d *drawing) id(reference string) string {
	if e := d.of(reference); e != nil {
		return e.id()
	}
	return reference
}
