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

	"github.com/waybill-io/waybill/bpmn"
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

// dir has what Camunda Modeler is made of.
const dir = "testdata/modeler"

func needModeler(t *testing.T) {
	t.Helper()
	missing := ""
	if _, err := exec.LookPath("node"); err != nil {
		missing = "Node.js is not installed"
	} else if _, err := os.Stat(dir + "/node_modules/@bpmn-io/element-templates-validator"); err != nil {
		missing = "what the Modeler is made of is not installed: npm ci --ignore-scripts --prefix connectors/elementtemplate/" + dir
	}
	if missing != "" {
		require.NotEqual(t, "true", os.Getenv("CI"), missing)
		t.Skip(missing)
	}
}

// TestModelerTakesAll has the templates of all connectors checked by what Camunda Modeler checks them with.
func TestModelerTakesAll(t *testing.T) {
	needModeler(t)
	d, err := connectors.ParseDefinition("orders.json", []byte(orders))
	require.NoError(t, err)
	all := Of(d)
	for _, d := range catalog.Definitions() {
		all = append(all, Of(d)...)
	}
	require.NoError(t, check(t, all))
	all[0].Properties[0].Binding.Type = "nonsense"
	require.Error(t, check(t, all), "the validator finds what is wrong")
}

func check(t *testing.T, templates []Template) error {
	output, err := node(t, "node", "validate.cjs", save(t, templates))
	t.Logf("%s", output)
	return err
}

func save(t *testing.T, templates []Template) string {
	text, err := json.Marshal(templates)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "templates.json")
	require.NoError(t, os.WriteFile(file, text, 0o600))
	return file
}

func node(t *testing.T, program string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, program, args...)
	command.Dir = dir
	return command.CombinedOutput()
}

// TestModelerMakesACall has Camunda Modeler's own code apply templates, and reads what it has drawn.
func TestModelerMakesACall(t *testing.T) {
	needModeler(t)
	program := filepath.Join(t.TempDir(), "apply.mjs")
	output, err := node(t, "node_modules/.bin/esbuild", "apply.mjs", "--bundle", "--platform=node", "--format=esm", "--log-level=error", "--outfile="+program)
	require.NoError(t, err, "%s", output)
	d, err := connectors.ParseDefinition("orders.json", []byte(orders))
	require.NoError(t, err)
	drawn, err := node(t, "node", program, save(t, Of(d)), `{"item":"pen for ${customer}","count":"${2}","paid":"${true}","number":"order"}`)
	require.NoError(t, err, "%s", drawn)
	m, err := bpmn.Parse("drawn.bpmn", drawn, bpmn.Options{})
	require.NoError(t, err, "%s", drawn)
	task := m.Processes[0].Node("t")
	require.Equal(t, bpmn.ServiceTask, task.Kind)
	require.Equal(t, "orders.CREATE", task.Implementation)
	var inputs []string
	for _, in := range task.Mapping.Inputs {
		inputs = append(inputs, in.Name)
	}
	require.Equal(t, []string{"count", "item", "paid"}, inputs, "fields that were left empty are no inputs")
	require.Len(t, task.Mapping.Outputs, 1)
	require.Equal(t, "order", task.Mapping.Outputs[0].Name)
	require.Equal(t, "${number}", task.Mapping.Outputs[0].Expr.Source())

	for _, d := range catalog.Definitions() { // whatever fields they have
		for _, template := range Of(d) {
			drawn, err := node(t, "node", program, save(t, []Template{template}), `{}`)
			require.NoError(t, err, "%s: %s", template.Name, drawn)
			m, err := bpmn.Parse("drawn.bpmn", drawn, bpmn.Options{})
			require.NoError(t, err, "%s: %s", template.Name, drawn)
			require.Equal(t, template.Name, m.Processes[0].Node("t").Implementation)
		}
	}
}
