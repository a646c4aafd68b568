package contract

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// Caller is the call activity on whose behalf an instance runs.
type Caller struct {
	Instance string `json:"instance"`
	Command  int    `json:"command"`        // engine id
	Root     string `json:"root,omitempty"` // the instance that nothing called; "": Instance
}

// Signals of a process, beside those of its tasks and messages.
const (
	ChildSignal         = "child"          // ChildDone
	EscalationSignal    = "escalation"     // Escalation
	SignalSignal        = "signal"         // SignalDelivery
	TaskVariablesSignal = "task-variables" // TaskVariables
	TaskAssignedSignal  = "task-assigned"  // TaskAssigned
)

// ChildDone is how a called process has ended.
type ChildDone struct {
	Command   int       `json:"command"`
	State     string    `json:"state"` // completed, cancelled, failed
	Variables Variables `json:"variables,omitempty"`
	Code      string    `json:"code,omitempty"` // failed: of the BPMN error
	Message   string    `json:"message,omitempty"`
}

// Escalation is one of a called process that it does not catch.
type Escalation struct {
	Command   int       `json:"command"`
	Code      string    `json:"code"`
	Variables Variables `json:"variables,omitempty"`
}

// TaskAnswerUpdate is TaskAnswer, of a process.
const TaskAnswerUpdate = "task-answer"

// TaskAnswer is a BPMN error or an escalation by whoever works on a user task. After an escalation the task goes on, unless it is
// caught by an event that interrupts.
type TaskAnswer struct {
	Command   int       `json:"command"` // engine id
	Escalate  bool      `json:"escalate,omitempty"`
	Code      string    `json:"code"`
	Message   string    `json:"message,omitempty"`
	Variables Variables `json:"variables,omitempty"`
}

// TaskAssigned tells a process that listens whose a user task is now; "": its candidates'.
type TaskAssigned struct {
	Command  int    `json:"command"`
	Assignee string `json:"assignee"`
}

// TaskVariables are set on a user task alone.
type TaskVariables struct {
	Command   int       `json:"command"`
	Variables Variables `json:"variables,omitempty"`
}

// SignalBroadcast is a signal to everybody who waits for it, but not to its sender.
type SignalBroadcast struct {
	ID        string    `json:"id"` // duplicates by id are dropped; "": never a duplicate
	Name      string    `json:"name"`
	Variables Variables `json:"variables,omitempty"`
	Sender    string    `json:"sender,omitempty"` // instance, or ""
}

// SignalState is the input of the signal workflow.
type SignalState struct {
	Name          string         `json:"name"`
	Subscriptions []Subscription `json:"subscriptions,omitempty"`
	Seen          []string       `json:"seen,omitempty"`  // ids of signals of late
	SeenAt        time.Time      `json:"seenAt,omitzero"` // when the last of them came
}

// BroadcastUpdate is SignalBroadcast -> BroadcastResult, of the signal workflow.
const BroadcastUpdate = "broadcast"

// SignalWorkflow is the type of the workflow in which a signal meets those who wait for it.
const SignalWorkflow = "waybill/signal"

// BroadcastResult says who got a signal.
type BroadcastResult struct {
	Delivered int      `json:"delivered"`         // instances, and catchers in them
	Started   []string `json:"started,omitempty"` // instances that it started
	Duplicate bool     `json:"duplicate,omitempty"`
}

// SignalDelivery is the payload of SignalSignal.
type SignalDelivery struct {
	Command   int       `json:"command"`
	Variables Variables `json:"variables,omitempty"`
}

// Activities that a process asks for beside its connectors.
const (
	SubscribeSignalActivity = "waybill/subscribe-signal" // Subscription
	BroadcastActivity       = "waybill/broadcast"        // SignalBroadcast
	StartBySignalActivity   = "waybill/start-by-signal"  // SignalBroadcast -> ids of the instances
	PublishActivity         = "waybill/publish"          // Message
	LoadDefinitionActivity  = "waybill/load-definition"  // LoadDefinition -> Definition
	ExternalTaskActivity    = "waybill/external-task"    // ExternalTask -> ExternalResult
	PauseExternalActivity   = "waybill/pause-external"   // PauseExternal
)

