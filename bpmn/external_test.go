package bpmn

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Any task that is given a topic is an external one, in every dialect and whatever else it names.
func TestTopics(t *testing.T) {
	for _, dialect := range dialects {
		for _, kind := range []string{"serviceTask", "sendTask", "businessRuleTask"} {
			for _, attributes := range []string{
				`d:type="external"`, `d:type="external-worker"`, ``, `implementation="##WebService"`, `implementation="email.SEND"`, `d:class="com.acme.Ship"`,
				`d:delegateExpression="${ship}"`, `d:expression="${ship.it()}"`,
			} {
				m, err := Parse("m.bpmn", between(`<`+kind+` id="e" xmlns:d="`+dialect+`" `+attributes+` d:topic="ship-${country}"/>`), Options{})
				require.NoError(t, err, attributes)
				n := m.Processes[0].Node("e")
				require.Equal(t, "ship-${country}", n.Topic.Source())
				require.Equal(t, []any{"", false, true}, []any{n.Implementation, n.Java, n.Expression == nil}, attributes)
			}
		}
	}
	m, err := Parse("m.bpmn", between(`<intermediateThrowEvent id="e"><messageEventDefinition camunda:type="external" camunda:topic="ship"/></intermediateThrowEvent>`), Options{})
	require.NoError(t, err)
	require.Equal(t, "ship", m.Processes[0].Node("e").Topic.Source())
}

// payload is an external task of process-engine.
func payload(topic, payload string) []byte {
	return between(`<serviceTask id="e" camunda:type="external" camunda:topic="` + topic + `"><extensionElements><camunda:properties>
		<camunda:property name="payload" value="` + strings.NewReplacer("&", "&amp;", `"`, "&quot;").Replace(payload) + `"/></camunda:properties></extensionElements></serviceTask>`)
}

// A payload over token and identity, or that is a value, is process-engine's. Of others it is a property like any.
func TestPayload(t *testing.T) {
	for text, want := range map[string]string{
		"token.current":                       "(token.current\n)",
		" { a: token.history.Ask.name };\n":   "({ a: token.history.Ask.name }\n)",
		"token":                               "(token\n)",
		"identity.userId + ' // of the house": "(identity.userId + ' // of the house\n)",
		`{"a": 1}`:                            "({\"a\": 1}\n)", "[1, 2]": "([1, 2]\n)", "'text'": "('text'\n)", "12": "(12\n)", "true": "(true\n)", "null": "(null\n)",
		"invoice": "", "a tokenizer": "", "trueish": "", "": "",
	} {
		m, err := Parse("m.bpmn", payload("t", text), Options{})
		require.NoError(t, err)
		p, n := m.Processes[0], m.Processes[0].Node("e")
		require.Contains(t, n.Properties, "payload", "Camunda's workers see it, too")
		if want == "" {
			require.Nil(t, n.Payload, text)
			continue
		}
		require.Equal(t, &Script{Format: "javascript", Source: want}, n.Payload)
		reads := strings.Contains(text, "token") || strings.Contains(text, "identity")
		require.Equal(t, []bool{reads, !reads}, []bool{p.History, n.PayloadPlain}, text)
		m, err = Parse("m.bpmn", payload("t", text), Options{Behaviour: 4})
		require.NoError(t, err)
		require.Nil(t, m.Processes[0].Node("e").Payload)
		require.False(t, m.Processes[0].History)
	}
	for topic, script := range map[string]bool{
		"token.history.Ask.topic": true, "'orders.' + token.current.kind": true, "orders.token.refresh": false, "token.refresh": false, "${token.current}": false,
	} {
		m, err := Parse("m.bpmn", payload(topic, ""), Options{})
		require.NoError(t, err)
		require.Equal(t, script, m.Processes[0].Node("e").TopicScript != nil, topic)
		require.Equal(t, script, m.Processes[0].History, topic)
		require.Equal(t, strings.HasSuffix(topic, "token.refresh"), len(m.Processes[0].Topics()) == 1, "only what is no expression is known before")
	}
	check := func(source string) error {
		if strings.Contains(source, "??") {
			return errors.New("JavaScript, line 1: Unexpected token")
		}
		return nil
	}
	_, err := Parse("m.bpmn", payload("token.current.??", "token ??"), Options{CheckScript: check})
	require.ErrorContains(t, err, `m.bpmn: line 3: serviceTask "e": topic: JavaScript, line 1: Unexpected token`)
	require.ErrorContains(t, err, `m.bpmn: line 3: serviceTask "e": payload: JavaScript, line 1: Unexpected token`)
	_, err = Parse("m.bpmn", payload("t", "{ a ?? }"), Options{CheckScript: check})
	require.NoError(t, err, "it may mean something to somebody else")
}

func TestErrorEventDefinitions(t *testing.T) {
	judged := func(definition string) []byte {
		return between(`<serviceTask id="e" camunda:type="external" camunda:topic="t"><extensionElements>
			<camunda:errorEventDefinition ` + definition + `/></extensionElements></serviceTask>`)
	}
	parse := func(definition string, behaviour int) (*Node, error) {
		m, err := Parse("m.bpmn", []byte(strings.Replace(string(judged(definition)), `<process id="p"`, `<error id="diskE" errorCode="DISK"/><process id="p"`, 1)), Options{Behaviour: behaviour})
		if err != nil {
			return nil, err
		}
		return m.Processes[0].Node("e"), nil
	}
	n, err := parse(`id="d" errorRef="diskE" expression="${externalTask.getErrorDetails().contains('disk')}"`, 0)
	require.NoError(t, err)
	require.Equal(t, "DISK", n.ErrorMappings[0].Code)
	require.True(t, n.Judges())
	n, err = parse(`errorRef="NOT_DECLARED" expression="#{externalTask.retries == 1}"`, 0)
	require.NoError(t, err)
	require.Equal(t, "NOT_DECLARED", n.ErrorMappings[0].Code)
	for definition, want := range map[string]string{
		`expression="${a}"`:                  `errorEventDefinition has no errorRef`,
		`errorRef="diskE"`:                   `errorEventDefinition has no expression: say when the error is thrown, as in ${externalTask.getErrorDetails()`,
		`errorRef="diskE" expression="true"`: `errorEventDefinition: "true" is not an expression`,
		`errorRef="diskE" expression="${execution.setVariable(1,2)}"`: `errorEventDefinition: variables cannot be set here`,
		`errorRef="diskE" expression="${externalTask.getLuck()}"`:     `externalTask has no method getLuck; it has getters without arguments for activityId businessKey errorDetails`,
		`errorRef="diskE" expression="${a"`:                           `errorEventDefinition`,
	} {
		_, err := parse(definition, 0)
		require.ErrorContains(t, err, `m.bpmn: line 3: serviceTask "e": `, definition)
		require.ErrorContains(t, err, want, definition)
	}
	for _, definition := range []string{`errorRef="diskE"`, `errorRef="diskE" expression="true"`} {
		_, err := parse(definition, 4)
		require.NoError(t, err, "it was deployed so")
	}
	m, err := Parse("m.bpmn", between(`<serviceTask id="e" camunda:class="com.acme.X"><extensionElements><camunda:mapException errorCode="E"/></extensionElements></serviceTask>`), Options{})
	require.NoError(t, err)
	require.False(t, m.Processes[0].Node("e").Judges())
}
