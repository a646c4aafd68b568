package bpmn

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// An instance reads its model anew at each replay, so what an attribute means stays what it was when the instance began.
func TestModelsOfEarlierBehaviour(t *testing.T) {
	parameters := `<serviceTask id="e" implementation="orders.PLACE"><extensionElements><camunda:inputOutput>
		<camunda:inputParameter name="item">pen</camunda:inputParameter><camunda:outputParameter name="placed">${status}</camunda:outputParameter>
		</camunda:inputOutput></extensionElements></serviceTask>`
	node := func(task string, behaviour int, extensions string) *Node {
		t.Helper()
		m, err := Parse("m.bpmn", between(task), Options{Behaviour: behaviour, Extensions: []byte(extensions)})
		require.NoError(t, err)
		return m.Processes[0].Node("e")
	}
	for _, behaviour := range []int{1, 2} {
		n := node(parameters, behaviour, "")
		require.Nil(t, n.Mapping)
		require.Len(t, n.Outputs, 1)
	}
	for _, behaviour := range []int{0, 3} {
		n := node(parameters, behaviour, "")
		require.NotNil(t, n.Mapping)
		require.Empty(t, n.Outputs)
	}

	http := `<serviceTask id="e" activiti:type="http"><extensionElements><activiti:field name="requestUrl" stringValue="u"/>
		<activiti:field name="requestBody" stringValue="told"/></extensionElements></serviceTask>`
	n := node(http, 2, "")
	require.Equal(t, []Param{{Name: "body", Value: "told"}, {Name: "url", Value: "u"}}, n.Mapping.Constants)
	require.Nil(t, n.ResultNames)
	n = node(`<serviceTask id="e"><extensionElements><camunda:connector><camunda:connectorId>http-connector</camunda:connectorId><camunda:inputOutput>
		<camunda:inputParameter name="url">u</camunda:inputParameter><camunda:outputParameter name="code">${statusCode}</camunda:outputParameter>
		</camunda:inputOutput></camunda:connector></extensionElements></serviceTask>`, 2, "")
	require.Equal(t, "url", n.Mapping.Constants[0].Name)
	require.Len(t, n.Mapping.Constants, 1)
	require.Nil(t, n.ResultNames)
	require.Len(t, n.Mapping.Outputs, 1)
}
