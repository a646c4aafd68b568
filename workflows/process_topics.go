package workflows

import (
	"fmt"
	"slices"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/engine"
)

var topicsAttribute = temporal.NewSearchAttributeKeyKeywordList(contract.TopicsAttribute)

// externalSince is the version of the engine since which external tasks have numbers, which name their activities, and instances are found by topics.
const externalSince = 5

// showTopic has the instance found by a topic. What its model says of topics, it started with.
func (h *host) showTopic(topic string) {
	if h.state.Engine < externalSince {
		return
	}
	shown, _ := workflow.GetTypedSearchAttributes(h.ctx).GetKeywordList(topicsAttribute)
	if slices.Contains(shown, topic) || slices.Contains(shown, contract.AnyTopic) {
		return
	}
	if err := workflow.UpsertTypedSearchAttributes(h.ctx, topicsAttribute.ValueSet(contract.ShownTopics(append(slices.Clone(shown), topic)))); err != nil {
		panic(fmt.Sprintf("set search attribute: %v", err))
	}
}

// externalTasks answers who looks after external tasks. One that is answered is none, though a suspended instance does not go on yet.
func (h *host) externalTasks() (list []contract.OpenExternalTask, _ error) {
	open := func(number, incident int, task contract.ExternalTask) {
		task.Variables, task.Local, task.Payload = nil, nil, nil
		list = append(list, contract.OpenExternalTask{ExternalTask: task, Task: number, Incident: incident, Paused: h.input.Paused, Process: h.process.Name})
	}
	for _, w := range h.state.Waits {
		if c, ok := w.Command.(engine.OfferTask); ok && c.Task > 0 && h.waits[w.ID] != nil {
			open(c.Task, 0, h.externalTask(c))
		}
	}
	for _, i := range h.state.Incidents {
		if o := i.Offer; o != nil {
			node := h.process.Node(i.Element)
			open(o.Task, i.ID, h.externalTask(engine.OfferTask{
				Element: i.Element, Topic: o.Topic, Priority: o.Priority, Properties: node.Properties, Created: o.Created, Leases: o.Leases, Report: o.Report,
			}))
		}
	}
	return list, nil
}
