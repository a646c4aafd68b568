package bpmn

import "strings"

// loop reads the loop of an activity.
func (p *parser) loop(e *element, n *Node) {
	if c := e.child("standardLoopCharacteristics"); c != nil {
		l := &Loop{Standard: true, TestBefore: p.boolean(c, "testBefore", false)}
		if condition := c.child("loopCondition"); condition != nil && condition.text() != "" {
			l.While = p.conditionOf(e, "loopCondition", condition)
		}
		l.Maximum = p.expr(e, "loopMaximum", c.attr("", "loopMaximum"))
		if l.While == nil && l.Maximum == nil {
			p.at(e, "standardLoopCharacteristics: set a loopCondition or loopMaximum, else it never ends")
		}
		n.Loop = l
	}
	c := e.child("multiInstanceLoopCharacteristics")
	if c == nil {
		return
	}
	if n.Loop != nil {
		p.at(e, "has two kinds of loops")
	}
	p.dialect(e, c)
	l := &Loop{
		Sequential: p.boolean(c, "isSequential", false),
		Element:    firstOf(dialectAttr(c, "elementVariable"), c.attr("", "elementVariable")),
		Index:      dialectAttr(c, "elementIndexVariable"),
		Output:     textOf(c, "loopDataOutputRef"),
	}
	if cardinality := c.child("loopCardinality"); cardinality != nil {
		l.Cardinality = p.expr(e, "loopCardinality", cardinality.text())
		if x := l.Cardinality; x != nil && x.IsLiteral() {
			if _, err := Convert("integer", x.Source()); err != nil {
				p.at(e, "loopCardinality: %v", err)
			}
		}
	}
	l.Collection = p.expr(e, "collection", firstOf(dialectAttr(c, "collection"), textOf(c, "loopDataInputRef")))
	if item := c.child("inputDataItem"); item != nil && l.Element == "" {
		l.Element = firstOf(item.attr("", "name"), item.id())
	}
	if item := c.child("outputDataItem"); item != nil {
		l.OutputItem = firstOf(item.attr("", "name"), item.id())
	}
	if until := c.child("completionCondition"); until != nil && until.text() != "" {
		l.Until = p.conditionOf(e, "completionCondition", until)
	}
	if l.Cardinality == nil && l.Collection == nil {
		p.at(e, "multiInstanceLoopCharacteristics: set loopCardinality or a collection")
	}
	for _, name := range []string{l.Element, l.Index, l.Output} {
		if strings.ContainsAny(name, "${}") {
			p.at(e, "%q: want the name of a variable, without ${}", clip(name))
		}
	}
	n.Loop = l
}

// textOf is the text of the first child of this name in the BPMN namespace.
func textOf(e *element, local string) string {
	if c := e.child(local); c != nil {
		return c.text()
	}
	return ""
}
