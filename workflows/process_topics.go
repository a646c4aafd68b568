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

// listedSince is the version of the engine since which the external tasks of an instance are found by their topics.
const listedSince = 5

// showTopic has the instance found by a topic. What its model says of topics, it started with.
func (h *host) showTopic(topic string) {
	if h.state.Engine < listedSince {
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

// externalTasks answers who looks after external tasks.
func (h *host) externalTasks() (list []contract.OpenExternalTask, _ error) {
	open := func(number int, task contract.ExternalTask) *contract.OpenExternalTask {
		task.Variables = nil
		list = append(list, contract.OpenExternalTask{ExternalTask: task, Task: number, Paused: h.input.Paused, Version: h.process.VersionTag})
		return &list[len(list)-1]
	}
	for _, w := range h.state.Waits {
		if c, ok := w.Command.(engine.OfferTask); ok && c.Task > 0 && h.waits[w.ID] != nil {
			open(c.Task, h.waits[w.ID].task)
		}
	}
	for _, i := range h.state.Incidents {
		if i.Offer == 0 {
			continue
		}
		n := h.process.Node(i.Element)
		task := contract.ExternalTask{Context: h.callContext(n), Created: i.At, Properties: n.Properties, Failed: contract.ExternalFailure{Message: i.Message}}
		if n.Topic != nil && n.Topic.IsLiteral() {
			topic, _ := n.Topic.Eval(nil) // a literal has no error
			task.Topic = fmt.Sprint(topic)
		}
		open(i.Offer, task).Incident = i.ID
	}
	return list, nil
}
