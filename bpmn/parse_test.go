package bpmn

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// model wraps the children of a process; line 3 is the first of them.
func model(body string) []byte {
	return []byte(`<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" xmlns:activiti="http://activiti.org/bpmn" xmlns:x="urn:x">
<message id="m" name="M"/><message id="nameless"/><process id="p" isExecutable="true">
` + body + "\n</process></definitions>")
}

// process is a model whose process has an id.
func process(id string) []byte {
	return []byte(strings.Replace(string(model(`<startEvent id="s"/>`)), `id="p"`, `id="`+id+`"`, 1))
}

// between puts one element between a start and an end event; it stands in line 3 and must have the id "e".
func between(e string) []byte {
	return model(e + `
<startEvent id="s"/><sequenceFlow id="in" sourceRef="s" targetRef="e"/><sequenceFlow id="out" sourceRef="e" targetRef="end"/><endEvent id="end"/>`)
}

// task puts a boundary event on a task; it stands in line 3.
func boundary(e string) []byte {
	return model(e + `
<startEvent id="s"/><sequenceFlow id="in" sourceRef="s" targetRef="t"/><userTask id="t"/><endEvent id="end"/><sequenceFlow id="late" sourceRef="e" targetRef="end"/>`)
}

func TestAccepted(t *testing.T) {
	tests := map[string][]byte{
		"all kinds of changes":     between(`<intermediateCatchEvent id="e"><conditionalEventDefinition camunda:variableEvents="update, create"><condition>${x}</condition></conditionalEventDefinition></intermediateCatchEvent>`),
		"send task":                between(`<sendTask id="e" implementation="email.SEND"/>`),
		"empty condition":          model(`<startEvent id="s"/><endEvent id="e"/><sequenceFlow id="f" sourceRef="s" targetRef="e"><conditionExpression/></sequenceFlow>`),
		"XPath named, JUEL meant":  model(`<startEvent id="s"/><endEvent id="e"/><sequenceFlow id="f" sourceRef="s" targetRef="e"><conditionExpression language="http://www.w3.org/1999/XPath">${a}</conditionExpression></sequenceFlow>`),
		"constant condition":       model(`<startEvent id="s"/><endEvent id="e"/><sequenceFlow id="f" sourceRef="s" targetRef="e"><conditionExpression>true</conditionExpression></sequenceFlow>`),
		"receive without message":  between(`<receiveTask id="e"/>`),
		"prefixed references":      []byte(`<b:definitions xmlns:b="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:t="urn:t"><b:message id="m" name="M"/><b:process id="p"><b:startEvent id="s"><b:messageEventDefinition messageRef="t:m"/></b:startEvent></b:process></b:definitions>`),
		"foreign elements":         between(`<x:subProcess id="q"/><task id="e" x:class="no"><extensionElements><x:executionListener/></extensionElements></task>`),
		"what has no meaning":      between(`<task id="e"/><ioSpecification/><dataObject id="d"/><dataStoreReference id="ds"/><group id="g"/><textAnnotation id="ta"/><association id="as"/><property id="pr"/><laneSet id="l"/>`),
		"async and exclusive":      between(`<serviceTask id="e" implementation="a.B" camunda:asyncBefore="true" activiti:exclusive="false" activiti:async="true"/>`),
		"retry without waiting":    between(`<serviceTask id="e" implementation="a.B" activiti:failedJobRetryTimeCycle="R3/PT0S"/>`),
		"timer by expression":      between(`<intermediateCatchEvent id="e"><timerEventDefinition><timeDuration>${when}</timeDuration></timerEventDefinition></intermediateCatchEvent>`),
		"a drawn pool besides":     []byte(`<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p"><startEvent id="s"/></process><process id="q"><task id="only"/></process></definitions>`),
		"an uncontrolled split":    model(`<startEvent id="s"/><task id="a"/><task id="b"/><sequenceFlow id="f" sourceRef="s" targetRef="a"/><sequenceFlow id="g" sourceRef="s" targetRef="b"/>`),
		"multiple start events":    model(`<startEvent id="s"/><startEvent id="r"><messageEventDefinition messageRef="m"/></startEvent><startEvent id="q"><timerEventDefinition><timeDate>2026-01-01</timeDate></timerEventDefinition></startEvent>`),
		"external task":            between(`<serviceTask id="e" camunda:type="external" camunda:topic="t"/>`),
		"Java":                     between(`<serviceTask id="e" camunda:class="com.acme.X" camunda:resultVariable="r"/>`),
		"instantiating receive":    model(`<receiveTask id="e" messageRef="m" instantiate="true"/>`),
		"escalation for any code":  boundary(`<boundaryEvent id="e" attachedToRef="t"><escalationEventDefinition/></boundaryEvent>`),
		"a data object w/o value":  between(`<task id="e"/><dataObject id="d"><extensionElements><x:value>1</x:value></extensionElements></dataObject>`),
		"interrupting timer cycle": boundary(`<boundaryEvent id="e" attachedToRef="t"><timerEventDefinition><timeCycle>R3/PT1M</timeCycle></timerEventDefinition></boundaryEvent>`),
	}
	for name, src := range tests {
		t.Run(name, func(t *testing.T) {
			m, err := Parse("m.bpmn", src, Options{})
			require.NoError(t, err)
			require.Len(t, m.Processes, 1)
		})
	}
}