// LoadDefinition names a deployed process. Version 0 and no tag: the latest.
type LoadDefinition struct {
	Key        string `json:"key"`
	Version    int    `json:"version,omitempty"`
	VersionTag string `json:"versionTag,omitempty"`
}

// ExternalTask is the input of an activity that an outside worker does.
type ExternalTask struct {
	Topic      string            `json:"topic"`
	Priority   int               `json:"priority,omitempty"`
	Properties map[string]string `json:"properties,omitempty"` // of the element
	Variables  Variables         `json:"variables,omitempty"`
	Local      []string          `json:"local,omitempty"` // the variables that are the element's own
	Context    CallContext       `json:"context"`
	VersionTag string            `json:"versionTag,omitempty"` // of the version of its process
	Created    time.Time         `json:"created"`
	Failed     ExternalFailure   `json:"failed,omitzero"`    // it was offered before, and with how many retries it is now
	NotBefore  time.Time         `json:"notBefore,omitzero"` // it has failed, and is given away from then on
	// Payload is what workers of process-engine are given, as JSON. nil: the model names none, and they are given the variables.
	Payload json.RawMessage `json:"payload,omitempty"`
	User    string          `json:"user,omitempty"`   // who started the instance: process-engine's identity
	Leases  int             `json:"leases,omitempty"` // that it had before it was offered again
	// Judged: the model may make a BPMN error of a failure (camunda:errorEventDefinition), so that failures with retries left are the
	// process's, too.
	Judged bool `json:"judged,omitempty"`
}

// ExternalTaskLongest is how long a worker may have an external task, however often it extends its lock.
const ExternalTaskLongest = 10 * 365 * 24 * time.Hour

// ExternalTasksQuery -> []OpenExternalTask, of a process.
const ExternalTasksQuery = "external-tasks"

// OpenExternalTask is an external task of an instance, without its variables: one that is offered, or one that is an incident since it failed.
// What Temporal knows of it, such as who has it, is in the activity of its number.
type OpenExternalTask struct {
	ExternalTask
	Task     int    `json:"task"`               // the number in its ExternalTaskID
	Incident int    `json:"incident,omitempty"` // 0: it is offered
	Paused   bool   `json:"paused,omitempty"`   // its instance is suspended by an operator
	Process  string `json:"process,omitempty"`  // the name of its process
}

// PauseExternal keeps external tasks of an instance from being given away, or lets them be given away again.
type PauseExternal struct {
	Instance string `json:"instance"`
	Run      string `json:"run"`
	Tasks    []int  `json:"tasks"` // the numbers in their ExternalTaskIDs
	Resume   bool   `json:"resume,omitempty"`
}

// FailedExternalTask is the type of the incident of an external task that has no retries left.
const FailedExternalTask = "failedExternalTask"

// SignalID is the id of the workflow in which a signal meets those who wait for it.
func SignalID(name string) string { return "signal/" + Segment(name) }

// SignalStartsID is the id of the workflow that knows which processes a signal of this name starts.
func SignalStartsID(name string) string { return "signal-starts/" + Segment(name) }

// ChildID is the id of a called instance.
func ChildID(key, instance string, command int) string {
	return key + "/call-" + Segment(instance+"/"+strconv.Itoa(command))
}

// ExternalTaskID is the id of the activity that an external task of an instance is: the same when it is offered again, by a next run or after an
// incident. task is the command that first offered it. In instances of versions before 5 Temporal's client numbers the activities: there task is that
// number, negative, and another when the task is offered again.
func ExternalTaskID(task int) string {
	if task < 0 {
		return strconv.Itoa(-task)
	}
	return "task-" + strconv.Itoa(task)
}

