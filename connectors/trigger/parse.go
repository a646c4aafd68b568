package trigger

import (
	"fmt"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/jsonfile"
	"github.com/waybill-io/waybill/connectors/suggest"
)

// Options are what a file does not say.
type Options struct {
	// Definition finds the definition of a connector by its name: which events and actions it has. It returns nil for one that is not
	// known, of whose events and actions anything is accepted.
	Definition func(name string) *connectors.Definition
	BuiltIn    []*connectors.Definition
	// Script reads a script of the project by its name.
	Script func(name string) (source string, err error)
}

// Parse reads a trigger file strictly; name is the file's, for errors. The error joins all that is wrong, each with
// the JSON path and what would be right. Warnings are in the trigger.
func Parse(name string, data []byte, o Options) (*Trigger, error) { return readFile(name, data, &o) }

// Read reads a trigger that was deployed. What earlier versions let through it lets through, so that a newer one stops no mailbox.
func Read(name string, data []byte) (*Trigger, error) { return readFile(name, data, nil) }

// parser reads one file; options is nil for a trigger that was deployed.
type parser struct {
	*Trigger
	name    string
	options *Options
	feature *connectors.Feature // the event of a connector whose definition is known
}

func readFile(name string, data []byte, o *Options) (*Trigger, error) {
	f, root, err := jsonfile.Parse(name, data)
	if err != nil {
		return nil, err
	}
	root.String("id") // of the modelling tool; the name is what identifies a trigger here
	root.String("description")
	t := &parser{Trigger: &Trigger{Name: root.Required("name")}, name: name, options: o}
	if t.Name != "" && !connectors.ValidName(t.Name) {
		root.Errorf("name", "%q is not a trigger name: %s", t.Name, connectors.NameRule)
	}
	event, action := root.Object("event"), root.Object("action")
	if o == nil {
		t.readDeployment(root.Object("deployed"))
	}
	root.Done()
	t.parseSource(event)
	t.parseInputs(event.Object("inputs"))
	event.Done()
	t.parseAction(action)
	if err := f.Err(); err != nil {
		return nil, err
	}
	return t.Trigger, nil
}

func (t *parser) strict() bool { return t.options != nil }

// definition is nil when it is not known.
func (t *parser) definition(name string) *connectors.Definition {
	if t.options == nil || t.options.Definition == nil {
		return nil
	}
	return t.options.Definition(name)
}

// answers reports that an event has inputs which say what its caller is answered.
func answers(event *connectors.Feature) bool {
	return event.Input("status") != nil && !slices.ContainsFunc(event.Outputs, func(p connectors.Parameter) bool { return p.Name == "status" })
}

func (t *parser) warn(o jsonfile.Object, field, format string, args ...any) {
	t.Warnings = append(t.Warnings, fmt.Sprintf("%s: %s: %s", t.name, o.Path(field), fmt.Sprintf(format, args...)))
}

func (t *parser) parseSource(o jsonfile.Object) {
	t.Source = o.Required("source")
	if t.Source == "" {
		return
	}
	parts := strings.Split(t.Source, ".")
	switch {
	case parts[0] != "connector" && parts[0] != "timer":
		o.Errorf("source", "events of %q are not known; an event is connector.<instance>.<EVENT>, such as connector.support.%s, or timer.<name of the trigger>.%s",
			parts[0], EmailReceived, TimerFired)
	case len(parts) != 3 || parts[1] == "" || parts[2] == "":
		o.Errorf("source", "%q is not of the form connector.<instance>.<EVENT>, such as connector.support.%s", t.Source, EmailReceived)
	case parts[0] == "timer" && (parts[1] != t.Name || parts[2] != TimerFired):
		o.Errorf("source", "%q: a timer belongs to its trigger; write timer.%s.%s", t.Source, t.Name, TimerFired)
	case parts[0] == "timer":
		t.kind = ofTimer
	case slices.Contains(accountEvents, parts[2]):
		t.kind = ofAccount
	case OfMailbox(parts[2]):
		t.kind = ofMail
		t.automatic = parts[2] != EmailReceived // only machines send these
	default:
		t.parseEvent(o, parts[1], parts[2])
	}
}

// parseEvent finds out what is known of an event of a connector.
func (t *parser) parseEvent(o jsonfile.Object, instance, event string) {
	if !t.strict() {
		return
	}
	if event == EventFailed {
		t.known = FailedOutputs()
		return
	}
	d := t.definition(instance)
	if d == nil {
		// Probably an instance of a built-in connector whose file was deployed before.
		t.answers = slices.ContainsFunc(t.options.BuiltIn, func(d *connectors.Definition) bool {
			feature, err := d.Event(event)
			return err == nil && answers(feature)
		})
		t.warn(o, "source", "the definition of connector %q is not among these files: any input and output of %s is accepted%s",
			instance, event, mailHint(event))
		return
	}
	feature, err := d.Event(event)
	if err != nil {
		o.Errorf("source", "%w", err)
		return
	}
	t.feature = feature
	t.answers = answers(feature)
	if len(feature.Outputs) == 0 {
		return // the definition does not say
	}
	t.known = []string{"matchGroups"}
	for _, p := range feature.Outputs {
		if p.Name != "matchGroups" {
			t.known = append(t.known, p.Name)
		}
	}
}

// mailHint tells what was probably meant by an event whose name is nearly one of mailboxes.
func mailHint(event string) string {
	if near := suggest.Nearest(event, mailEvents); near != "" {
		return fmt.Sprintf("; did you mean %q, of a mailbox?", near)
	}
	return ""
}
