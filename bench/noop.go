package main

import (
	"context"

	"github.com/waybill-io/waybill/connectors"
)

// noopCall is the implementation of the service tasks, and so the activity type of every call.
const noopCall = "noop.CALL"

// noop is a connector that answers at once: what is measured is all that is around it.
type noop struct{ definition *connectors.Definition }

func newNoop() (*noop, error) {
	d, err := connectors.ParseDefinition("noop.json", []byte(`{"name": "noop", "actions": {"call": {"id": "call", "name": "CALL",
		"inputs": [{"id": "text", "name": "text", "type": "string"}],
		"outputs": [{"id": "said", "name": "said", "type": "string"}]}}}`))
	return &noop{d}, err
}

func (n *noop) Definition() *connectors.Definition { return n.definition }

func (*noop) Call(_ context.Context, c connectors.Call) (map[string]any, error) {
	return map[string]any{"said": c.Inputs["text"]}, nil
}

var _ connectors.Connector = (*noop)(nil)
