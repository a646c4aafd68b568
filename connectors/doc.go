// Package connectors is the contract between processes and the outside world: what a connector says about itself (its
// Definition, a JSON file that modelling tools read) and what its code does (Connector).
//
// A call goes through Do: the action is looked up, the inputs are checked against the definition, the connector is
// called, and a failure takes the form that the definition's error mode asks for. Connectors classify their own
// failures as *Error; whoever runs them translates the three kinds once. Values are those of JSON: nil, bool, int64 or
// float64, string, []any, map[string]any.
//
// The package knows no particular connector (connectors/catalog lists them), nothing of Temporal and nothing of BPMN
// models. Every connector passes the kit in connectors/connectortest.
package connectors
