package sql

import (
	"context"
	"database/sql"
	_ "embed"
	"fmt"
	"slices"

	"github.com/waybill-io/waybill/connectors"
)

//go:embed sql.json
var definition []byte

// The actions.
const (
	actionSelect = "SELECT"
	actionInsert = "INSERT"
	actionUpdate = "UPDATE"
	actionDelete = "DELETE"
)

// Template is the connector as it is built in.
func Template() connectors.Template {
	return connectors.Template{Definition: connectors.MustParseDefinition("sql.json", definition), New: fromSettings}
}

func fromSettings(i connectors.Instance) (connectors.Connector, error) {
	config := settings(i.Settings, i.Definition.Policy.Timeout)
	if err := i.Settings.Err(); err != nil {
		return nil, err
	}
	db, err := open(config)
	if err != nil {
		return nil, err
	}
	return &connector{definition: i.Definition, config: config, db: db}, nil
}

// connector holds the connections to one database, for the life of the program.
type connector struct {
	definition *connectors.Definition
	config     config
	db         *sql.DB
}

// Definition implements connectors.Connector.
func (c *connector) Definition() *connectors.Definition { return c.definition }

// Call implements connectors.Connector.
func (c *connector) Call(ctx context.Context, call connectors.Call) (map[string]any, error) {
	if !slices.Contains([]string{actionSelect, actionInsert, actionUpdate, actionDelete}, call.Action) {
		return nil, &connectors.Error{Kind: connectors.Permanent, Code: connectors.CodeUnknownAction,
			Public: fmt.Sprintf("%s has no action %q; it has SELECT, INSERT, UPDATE and DELETE", c.definition.Name, call.Action)}
	}
	query, _ := call.Inputs["query"].(string)
	s, err := read(query, call.Action, call.Inputs["params"], c.config.dialect)
	if err == nil {
		s.args, err = bind(s.args, c.config.dialect)
	}
	if err != nil {
		return nil, &connectors.Error{Kind: connectors.BPMN, Code: connectors.CodeInvalidInput, Public: err.Error()}
	}
	var outputs map[string]any
	if call.Action == actionSelect {
		outputs, err = c.read(ctx, s)
	} else {
		outputs, err = c.write(ctx, call, s)
	}
	if err != nil {
		return nil, c.classify(ctx, err)
	}
	return outputs, nil
}

// Warnings implements connectors.Warner.
func (c *connector) Warnings() []string {
	var all []string
	if c.config.table == "" {
		all = append(all, "INSERT, UPDATE and DELETE may be done twice after a broken connection: set SQL_IDEMPOTENCY_TABLE")
	}
	return all
}

var (
	_ connectors.Connector = (*connector)(nil)
	_ connectors.Warner    = (*connector)(nil)
)
