package bpmn

import (
	"strings"

	"github.com/waybill-io/waybill/juel"
)

// activity reads what tasks, sub-processes and call activities have.
func (p *parser) activity(e *element, n *Node) {
	p.loop(e, n)
	p.inputOutput(e, n)
	n.ForCompensation = p.boolean(e, "isForCompensation", false)
	for _, attr := range []string{"startQuantity", "completionQuantity"} {
		if v := e.attr("", attr); v != "" && v != "1" {
			p.at(e, "%s=%q is not supported, only 1 is", attr, clip(v))
		}
	}
	switch n.Kind {
	case ServiceTask, SendTask, BusinessRuleTask:
		p.service(e, n)
	case ReceiveTask:
		n.Instantiate = p.boolean(e, "instantiate", false)
		if n.Instantiate && n.Parent != nil {
			p.at(e, "instantiate: only a receive task of the process itself can start it")
		}
		if e.attr("", "messageRef") != "" { // without one, it waits to be woken by an operation on the instance
			n.Message = p.message(e, e)
		} else if n.Instantiate {
			p.at(e, "instantiate: set messageRef to the message that starts the process")
		}
	case UserTask:
		p.user(e, n)
	case ScriptTask:
		p.script(e, n)
	case CallActivity:
		p.call(e, n)
	case SubProcess, Transaction, AdHocSubProcess:
		p.subProcess(e, n)
	}
}

func (p *parser) user(e *element, n *Node) {
	attr := func(name string) *juel.Expr { return p.expr(e, name, dialectAttr(e, name)) }
	u := &UserTaskInfo{
		Name:            p.expr(e, "name", n.Name),
		Assignee:        attr("assignee"),
		Owner:           attr("owner"),
		CandidateUsers:  p.list(e, "candidateUsers"),
		CandidateGroups: p.list(e, "candidateGroups"),
		DueDate:         attr("dueDate"),
		FollowUpDate:    attr("followUpDate"),
		Priority:        attr("priority"),
		FormKey:         attr("formKey"),
		Completer:       dialectAttr(e, "taskCompleterVariableName"),
	}
	if d := e.child("documentation"); d != nil {
		u.Description = p.expr(e, "documentation", d.text())
	}
	if strings.ContainsAny(u.Completer, "${}") {
		p.at(e, "taskCompleterVariableName %q: want the name of a variable, without ${}", clip(u.Completer))
	}
	u.Mails = p.taskMails(e)
	p.owners(e, u)
	n.Listeners = append(n.Listeners, p.taskListeners(e)...)
	p.moment(e, "dueDate", u.DueDate)
	p.moment(e, "followUpDate", u.FollowUpDate)
	if x := u.Priority; x != nil && x.IsLiteral() {
		if _, err := Convert("integer", x.Source()); err != nil {
			p.at(e, "priority: %v", err)
		}
	}
	n.User = u
}

// moment checks a literal that is a date or a duration from now.
func (p *parser) moment(e *element, what string, x *juel.Expr) {
	if x == nil || !x.IsLiteral() {
		return
	}
	_, dateErr := ParseDate(x.Source())
	_, durationErr := ParseDuration(x.Source())
	if dateErr != nil && durationErr != nil {
		p.at(e, "%s: %q is neither an ISO 8601 date nor a duration", what, clip(x.Source()))
	}
}

// owners reads the people whom BPMN itself names: a human performer is the assignee, potential owners are candidates, written as
// user(ann), group(sales), or a plain name, which means a group, as in Activiti.
func (p *parser) owners(e *element, u *UserTaskInfo) {
	expression := func(c *element) string {
		if r := c.child("resourceAssignmentExpression"); r != nil {
			if f := r.child("formalExpression"); f != nil {
				return f.text()
			}
			return r.text()
		}
		return ""
	}
	for _, c := range e.children {
		text := ""
		if c.is("humanPerformer") || c.is("performer") || c.is("potentialOwner") {
			text = expression(c)
		}
		if text == "" {
			continue
		}
		if !c.is("potentialOwner") {
			if u.Assignee == nil {
				u.Assignee = p.expr(e, c.name.Local, text)
			}
			continue
		}
		for _, entry := range splitList(text) {
			to := &u.CandidateGroups
			if inner, ok := strings.CutPrefix(entry, "user("); ok && strings.HasSuffix(inner, ")") {
				entry, to = strings.TrimSuffix(inner, ")"), &u.CandidateUsers
			} else if inner, ok := strings.CutPrefix(entry, "group("); ok && strings.HasSuffix(inner, ")") {
				entry = strings.TrimSuffix(inner, ")")
			}
			if x := p.expr(e, "potentialOwner", entry); x != nil {
				*to = append(*to, x)
			}
		}
	}
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
		case '{', '(':
			depth++
		case '}', ')':
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
	s := &Script{ResultVariable: dialectAttr(e, "resultVariable"), AutoStore: dialectAttr(e, "autoStoreVariables") == "true"}
	if s.ResultVariable == "" {
		s.ResultVariable = dialectAttr(e, "resultVariableName") // of older Activiti versions
	}
	switch format := strings.ToLower(e.attr("", "scriptFormat")); format {
	case "javascript", "ecmascript", "js", "text/javascript", "application/javascript", "graal.js":
		s.Format = "javascript"
	case "":
		p.at(e, `has no scriptFormat: set scriptFormat="javascript"`)
	case "groovy":
		p.at(e, `Groovy is not supported: write the script in JavaScript, scriptFormat="javascript"`)
	case "juel":
		p.at(e, `scriptFormat "juel" is not supported: write a service task with the expression and resultVariable, or use javascript`)
	default:
		p.at(e, "scriptFormat %q is not supported: use javascript", clip(format))
	}
	if c := e.child("script"); c != nil {
		s.Source = c.text()
	}
	if s.Source == "" {
		p.at(e, "has no script")
	}
	if s.Format != "" { // else it is refused for its language
		p.checkScript(e, "script", s.Source)
	}
	n.Script = s
}
