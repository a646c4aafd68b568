package events

import (
	"strings"
	"time"
)

// Type is what happened. The names up to VARIABLE_DELETED are those of Activiti's event log; the others that log never recorded.
type Type string

// The types.
const (
	ProcessStarted      Type = "PROCESSINSTANCE_START"
	ProcessEnded        Type = "PROCESSINSTANCE_END"
	TaskCreated         Type = "TASK_CREATED"
	TaskAssigned        Type = "TASK_ASSIGNED"
	TaskCompleted       Type = "TASK_COMPLETED"
	FlowTaken           Type = "SEQUENCEFLOW_TAKEN"
	ActivityStarted     Type = "ACTIVITY_STARTED"
	ActivityCompleted   Type = "ACTIVITY_COMPLETED"
	ActivitySignaled    Type = "ACTIVITY_SIGNALED"
	ActivityMessage     Type = "ACTIVITY_MESSAGE_RECEIVED"
	ActivityCompensate  Type = "ACTIVITY_COMPENSATE"
	ActivityError       Type = "ACTIVITY_ERROR_RECEIVED"
	VariableCreated     Type = "VARIABLE_CREATED"
	VariableUpdated     Type = "VARIABLE_UPDATED"
	VariableDeleted     Type = "VARIABLE_DELETED"
	TaskCancelled       Type = "TASK_CANCELLED"
	ActivityCancelled   Type = "ACTIVITY_CANCELLED"
	IntegrationRequest  Type = "INTEGRATION_REQUESTED"
	IntegrationResult   Type = "INTEGRATION_RESULT_RECEIVED"
	IntegrationError    Type = "INTEGRATION_ERROR_RECEIVED"
	IncidentCreated     Type = "INCIDENT_CREATED"
	IncidentResolved    Type = "INCIDENT_RESOLVED"
	MailReceived        Type = "MAIL_RECEIVED"
	MailSent            Type = "MAIL_SENT"
	ExternalTaskCreated Type = "EXTERNAL_TASK_CREATED"
	ExternalTaskLocked  Type = "EXTERNAL_TASK_LOCKED"
	ExternalTaskEnded   Type = "EXTERNAL_TASK_COMPLETED"
	ExternalTaskFailed  Type = "EXTERNAL_TASK_FAILED"
)

// Kind is what an event is about.
type Kind string

// The kinds.
const (
	KindProcess      Kind = "process-instance"
	KindTask         Kind = "task"
	KindVariable     Kind = "variable"
	KindActivity     Kind = "activity"
	KindFlow         Kind = "sequence-flow"
	KindIntegration  Kind = "integration" // a call of a connector
	KindIncident     Kind = "incident"
	KindMail         Kind = "mail"
	KindExternalTask Kind = "external-task"
)

var kinds = map[Type]Kind{
	ProcessStarted: KindProcess, ProcessEnded: KindProcess,
	TaskCreated: KindTask, TaskAssigned: KindTask, TaskCompleted: KindTask, TaskCancelled: KindTask,
	FlowTaken:       KindFlow,
	ActivityStarted: KindActivity, ActivityCompleted: KindActivity, ActivitySignaled: KindActivity, ActivityMessage: KindActivity,
	ActivityCompensate: KindActivity, ActivityError: KindActivity, ActivityCancelled: KindActivity,
	VariableCreated: KindVariable, VariableUpdated: KindVariable, VariableDeleted: KindVariable,
	IntegrationRequest: KindIntegration, IntegrationResult: KindIntegration, IntegrationError: KindIntegration,
	IncidentCreated: KindIncident, IncidentResolved: KindIncident,
	MailReceived: KindMail, MailSent: KindMail,
	ExternalTaskCreated: KindExternalTask, ExternalTaskLocked: KindExternalTask, ExternalTaskEnded: KindExternalTask, ExternalTaskFailed: KindExternalTask,
}

// Kind of what events of this type are about; "" of an unknown type.
func (t Type) Kind() Kind { return kinds[t] }

// Status is how far that has come.
type Status string

// The statuses. What has none, such as a flow, has happened and that is all.
const (
	Active    Status = "active"
	Completed Status = "completed"
	Cancelled Status = "cancelled" // taken away by a boundary event, a terminate end event, or an operator
	Failed    Status = "failed"
)

// Process says whose events a batch holds.
type Process struct {
	Instance          string `json:"processInstanceId"`
	Key               string `json:"processDefinitionKey,omitempty"`
	DefinitionVersion int    `json:"processDefinitionVersion,omitempty"`
	Name              string `json:"processDefinitionName,omitempty"`
	BusinessKey       string `json:"businessKey,omitempty"`
	Tenant            string `json:"tenantId,omitempty"`
	Root              string `json:"rootProcessInstanceId,omitempty"`   // "": itself
	Parent            string `json:"parentProcessInstanceId,omitempty"` // "": nothing called it
	// Began is when the instance began, before all its runs. An id that is used again begins later.
	Began time.Time `json:"began"`
}

// Batch are events of an instance as its history holds them, one marker each workflow task. One without events is the first of a run that
// records none, since event.generation.enabled is false; a reader passes it over.
type Batch struct {
	Process
	Events []Event `json:"events"`
}

