package trigger

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/jsonfile"
	"github.com/waybill-io/waybill/connectors/suggest"
	"github.com/waybill-io/waybill/juel"
)

// commandConsumer is the source of actions that are of the engine.
const commandConsumer = "command-consumer"

func (t *parser) parseAction(action jsonfile.Object) {
	source := action.Required("source")
	o := action.Object("payload")
	action.Done()
	switch {
	case source == "":
	case source != commandConsumer:
		t.parseCall(action, source, o)
	default:
		t.parseCommand(o)
	}
}

// parseCall reads an action of a connector: the payload is its inputs.
func (t *parser) parseCall(action jsonfile.Object, source string, o jsonfile.Object) {
	connector, name := connectors.SplitImplementation(strings.TrimPrefix(source, "connector."))
	if !connectors.ValidName(connector) {
		action.Errorf("source", "%q: command-consumer is expected, or an action of a connector, such as email.SEND or connector.email.SEND", source)
		return
	}
	t.payload = payload{implementation: connector + "." + name, variables: t.variables(o, "", o.Keys())}
	d := t.definition(connector)
	if d == nil {
		if t.strict() {
			t.warn(action, "source", "the definition of connector %q is not among these files: its inputs are not checked", connector)
		}
		return
	}
	feature, err := d.Action(name)
	if err != nil {
		action.Errorf("source", "%w", err)
		return
	}
	var known []string
	for _, p := range feature.Inputs {
		known = append(known, p.Name)
		if _, given := o.Any(p.Name); p.Required && !given {
			o.Errorf(p.Name, "is required by %s", t.payload.implementation)
		}
	}
	for _, input := range o.Keys() {
		if feature.Input(input) == nil {
			o.Errorf(input, "%s has no input %q%s", t.payload.implementation, input, suggest.Hint(input, known))
		}
	}
}

// variables reads values by name, of an object that stands at a field; "" is the object itself.
func (t *parser) variables(o jsonfile.Object, field string, names []string) map[string]value {
	all := map[string]value{}
	r := t.values(o)
	fields := map[string]any{}
	if field == "" {
		for _, name := range names {
			fields[name], _ = o.Any(name)
		}
	} else {
		raw, _ := o.Any(field)
		switch raw := raw.(type) {
		case nil:
		case map[string]any:
			fields = raw
		default:
			o.Errorf(field, "an object is expected")
		}
		field += "."
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		all[name] = r.read(field+name, fields[name])
	}
	return all
}

func (t *parser) parseCommand(o jsonfile.Object) {
	p := payload{payloadType: o.Required("payloadType"), processDefinitionKey: o.String("processDefinitionKey"), variables: map[string]value{}}
	t.payload = p
	if p.payloadType == Script {
		t.parseScript(o)
		return
	}
	if p.payloadType == StartProcess && p.processDefinitionKey == "" && o.String("name") != "" && !slices.Contains(o.Keys(), "businessKey") {
		// A documented example of the original system prints a signal this way.
		p.payloadType = Signal
		if t.strict() {
			t.warn(o, "payloadType", "%s without processDefinitionKey is taken for the signal %q, as an example of the original system prints it; write %s",
				StartProcess, o.String("name"), Signal)
		}
	}
	fields, known := map[string][]string{
		StartProcess:   {"name", "businessKey"},
		ReceiveMessage: {"name", "correlationKey"},
		StartMessage:   {"name", "businessKey"},
		Signal:         {"name"},
	}[p.payloadType]
	switch {
	case p.payloadType == "":
	case !known:
		o.Errorf("payloadType", "%s", unsupported(p.payloadType))
		return
	case p.payloadType == StartProcess:
		o.Required("processDefinitionKey")
	case p.payloadType == ReceiveMessage && p.processDefinitionKey != "":
		o.Errorf("processDefinitionKey", "has no meaning in %s; to start a process when nobody waits, put it into otherwise", p.payloadType)
	case p.processDefinitionKey != "":
		o.Errorf("processDefinitionKey", "has no meaning in %s; leave it out", p.payloadType)
	}
	o.Required("name")
	r := t.values(o)
	targets := map[string]*value{"name": &p.name, "businessKey": &p.businessKey, "correlationKey": &p.correlationKey}
	for _, name := range fields {
		if text := o.String(name); text != "" {
			*targets[name] = r.expression(name, text)
		}
	}
	if p.payloadType == ReceiveMessage {
		p.parseOtherwise(o, r)
	}
	if t.strict() {
		p.check(o)
	}
	p.variables = t.variables(o, "variables", nil)
	o.Done()
	t.payload = p
}

// runScript is the action that runs scripts.
const runScript = "script.RUN"

// parseScript reads the name of a script and its variables. The text is noted with the trigger when it is deployed.
func (t *parser) parseScript(o jsonfile.Object) {
	name := o.Required("scriptName")
	o.String("scriptId") // of the modelling tool
	if text, given := o.Any("processDefinitionKey"); given && text != "" {
		o.Errorf("processDefinitionKey", "has no meaning in %s; leave it out", Script)
	}
	variables := t.variables(o, "variables", nil)
	o.Done()
	if t.strict() && name != "" {
		if t.options.Script == nil {
			o.Errorf("scriptName", "no script is known here")
			return
		}
		var err error
		if t.deployed.Script, err = t.options.Script(name); err != nil {
			o.Errorf("scriptName", "%v", err)
		}
	}
	t.payload = payload{implementation: runScript, variables: map[string]value{
		"script": func(juel.Env) (any, error) { return t.deployed.Script, nil },
		"variables": func(env juel.Env) (any, error) {
			all := make(map[string]any, len(variables))
			for _, name := range slices.Sorted(maps.Keys(variables)) {
				v, err := variables[name](env)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", name, err)
				}
				all[name] = v
			}
			return all, nil
		},
	}}
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
	known := []string{StartProcess, ReceiveMessage, StartMessage, Signal, Script}
	return fmt.Sprintf("%q is unknown%s", payloadType, suggest.Hint(payloadType, known))
}
