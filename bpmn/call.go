package bpmn

import (
	"strings"
)

// call reads what a call activity calls, and what it gives and takes.
func (p *parser) call(e *element, n *Node) {
	c := &Call{}
	n.Call = c
	called := e.attr("", "calledElement")
	c.Element = p.expr(e, "calledElement", called[strings.LastIndexByte(called, ':')+1:])
	if strings.Contains(called, "${") || strings.Contains(called, "#{") {
		c.Element = p.expr(e, "calledElement", called)
	}
	if called == "" {
		if dialectAttr(e, "caseRef") == "" {
			p.at(e, "has no calledElement: set it to the id of a process")
		}
		return
	}
	if typ := dialectAttr(e, "calledElementType"); typ != "" && typ != "key" {
		p.at(e, "calledElementType=%q is not supported: a process is called by its key", clip(typ))
	}
	switch binding := dialectAttr(e, "calledElementBinding"); binding {
	case "", "latest":
	case "version":
		c.Version = p.expr(e, "calledElementVersion", dialectAttr(e, "calledElementVersion"))
		if c.Version == nil {
			p.at(e, "calledElementBinding=\"version\" needs calledElementVersion")
		}
	case "versionTag":
		c.VersionTag = p.expr(e, "calledElementVersionTag", dialectAttr(e, "calledElementVersionTag"))
		if c.VersionTag == nil {
			p.at(e, "calledElementBinding=\"versionTag\" needs calledElementVersionTag")
		}
	case "deployment":
		p.notice("call-binding", e, "calledElementBinding=\"deployment\" is read as latest: deployments are not kept apart")
	default:
		p.at(e, "calledElementBinding=%q: want latest, version, versionTag or deployment", clip(binding))
	}
	c.BusinessKey = p.expr(e, "businessKey", dialectAttr(e, "businessKey"))
	c.Inherit = dialectAttr(e, "inheritBusinessKey") == "true"
	if dialectAttr(e, "inheritVariables") == "true" {
		c.In = append(c.In, Transfer{All: true})
	}
	if v := firstOf(dialectAttr(e, "variableMappingClass"), dialectAttr(e, "variableMappingDelegateExpression")); v != "" {
		p.at(e, "a mapping in Java (%q) is not supported: use in and out elements", clip(v))
	}
	for _, in := range dialectElements(e) {
		if key := in.attr("", "businessKey"); in.name.Local == "in" && key != "" {
			c.BusinessKey = p.expr(e, "businessKey", key)
		}
	}
	c.In = append(c.In, p.transfers(e, e, "in")...)
	c.Out = p.transfers(e, e, "out")
}

// transfers reads in or out elements.
func (p *parser) transfers(e, holder *element, local string) (list []Transfer) {
	for _, c := range dialectElements(holder) {
		if c.name.Local != local {
			continue
		}
		t := Transfer{
			All: c.attr("", "variables") == "all", Source: c.attr("", "source"), Target: c.attr("", "target"),
			Expr: p.expr(e, local, c.attr("", "sourceExpression")), Local: c.attr("", "local") == "true",
		}
		switch {
		case t.All:
		case c.attr("", "businessKey") != "" && t.Source == "" && t.Expr == nil:
			continue
		case strings.Contains(t.Source, "${") || strings.Contains(t.Source, "#{"):
			t.Expr, t.Source = p.expr(e, local, t.Source), ""
		case t.Source == "" && t.Expr == nil:
			p.at(e, "%s: set source, sourceExpression or variables=\"all\"", local)
		}
		if t.Target == "" && !t.All {
			if t.Source == "" {
				p.at(e, "%s: set target to the name of a variable", local)
			}
			t.Target = t.Source
		}
		list = append(list, t)
	}
	return list
}
