package project

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/jsonfile"
	"github.com/waybill-io/waybill/connectors/suggest"
	"github.com/waybill-io/waybill/connectors/trigger"
)

// Project is what a set of files deploys: definitions sorted by key, connectors and triggers by name.
type Project struct {
	Definitions []contract.Definition
	Connectors  []*connectors.Definition // those that are not built in
	Triggers    []Trigger
	Templates   []Template // of mails
	Warnings    []string   // each names its file; in the order of the files
}

// Trigger is a checked trigger file.
type Trigger struct {
	Name   string // unique for its source
	Source string // event.source, "connector.support.EMAIL_RECEIVED"
	File   string
	Raw    json.RawMessage // as it is deployed
	Read   *trigger.Trigger
}

// Options say how to load.
type Options struct {
	MapDefault bpmn.MapDefault // "": none
	Uncaught   bpmn.Uncaught   // "": incident
	Tenant     string          // of all definitions; "": none
	BuiltIn    []*connectors.Definition
	TaskMails  string // who gets mails of user tasks: "" or contract.TaskMailsModel, contract.TaskMailsAll, or NoTaskMails

	// Advice warns of what is no mistake, too: errors of connectors that nothing catches, and so become incidents.
	Advice bool
	// AnyConnector accepts connectors without a definition: for tests, which answer the calls themselves.
	AnyConnector bool
}

// loader is one Load under way.
type loader struct {
	options    Options
	project    *Project
	known      map[string]*connectors.Definition // by name: built in, and of the project
	custom     map[string]string                 // file of a connector of the project, by name
	used       map[string]bool                   // files that extensions refer to, by cleaned path
	errs       []error
	folders    map[string]*folder
	keys       map[string]string // file by process key
	triggerIDs map[string]string // file by source and name
	unpacked   []unpacked        // archives
}

// Load reads files, folders and archives, a folder or archive with everything in it. The error joins all that is wrong, each with file,
// line or field and what would be right. The project is never nil: with an error only its warnings count.
//
// A connector that is not built in must be among the paths of the same call.
func Load(paths []string, o Options) (*Project, error) {
	l := &loader{
		options: o, project: &Project{},
		known: map[string]*connectors.Definition{}, custom: map[string]string{}, used: map[string]bool{},
		folders: map[string]*folder{}, keys: map[string]string{}, triggerIDs: map[string]string{},
	}
	defer l.close()
	for _, d := range o.BuiltIn {
		l.known[d.Name] = d
	}
	files := l.find(paths)
	for _, load := range []struct {
		kind kind
		one  func(source)
	}{{isConnector, l.connector}, {isModel, l.model}, {isTrigger, l.trigger}, {isMailTemplate, l.mailTemplate}} {
		for _, f := range files {
			if f.kind == load.kind {
				load.one(f)
			}
		}
	}
	l.unused(files)
	l.lookalikes()
	p := l.project
	slices.SortFunc(p.Definitions, func(a, b contract.Definition) int { return cmp.Compare(a.Key, b.Key) })
	slices.SortFunc(p.Connectors, func(a, b *connectors.Definition) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(p.Triggers, func(a, b Trigger) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Name, b.Name))
	})
	if len(l.errs) == 0 && len(p.Definitions)+len(p.Triggers)+len(p.Connectors)+len(p.Templates) == 0 {
		l.fail(errors.New("nothing to deploy: no model (*.bpmn, *.bpmn20.xml), connector, trigger or mail template (*.mail.html, *.mail.ftl) was found"))
	}
	for i := range p.Triggers {
		p.Triggers[i].File = l.shown(p.Triggers[i].File)
	}
	for i := range p.Templates {
		p.Templates[i].File = l.shown(p.Templates[i].File)
	}
	return p, errors.Join(l.errs...)
}

func (l *loader) fail(err error) {
	switch {
	case err == nil:
	case len(l.unpacked) == 0:
		l.errs = append(l.errs, err)
	default:
		for _, e := range jsonfile.Parts(err) {
			l.errs = append(l.errs, &unpackedError{l.shown(e.Error()), e})
		}
	}
}

func (l *loader) warn(format string, args ...any) {
	l.project.Warnings = append(l.project.Warnings, l.shown(fmt.Sprintf(format, args...)))
}

func (l *loader) connector(f source) {
	d, err := connectors.ParseDefinition(f.path, f.data)
	if err != nil {
		l.fail(err)
		return
	}
	if other, twice := l.custom[d.Name]; twice {
		l.fail(fmt.Errorf("%s: name: connector %q is defined in %s too; keep one", f.path, d.Name, other))
		return
	}
	if _, builtIn := l.known[d.Name]; builtIn {
		l.fail(fmt.Errorf("%s: name: connector %q is built in; choose another name", f.path, d.Name))
		return
	}
	template, builtIn := l.builtIn(d.Template)
	if builtIn {
		if d, err = template.Instance(d); err != nil {
			l.fail(fmt.Errorf("%s: %w", f.path, err))
			return
		}
	}
	if d.Template != "" && len(d.Actions)+len(d.Events) == 0 {
		l.warn("%s: template: %q is not a built-in connector%s; without actions and events the file says nothing", f.path, d.Template, suggest.Hint(d.Template, l.connectorNames()))
	}
	l.known[d.Name], l.custom[d.Name] = d, f.path
	l.project.Connectors = append(l.project.Connectors, d)
	for _, warning := range (Connector{Definition: d, File: f.path, BuiltIn: builtIn}).Warnings() {
		l.warn("%s: %s", f.path, warning)
	}
}

func (l *loader) builtIn(name string) (*connectors.Definition, bool) {
	i := slices.IndexFunc(l.options.BuiltIn, func(d *connectors.Definition) bool { return d.Name == name })
	if i < 0 {
		return nil, false
	}
	return l.options.BuiltIn[i], true
}

// connectorNames are the names that a model may use.
func (l *loader) connectorNames() []string { return slices.Sorted(maps.Keys(l.known)) }
