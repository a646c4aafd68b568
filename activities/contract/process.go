package contract

import (
	"fmt"
	"time"
)

// ProcessInput starts an instance. State is set when the run goes on from an earlier one.
type ProcessInput struct {
	Definition  Definition `json:"definition"`        // its key and version alone when Packed has the rest
	Packed      []byte     `json:"packed,omitempty"`  // definition.Pack
	Engine      int        `json:"engine"`            // engine version of the instance
	Element     string     `json:"element,omitempty"` // start event; "": the none start event
	BusinessKey string     `json:"businessKey,omitempty"`
	Initiator   string     `json:"initiator,omitempty"`
	Variables   Variables  `json:"variables,omitempty"`
	State       []byte     `json:"state,omitempty"` // engine.State, JSON, gzip from engine version 2 on
	Began       time.Time  `json:"began,omitzero"`  // when the first run began, of an instance that records events

	Unraised []int `json:"unraised,omitempty"` // incidents that nobody has taken the alert of

	Parent *Caller    `json:"parent,omitempty"` // of a called process
	Depth  int        `json:"depth,omitempty"`  // of calls around it
	Paused bool       `json:"paused,omitempty"` // suspended by an operator
	Clock  *time.Time `json:"clock,omitempty"`  // in tests: the time, which stands still until AdvanceUpdate
}

// Diary is how far a workflow that is no process has recorded its events.
type Diary struct {
	Began    time.Time `json:"began,omitzero"` // when its first run did
	Sequence int64     `json:"sequence,omitempty"`
}

// ProcessResult is what an instance leaves when it ends, and what its state query answers while it runs.
type ProcessResult struct {
	ID          string        `json:"id"`
	Definition  DefinitionRef `json:"definition"`
	BusinessKey string        `json:"businessKey,omitempty"`
	State       string        `json:"state"` // active, suspended, paused, completed, cancelled, failed
	Variables   Variables     `json:"variables"`
	Path        []string      `json:"path"`             // element ids in order of completion
	Active      []string      `json:"active,omitempty"` // elements that wait
	Incidents   []Incident    `json:"incidents,omitempty"`
	Enabled     []string      `json:"enabled,omitempty"` // activities of ad-hoc sub-processes that can be started
	Paused      bool          `json:"paused,omitempty"`  // suspended by an operator
	Code        string        `json:"code,omitempty"`    // failed: of the BPMN error
	Message     string        `json:"message,omitempty"`

	Caller *Caller `json:"caller,omitempty"` // the call activity that started it

	// In tests, whose clock stands still.
	Due           *time.Time `json:"due,omitempty"`           // of the next timer
	Subscriptions []string   `json:"subscriptions,omitempty"` // "message NAME", "signal NAME"
}

// DefinitionRef names a version of a process.
type DefinitionRef struct {
	Key     string `json:"key"`
	Version int    `json:"version"`
	Tenant  string `json:"tenant,omitempty"`
}

// Incident is an element that waits for an operator.
type Incident struct {
	ID      int       `json:"id"`
	Element string    `json:"element"`
	Code    string    `json:"code,omitempty"`
	Message string    `json:"message"`
	At      time.Time `json:"at"`

	// Of an external task that has no retries left.
	Task    int    `json:"task,omitempty"` // its number, see ExternalTaskID
	Topic   string `json:"topic,omitempty"`
	Details string `json:"details,omitempty"` // of its failure, at most MaxDetails bytes
	Worker  string `json:"worker,omitempty"`  // who had it last
}

// States of an instance.
const (
	StateActive    = "active"
	StateSuspended = "suspended" // an incident is open
	StateCompleted = "completed"
	StateCancelled = "cancelled"
	StatePaused    = "paused" // by an operator
	StateFailed    = "failed" // a called process: a BPMN error that only its caller can catch
)