func TestRefused(t *testing.T) {
	const timer = `<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>`
	tests := []struct {
		name string
		src  []byte
		want string
	}{
		// elements
		{"complex gateway", between(`<complexGateway id="e"/>`), `line 3: complexGateway "e": complex gateways are not supported`},
		{"empty sub-process", between(`<subProcess id="e"><task id="e1"/></subProcess>`), `line 3: subProcess "e": a sub-process begins at one start event, this one has 0`},
		{"sub-process with two starts", between(`<subProcess id="e"><startEvent id="e1"/><startEvent id="e2"/></subProcess>`), `this one has 2`},
		{"sub-process that begins with a message", between(`<subProcess id="e"><startEvent id="e1"><messageEventDefinition messageRef="m"/></startEvent></subProcess>`), `has no event definition, unless triggeredByEvent`},
		{"event sub-process without an event", model(`<startEvent id="s"/><subProcess id="e" triggeredByEvent="true"><startEvent id="e1"/></subProcess>`), `exactly one start event, with an event definition`},
		{"flow to an event sub-process", between(`<subProcess id="e" triggeredByEvent="true"><startEvent id="e1"><messageEventDefinition messageRef="m"/></startEvent></subProcess>`), `no flow may lead to or leave an event sub-process`},
		{"ad-hoc with a start", between(`<adHocSubProcess id="e"><startEvent id="e1"/></adHocSubProcess>`), `an ad-hoc sub-process has no start event`},
		{"flow into a sub-process", between(`<subProcess id="e"><startEvent id="e1"/><task id="e2"/></subProcess><sequenceFlow id="x" sourceRef="s" targetRef="e2"/>`), `sequenceFlow "x": leads from "s" into or out of a sub-process`},
		{"call of nothing", between(`<callActivity id="e"/>`), `callActivity "e": has no calledElement`},
		{"call by id", between(`<callActivity id="e" calledElement="p" activiti:calledElementType="id"/>`), `calledElementType="id" is not supported`},
		{"call of a version", between(`<callActivity id="e" calledElement="p" camunda:calledElementBinding="version"/>`), `needs calledElementVersion`},
		{"call with a mapping in Java", between(`<callActivity id="e" calledElement="p" camunda:variableMappingClass="com.acme.M"/>`), `a mapping in Java`},
		{"call with half a mapping", between(`<callActivity id="e" calledElement="p"><extensionElements><camunda:in target="x"/></extensionElements></callActivity>`), `in: set source`},
		{"event gateway to an end", between(`<eventBasedGateway id="e"/>`), `flow "out" leads to "end": catch events and receive tasks follow`},
		{"parallel event gateway", model(`<eventBasedGateway id="e" instantiate="true" eventGatewayType="Parallel"/>`), `eventGatewayType="Parallel" is not supported`},
		{"gateway that starts in the middle", between(`<eventBasedGateway id="e" instantiate="true"/>`), `is at its beginning`},
		{"multi-instance over nothing", between(`<userTask id="e"><multiInstanceLoopCharacteristics/></userTask>`), `set loopCardinality or a collection`},
		{"cardinality", between(`<userTask id="e"><multiInstanceLoopCharacteristics><loopCardinality>many</loopCardinality></multiInstanceLoopCharacteristics></userTask>`), `loopCardinality: this text is not an integer`},
		{"element variable", between(`<userTask id="e"><multiInstanceLoopCharacteristics activiti:collection="a" activiti:elementVariable="${x}"/></userTask>`), `want the name of a variable`},
		{"loop for ever", between(`<userTask id="e"><standardLoopCharacteristics/></userTask>`), `else it never ends`},
		{"handler in the flow", between(`<task id="e" isForCompensation="true"/>`), `or a compensation handler`},
		{"data object of a Java type", between(`<task id="e"/><dataObject id="d" itemSubjectRef="xsd:QName"><extensionElements><activiti:value>1</activiti:value></extensionElements></dataObject>`), `dataObject "d": value: the type "QName" is not supported`},
		{"data object value", between(`<task id="e"/><dataObject id="d" itemSubjectRef="xsd:int"><extensionElements><activiti:value>one</activiti:value></extensionElements></dataObject>`), `"one" is no int`},
		{"unknown element", between(`<tusk id="e"/>`), `line 3: tusk "e": this element is not supported inside a process`},
		{"quantity", between(`<task id="e" startQuantity="2"/>`), `startQuantity="2" is not supported`},

		// events
		{"signal of no name", model(`<startEvent id="s"><signalEventDefinition/></startEvent>`), `line 3: startEvent "s": names no signal: set signalRef`},
		{"unknown signal", model(`<startEvent id="s"><signalEventDefinition signalRef="m"/></startEvent>`), `signalRef "m": there is no signal with this id`},
		{"error start of a process", model(`<startEvent id="s"><errorEventDefinition/></startEvent>`), `errorEventDefinition is not supported here; supported are none, message, timer, signal and conditional start events`},
		{"error without a code", model(`<startEvent id="s"/><endEvent id="e"><errorEventDefinition/></endEvent>`), `endEvent "e": throws an error without a code`},
		{"escalation without a code", model(`<startEvent id="s"/><endEvent id="e"><escalationEventDefinition/></endEvent>`), `throws an escalation without a code`},
		{"cancel outside", model(`<startEvent id="s"/><endEvent id="e"><cancelEventDefinition/></endEvent>`), `only a transaction can be cancelled`},
		{"cancel without a way out", between(`<transaction id="e"><startEvent id="e1"/><endEvent id="e2"><cancelEventDefinition/></endEvent></transaction>`), `has no cancel boundary event`},
		{"cancel boundary of a task", boundary(`<boundaryEvent id="e" attachedToRef="t"><cancelEventDefinition/></boundaryEvent>`), `only a transaction is left by a cancel event`},
		{"compensation without a handler", boundary(`<boundaryEvent id="e" attachedToRef="t"><compensateEventDefinition/></boundaryEvent>`), `no association leads from this event to a handler`},
		{"handler that is none", boundary(`<boundaryEvent id="e" attachedToRef="t"><compensateEventDefinition/></boundaryEvent><task id="h"/><association sourceRef="e" targetRef="h"/>`), `needs isForCompensation="true"`},
		{"compensation of an event", between(`<intermediateThrowEvent id="e"><compensateEventDefinition activityRef="s"/></intermediateThrowEvent>`), `activityRef "s" is not an activity`},
		{"condition that is none", between(`<intermediateCatchEvent id="e"><conditionalEventDefinition/></intermediateCatchEvent>`), `has no condition`},
		{"condition with effects", between(`<intermediateCatchEvent id="e"><conditionalEventDefinition><condition>${execution.setVariable('a', 1)}</condition></conditionalEventDefinition></intermediateCatchEvent>`), `condition: variables cannot be set here`},
		{"link to nowhere", model(`<startEvent id="s"/><sequenceFlow id="f" sourceRef="s" targetRef="e"/><intermediateThrowEvent id="e"><linkEventDefinition name="L"/></intermediateThrowEvent>`), `link "L": there must be one catching link event`},
		{"throw timer", between(`<intermediateThrowEvent id="e">` + timer + `</intermediateThrowEvent>`), `timerEventDefinition is not supported here`},
		{"referred definition", between(`<intermediateCatchEvent id="e"><eventDefinitionRef>x</eventDefinitionRef></intermediateCatchEvent>`), `eventDefinitionRef "x": there is no event definition with this id`},
		{"boundary of an event", boundary(`<boundaryEvent id="e" attachedToRef="s">` + timer + `</boundaryEvent>`), `attachedToRef "s" is not an activity`},
		{"cron", model(`<startEvent id="s"><timerEventDefinition><timeCycle>0 0/5 * * * 9</timeCycle></timerEventDefinition></startEvent>`), `startEvent "s": timeCycle: cron expression`},
		{"end date", model(`<startEvent id="s"><timerEventDefinition><timeCycle activiti:endDate="soon">R/PT1M</timeCycle></timerEventDefinition></startEvent>`), `endDate: "soon" is not an ISO 8601 date`},
		{"catch none", between(`<intermediateCatchEvent id="e"/>`), `line 3: intermediateCatchEvent "e": has no event definition`},
		{"catch terminate", between(`<intermediateCatchEvent id="e"><terminateEventDefinition/></intermediateCatchEvent>`), `terminateEventDefinition is not supported here`},
		{"two definitions", between(`<intermediateCatchEvent id="e">` + timer + timer + `</intermediateCatchEvent>`), `has 2 event definitions`},
		{"dangling boundary", boundary(`<boundaryEvent id="e" attachedToRef="nowhere">` + timer + `</boundaryEvent>`), `line 3: boundaryEvent "e": attachedToRef "nowhere": the process has no such element`},
		{"boundary of nothing", boundary(`<boundaryEvent id="e">` + timer + `</boundaryEvent>`), `has no attachedToRef`},
		{"cancelActivity", boundary(`<boundaryEvent id="e" attachedToRef="t" cancelActivity="no">` + timer + `</boundaryEvent>`), `cancelActivity="no": want true or false`},
		{"no timer value", between(`<intermediateCatchEvent id="e"><timerEventDefinition/></intermediateCatchEvent>`), `a timer needs exactly one of`},
		{"empty timer value", between(`<intermediateCatchEvent id="e"><timerEventDefinition><timeDate> </timeDate></timerEventDefinition></intermediateCatchEvent>`), `timeDate is empty`},
		{"two timer values", between(`<intermediateCatchEvent id="e"><timerEventDefinition><timeDuration>PT1H</timeDuration><timeDate>2026-01-01</timeDate></timerEventDefinition></intermediateCatchEvent>`), `this one has 2`},
		{"bad duration", between(`<intermediateCatchEvent id="e"><timerEventDefinition><timeDuration>1 hour</timeDuration></timerEventDefinition></intermediateCatchEvent>`), `timeDuration: "1 hour" is not an ISO 8601 duration`},
		{"calendar", between(`<intermediateCatchEvent id="e"><timerEventDefinition activiti:businessCalendarName="c"><timeDuration>PT1M</timeDuration></timerEventDefinition></intermediateCatchEvent>`), `businessCalendarName="c" is not supported`},
		{"no message", model(`<startEvent id="s"><messageEventDefinition/></startEvent>`), `set messageRef`},
		{"unknown message", between(`<receiveTask id="e" messageRef="n"/>`), `receiveTask "e": messageRef "n": there is no message`},
		{"nameless message", between(`<receiveTask id="e" messageRef="nameless"/>`), `the message in line 2 has no name`},

		// tasks
		{"property that execution lacks", between(`<userTask id="e" name="${execution.tenant}"/>`), `line 3: userTask "e": name: expression, offset 12: execution has no property tenant; it has businessKey`},
		{"getter that execution lacks", between(`<userTask id="e" name="${execution.getParentId()}"/>`), `execution has no property parentId`},
		{"method of a result", between(`<serviceTask id="e" activiti:expression="${list.add(1)}"/><scriptTask id="make" scriptFormat="js" activiti:resultVariable="list"><script>[]</script></scriptTask>`), `line 3: serviceTask "e": expression calls list.add, but list is a variable, which has no such method`},
		{"authenticated user", between(`<userTask id="e" activiti:assignee="${authenticatedUserId}"/>`), `line 3: userTask "e": assignee: authenticatedUserId is not supported: nobody is logged in`},
		{"current user", between(`<userTask id="e" camunda:assignee="${currentUser()}"/>`), `there is no function currentUser`},
		{"current user's advice", between(`<userTask id="e" camunda:assignee="${currentUser()}"/>`), `set initiator="starter" on the start event and write ${starter}`},
		{"listener that changes a complete task", between(`<userTask id="e"><extensionElements><camunda:taskListener event="complete" expression="${task.setAssignee('ann')}"/></extensionElements></userTask>`), `line 3: userTask "e": taskListener for complete changes the task`},
		{"script that changes a complete task", between(`<userTask id="e"><extensionElements><camunda:taskListener event="all"><camunda:script scriptFormat="javascript">task.setName('x')</camunda:script></camunda:taskListener></extensionElements></userTask>`), `taskListener for all changes the task`},
		{"change of a task elsewhere", between(`<userTask id="e" camunda:assignee="x"/><sequenceFlow id="f" sourceRef="e" targetRef="end"><conditionExpression>${task.setAssignee('ann')}</conditionExpression></sequenceFlow>`), `cannot be set here`},
		{"local result", between(`<serviceTask id="e" activiti:expression="${1}" activiti:resultVariable="r" activiti:useLocalScopeForResultVariable="true"/>`), `useLocalScopeForResultVariable="true" is not supported: put the task into a sub-process`},
		{"transient result", between(`<serviceTask id="e" activiti:expression="${1}" activiti:resultVariable="r" activiti:storeResultVariableAsTransient="true"/>`), `storeResultVariableAsTransient="true" is not supported`},
		{"id of a task in a variable", between(`<userTask id="e" activiti:taskIdVariableName="t"/>`), `taskIdVariableName="t" is not supported: list the tasks of the instance`},
		{"id of a called process", between(`<callActivity id="e" calledElement="q" activiti:processInstanceIdVariableName="t"/>`), `processInstanceIdVariableName="t" is not supported: give the called process a business key`},
		{"completer by expression", between(`<userTask id="e" activiti:taskCompleterVariableName="${t}"/>`), `want the name of a variable`},
		{"condition on creation", between(`<intermediateCatchEvent id="e"><conditionalEventDefinition camunda:variableName="x" camunda:variableEvents="create"><condition>${x}</condition></conditionalEventDefinition></intermediateCatchEvent>`), `variableEvents="create" is not supported: the event hears of every change`},
		{"delegate that is no bean", between(`<sendTask id="e" activiti:delegateExpression="${a.b()}"/>`), `want the name of a bean`},
		{"external task without a topic", between(`<serviceTask id="e" camunda:type="external"/>`), `an external task needs a topic`},
		{"shell task", between(`<serviceTask id="e" activiti:type="shell"/>`), `type="shell" is not supported`},
		{"http task with a timeout in words", between(`<serviceTask id="e" activiti:type="http"><extensionElements><activiti:field name="requestTimeout" stringValue="5s"/></extensionElements></serviceTask>`), `field "requestTimeout": want a whole number`},
		{"http task that fails on statuses", between(`<serviceTask id="e" activiti:type="http"><extensionElements><activiti:field name="failStatusCodes" stringValue="404"/></extensionElements></serviceTask>`), `such statuses are BPMN errors`},
		{"http task that ignores failures", between(`<serviceTask id="e" activiti:type="http"><extensionElements><activiti:field name="ignoreException" stringValue="true"/></extensionElements></serviceTask>`), `field "ignoreException" is not supported: turn failures into a BPMN error with mapException`},
		{"http task with prefixed results", between(`<serviceTask id="e" activiti:type="http"><extensionElements><activiti:field name="resultVariablePrefix" stringValue="r"/></extensionElements></serviceTask>`), `map the connector's outputs in the extensions file`},
		{"http task with a strange field", between(`<serviceTask id="e" activiti:type="http"><extensionElements><activiti:field name="colour" stringValue="r"/></extensionElements></serviceTask>`), `the connector rest.GET has nothing for it; it has requestBody requestHeaders requestTimeout requestUrl`},
		{"mail task with an expression for a variable", between(`<serviceTask id="e" activiti:type="mail"><extensionElements><activiti:field name="textVar" stringValue="${a}"/></extensionElements></serviceTask>`), `field "textVar": want the name of a variable`},
		{"mail task with a strange field", between(`<serviceTask id="e" activiti:type="mail"><extensionElements><activiti:field name="priority" stringValue="1"/></extensionElements></serviceTask>`), `field "priority": the connector email.SEND has nothing for it`},
		{"connector", between(`<serviceTask id="e"><extensionElements><camunda:connector><camunda:connectorId>soap-http-connector</camunda:connectorId></camunda:connector></extensionElements></serviceTask>`), `connector "soap-http-connector" is not supported`},
		{"decision", between(`<businessRuleTask id="e" camunda:decisionRef="d"/>`), `decisionRef="d" is not supported: DMN decisions come later`},
		{"rule without work", between(`<businessRuleTask id="e"/>`), `businessRuleTask "e": has no implementation`},
		{"listener in Java", between(`<userTask id="e"><extensionElements><camunda:taskListener event="create" class="com.acme.L"/></extensionElements></userTask>`), `taskListener with class="com.acme.L" is not supported: write it as an expression or a script`},
		{"listener of a bean", between(`<userTask id="e"><extensionElements><camunda:executionListener event="start" expression="${bean.go()}"/></extensionElements></userTask>`), `calls the Java method bean.go`},
		{"listener of nothing", between(`<userTask id="e"><extensionElements><camunda:executionListener event="take" expression="${a}"/></extensionElements></userTask>`), `event "take" does not happen here`},
		{"listener in Groovy", between(`<userTask id="e"><extensionElements><camunda:executionListener event="end"><camunda:script scriptFormat="groovy">x</camunda:script></camunda:executionListener></extensionElements></userTask>`), `Groovy is not supported`},
		{"parameter without a name", between(`<userTask id="e"><extensionElements><camunda:inputOutput><camunda:inputParameter>1</camunda:inputParameter></camunda:inputOutput></extensionElements></userTask>`), `inputParameter has no name`},
		{"no implementation", between(`<serviceTask id="e"/>`), `line 3: serviceTask "e": has no implementation: set implementation="connector.ACTION"`},
		{"web service", between(`<serviceTask id="e" implementation="##WebService"/>`), `has no implementation`},
		{"implementation with expression", between(`<serviceTask id="e" implementation="${x}"/>`), `it names a connector.ACTION`},
		{"triggerable", between(`<serviceTask id="e" implementation="a.B" activiti:triggerable="true"/>`), `triggerable is not supported`},
		{"skip", between(`<userTask id="e" activiti:skipExpression="${x}"/>`), `skipExpression="${x}" is not supported: use an exclusive gateway`},
		{"retry for ever", between(`<serviceTask id="e" implementation="a.B" activiti:failedJobRetryTimeCycle="R/PT1M"/>`), `say how many calls`},
		{"retry list", between(`<serviceTask id="e" implementation="a.B" activiti:failedJobRetryTimeCycle="PT1M,PT5M"/>`), `failedJobRetryTimeCycle: "PT1M,PT5M" is not an ISO 8601 repeating interval`},
		{"groovy", between(`<scriptTask id="e" scriptFormat="groovy"><script>x</script></scriptTask>`), `write the script in JavaScript`},
		{"no format", between(`<scriptTask id="e"><script>x</script></scriptTask>`), `set scriptFormat="javascript"`},
		{"python", between(`<scriptTask id="e" scriptFormat="python"><script>x</script></scriptTask>`), `scriptFormat "python" is not supported`},
		{"script in JUEL", between(`<scriptTask id="e" scriptFormat="juel"><script>${1}</script></scriptTask>`), `write a service task with the expression and resultVariable`},
		{"no script", between(`<scriptTask id="e" scriptFormat="js"/>`), `has no script`},
		{"script elsewhere", between(`<scriptTask id="e" scriptFormat="js" camunda:resource="a.js"/>`), `write the script into the model`},
		{"bad expression", between(`<userTask id="e" activiti:assignee="${"/>`), `line 3: userTask "e": assignee: expression, offset`},
		{"bad due date", between(`<userTask id="e" activiti:dueDate="soon"/>`), `dueDate: "soon" is neither`},
		{"bad priority", between(`<userTask id="e" activiti:priority="high"/>`), `priority: this text is not an integer`},

		// flows and structure
		{"default of a parallel gateway", between(`<parallelGateway id="e" default="out"/>`), `only exclusive and inclusive gateways and activities have a default flow`},
		{"unknown source", between(`<task id="e"/><sequenceFlow id="f" sourceRef="no" targetRef="e"/>`), `line 3: sequenceFlow "f": sourceRef "no": the process has no such element`},
		{"no target", between(`<task id="e"/><sequenceFlow id="f" sourceRef="e"/>`), `sequenceFlow "f": has no targetRef`},
		{"duplicate id", between(`<task id="e"/><task id="e"/>`), `line 3: task "e": the id is used twice, first in line 3`},
		{"no id", between(`<task id="e"/><task/>`), `line 3: task: has no id`},
		{"no start", model(`<task id="e"/>`), `line 2: process "p": the process has no start event`},
		{"process id with a slash", process("a/b"), `line 2: process "a/b": the id of a process is the key`},
		{"process id with a letter beyond ASCII", process("prüfung"), `the id of a process is the key`},
		{"process id that is an option", process("-v"), `the id of a process is the key`},
		{"process id that is long", process(strings.Repeat("x", 201)), `the id of a process is the key`},
		{"two starts by one message", model(`<startEvent id="a"><messageEventDefinition messageRef="m"/></startEvent><startEvent id="b"><messageEventDefinition messageRef="m"/></startEvent>`), `startEvent "b": start event "a" begins with the message "M" too`},
		{"two none starts", model(`<startEvent id="a"/><startEvent id="b"/>`), `startEvent "b": a process has at most one start event without`},
		{"flow into start", between(`<task id="e"/><sequenceFlow id="f" sourceRef="e" targetRef="s"/>`), `startEvent "s": no flow may lead to this event, "f" does`},
		{"flow out of end", between(`<task id="e"/><sequenceFlow id="f" sourceRef="end" targetRef="e"/>`), `endEvent "end": no flow may leave an end event, "f" does`},
		{"gateway to nowhere", model(`<startEvent id="s"/><sequenceFlow id="f" sourceRef="s" targetRef="g"/><exclusiveGateway id="g"/>`), `exclusiveGateway "g": no flow leaves this gateway`},
		{"foreign default", between(`<exclusiveGateway id="e" default="in"/>`), `default "in" is not a flow that leaves this element`},
		{"default with condition", model(`<startEvent id="s"/><sequenceFlow id="f" sourceRef="s" targetRef="g"/><exclusiveGateway id="g" default="h"/><sequenceFlow id="h" sourceRef="g" targetRef="t"><conditionExpression>${x}</conditionExpression></sequenceFlow><task id="t"/>`), `the default flow cannot have a condition`},
		{"condition language", model(`<startEvent id="s"/><task id="t"/><sequenceFlow id="f" sourceRef="s" targetRef="t"><conditionExpression language="groovy">x</conditionExpression></sequenceFlow>`), `sequenceFlow "f": condition language "groovy" is not supported`},
		{"condition in words", model(`<startEvent id="s"/><task id="t"/><sequenceFlow id="f" sourceRef="s" targetRef="t"><conditionExpression>approved</conditionExpression></sequenceFlow>`), `condition "approved" is not an expression: write JUEL`},
		{"condition elsewhere", model(`<startEvent id="s"/><task id="t"/><sequenceFlow id="f" sourceRef="s" targetRef="t"><conditionExpression camunda:resource="a">x</conditionExpression></sequenceFlow>`), `external resource`},
		{"expression in a start message", []byte(strings.Replace(string(model(`<startEvent id="s"><messageEventDefinition messageRef="m"/></startEvent>`)), `name="M"`, `name="${M}"`, 1)), `cannot hold an expression`},

		// files
		{"not executable", []byte(`<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p" isExecutable="false"/></definitions>`), `line 1: process "p": the file has no executable process`},
		{"no process", []byte(`<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"/>`), `line 1: definitions: the file has no executable process`},
		{"isExecutable", []byte(`<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p" isExecutable="yes"/></definitions>`), `isExecutable="yes": want true or false`},
		{"other XML", []byte(`<html/>`), `line 1: html: not a BPMN 2.0 model`},
		{"BPMN 1", []byte(`<definitions xmlns="http://schema.omg.org/spec/BPMN/2.0"/>`), `not a BPMN 2.0 model`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m, err := Parse("m.bpmn", test.src, Options{})
			require.Nil(t, m)
			require.ErrorContains(t, err, test.want)
			require.True(t, strings.HasPrefix(err.Error(), "m.bpmn: line "), err.Error())
			e, ok := errors.AsType[*Error](err)
			require.True(t, ok)
			require.Positive(t, e.Line)
		})
	}
}

