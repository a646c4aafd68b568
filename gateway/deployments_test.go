package gateway

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors/catalog"
	"github.com/waybill-io/waybill/gateway/camunda"
	"github.com/waybill-io/waybill/project"
)

const calls = `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t"><process id="calls" isExecutable="true"><startEvent id="s"/>
	<sequenceFlow id="a" sourceRef="s" targetRef="w"/><serviceTask id="w" implementation="warehouse.RESERVE"/></process></definitions>`

const warehouse = `{"id":"warehouse","name":"warehouse","actions":{"reserve":{"id":"reserve","name":"RESERVE","inputs":[{"id":"item","name":"item","type":"string"}]}}}`

func TestFilesAreLoadedAsAFolder(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	options := project.Options{BuiltIn: catalog.Definitions(), Tenant: "acme"}
	file := func(name, data string) camunda.File { return camunda.File{Name: name, Data: []byte(data)} }
	p, err := loadFiles([]camunda.File{file("calls.bpmn", calls), file("warehouse.json", warehouse), file("readme.txt", "x"), file("order.form", "{}")}, options)
	require.NoError(t, err)
	require.Len(t, p.Definitions, 1)
	require.Equal(t, []string{"calls", "acme", "calls.bpmn"}, []string{p.Definitions[0].Key, p.Definitions[0].Tenant, p.Definitions[0].File})
	require.Contains(t, p.Definitions[0].Connectors, "warehouse.RESERVE")

	for _, c := range []struct {
		files                  []camunda.File
		file, message, element string
		line                   int
	}{
		{[]camunda.File{file("calls.bpmn", calls)}, "calls.bpmn", `calls.bpmn: line 2: serviceTask "w": unknown connector "warehouse"`, "w", 2},
		{[]camunda.File{file("calls.bpmn", calls), file("warehouse.json", `{"name":"warehouse","actions":{"reserve":{}}}`)}, "warehouse.json", "warehouse.json: ", "", 0},
		{[]camunda.File{file("a.txt", "x")}, "a.txt", "nothing to deploy", "", 0},
		{[]camunda.File{file(".hidden", "x")}, ".hidden", "nothing to deploy", "", 0},
		{[]camunda.File{file("a.bpmn", "<definitions")}, "a.bpmn", "a.bpmn: line 1: not well-formed XML", "", 1},
	} {
		_, err := loadFiles(c.files, options)
		var wrong *camunda.FindingsError
		require.ErrorAs(t, err, &wrong)
		f := wrong.Errors[0]
		require.Contains(t, f.Message, c.message)
		require.NotContains(t, f.Message, os.TempDir())
		require.Equal(t, []any{c.file, c.element, c.line}, []any{f.File, f.Element, f.Line}, f.Message)
	}
	left, err := os.ReadDir(os.TempDir())
	require.NoError(t, err)
	require.Empty(t, left, "the files are gone")
}
