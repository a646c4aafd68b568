package activities

import (
	"context"
	"errors"
	"fmt"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors/trigger"
)

// alertSource is the event that rules fire their triggers on.
const alertSource = "connector.alerts.ALERT"

// Act starts the processes and calls the connectors of a rule, once for a message.
func (a *Alerter) Act(ctx context.Context, in contract.AlertAct) (contract.AlertActed, error) {
	var acted contract.AlertActed
	rule, err := a.rule(ctx, in.Rule)
	if err != nil || rule == nil {
		return acted, err
	}
	outputs := a.outputs(rule, in.Group, false)
	var failed []error
	for i, t := range rule.Triggers {
		done, err := a.act(ctx, rule.Name, t, in.Group.Alert, outputs, hash(in.Key, fmt.Sprint(i)))
		switch {
		case err == nil:
			acted.Done = append(acted.Done, done)
		case hopeless(err):
			acted.Failed = append(acted.Failed, cut(err.Error(), maxCause))
		default:
			failed = append(failed, err)
		}
	}
	return acted, errors.Join(failed...)
}

// act starts the process, or calls the connector, of an action. A process that a rule has started starts no other when it fails: else one that
// fails itself would be started for its own fault, for ever.
func (a *Alerter) act(ctx context.Context, rule string, t *trigger.Trigger, about contract.Alert, outputs map[string]any, key string) (done string, err error) {
	if by := contract.AlertStarter(about.Initiator); by != "" && t.Process() != "" {
		return fmt.Sprintf("process %s not started, since rule %s started what has failed", t.Process(), by), nil
	}
	f, err := a.deliverer.fire(ctx, t, occurrence{outputs: outputs, prefix: "alert-", key: key, initiator: contract.AlertInitiator(rule)})
	if err != nil || f.Call == nil {
		return f.Done, err
	}
	_, err = a.client.Handle(ctx, alertSource, key, f.Firing) // called durably; what fails is a dead letter
	return fmt.Sprintf("call of %s handed over, see `starter deadletter list alerts` when it fails", f.Call.Implementation), err
}
