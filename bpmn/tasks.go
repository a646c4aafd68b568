package bpmn

import (
	"strings"

	"github.com/waybill-io/waybill/juel"
)

func (p *parser) task(e *element, n *Node) {
	for _, c := range e.children {
		switch {
		case c.is("multiInstanceLoopCharacteristics"), c.is("standardLoopCharacteristics"):
			p.at(e, "%s is not supported: a task runs once", c.name.Local)
		case (c.is("potentialOwner") || c.is("humanPerformer")) && c.child("resourceAssignmentExpression") != nil:
			p.at(e, "%s with an expression is not supported: use assignee, candidateUsers or candidateGroups", c.name.Local)
		}
	}
	if p.boolean(e, "isForCompensation", false) {
		p.at(e, "isForCompensation: compensation is not supported")
	}
	for _, attr := range []string{"startQuantity", "completionQuantity"} {
		if v := e.attr("", attr); v != "" && v != "1" {
			p.at(e, "%s=%q is not supported, only 1 is", attr, clip(v))
		}
	}
	switch n.Kind {
	case ServiceTask, SendTask:
		p.service(e, n)
	case ReceiveTask:
		if p.boolean(e, "instantiate", false) {
			p.at(e, "instantiate: a receive task that starts a process is not supported; use a message start event")
		}
		if e.attr("", "messageRef") != "" { // without one, it waits to be woken by an operation on the instance
			n.Message = p.message(e, e)
		}
	case UserTask:
		p.user(e, n)
	case ScriptTask:
		p.script(e, n)
	}
}

// service reads the connector action and the model's own retry policy.
func (p *parser) service(e *element, n *Node) {
	switch impl := e.attr("", "implementation"); {
	case impl == "", strings.HasPrefix(impl, "##"): // ##WebService and ##unspecified are what tools write for "none"
		if !p.refused[n.ID] { // by dialect, which has said what to do
			p.at(e, `has no implementation: set implementation="connector.ACTION"`)
		}
	case juel.HoldsExpression(impl):
		p.at(e, "implementation %q: expressions are not supported, it names a connector.ACTION", clip(impl))
	default:
		n.Implementation = impl
	}
	text := dialectAttr(e, "failedJobRetryTimeCycle")
	for _, c := range dialectElements(e) {
		if c.name.Local == "failedJobRetryTimeCycle" {
			text = c.text()
		}
	}
	if text == "" {
		return
	}
	attempts, _, err := parseRepeat(text)
	switch {
	case err != nil:
		p.at(e, "failedJobRetryTimeCycle: %v", err)
	case attempts < 0:
		p.at(e, "failedJobRetryTimeCycle %q: say how many calls, as in R3/PT10M", clip(text))
	default:
		_, interval, _ := strings.Cut(text, "/")
		n.Retry = &Retry{Attempts: attempts, Interval: interval}
	}
}

func (p *parser) user(e *element, n *Node) {
	attr := func(name string) *juel.Expr { return p.expr(e, name, dialectAttr(e, name)) }
	u := &UserTaskInfo{
		Name:            p.expr(e, "name", n.Name),
		Assignee:        attr("assignee"),
		CandidateUsers:  p.list(e, "candidateUsers"),
		CandidateGroups: p.list(e, "candidateGroups"),
		DueDate:         attr("dueDate"),
		Priority:        attr("priority"),
		FormKey:         attr("formKey"),
	}
	if d := e.child("documentation"); d != nil {
		u.Description = p.expr(e, "documentation", d.text())
	}
	if x := u.DueDate; x != nil && x.IsLiteral() {
		_, dateErr := ParseDate(x.Source())
		_, durationErr := ParseDuration(x.Source())
		if dateErr != nil && durationErr != nil {
			p.at(e, "dueDate: %q is neither an ISO 8601 date nor a duration", clip(x.Source()))
		}
	}
	if x := u.Priority; x != nil && x.IsLiteral() {
		if _, err := Convert("integer", x.Source()); err != nil {
			p.at(e, "priority: %v", err)
		}
	}
	n.User = u
}

// list reads a comma separated attribute, each entry an expression.
func (p *parser) list(e *element, name string) []*juel.Expr {
	var list []*juel.Expr
	for _, text := range splitList(dialectAttr(e, name)) {
		if x := p.expr(e, name, text); x != nil {
			list = append(list, x)
		}
	}
	return list
}

// splitList splits at commas outside of ${...}, where they separate arguments.
func splitList(text string) []string {
	var list []string
	depth, from := 0, 0
	add := func(to int) {
		if entry := strings.TrimSpace(text[from:to]); entry != "" {
			list = append(list, entry)
		}
		from = to + 1
	}
	for i := range len(text) {
		switch text[i] {
		case '{':
			depth++
		case '}':
			depth = max(0, depth-1)
		case ',':
			if depth == 0 {
				add(i)
			}
		}
	}
	add(len(text))
	return list
}

func (p *parser) script(e *element, n *Node) {
	s := &Script{ResultVariable: dialectAttr(e, "resultVariable")}
	if s.ResultVariable == "" {
		s.ResultVariable = dialectAttr(e, "resultVariableName") // of older Activiti versions
	}
	switch format := strings.ToLower(e.attr("", "scriptFormat")); format {
	case "javascript", "ecmascript", "js", "text/javascript", "application/javascript":
		s.Format = "javascript"
	case "":
		p.at(e, `has no scriptFormat: set scriptFormat="javascript"`)
	case "groovy":
		p.at(e, `Groovy is not supported: write the script in JavaScript, scriptFormat="javascript"`)
	default:
		p.at(e, "scriptFormat %q is not supported: use javascript", clip(format))
	}
	if c := e.child("script"); c != nil {
		s.Source = c.text()
	}
	if s.Source == "" {
		p.at(e, "has no script")
	}
	n.Script = s
}
