package bpmn

import "strings"

// TaskMails say which mails of a user task the model asks for.
type TaskMails struct {
	None      bool      // the model wants none, whatever a deployment says
	Assignee  *TaskMail // to whom the task belongs; nil: the model does not ask for it
	Candidate *TaskMail // to candidate users and groups; nil: likewise
}

// TaskMail is how a mail reads. Without Text and Variable, the template of the installation counts.
type TaskMail struct {
	From     string
	Subject  string // may be empty
	File     string // the name of the file that Text comes from; "": Text is HTML of the model itself
	Text     string
	Variable string // the variable that holds the template
	Line     int    // of the element; 0: it is in the extensions file
}

// nsModeler is the namespace of what the modelling tool of Alfresco Process Services adds.
const nsModeler = "http://activiti.com/modeler"

// taskMails reads allow-send-email and email-template. "false" beats a template that is there as well.
func (p *parser) taskMails(e *element) *TaskMails {
	var allowed string
	var mail *TaskMail
	for _, ext := range e.all("extensionElements") {
		for _, c := range ext.children {
			switch {
			case c.name.Space != nsModeler:
			case c.name.Local == "allow-send-email":
				if allowed = strings.ToLower(c.text()); allowed != "" && allowed != "true" && allowed != "false" {
					p.notice("ignored-template", e, "allow-send-email %s: it says nothing: want true or false", clip(c.text()))
				}
			case c.name.Local == "email-template" && c.text() != "":
				mail = &TaskMail{Subject: c.attr("", "email-template-subject"), Text: c.text(), Line: c.line}
				if typ := c.attr("", "email-template-type"); typ != "" && typ != "custom" {
					// No error: models that run have it.
					p.notice("ignored-template", e, "email-template-type %s: only a custom template travels with the model: deploy this one with starter email template put", clip(typ))
					mail = &TaskMail{}
				}
			}
		}
	}
	switch {
	case allowed == "false":
		return &TaskMails{None: true}
	case allowed != "true" && mail == nil:
		return nil
	case mail == nil:
		mail = &TaskMail{}
	}
	return &TaskMails{Assignee: mail, Candidate: mail}
}

// templates reads {"tasks": {ID: {"assignee": {...}, "candidate": {...}}}, "default": {"assignee": {...}, "candidate": {...}}}. An entry of
// a task beats the default, each kind by itself.
func (x *extensionsReader) templates(path string, p *Process, v any) {
	obj, ok := x.object(path, v)
	if !ok {
		return
	}
	for _, key := range sorted(obj) {
		if inner, isObject := obj[key].(map[string]any); key != "tasks" && key != "default" && (!isObject || len(inner) > 0) {
			x.path(join(path, key), "unknown field; known here are tasks, default")
		}
	}
	byTask, _ := x.object(join(path, "tasks"), obj["tasks"])
	for _, id := range sorted(byTask) {
		at := join(join(path, "tasks"), id)
		n := p.Node(id)
		switch {
		case n == nil && x.refused[id]:
			continue
		case n == nil:
			x.path(at, "process %q has no element with this id", p.ID)
			continue
		case n.User == nil:
			x.path(at, "only user tasks have mails")
			continue
		}
		n.User.Mails = x.taskMails(at, byTask[id]).or(n.User.Mails)
	}
	fallback := x.taskMails(join(path, "default"), obj["default"])
	for _, n := range p.Nodes {
		if n.User != nil && fallback != nil {
			n.User.Mails = n.User.Mails.or(fallback)
		}
	}
}

// or fills in what m does not say. One that wants none has none.
func (m *TaskMails) or(other *TaskMails) *TaskMails {
	switch {
	case m == nil:
		return other
	case other == nil || m.None:
		return m
	case other.None:
		return other
	}
	both := *m
	if both.Assignee == nil {
		both.Assignee = other.Assignee
	}
	if both.Candidate == nil {
		both.Candidate = other.Candidate
	}
	return &both
}

// taskMails reads the mails of a task; nil: it says nothing.
func (x *extensionsReader) taskMails(path string, v any) *TaskMails {
	obj, ok := x.object(path, v)
	if !ok {
		return nil
	}
	x.known(path, obj, "assignee", "candidate")
	m := &TaskMails{Assignee: x.taskMail(join(path, "assignee"), obj["assignee"]), Candidate: x.taskMail(join(path, "candidate"), obj["candidate"])}
	if m.Assignee == nil && m.Candidate == nil {
		return nil
	}
	return m
}

// taskMail reads {"from", "subject", "type": "file"|"variable", "value"}. The value is the name of a file in the project, or, as it is
// deployed, the file: {"name", "mediaType", "text"}. An empty object, as tools write it, says nothing.
func (x *extensionsReader) taskMail(path string, v any) *TaskMail {
	obj, ok := x.object(path, v)
	if !ok || len(obj) == 0 {
		return nil
	}
	x.known(path, obj, "from", "subject", "type", "value")
	m := &TaskMail{From: x.text(path, obj, "from"), Subject: x.text(path, obj, "subject")}
	switch typ := x.text(path, obj, "type"); strings.ToLower(typ) {
	case "variable":
		if m.Variable = x.text(path, obj, "value"); m.Variable == "" {
			x.path(join(path, "value"), "want the name of the variable that holds the template")
		}
	case "file":
		if file, ok := obj["value"].(map[string]any); ok {
			m.File, m.Text = x.text(join(path, "value"), file, "name"), x.text(join(path, "value"), file, "text")
		} else {
			m.File = x.text(path, obj, "value")
		}
		if m.File == "" {
			x.path(join(path, "value"), "want the name of a file in the project, such as templates/task.mail.html")
		}
	default:
		x.path(join(path, "type"), "unknown type %q: want file or variable", clip(typ))
	}
	return m
}
