package trigger

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/jsonfile"
	"github.com/waybill-io/waybill/connectors/suggest"
)

// Parse reads a trigger file strictly; name is the file's, for errors. The error joins all that is wrong, each with
// the JSON path and what would be right.
func Parse(name string, data []byte) (*Trigger, error) { return readFile(name, data, true) }

// Read reads a trigger that was deployed. What earlier versions let through it lets through, so that a newer one stops no mailbox.
func Read(name string, data []byte) (*Trigger, error) { return readFile(name, data, false) }

func readFile(name string, data []byte, strict bool) (*Trigger, error) {
	f, root, err := jsonfile.Parse(name, data)
	if err != nil {
		return nil, err
	}
	root.String("id") // of the modelling tool; the name is what identifies a trigger here
	root.String("description")
	t := &Trigger{Name: root.Required("name")}
	if t.Name != "" && !connectors.ValidName(t.Name) {
		root.Errorf("name", "%q is not a trigger name: %s", t.Name, connectors.NameRule)
	}
	event, action := root.Object("event"), root.Object("action")
	root.Done()
	t.parseSource(event)
	t.parseInputs(event.Object("inputs"))
	event.Done()
	t.parseAction(action, strict)
	if err := f.Err(); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *Trigger) parseSource(o jsonfile.Object) {
	t.Source = o.Required("source")
	if t.Source == "" {
		return
	}
	parts := strings.Split(t.Source, ".")
	switch {
	case parts[0] != "connector":
		o.Errorf("source", "events of %q come later; today an event is connector.<mailbox>.%s", parts[0], EmailReceived)
	case len(parts) != 3 || parts[1] == "" || parts[2] == "":
		o.Errorf("source", "%q is not of the form connector.<instance>.<EVENT>, such as connector.support.%s", t.Source, EmailReceived)
	case !slices.Contains(events, parts[2]):
		o.Errorf("source", "event %s is unknown%s", parts[2], suggest.Hint(parts[2], events))
	default:
		t.automatic = parts[2] != EmailReceived // only machines send these
		t.account = slices.Contains(accountEvents, parts[2])
	}
}

func (t *Trigger) parseInputs(o jsonfile.Object) {
	source := o.String("pattern")
	if _, given := o.Any("pattern"); !given {
		o.Errorf("pattern", `is required; write "" to match every event`)
	}
	var err error
	if t.pattern, err = compile(source); err != nil {
		o.Errorf("pattern", "%w", err)
	}
	outputs, usual := matchable, "subject"
	if t.account {
		outputs, usual = accountMatchable, "message"
		for _, field := range []string{"filters", "automaticMail"} {
			if _, given := o.Any(field); given {
				o.Errorf(field, "is of mail, and the event is of an account; leave it out")
			}
		}
	}
	matchOn := cmp.Or(o.String("matchOn"), usual)
	if t.matchOn = outputs[matchOn]; t.matchOn == "" {
		o.Errorf("matchOn", "%q is unknown%s", matchOn, suggest.Hint(matchOn, slices.Collect(maps.Keys(outputs))))
	}
	t.filters = parseFilters(o.Object("filters"))
	switch automatic := o.String("automaticMail"); automatic {
	case "", "ignore":
	case "accept":
		t.automatic = true
	default:
		o.Errorf("automaticMail", `%q is unknown; write "ignore" (the default) or "accept"`, automatic)
	}
	if condition := o.String("condition"); condition != "" {
		r := values{object: o, known: append(t.outputs(), "data"), pattern: t.pattern}
		if t.condition = r.parse("condition", condition); t.condition != nil && t.condition.IsLiteral() {
			o.Errorf("condition", "is text that never changes; write ${...}")
		}
	}
	for _, echo := range []string{"echo", "echoError"} {
		if o.String(echo) != "" {
			o.Errorf(echo, "comes later; let the process answer with a task email.SEND")
		}
	}
	o.Done()
}

