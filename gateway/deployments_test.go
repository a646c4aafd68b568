package gateway

import (
	"context"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors/catalog"
	"github.com/waybill-io/waybill/external"
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

// versions answers with the process that is deployed.
type versions struct {
	temporal.Client
	deployed contract.Definition
}

func (v versions) QueryWorkflow(_ context.Context, id, _, _ string, _ ...any) (converter.EncodedValue, error) {
	if id != contract.DefinitionID(v.deployed.Key) {
		return nil, serviceerror.NewNotFound("no such workflow")
	}
	return v, nil
}

func (v versions) HasValue() bool { return true }

func (v versions) Get(into any) error {
	text, err := json.Marshal(v.deployed)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// Keys are unique over all tenants: who may deploy for one must not take the process of another.
func TestProcessOfAnotherTenant(t *testing.T) {
	t.Parallel()
	acme := "acme"
	for _, c := range []struct {
		deployed contract.Definition
		refused  bool
	}{
		{contract.Definition{Key: "calls", Tenant: "other"}, true},
		{contract.Definition{Key: "calls"}, true},
		{contract.Definition{Key: "calls", Tenant: "acme"}, false},
		{contract.Definition{Key: "another", Tenant: "other"}, false},
	} {
		o := Options{Client: client.New(versions{deployed: c.deployed}), Connectors: catalog.Definitions()}
		err := o.ofTenant(t.Context(), "calls", acme)
		if !c.refused {
			require.NoError(t, err, c.deployed)
			continue
		}
		require.ErrorIs(t, err, external.ErrForbidden)
		_, err = o.deployFiles(t.Context(), []camunda.File{{Name: "calls.bpmn", Data: []byte(calls)}, {Name: "warehouse.json", Data: []byte(warehouse)}}, acme, external.Scope{Tenant: &acme})
		require.ErrorIs(t, err, external.ErrForbidden)
	}
}
