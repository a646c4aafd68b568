package project

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/mail/template"
)

// Template is a checked template of a mail.
type Template struct {
	template.Key
	File     string
	Template template.Template
}

// NoTaskMails is the deployment that wants no mails of user tasks.
const NoTaskMails = "none"

// mailTemplate reads a template file, unless a model has taken it for its own. It is of the tenant that it names, else of that of the
// deployment.
func (l *loader) mailTemplate(f source) {
	if l.used[f.path] {
		return
	}
	key, t, err := template.ReadFile(f.path, f.data)
	if err != nil {
		l.fail(err)
		return
	}
	if key.Tenant == "" {
		key.Tenant = l.options.Tenant
	}
	p := l.project
	if i := slices.IndexFunc(p.Templates, func(other Template) bool { return other.Key == key }); i >= 0 {
		l.fail(fmt.Errorf("%s: mail template %s is in %s too; keep one", f.path, key, p.Templates[i].File))
		return
	}
	p.Templates = append(p.Templates, Template{Key: key, File: f.path, Template: t})
	slices.SortFunc(p.Templates, func(a, b Template) int { return cmp.Compare(a.ID(), b.ID()) })
}

// taskMails is what a definition keeps of who gets mails of user tasks. It is empty where nothing would be sent, so that models without
// mails have the digest that they had before there were any.
func (l *loader) taskMails(p *bpmn.Process) string {
	asks, tasks := false, false
	for _, n := range p.Nodes {
		if n.User != nil {
			tasks = true
			asks = asks || n.User.Mails != nil && !n.User.Mails.None
		}
	}
	switch mode := cmp.Or(l.options.TaskMails, contract.TaskMailsModel); {
	case mode == contract.TaskMailsAll && tasks:
		return contract.TaskMailsAll
	case mode == contract.TaskMailsModel && asks:
		return contract.TaskMailsModel
	}
	return ""
}

// checkMails reads the templates of mails that stand in the model itself.
func (l *loader) checkMails(file string, p *bpmn.Process) {
	for _, n := range p.Nodes {
		if n.User == nil || n.User.Mails == nil {
			continue
		}
		if m := n.User.Mails.Assignee; m != nil && m.Line > 0 {
			_, err := template.Custom{Subject: m.Subject, Text: m.Text}.Parse(fmt.Sprintf("%s: line %d: user task %s: email-template", file, m.Line, n.ID))
			l.fail(err)
		}
	}
}

// mails puts the files of task mails where the extensions name them, and reads them.
func (i *inliner) mails(scope map[string]any) {
	templates := object(scope, "templates")
	i.taskMails("templates.default", object(templates, "default"))
	byTask := object(templates, "tasks")
	for id := range byTask {
		i.taskMails("templates.tasks."+id, object(byTask, id))
	}
}

func (i *inliner) taskMails(path string, of map[string]any) {
	for _, kind := range []string{"assignee", "candidate"} {
		entry := object(of, kind)
		if len(entry) == 0 {
			continue
		}
		what := fmt.Sprintf("%s: %s.%s", i.name, path, kind)
		custom := template.Custom{Text: "-"} // of a variable: only what is known is checked
		custom.From, _ = entry["from"].(string)
		custom.Subject, _ = entry["subject"].(string)
		if name, ok := entry["value"].(string); ok && entry["type"] != "variable" {
			i.template = false
			file, err := i.file(name)
			if err != nil {
				i.loader.fail(fmt.Errorf("%s: %w", what, err))
				continue
			}
			entry["type"], entry["value"] = "file", file.Value()
			custom.File, custom.Text = file.Name, file.Text
			what += ": " + name
		}
		_, err := custom.Parse(what)
		i.loader.fail(err)
	}
}