func (t *Trigger) parseAction(action jsonfile.Object, strict bool) {
	source := action.Required("source")
	if source != "" && source != "command-consumer" {
		action.Errorf("source", "%q: connector actions come later; today the source is command-consumer", source)
	}
	o := action.Object("payload")
	action.Done()
	p := payload{payloadType: o.Required("payloadType"), processDefinitionKey: o.String("processDefinitionKey"), variables: map[string]value{}}
	fields := map[string][]string{
		StartProcess:   {"name", "businessKey"},
		ReceiveMessage: {"name", "correlationKey"},
		StartMessage:   {"name", "businessKey"},
	}[p.payloadType]
	switch {
	case p.payloadType == "":
	case fields == nil:
		o.Errorf("payloadType", "%s", unsupported(p.payloadType))
		return
	case p.payloadType == StartProcess && p.processDefinitionKey == "" && o.String("name") != "":
		// A documented example of the original system prints a signal this way.
		o.Errorf("processDefinitionKey", "is required; if this is a signal, whose payloadType is sometimes misprinted as %s: signals come later", StartProcess)
	case p.payloadType == StartProcess:
		o.Required("processDefinitionKey")
	case p.payloadType == ReceiveMessage && p.processDefinitionKey != "":
		o.Errorf("processDefinitionKey", "has no meaning in %s; to start a process when nobody waits, put it into otherwise", p.payloadType)
	case p.processDefinitionKey != "":
		o.Errorf("processDefinitionKey", "has no meaning in %s; leave it out", p.payloadType)
	}
	o.Required("name")
	r := values{object: o, known: t.outputs(), pattern: t.pattern}
	targets := map[string]*value{"name": &p.name, "businessKey": &p.businessKey, "correlationKey": &p.correlationKey}
	for _, name := range fields {
		if text := o.String(name); text != "" {
			*targets[name] = r.expression(name, text)
		}
	}
	if p.payloadType == ReceiveMessage {
		p.parseOtherwise(o, r)
	}
	if strict {
		p.check(o)
	}
	variables, _ := o.Any("variables")
	switch variables := variables.(type) {
	case nil:
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(variables)) {
			p.variables[name] = r.read("variables."+name, variables[name])
		}
	default:
		o.Errorf("variables", "an object is expected")
	}
	o.Done()
	t.payload = p
}

// check refuses what can be read and does not do what it looks like.
func (p *payload) check(o jsonfile.Object) {
	field, process := "processDefinitionKey", p.processDefinitionKey
	if p.payloadType == ReceiveMessage && slices.Contains(o.Keys(), "otherwise") {
		field = "otherwise.processDefinitionKey"
		if _, given := o.Any("otherwise"); !given {
			o.Errorf("otherwise", "is null; leave it out, or name the process that is started when nobody waits")
		}
		if key, given := o.Any("correlationKey"); !given || key == "" {
			o.Errorf("correlationKey", "is required with otherwise: without it no instance that waits with a key is found, and each mail starts another; "+
				"write what the process waits with, such as ${matchGroups.number}")
		}
	}
	if strings.Contains(process, "${") || strings.Contains(process, "#{") {
		o.Errorf(field, "%q is an expression, and the process is fixed: deploy a trigger for each process, with a condition", process)
	}
}

// parseOtherwise reads what is started when nobody waits for the message.
func (p *payload) parseOtherwise(o jsonfile.Object, r values) {
	if _, given := o.Any("otherwise"); !given {
		return
	}
	other := o.Object("otherwise")
	p.processDefinitionKey = other.Required("processDefinitionKey")
	r.object = other
	if text := other.String("businessKey"); text != "" {
		p.businessKey = r.expression("businessKey", text)
	}
	other.Done()
}

func unsupported(payloadType string) string {
	known := []string{StartProcess, ReceiveMessage, StartMessage}
	switch payloadType {
	case "SignalPayload", "ScriptPayload", "ScriptTaskPayload":
		return payloadType + " comes later; today there are " + strings.Join(known, ", ")
	}
	return fmt.Sprintf("%q is unknown%s", payloadType, suggest.Hint(payloadType, known))
}