// What depends on a refused element is not told a second time, everything else is.
func TestAllProblemsAtOnce(t *testing.T) {
	_, err := Parse("m.bpmn", model(`<startEvent id="s"/><sequenceFlow id="f" sourceRef="s" targetRef="sub"/>
<complexGateway id="sub"><task id="inner"/></complexGateway><boundaryEvent id="b" attachedToRef="sub"><timerEventDefinition/></boundaryEvent>
<sequenceFlow id="g" sourceRef="inner" targetRef="x"/>
<exclusiveGateway id="x"/>
<serviceTask id="t"/>`), Options{Extensions: []byte(`{"mappings": {"sub": {}, "none": {}}}`), ExtensionsName: "m-extensions.json"})
	require.EqualError(t, err, strings.Join([]string{
		`m.bpmn: line 4: complexGateway "sub": complex gateways are not supported: none of the engines that models come from runs them; use inclusive gateways and conditions`,
		`m.bpmn: line 4: boundaryEvent "b": a timer needs exactly one of timeDate, timeDuration and timeCycle, this one has 0`,
		`m.bpmn: line 7: serviceTask "t": has no implementation: set implementation="connector.ACTION"`,
		`m-extensions.json: $.mappings.none: process "p" has no element with this id`,
	}, "\n"))
}

func TestProblemsAreBounded(t *testing.T) {
	_, err := Parse("m.bpmn", model(strings.Repeat("<subProcess/>", 500)), Options{})
	require.ErrorContains(t, err, "and 401 more problems")
}

func TestSplitList(t *testing.T) {
	tests := map[string][]string{
		"":                             nil,
		" , ,":                         nil,
		"a":                            {"a"},
		"a, b ,c":                      {"a", "b", "c"},
		"${x.replace(',', ';')}, #{y}": {"${x.replace(',', ';')}", "#{y}"},
		"a},b":                         {"a}", "b"},
	}
	for text, want := range tests {
		require.Equal(t, want, splitList(text), text)
	}
}
