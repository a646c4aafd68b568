package elementtemplate

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/catalog"
)

const orders = `{"id":"1","name":"orders","actions":{"a":{"id":"1","name":"CREATE","description":"Takes an order.",
	"inputs":[{"id":"1","name":"item","type":"string","required":true,"description":"What."},{"id":"2","name":"count","type":"integer"},
		{"id":"3","name":"gift","type":"boolean"},{"id":"4","name":"paid","type":"boolean","required":true},{"id":"5","name":"address","type":"json"}],
	"outputs":[{"id":"1","name":"number","type":"string","description":"Of the order."},{"id":"2","name":"orders.error","type":"string"}]}}}`

func TestTemplate(t *testing.T) {
	d, err := connectors.ParseDefinition("orders.json", []byte(orders))
	require.NoError(t, err)
	got, err := json.Marshal(Of(d))
	require.NoError(t, err)
	require.JSONEq(t, `[{
		"$schema": "https://unpkg.com/@camunda/element-templates-json-schema/resources/schema.json",
		"name": "orders.CREATE", "id": "io.waybill.orders.CREATE", "description": "Takes an order.",
		"appliesTo": ["bpmn:Task", "bpmn:ServiceTask"], "elementType": {"value": "bpmn:ServiceTask"},
		"groups": [{"id": "inputs", "label": "Inputs"}, {"id": "outputs", "label": "Outputs"}],
		"properties": [
			{"type": "Hidden", "value": "orders.CREATE", "binding": {"type": "property", "name": "implementation"}},
			{"label": "item", "description": "What.", "type": "String", "group": "inputs", "binding": {"type": "camunda:inputParameter", "name": "item"},
				"constraints": {"notEmpty": true}},
			{"label": "count", "description": "An expression, such as ${30}.", "type": "String", "group": "inputs", "binding": {"type": "camunda:inputParameter", "name": "count"},
				"constraints": {"pattern": {"value": "^(\\$\\{[\\s\\S]+\\})?$", "message": "a value of type integer is an expression, such as ${30}"}}},
			{"label": "gift", "type": "Dropdown", "group": "inputs", "binding": {"type": "camunda:inputParameter", "name": "gift"},
				"choices": [{"name": "(not set)", "value": ""}, {"name": "true", "value": "${true}"}, {"name": "false", "value": "${false}"}]},
			{"label": "paid", "type": "Dropdown", "group": "inputs", "binding": {"type": "camunda:inputParameter", "name": "paid"},
				"choices": [{"name": "true", "value": "${true}"}, {"name": "false", "value": "${false}"}], "constraints": {"notEmpty": true}},
			{"label": "address", "description": "An expression, such as ${address}.", "type": "String", "group": "inputs", "binding": {"type": "camunda:inputParameter", "name": "address"},
				"constraints": {"pattern": {"value": "^(\\$\\{[\\s\\S]+\\})?$", "message": "a value of type json is an expression, such as ${address}"}}},
			{"label": "number", "description": "Of the order. Name of the variable that gets it; empty: nobody does.", "type": "String", "group": "outputs",
				"binding": {"type": "camunda:outputParameter", "source": "${number}"}}
		]}]`, string(got))
}

// TestModelerTakesAll has the templates of all connectors checked by what Camunda Modeler checks them with.
func TestModelerTakesAll(t *testing.T) {
	const dir = "testdata/validator"
	missing := ""
	if _, err := exec.LookPath("node"); err != nil {
		missing = "Node.js is not installed"
	} else if _, err := os.Stat(dir + "/node_modules/@bpmn-io/element-templates-validator"); err != nil {
		missing = "the validator is not installed: npm ci --prefix connectors/elementtemplate/" + dir
	}
	if missing != "" {
		require.NotEqual(t, "true", os.Getenv("CI"), missing)
		t.Skip(missing)
	}
	d, err := connectors.ParseDefinition("orders.json", []byte(orders))
	require.NoError(t, err)
	all := Of(d)
	for _, d := range catalog.Definitions() {
		all = append(all, Of(d)...)
	}
	require.NoError(t, check(t, dir, all))
	all[0].Properties[0].Binding.Type = "nonsense"
	require.Error(t, check(t, dir, all), "the validator finds what is wrong")
}

func check(t *testing.T, dir string, templates []Template) error {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	text, err := json.Marshal(templates)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "templates.json")
	require.NoError(t, os.WriteFile(file, text, 0o600))
	command := exec.CommandContext(ctx, "node", "validate.cjs", file)
	command.Dir = dir
	output, err := command.CombinedOutput()
	t.Logf("%s", output)
	return err
}
