package bpmn

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const callWithParameters = `<serviceTask id="e" implementation="a.B"><extensionElements xmlns:camunda="http://camunda.org/schema/1.0/bpmn"><camunda:inputOutput>
	<camunda:inputParameter name="who">${customer}</camunda:inputParameter><camunda:inputParameter name="kind">gift</camunda:inputParameter>
	<camunda:inputParameter name="left"/><camunda:inputParameter name="dollar">\${x}</camunda:inputParameter>
	<camunda:outputParameter name="kind">${number}</camunda:outputParameter></camunda:inputOutput></extensionElements></serviceTask>`

func TestParametersOfACallAreItsMapping(t *testing.T) {
	m, err := Parse("m.bpmn", between(callWithParameters), Options{})
	require.NoError(t, err)
	n := m.Processes[0].Node("e")
	require.Len(t, n.Inputs, 4, "they stay variables of the task")
	require.Empty(t, n.Outputs)
	require.True(t, n.Mapping.Creates)
	require.Equal(t, []Param{{Name: "dollar", Variable: "dollar"}, {Name: "kind", Value: "gift"}, {Name: "who", Variable: "who"}}, n.Mapping.Inputs)
	require.Equal(t, "${number}", n.Mapping.Outputs[0].Expr.Source())
	require.Contains(t, codes(Lint(m)), "local-output")

	all, err := Parse("m.bpmn", between(callWithParameters), Options{MapDefault: MapAll})
	require.NoError(t, err)
	require.Nil(t, all.Processes[0].Node("e").Mapping, "everything goes in and comes out")
	require.Len(t, all.Processes[0].Node("e").Outputs, 1)

	own, err := Parse("m.bpmn", between(callWithParameters), Options{Extensions: []byte(`{"mappings":{"e":{"inputs":{}}}}`)})
	require.NoError(t, err)
	require.Equal(t, &Mapping{}, own.Processes[0].Node("e").Mapping, "an entry of the extensions file is all there is")

	constants, err := Parse("m.bpmn", between(callWithParameters), Options{Extensions: []byte(`{"constants":{"e":{"c":{"value":1}}}}`)})
	require.NoError(t, err)
	require.Len(t, constants.Processes[0].Node("e").Mapping.Inputs, 3)
	require.Equal(t, []Param{{Name: "c", Value: int64(1)}}, constants.Processes[0].Node("e").Mapping.Constants)
}

func TestFieldsOfATemplateThatNobodyFilledIn(t *testing.T) {
	task := func(attr string) []byte {
		return between(`<serviceTask id="e" implementation="a.B" xmlns:camunda="http://camunda.org/schema/1.0/bpmn"` + attr + `><extensionElements><camunda:inputOutput>
			<camunda:inputParameter name="to"/><camunda:outputParameter>${number}</camunda:outputParameter></camunda:inputOutput></extensionElements></serviceTask>`)
	}
	_, err := Parse("m.bpmn", task(""), Options{})
	require.ErrorContains(t, err, "outputParameter has no name")
	m, err := Parse("m.bpmn", task(` camunda:modelerTemplate="x"`), Options{})
	require.NoError(t, err)
	require.Empty(t, m.Processes[0].Node("e").Inputs)
	require.Empty(t, m.Processes[0].Node("e").Outputs)
}
