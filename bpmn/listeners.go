package bpmn

import (
	"slices"
	"strings"

	"github.com/waybill-io/waybill/juel"
)

// listeners reads the execution listeners of an element for some events.
func (p *parser) listeners(e *element, events ...string) (list []Listener) {
	for _, c := range dialectElements(e) {
		if c.name.Local != "executionListener" {
			continue
		}
		event := c.attr("", "event")
		if event == "" && len(events) == 1 {
			event = events[0]
		}
		if !slices.Contains(events, event) {
			p.at(e, "executionListener: event %q does not happen here; want one of %v", clip(event), events)
			continue
		}
		if l, ok := p.listener(e, c); ok {
			l.Event = event
			list = append(list, l)
		}
	}
	return list
}

// taskListeners reads the listeners of a user task.
func (p *parser) taskListeners(e *element) (list []Listener) {
	for _, c := range dialectElements(e) {
		if c.name.Local != "taskListener" {
			continue
		}
		event := c.attr("", "event")
		switch event {
		case "create", "assignment", "complete":
		case "all": // of Activiti
		default:
			p.at(e, "taskListener: event %q is not supported: want create, assignment or complete", clip(event))
			continue
		}
		l, ok := p.listener(e, c)
		if !ok {
			continue
		}
		l.Task = true
		p.taskChanges(e, event, &l)
		for _, each := range []string{"create", "assignment", "complete"} {
			if event == each || event == "all" {
				l.Event = each
				list = append(list, l)
			}
		}
	}
	return list
}

// taskChanges refuses a change of a task that is complete, and tells which changes come too late. What a script does shows when it runs.
func (p *parser) taskChanges(e *element, event string, l *Listener) {
	changes := l.Expr != nil && l.Expr.ChangesTask()
	if l.Script != nil {
		changes = slices.ContainsFunc(juel.TaskChanges, func(method string) bool { return strings.Contains(l.Script.Source, "task."+method+"(") })
	}
	switch {
	case !changes:
	case event == "complete" || event == "all":
		p.at(e, "taskListener for %s changes the task, which is complete by then: change it in a listener for create", event)
	case event == "assignment":
		p.notice("task-change", e, "a listener for assignment changes the task as it opens; when somebody claims it later, the change has no effect")
	}
}

func (p *parser) listener(e, c *element) (Listener, bool) {
	for _, attr := range []string{"class", "delegateExpression", "type"} {
		if v := c.attr("", attr); v != "" {
			p.at(e, "%s with %s=%q is not supported: write it as an expression or a script, or call it as a service task", c.name.Local, attr, clip(v))
			return Listener{}, false
		}
	}
	for _, child := range c.children {
		if child.name.Local == "script" {
			return Listener{Script: p.dialectScript(e, c.name.Local, child)}, true
		}
	}
	text := c.attr("", "expression")
	if text == "" {
		p.at(e, "%s has neither an expression nor a script", c.name.Local)
		return Listener{}, false
	}
	if bean, method, _, ok := juel.ParseCall(text); ok {
		p.at(e, "%s calls the Java method %s.%s, which is not supported in a listener: call it as a service task", c.name.Local, bean, method)
		return Listener{}, false
	}
	x := p.expr(e, c.name.Local, text)
	return Listener{Expr: x}, x != nil
}
