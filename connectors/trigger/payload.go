package trigger

import (
	"fmt"
	"maps"
	"slices"

	"github.com/waybill-io/waybill/juel"
)

// Types of payload.
const (
	StartProcess   = "StartProcessPayload"
	ReceiveMessage = "ReceiveMessagePayload"
	StartMessage   = "StartMessagePayload"
	Script         = "ScriptPayload" // runs a script of the project as a call of script.RUN
	Signal         = "SignalPayload"
)

// Action is what is to be done.
type Action struct {
	PayloadType          string         `json:"payloadType,omitempty"`          // "": a call of a connector
	Implementation       string         `json:"implementation,omitempty"`       // of a call: "email.SEND"
	ProcessDefinitionKey string         `json:"processDefinitionKey,omitempty"` // StartProcess; ReceiveMessage: what is started when nobody waits, "" for nothing
	Name                 string         `json:"name,omitempty"`                 // of the instance, of the message, or of the signal
	BusinessKey          string         `json:"businessKey,omitempty"`          // of the instance that is started
	CorrelationKey       string         `json:"correlationKey,omitempty"`       // ReceiveMessage; "" only when the file has none
	Variables            map[string]any `json:"variables"`                      // or the inputs of a call; never nil
}

// payload is an action whose values are still to be evaluated.
type payload struct {
	payloadType, processDefinitionKey string
	implementation                    string
	name, businessKey, correlationKey value // nil: not given
	variables                         map[string]value
}

// value is a part of a payload: it reads the event.
type value func(juel.Env) (any, error)

// Action fills the payload in from an event that has matched with these groups.
func (t *Trigger) Action(event, groups map[string]any) (Action, error) {
	env := environment(event, groups)
	p := t.payload
	a := Action{
		PayloadType:          p.payloadType,
		Implementation:       p.implementation,
		ProcessDefinitionKey: p.processDefinitionKey,
		Variables:            make(map[string]any, len(p.variables)),
	}
	for _, field := range []struct {
		name   string
		value  value
		target *string
	}{{"name", p.name, &a.Name}, {"businessKey", p.businessKey, &a.BusinessKey}, {"correlationKey", p.correlationKey, &a.CorrelationKey}} {
		if field.value == nil {
			continue
		}
		v, err := field.value(env)
		if err == nil {
			*field.target, err = key(v)
		}
		if err != nil {
			return Action{}, fmt.Errorf("trigger %s: %s: %w", t.Name, field.name, err)
		}
	}
	what := "variable"
	if p.implementation != "" {
		what = "input"
	}
	for _, name := range slices.Sorted(maps.Keys(p.variables)) {
		v, err := p.variables[name](env)
		if err != nil {
			return Action{}, fmt.Errorf("trigger %s: %s %s: %w", t.Name, what, name, err)
		}
		a.Variables[name] = v
	}
	return a, nil
}

// key makes a name or key of a value. An empty one is refused: messages with an empty key would find each other.
func key(v any) (string, error) {
	switch v := v.(type) {
	case string:
		if v == "" {
			return "", fmt.Errorf("is empty for this event")
		}
		return v, nil
	case int64, bool:
		return fmt.Sprint(v), nil
	case nil:
		return "", fmt.Errorf("is null for this event")
	}
	return "", fmt.Errorf("must be text, not a list, an object or a fraction")
}
