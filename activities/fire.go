package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/waybill-io/waybill/activities/binding"
	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/trigger"
)

// errAuthor marks what the author of a trigger has to mend.
var errAuthor = errors.New("cannot be evaluated")

// occurrence is an event that triggers may match.
type occurrence struct {
	outputs map[string]any
	prefix  string // of the ids of what is started
	// key is the same whenever the trigger is fired by this event, and different for every other.
	key       string
	initiator string // of processes that are started
}

// firing is what a trigger did about an event; matches is false when it is not meant.
type firing struct {
	contract.Firing
	matches bool
	started bool           // false: the same was done before
	groups  map[string]any // of the pattern
}

// fire does what a trigger says about an event, once for a key. What it calls of a connector is left to do.
func (d *Deliverer) fire(ctx context.Context, t *trigger.Trigger, e occurrence) (f firing, err error) {
	f.Trigger = t.Name
	groups, matches, err := t.Match(e.outputs)
	if err != nil {
		return f, fmt.Errorf("%w: %w", errAuthor, err)
	}
	f.groups, f.matches = groups, matches
	if !matches {
		return f, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	action, err := t.Action(e.outputs, groups)
	if err != nil {
		return f, fmt.Errorf("%w: %w", errAuthor, err)
	}
	switch {
	case action.Implementation != "":
		f.Call, err = callOf(t, action, e.key)
		f.started = true
	case action.PayloadType == trigger.StartProcess:
		f.Done, f.started, err = d.client.Start(ctx, client.StartOptions{
			Key: action.ProcessDefinitionKey, ID: action.ProcessDefinitionKey + "/" + e.prefix + e.key,
			BusinessKey: action.BusinessKey, Variables: action.Variables, Initiator: e.initiator,
		})
	case action.PayloadType == trigger.Signal:
		var result contract.BroadcastResult
		result, err = d.client.Signal(ctx, contract.SignalBroadcast{ID: e.key, Name: action.Name, Variables: action.Variables})
		f.Done, f.started = contract.SignalID(action.Name), !result.Duplicate
	default:
		f.Done, f.started, err = d.publish(ctx, action, e)
	}
	return f, err
}

// publish hands a message over, once for a key.
func (d *Deliverer) publish(ctx context.Context, action trigger.Action, e occurrence) (id string, started bool, err error) {
	message := contract.Message{ID: e.key, Name: action.Name, Key: action.CorrelationKey, BusinessKey: action.BusinessKey, Variables: action.Variables}
	if action.ProcessDefinitionKey != "" {
		message.Otherwise = &contract.ProcessStart{Key: action.ProcessDefinitionKey, ID: action.ProcessDefinitionKey + "/" + e.prefix + e.key}
		if known, err := d.client.Known(ctx, message.Otherwise.ID); err != nil || known {
			return message.Otherwise.ID, false, err
		}
	}
	result, err := d.client.Publish(ctx, message)
	switch {
	case err != nil:
		return "", false, err
	case result.Duplicate, result.Kept: // whoever got it, or will, may refer to what is stored of the event: it is not unwanted
		return contract.MessageID(message.Name, message.Key), result.Kept, nil
	}
	return result.Delivered + result.Started, true, nil
}

// callOf is a call of a connector, which is bound as it was when the trigger was deployed.
func callOf(t *trigger.Trigger, action trigger.Action, key string) (*contract.TriggerCall, error) {
	connector, _ := connectors.SplitImplementation(action.Implementation)
	bound, err := boundAs(t.Deployment().Binding, connector, false)
	if err != nil {
		return nil, fmt.Errorf("%w: read how %s is called: %w", errAuthor, action.Implementation, err)
	}
	return &contract.TriggerCall{Implementation: action.Implementation, Key: "trigger/" + key, Inputs: action.Variables, Binding: bound}, nil
}

// boundAs is how a connector is called, as was noted when the trigger was deployed. Of what an earlier version deployed, which noted less, it
// is as nothing else is said; shared as for binding.Queue.
func boundAs(noted json.RawMessage, connector string, shared bool) (contract.Binding, error) {
	if noted == nil {
		return binding.Of(binding.Queue(connector, shared), connectors.DefaultPolicy()), nil
	}
	var b contract.Binding
	err := json.Unmarshal(noted, &b)
	return b, err
}

// Answerer says which call answers an event, see connectors.Template.
type Answerer func(e connectors.Event, text string) (action string, inputs map[string]any, ok bool)

// answering is how the sender of an event is answered.
type answering struct {
	answer    Answerer
	connector string
	shared    bool   // as for binding.Queue
	to        string // stands for the sender
	key       string // of the event and the trigger
}

// echo is what a sender is answered; nil when that is nothing.
func (a answering) echo(t *trigger.Trigger, e connectors.Event, groups map[string]any, failed bool) *contract.Echo {
	text, err := t.Echo(e.Outputs, groups, failed)
	if err != nil || text == "" {
		return nil
	}
	action, inputs, ok := a.answer(e, text)
	if !ok {
		return nil
	}
	bound, err := boundAs(t.Deployment().Echo, a.connector, a.shared)
	if err != nil {
		return nil
	}
	return &contract.Echo{To: a.to, Call: contract.TriggerCall{
		Implementation: a.connector + "." + action, Key: fmt.Sprintf("echo/%s/%t", a.key, failed), Inputs: inputs, Binding: bound,
	}}
}
