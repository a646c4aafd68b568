package camunda

import (
	"slices"
	"time"

	"github.com/waybill-io/waybill/external"
)

// timeFormat is Camunda's default of dates.
const timeFormat = "2006-01-02T15:04:05.000-0700"

// task is an open task.
type task struct {
	ID            string  `json:"id"`
	Topic         string  `json:"topicName"`
	WorkerID      *string `json:"workerId"`
	Until         *string `json:"lockExpirationTime"`
	Created       string  `json:"createTime"`
	Instance      string  `json:"processInstanceId"`
	DefinitionID  string  `json:"processDefinitionId"`
	DefinitionKey string  `json:"processDefinitionKey"`
	VersionTag    *string `json:"processDefinitionVersionTag"`
	Execution     string  `json:"executionId"`
	Activity      string  `json:"activityId"`
	ActivityInst  string  `json:"activityInstanceId"`
	Tenant        *string `json:"tenantId"`
	Retries       *int    `json:"retries"`
	Suspended     bool    `json:"suspended"`
	ErrorMessage  *string `json:"errorMessage"`
	Priority      int     `json:"priority"`
	BusinessKey   *string `json:"businessKey"`
}

// locked is a task that was fetched.
type locked struct {
	task
	ErrorDetails *string           `json:"errorDetails"`
	Properties   map[string]string `json:"extensionProperties"`
	Variables    map[string]value  `json:"variables"`
}

func taskOf(t *external.Task) task {
	c := t.Context
	out := task{
		ID: t.ID, Topic: t.Topic, WorkerID: orNull(t.Worker), Created: t.Created.Format(timeFormat), Instance: c.ProcessInstanceID,
		DefinitionID: c.ProcessDefinitionID(), DefinitionKey: c.ProcessDefinitionKey, VersionTag: orNull(t.VersionTag),
		Execution: c.ProcessInstanceID, Activity: c.ElementID, ActivityInst: c.ElementID + ":" + t.ID, Tenant: orNull(c.Tenant), Retries: t.Retries,
		Suspended: t.Suspended, ErrorMessage: orNull(t.ErrorMessage), Priority: t.Priority, BusinessKey: orNull(c.BusinessKey),
	}
	if !t.Until.IsZero() {
		until := t.Until.Format(timeFormat)
		out.Until = &until
	}
	return out
}

func lockedOf(t *external.Task, asked *topic) locked {
	out := locked{task: taskOf(t), ErrorDetails: orNull(t.ErrorDetails), Properties: map[string]string{}, Variables: map[string]value{}}
	if asked.Properties && t.Properties != nil {
		out.Properties = t.Properties
	}
	for name, v := range t.Variables {
		if (asked.Variables == nil || slices.Contains(*asked.Variables, name)) && (!asked.Local || slices.Contains(t.Local, name)) {
			out.Variables[name] = typed(v, asked.Deserialize)
		}
	}
	return out
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// readTime reads a date as Camunda writes it.
func readTime(text string) (time.Time, error) {
	at, err := time.Parse(timeFormat, text)
	if err != nil {
		return at, invalid("Cannot convert value %s to java type java.util.Date: a date such as 2013-01-23T14:42:45.000+0200 is expected", text)
	}
	return at, nil
}