// Queries, updates and signals of a process.
const (
	StateQuery      = "state"     // -> ProcessResult
	IncidentUpdate  = "incident"  // IncidentAnswer -> ProcessResult
	VariablesUpdate = "variables" // Variables
	CancelUpdate    = "cancel"    // ends the instance in good order
	CatchUpdate     = "catch"     // CatchMessage: a message for this instance alone
	MessageSignal   = "message"   // MessageDelivery
	TaskSignal      = "task"      // TaskDone
)

// IncidentAnswer is an operator's answer. ID 0: the only open incident (of Element, if that is set).
type IncidentAnswer struct {
	ID        int       `json:"id,omitempty"`
	Element   string    `json:"element,omitempty"`
	Action    string    `json:"action"` // retry, resolve, cancel
	Variables Variables `json:"variables,omitempty"`
	Retries   int       `json:"retries,omitempty"` // with retry: those of an external task; 0: it is offered without a number
}

// CatchMessage wakes one catcher of an instance: of the message Name, at Element when that is set. Name "" means a receive
// task that waits for no message.
type CatchMessage struct {
	ID        string    `json:"-"` // a message is taken once; "": never a duplicate
	Name      string    `json:"name,omitempty"`
	Element   string    `json:"element,omitempty"`
	Answers   []string  `json:"answers,omitempty"` // Message-IDs that a mail answers: a catcher with one of them as its key comes first
	Variables Variables `json:"variables,omitempty"`
}

// CallHeartbeat is how fast a call of a connector is given to another worker when its own has died.
const CallHeartbeat = 15 * time.Second

// ConnectorCall is the input of every connector activity, in whatever language it is written.
type ConnectorCall struct {
	IdempotencyKey string      `json:"idempotencyKey"` // the same over all attempts
	Implementation string      `json:"implementation"`
	Inputs         Variables   `json:"inputs"`
	Context        CallContext `json:"context"`
}

// CallContext says on whose behalf a connector is called.
type CallContext struct {
	ProcessInstanceID        string `json:"processInstanceId"`
	ProcessDefinitionKey     string `json:"processDefinitionKey"`
	ProcessDefinitionVersion int    `json:"processDefinitionVersion"`
	BusinessKey              string `json:"businessKey,omitempty"`
	RootProcessInstanceID    string `json:"rootProcessInstanceId,omitempty"`   // "": itself
	ParentProcessInstanceID  string `json:"parentProcessInstanceId,omitempty"` // "": nothing called it
	ElementID                string `json:"elementId"`
	ElementName              string `json:"elementName,omitempty"`
	Tenant                   string `json:"tenant,omitempty"` // of the definition
}

// ProcessDefinitionID is how other systems are told of the definition.
func (c *CallContext) ProcessDefinitionID() string {
	return fmt.Sprintf("%s:%d", c.ProcessDefinitionKey, c.ProcessDefinitionVersion)
}

// ConnectorResult is the result of every connector activity.
type ConnectorResult struct {
	Outputs Variables `json:"outputs,omitempty"`
	Await   *Await    `json:"await,omitempty"` // the call is over only when this message has come
	// Attempt is the try that brought the result, from 1, for analytics; 0: the first, or not known.
	Attempt int `json:"attempt,omitempty"`
}

// Await is a message that a call waits for after it has been made. Its variables are outputs, too.
type Await struct {
	Name string `json:"name"`
	Key  string `json:"key"`
}

// BPMNErrorPrefix starts the type of a Temporal application error that is a BPMN error: "bpmn:INVALID_INPUT".
const BPMNErrorPrefix = "bpmn:"

// ScriptInput is a script with the variables that it sees.
type ScriptInput struct {
	Format    string    `json:"format"`
	Source    string    `json:"source"`
	Result    string    `json:"result,omitempty"`
	Variables Variables `json:"variables"`
	Execution Variables `json:"execution,omitempty"` // the data of execution
	AutoStore bool      `json:"autoStore,omitempty"` // the globals that it assigns become variables
}

// ScriptResult holds the variables that a script set, its result among them.
type ScriptResult struct {
	Variables Variables `json:"variables,omitempty"`
	Local     Variables `json:"local,omitempty"` // set by setVariableLocal
	Removed   []string  `json:"removed,omitempty"`
}