// Event is something that happened, with all that is known of what it is about.
type Event struct {
	// Sequence counts the events of an instance from 1. Of what is about the same thing, a higher one is later.
	Sequence int64     `json:"sequence"`
	Type     Type      `json:"type"`
	Time     time.Time `json:"timeStamp"`
	// Ref names what the event is about within the instance: "" the instance itself; of a task the id of its command; of a variable its
	// name, and before it, with a dot, the scope of a local one; of all else the sequence of the first event about it. See Document.ID.
	Ref string `json:"ref,omitempty"`
	// Revision takes the place of the sequence in the version of a task's document: of its events, those in between are recorded by the
	// workflow of the task, which does not know the sequence. 1: created; the last is MaxRevision.
	Revision int64  `json:"revision,omitempty"`
	UserID   string `json:"userId,omitempty"`

	Status   Status    `json:"status,omitempty"`
	Start    time.Time `json:"startTime,omitzero"`
	End      time.Time `json:"endTime,omitzero"`
	Duration *int64    `json:"duration,omitempty"` // milliseconds, of what has ended

	// Where it happened, of all but the instance: the element.
	ActivityID   string `json:"activityId,omitempty"`
	ActivityName string `json:"activityName,omitempty"`
	ActivityType string `json:"activityType,omitempty"` // userTask, serviceTask, exclusiveGateway, ...
	ExecutionID  string `json:"executionId,omitempty"`  // the token
	Activity     string `json:"activity,omitempty"`     // Ref of the activity that a task, a call or an incident belongs to

	// A sequence flow.
	SourceID   string `json:"sourceActivityId,omitempty"`
	SourceName string `json:"sourceActivityName,omitempty"`
	SourceType string `json:"sourceActivityType,omitempty"`
	TargetID   string `json:"targetActivityId,omitempty"`
	TargetName string `json:"targetActivityName,omitempty"`
	TargetType string `json:"targetActivityType,omitempty"`

	// What came to an activity.
	SignalName  string `json:"signalName,omitempty"`
	MessageName string `json:"messageName,omitempty"`
	ErrorCode   string `json:"errorCode,omitempty"`
	Error       string `json:"errorMessage,omitempty"` // at most MaxText bytes

	// A task; its id is that of a task of Waybill.
	TaskID          string    `json:"taskId,omitempty"`
	Name            string    `json:"name,omitempty"` // of a task or a variable
	TaskKey         string    `json:"taskDefinitionKey,omitempty"`
	Description     string    `json:"description,omitempty"`
	Assignee        string    `json:"assignee,omitempty"`
	Owner           string    `json:"owner,omitempty"`
	Category        string    `json:"category,omitempty"`
	Due             time.Time `json:"dueDate,omitzero"`
	Claimed         time.Time `json:"claimTime,omitzero"`
	FormKey         string    `json:"formKey,omitempty"`
	Priority        int       `json:"priority,omitempty"`
	CandidateUsers  []string  `json:"candidateUsers,omitempty"`
	CandidateGroups []string  `json:"candidateGroups,omitempty"`

	// A call of a connector or an external task.
	Implementation string `json:"implementation,omitempty"` // email.SEND
	Topic          string `json:"topic,omitempty"`
	Attempts       int    `json:"attempts,omitempty"` // of what has ended, when known; of a lock the how many-th of the task it was
	// Of an external task that was locked: who had it. Claimed is when that was, and LockedUntil when the lock was to end. A lock is recorded with
	// the answer to the task, whose Time it has.
	WorkerID    string    `json:"workerId,omitempty"`
	LockedUntil time.Time `json:"lockExpirationTime,omitzero"`

	// An incident that was answered.
	Action string `json:"action,omitempty"` // retry, resolve, skip, cancel

	// A mail.
	Mailbox    string `json:"mailbox,omitempty"`
	MessageID  string `json:"messageId,omitempty"`
	Recipients int    `json:"recipients,omitempty"`
	Outcome    string `json:"outcome,omitempty"` // of a received mail: started, continued, posted, ...

	// A variable.
	Value     any    `json:"value,omitempty"`
	ValueType string `json:"variableType,omitempty"` // null, boolean, integer, double, string, date, uuid, json
	Cut       bool   `json:"truncated,omitempty"`    // the value is longer than is kept of it
	Masked    bool   `json:"masked,omitempty"`

	// What the instance began with, or an answer brought, where it is analysed.
	Variables map[string]any `json:"variables,omitempty"`
}

// EndAt sets when that which the event is about ended, and how long it took: nothing, when by another clock it began later.
func (e *Event) EndAt(at time.Time) {
	took := max(at.Sub(e.Start).Milliseconds(), 0)
	e.End, e.Duration = at, &took
}

// MaxRevision is the revision of a task that is over.
const MaxRevision = 1 << 30

// The bounds of an event, in bytes.
const (
	MaxText      = 1024    // a text
	MaxVariables = 4 << 10 // Variables, as JSON: where there are more, it has none
)

// Cut is a text as far as an event holds it.
func Cut(text string) string { return CutTo(text, MaxText) }

// CutTo is the beginning of a text, at most limit bytes of it, that ends with a whole character. What is not UTF-8 is left out.
func CutTo(text string, limit int) string {
	return strings.ToValidUTF8(text[:min(len(text), limit)], "")
}