// ExternalTaskNumber is the number in an ExternalTaskID; 0: it is none.
func ExternalTaskNumber(id string) int {
	number, ok := strings.CutPrefix(id, "task-")
	n, err := strconv.Atoi(number)
	switch {
	case err != nil || n < 1:
		return 0
	case !ok:
		return -n
	}
	return n
}

// ExternalResult is the result of an external task: a ConnectorResult, and what became of one whose lock had run out, which cannot fail. The
// details of a BPMN error are one, too.
type ExternalResult struct {
	Outputs Variables `json:"outputs,omitempty"`
	Local   Variables `json:"local,omitempty"` // for its output mapping alone
	// Token is what token.current is then, as JSON: the result of a worker of process-engine, where it is no object. nil: Outputs.
	Token   json.RawMessage  `json:"token,omitempty"`
	Worker  string           `json:"worker,omitempty"` // who answers
	Attempt int              `json:"attempt,omitempty"`
	Error   *ExternalError   `json:"error,omitempty"`
	Failure *ExternalFailure `json:"failure,omitempty"`
	Leases  []Lease          `json:"leases,omitempty"` // the last MaxLeases since it was offered
}

// MaxLeases bounds the leases that are told of an external task.
const MaxLeases = 20

// Lease is a lock that a worker had on an external task.
type Lease struct {
	Number int       `json:"number"` // from 1, of those of the task
	Worker string    `json:"worker"` // at most MaxWorker bytes
	At     time.Time `json:"at"`
	Until  time.Time `json:"until"` // as it was given, or extended
}

// MaxWorker bounds the name of a worker in a Lease, in bytes.
const MaxWorker = 255

// ExternalError is a BPMN error.
type ExternalError struct {
	Code    string `json:"code"`
	Message string `json:"message,omitempty"`
}

// ExternalFailure is that of an external task. In a result it is an incident when no retries are left, else the task is offered again.
type ExternalFailure struct {
	Code    string `json:"code,omitempty"` // see Catchable
	Message string `json:"message,omitempty"`
	Details string `json:"details,omitempty"` // of an incident MaxDetails bytes are kept
	Retries *int   `json:"retries,omitempty"` // that are left; nil: nobody has said, and it is offered again
	AfterMS int64  `json:"afterMs,omitempty"` // until it is offered again
	Worker  string `json:"worker,omitempty"`  // whose it was: until another has it, its answers are heard
	// Catchable is a service error of process-engine: where the model catches a BPMN error of this Code, or of any, it is one.
	Catchable bool `json:"catchable,omitempty"`
	// Set: nothing has failed. Somebody has set the retries or the priority, and the rest is as it was.
	Set bool `json:"set,omitempty"`
	// Priority is that with which it is offered again; nil: as before.
	Priority *int `json:"priority,omitempty"`
}

// MaxDetails bounds the details of a failure that an instance keeps, in bytes.
const MaxDetails = 4000

// TopicQueue is the task queue of the external tasks of a topic.
func TopicQueue(topic string) string { return "waybill-topic/" + Segment(topic) }

// PriorityKey puts a priority of BPMN, where higher is sooner and 0 is normal, into Temporal's five, where 1 is first.
func PriorityKey(priority int) int {
	switch {
	case priority >= 100:
		return FirstPriority
	case priority > 0:
		return 2
	case priority <= -100:
		return 5
	case priority < 0:
		return 4
	}
	return 3
}

// FirstPriority is Temporal's priority key of what comes first.
const FirstPriority = 1

// Updates of a process, beside those of process.go.
const (
	ActivateUpdate       = "activate"     // ElementInput: starts an activity of an ad-hoc sub-process
	FinishScopeUpdate    = "finish-scope" // ElementInput: completes an ad-hoc sub-process
	SuspendUpdate        = "suspend"
	ResumeInstanceUpdate = "resume"
	AdvanceUpdate        = "advance" // Advance, in tests
)

// ElementInput names an element.
type ElementInput struct {
	Element string `json:"element"`
}

// Advance moves the clock of an instance, in tests.
type Advance struct {
	To time.Time `json:"to"`
}
