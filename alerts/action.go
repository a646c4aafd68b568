package alerts

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/jsonfile"
	"github.com/waybill-io/waybill/connectors/suggest"
	"github.com/waybill-io/waybill/connectors/trigger"
)

// The event that rules are triggers of.
const (
	instance = "alerts"
	event    = "ALERT"
)

// outputNames are what expressions of rules may use.
var outputNames = []string{
	"id", "source", "severity", "at", "tenant", "processId", "processName", "processNamespace", "processKey", "processVersion", "businessKey",
	"locationPath", "status", "faultName", "faultNamespace", "faultDetails", "initiator", "runId", "incident",
	"rule", "count", "instances", "since", "until", "first", "links", "samples", "group", "escalation",
	"summary", "groups", "test", "alert",
}

// definition is that of the event.
func definition() *connectors.Definition {
	d := &connectors.Definition{Name: instance, Events: []connectors.Feature{{Name: event}}}
	for _, name := range outputNames {
		d.Events[0].Outputs = append(d.Events[0].Outputs, connectors.Parameter{Name: name, Type: "any"})
	}
	return d
}

func (p *parser) readActions(root jsonfile.Object) {
	actions := root.Objects("actions")
	if len(actions) > mostActions {
		root.Errorf("actions", "are %d, at most %d are possible", len(actions), mostActions)
	}
	if _, given := root.Any("actions"); !given || len(actions) == 0 {
		root.Errorf("actions", `are required: what is to be done, such as [{"mail":{"to":["ops@example.com"]}}] or [{"ignore":true}]`)
	}
	for _, o := range actions {
		keys := o.Keys()
		known := []string{"mail", "start", "call", "ignore"}
		if len(keys) != 1 {
			o.Errorf("", "one of mail, start, call and ignore is expected in each action")
			continue
		}
		switch keys[0] {
		case "mail":
			p.Mails = append(p.Mails, p.mail(o.Object("mail")))
		case "start":
			p.start(o.Object("start"))
		case "call":
			p.call(o.Object("call"))
		case "ignore":
			if p.Ignore = o.Bool("ignore"); !p.Ignore {
				o.Errorf("ignore", "is true, or the action is left out")
			}
		default:
			o.Errorf(keys[0], "is no action%s", suggest.Hint(keys[0], known))
		}
	}
	if p.Ignore && len(actions) > 1 {
		root.Errorf("actions", "a rule that ignores has no other action: what it takes is told to nobody")
	}
}

// start reads {"process":KEY,"businessKey":TEXT,"variables":{...}}.
func (p *parser) start(o jsonfile.Object) {
	payload := map[string]any{"payloadType": trigger.StartProcess, "name": p.Name}
	key := o.Required("process")
	payload["processDefinitionKey"] = key
	if p.options != nil && key != "" && !slices.Contains(p.options.Processes, key) {
		o.Errorf("process", "no process %q is deployed%s", key, suggest.Hint(key, p.options.Processes))
	}
	for _, field := range []string{"businessKey", "variables"} {
		if value, given := o.Any(field); given {
			payload[field] = value
		}
	}
	o.Done()
	p.trigger(o, map[string]any{"source": "command-consumer", "payload": payload}, "", "action.payload.")
}

// call reads {"action":"slack.SEND_MESSAGE","inputs":{...}}.
func (p *parser) call(o jsonfile.Object) {
	action := o.Required("action")
	inputs, _ := o.Any("inputs")
	if inputs == nil {
		inputs = map[string]any{}
	}
	o.Done()
	connector, name := connectors.SplitImplementation(action)
	switch {
	case action == "":
		return
	case name == "" || !connectors.ValidName(connector):
		o.Errorf("action", "%q is not an action of a connector, such as rest.POST", action)
		return
	case p.options != nil && p.options.find(connector) == nil:
		o.Errorf("action", "connector %q is not known%s; give the file of its definition by --connector", connector, suggest.Hint(connector, p.options.Connectors))
		return
	}
	p.trigger(o, map[string]any{"source": action, "payload": inputs}, connector, "action.payload")
}

// trigger reads an action as that of a trigger, by whose rules its expressions are checked.
func (p *parser) trigger(o jsonfile.Object, action map[string]any, connector, prefix string) {
	t, err := p.read(action, connector)
	if err == nil {
		p.Triggers = append(p.Triggers, t)
		return
	}
	for _, e := range jsonfile.Parts(err) {
		text := strings.TrimPrefix(strings.TrimPrefix(e.Error(), "rule: "), prefix)
		o.Errorf("", "%s", strings.TrimPrefix(text, "."))
	}
}

func (p *parser) read(action map[string]any, connector string) (*trigger.Trigger, error) {
	file := map[string]any{
		"name": p.Name, "event": map[string]any{"source": contract.EventSource(instance, event), "inputs": map[string]any{}}, "action": action,
	}
	if p.options == nil {
		if b := p.bindings[connector]; b != nil {
			file["deployed"] = map[string]any{"binding": b}
		}
	}
	text, err := json.Marshal(file)
	if err != nil {
		return nil, err
	}
	if p.options == nil {
		return trigger.Read("rule", text)
	}
	t, err := trigger.Parse("rule", text, trigger.Options{Definition: func(name string) *connectors.Definition {
		if name == instance {
			return definition()
		}
		return p.options.find(name)
	}})
	if err == nil && len(t.Warnings) > 0 {
		err = fmt.Errorf("%s", strings.Join(t.Warnings, "; "))
	}
	return t, err
}

// subjectValue is the variable that a subject is evaluated as.
const subjectValue = "subject"

// expression reads a text with expressions.
func (p *parser) expression(o jsonfile.Object, field, text string) *trigger.Trigger {
	t, err := p.read(map[string]any{"source": "command-consumer", "payload": map[string]any{
		"payloadType": trigger.Signal, "name": p.Name, "variables": map[string]any{subjectValue: text},
	}}, "")
	if err != nil {
		for _, e := range jsonfile.Parts(err) {
			_, what, _ := strings.Cut(e.Error(), "variables."+subjectValue+": ")
			o.Errorf(field, "%s", what)
		}
	}
	return t
}

// Subject is that of a mail about an alert; "" leaves it to the template.
func (m Mail) Subject(outputs map[string]any) (string, error) {
	if m.subject == nil {
		return "", nil
	}
	action, err := m.subject.Action(outputs, map[string]any{})
	if err != nil {
		return "", fmt.Errorf("subject: %w", err)
	}
	text := fmt.Sprint(action.Variables[subjectValue])
	return cut(strings.Join(strings.Fields(text), " "), maxName), nil // one line, whatever the fault says
}

// Calls are the connectors that the rule calls, sorted.
func (r *Rule) Calls() []string {
	names := map[string]bool{}
	for _, t := range r.Triggers {
		if connector, _ := connectors.SplitImplementation(t.Implementation()); connector != "" {
			names[connector] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// Stored is the rule as it is deployed: its document, and how the connectors are called that it calls.
func (r *Rule) Stored(bindings map[string]contract.Binding) (json.RawMessage, error) {
	var document map[string]json.RawMessage
	if err := json.Unmarshal(trimBOM(r.raw), &document); err != nil {
		return nil, err
	}
	if len(bindings) > 0 {
		note, err := json.Marshal(map[string]any{"bindings": bindings})
		if err != nil {
			return nil, err
		}
		document["deployed"] = note
	}
	return json.Marshal(document)
}

func trimBOM(data []byte) []byte { return []byte(strings.TrimPrefix(string(data), "\xef\xbb\xbf")) }
