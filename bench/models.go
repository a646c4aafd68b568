package main

import (
	"fmt"
	"strings"

	"github.com/waybill-io/waybill/bpmn"
)

// drawing writes the elements and flows of a model.
type drawing struct{ strings.Builder }

func (d *drawing) element(format string, args ...any) { fmt.Fprintf(d, format+"\n", args...) }

func (d *drawing) flow(from, to, inside string) {
	d.element(`<sequenceFlow id="%s-%s" sourceRef="%[1]s" targetRef="%s">%s</sequenceFlow>`, from, to, inside)
}

// xml is the whole model.
func (d *drawing) xml(key string) []byte {
	return fmt.Appendf(nil, `<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" targetNamespace="https://github.com/waybill-io/waybill/bench">
<process id="%s" isExecutable="true">
%s</process>
</definitions>
`, key, d.String())
}

// chain is start, n elements one after the other, end. element writes the i-th one with the id it is given.
func chain(n int, element func(d *drawing, i int, id string)) *drawing {
	d := &drawing{}
	d.element(`<startEvent id="start"/>`)
	last := "start"
	for i := range n {
		id := taskID(i)
		element(d, i, id)
		d.flow(last, id, "")
		last = id
	}
	d.flow(last, "end", "")
	d.element(`<endEvent id="end"/>`)
	return d
}

func taskID(i int) string { return fmt.Sprintf("task-%d", i+1) }

func plainTask(d *drawing, _ int, id string) { d.element(`<manualTask id="%s"/>`, id) }

func serviceTask(d *drawing, i int, id string) {
	d.element(`<serviceTask id="%s" name="%s" implementation="%s"/>`, id, taskName(i), noopCall)
}

func taskName(i int) string { return fmt.Sprintf("Task %d", i+1) }

// branches is n exclusive gateways whose conditions look at two variables and fail, so that the default flow is taken
// through a task to where the branches meet.
func branches(n int) *drawing {
	d := &drawing{}
	d.element(`<startEvent id="start"/>`)
	last := "start"
	for i := range n {
		split, skip, meet := fmt.Sprintf("split-%d", i), fmt.Sprintf("other-%d", i), fmt.Sprintf("meet-%d", i)
		d.element(`<exclusiveGateway id="%s" default="%[1]s-%s"/>`, split, skip)
		d.element(`<manualTask id="%s"/>`, skip)
		d.element(`<exclusiveGateway id="%s"/>`, meet)
		d.flow(last, split, "")
		d.flow(split, meet, `<conditionExpression xsi:type="tFormalExpression">${amount &gt; 100 &amp;&amp; country == 'x'}</conditionExpression>`)
		d.flow(split, skip, "")
		d.flow(skip, meet, "")
		last = meet
	}
	d.flow(last, "end", "")
	d.element(`<endEvent id="end"/>`)
	return d
}

// wide forks into n service tasks and joins them.
func wide(n int) *drawing {
	d := &drawing{}
	d.element(`<startEvent id="start"/><parallelGateway id="fork"/><parallelGateway id="join"/><endEvent id="end"/>`)
	d.flow("start", "fork", "")
	for i := range n {
		serviceTask(d, i, taskID(i))
		d.flow("fork", taskID(i), "")
		d.flow(taskID(i), "join", "")
	}
	d.flow("join", "end", "")
	return d
}

// nested is n elements that do nothing, each in a sub-process of its own.
func nested(n int) *drawing {
	return chain(n, func(d *drawing, _ int, id string) {
		d.element(`<subProcess id="%s"><startEvent id="%[1]s.begin"/><manualTask id="%[1]s.work"/><endEvent id="%[1]s.done"/>`, id)
		d.flow(id+".begin", id+".work", "")
		d.flow(id+".work", id+".done", "")
		d.element(`</subProcess>`)
	})
}

// instances is a service task with n instances at the same time.
func instances(n int) *drawing {
	return chain(1, func(d *drawing, i int, id string) {
		d.element(`<serviceTask id="%s" name="%s" implementation="%s"><multiInstanceLoopCharacteristics><loopCardinality>%d</loopCardinality></multiInstanceLoopCharacteristics></serviceTask>`,
			id, taskName(i), noopCall, n)
	})
}

// parsed is the process of a model, for the engine alone.
func parsed(d *drawing) (*bpmn.Process, error) {
	m, err := bpmn.Parse("bench.bpmn", d.xml("bench"), bpmn.Options{})
	if err != nil {
		return nil, err
	}
	return m.Processes[0], nil
}
