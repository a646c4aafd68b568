package processengine

import (
	"cmp"

	"github.com/waybill-io/waybill/external"
)

// task is what both contracts tell of one. One that is given away is pending.
type task struct {
	ID              string `json:"id"`
	Worker          string `json:"workerId"`
	Topic           string `json:"topic"`
	FlowNodeInst    string `json:"flowNodeInstanceId"`
	Correlation     string `json:"correlationId"` // the business key, or else the instance that nothing called
	ProcessModel    string `json:"processModelId"`
	ProcessInstance string `json:"processInstanceId"`
	Payload         any    `json:"payload"`
	Until           string `json:"lockExpirationTime"`
	State           string `json:"state"`
	Created         string `json:"createdAt"`
}

func taskOf(t *external.Task) task {
	c := t.Context
	out := task{
		ID: t.ID, Worker: t.Worker, Topic: t.Topic, FlowNodeInst: c.ElementID + ":" + t.ID,
		Correlation:  cmp.Or(c.BusinessKey, c.RootProcessInstanceID, c.ProcessInstanceID),
		ProcessModel: c.ProcessDefinitionKey, ProcessInstance: c.ProcessInstanceID,
		Payload: payload(&t.ExternalTask), Until: t.Until.UTC().Format(isoTime), State: "pending", Created: t.Created.UTC().Format(isoTime),
	}
	return out
}

// identity is who started an instance. The token is always empty: it is that of another caller.
type identity struct {
	Token string `json:"token"`
	User  string `json:"userId"`
}

// shown is a task of process-engine.
func shown(t *external.Task) any {
	return struct {
		task
		Identity identity `json:"identity"`
	}{taskOf(t), identity{User: t.User}}
}

// shownToProcessCube is a task of ProcessCube. Whoever does not take it in time loses it to another, never to an error: it is no single try.
func shownToProcessCube(t *external.Task) any {
	return struct {
		task
		Single     bool   `json:"isSingleTry"`
		Definition string `json:"processDefinitionId"`
		Owner      string `json:"ownerId"`
	}{taskOf(t), false, t.Context.ProcessDefinitionID(), t.User}
}
