package definition

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/bpmn"
)

// dictionary is what models and their extensions are mostly written with: what a packed definition says in these words takes few bytes. The
// packing depends on every byte of it, so another one needs another number.
const dictionary = `<?xml version="1.0" encoding="UTF-8"?>http://activiti.org/bpmnhttp://flowable.org/bpmnhttp://camunda.org/schema/1.0/bpmn` +
	`http://www.w3.org/2001/XMLSchema-instancehttp://www.omg.org/spec/BPMN/20100524/DIhttp://www.omg.org/spec/DD/20100524/DC` +
	`http://www.omg.org/spec/DD/20100524/DIhttp://bpmn.io/schema/bpmnexporter="Camunda Modeler" exporterVersion="typeLanguage="http://www.w3.org/2001/XMLSchema" ` +
	`expressionLanguage="http://www.w3.org/1999/XPath" <textAnnotation><association associationDirection="None" <laneSet><lane <flowNodeRef></flowNodeRef></lane>` +
	`<collaboration <participant processRef="<dataObject <dataObjectReference <standardLoopCharacteristics <adHocSubProcess <transaction <eventSubProcess ` +
	`<multiInstanceLoopCharacteristics isSequential="true" isSequential="false" <loopCardinality><completionCondition>collection="elementVariable="` +
	`<boundaryEvent attachedToRef="cancelActivity="false" <intermediateCatchEvent <intermediateThrowEvent <messageEventDefinition messageRef="` +
	`<signalEventDefinition signalRef="<timerEventDefinition><timeDuration xsi:type="tFormalExpression">PT</timeDuration></timerEventDefinition><timeCycle><timeDate>` +
	`<errorEventDefinition errorRef="<escalationEventDefinition <conditionalEventDefinition><condition <compensateEventDefinition <terminateEventDefinition <linkEventDefinition ` +
	`<eventBasedGateway <inclusiveGateway <parallelGateway <exclusiveGateway default="<callActivity calledElement="<subProcess <businessRuleTask <manualTask ` +
	`<receiveTask <sendTask <scriptTask scriptFormat="javascript"><script></script></scriptTask><userTask assignee="candidateGroups="candidateUsers="formKey="dueDate="` +
	`<documentation></documentation><extensionElements></extensionElements><executionListener event="start" event="end" <taskListener event="create" ` +
	`<inputOutput><inputParameter name="</inputParameter><outputParameter name="</outputParameter></inputOutput><field name="stringValue="<string></string><expression>` +
	`resultVariable="delegateExpression="class="expression="${type="external" topic="asyncBefore="true" exclusive="false" ` +
	`<conditionExpression xsi:type="tFormalExpression">${</conditionExpression></sequenceFlow><outgoing></outgoing><incoming></incoming>` +
	`{"taskQueue":"waybill","retry":{"attempts":,"intervalMs":1000,"coefficient":2,"maxMs":60000},"timeoutMs":30000}` +
	`"multipleInstance":"required":true,"display":true,"displayName":"{"type":"value","value":"{"id":"name":"type":"string","value":"integer","boolean","date","json","file","array"` +
	`"PROCESS_VARIABLES_MAPPING","mappingType":"MAP_ALL","assignments":{"constants":{"templates":{"tasks":{"type":"variable","value":"` +
	`{"name":"file":".bpmn","extensions":{"id":"","name":"","type":"PROCESS","extensions":{"properties":{"mappings":{"inputs":{"outputs":{` +
	`}},"uncaught":"mapDefault":"all","versionTag":"connectors":{"` +
	`<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:xsi="xmlns:activiti="xmlns:camunda="xmlns:flowable="targetNamespace="` +
	`<message id="" name="<error id="" errorCode="<signal id="<process id="" name="" isExecutable="true"><startEvent id="start"/>` +
	`<sequenceFlow id="flow" sourceRef="start" targetRef="task"/><serviceTask id="" name="" implementation="email.SEND"/><endEvent id="end"/></process></definitions>`

// packing is the first byte of what Pack writes.
const packing = 1

// Pack makes few bytes of a definition but for its version and digest, for the input of an instance: Temporal keeps that for each.
func Pack(d contract.Definition) ([]byte, error) {
	xml, err := Decompress(d.Model)
	if err != nil {
		return nil, fmt.Errorf("process %q: unpack model: %w", d.Key, err)
	}
	d.Version, d.Digest, d.Model, d.Suspended = 0, "", nil, false
	head, err := json.Marshal(d) // on one line
	if err != nil {
		return nil, fmt.Errorf("pack process: %w", err)
	}
	packed := bytes.NewBuffer([]byte{packing})
	w, err := flate.NewWriterDict(packed, flate.BestCompression, []byte(dictionary))
	if err != nil {
		return nil, err
	}
	for _, part := range [][]byte{head, {'\n'}, xml} {
		if _, err := w.Write(part); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}

// Unpacked is a definition that Pack packed, without its model, and the process of that.
type Unpacked struct {
	Definition contract.Definition
	Process    *bpmn.Process
}

// Unpack reads what Pack packed; the process is as of Parse.
func Unpack(packed []byte, engine int) (*Unpacked, error) {
	if len(packed) == 0 || packed[0] != packing {
		return nil, errors.New("the definition is packed in another way than this version knows")
	}
	text, err := readAll(flate.NewReaderDict(bytes.NewReader(packed[1:]), []byte(dictionary)))
	if err != nil {
		return nil, fmt.Errorf("unpack the definition: %w", err)
	}
	head, xml, _ := bytes.Cut(text, []byte{'\n'})
	u := &Unpacked{}
	if err := json.Unmarshal(head, &u.Definition); err != nil {
		return nil, fmt.Errorf("unpack the definition: %w", err)
	}
	u.Process, err = parse(u.Definition, xml, engine)
	return u, err
}
