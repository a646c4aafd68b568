// Applies the first template of a file to a task, as Camunda Modeler does, fills its fields in, and prints the model.
// Arguments: the file of templates, and a JSON object of values by the names of inputs and outputs.
import { readFileSync } from 'node:fs';
import { ElementTemplatesCoreModule } from 'bpmn-js-element-templates/core';
import Modeler from 'bpmn-js-headless/lib/Modeler';
import camunda from 'camunda-bpmn-moddle/resources/camunda.json';

const templates = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const values = JSON.parse(process.argv[3]);
const modeler = new Modeler({ additionalModules: [ElementTemplatesCoreModule], moddleExtensions: { camunda } });
await modeler.importXML(`<?xml version="1.0"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI"
    xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" targetNamespace="t">
  <bpmn:process id="p" isExecutable="true">
    <bpmn:startEvent id="s"/><bpmn:task id="t"/><bpmn:endEvent id="e"/>
    <bpmn:sequenceFlow id="f1" sourceRef="s" targetRef="t"/><bpmn:sequenceFlow id="f2" sourceRef="t" targetRef="e"/>
  </bpmn:process>
  <bpmndi:BPMNDiagram id="d"><bpmndi:BPMNPlane id="pl" bpmnElement="p"><bpmndi:BPMNShape id="ts" bpmnElement="t">
    <dc:Bounds x="1" y="1" width="100" height="80"/></bpmndi:BPMNShape></bpmndi:BPMNPlane></bpmndi:BPMNDiagram>
</bpmn:definitions>`);
modeler.get('elementTemplatesLoader').setTemplates(templates);
const task = modeler.get('elementTemplates').applyTemplate(modeler.get('elementRegistry').get('t'), templates[0]);
const { inputParameters = [], outputParameters = [] } =
  task.businessObject.extensionElements.values.find((x) => x.$type === 'camunda:InputOutput');
for (const p of inputParameters) {
  if (p.name in values) {
    p.value = values[p.name];
  }
}
for (const p of outputParameters) {
  const name = p.value.slice(2, -1); // ${name}
  if (name in values) {
    p.name = values[name];
  }
}
console.log((await modeler.saveXML({ format: true })).xml);
