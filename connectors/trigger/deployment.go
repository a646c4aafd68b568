package trigger

import (
	"encoding/json"

	"github.com/waybill-io/waybill/connectors/jsonfile"
)

// Deployment is what is noted with a trigger when it is deployed, since those who fire it do not have its connector's definition.
type Deployment struct {
	// Answers: the inputs status and body are the answer to a webhook.
	Answers bool `json:"answers,omitempty"`
	// Binding is how the action of a connector is called, as the contract of activities has it.
	Binding json.RawMessage `json:"binding,omitempty"`
	// Echo is the same of the connector that answers the sender.
	Echo json.RawMessage `json:"echo,omitempty"`
	// Script is the text of the script that it runs.
	Script string `json:"script,omitempty"`
}

// Deployment is what was noted with a trigger that was read with Read; of one that was read with Parse it has Answers and Script alone.
func (t *Trigger) Deployment() Deployment {
	d := t.deployed
	d.Answers = t.answers
	return d
}

func (t *parser) readDeployment(o jsonfile.Object) {
	t.answers = o.Bool("answers")
	t.deployed.Script = o.String("script")
	for field, target := range map[string]*json.RawMessage{"binding": &t.deployed.Binding, "echo": &t.deployed.Echo} {
		if binding, given := o.Any(field); given {
			*target, _ = json.Marshal(binding) // it was JSON a moment ago
		}
	}
	o.Done()
}
