package engine

import "time"

// Version is the version of the engine's behaviour that new instances get. An instance keeps the version it started
// with (State.Engine), so a change of behaviour reaches only instances that start after it.
const Version = 1

// Event is what happened to an instance since the last step.
type Event interface{ event() }

// Started begins the instance at its start event. It is the first event of every instance, and only that.
type Started struct {
	Element   string // id of the start event; "": the none start event
	Variables Variables
}

// Completed is the result of a connector call, a script or a user task.
type Completed struct {
	ID      int // of the command
	Outputs Variables
}

// Failed is a connector call or a script that is not retried any more.
type Failed struct {
	ID      int
	Failure Failure
}

// Failure says what went wrong. Code is set for a BPMN error.
type Failure struct {
	Code    string `json:"code,omitempty"`
	Message string `json:"message"`
}

// TimerFired is a StartTimer that is due.
type TimerFired struct{ ID int }

// MessageReceived is a message for a Subscribe.
type MessageReceived struct {
	ID        int
	Variables Variables
}

// VariablesSet changes variables from outside.
type VariablesSet struct{ Variables Variables }

// IncidentAnswered is an operator's answer to an open incident.
type IncidentAnswered struct {
	ID        int
	Action    IncidentAction
	Variables Variables // retry: set before; resolve: the results of the element
}

// IncidentAction is what an operator can do about an incident.
type IncidentAction string

// Retry runs the element again, Resolve goes on as if it had completed, Cancel cancels the instance.
const (
	IncidentRetry   IncidentAction = "retry"
	IncidentResolve IncidentAction = "resolve"
	IncidentCancel  IncidentAction = "cancel"
)

// Cancelled ends the instance from outside.
type Cancelled struct{}

func (Started) event()          {}
func (Completed) event()        {}
func (Failed) event()           {}
func (TimerFired) event()       {}
func (MessageReceived) event()  {}
func (VariablesSet) event()     {}
func (IncidentAnswered) event() {}
func (Cancelled) event()        {}

// Command is what the host must do. IDs are unique within the instance and name the command in later events.
type Command interface{ command() }

// CallConnector calls a connector action.
type CallConnector struct {
	ID             int       `json:"id"`
	Element        string    `json:"element"`
	Implementation string    `json:"implementation,omitempty"`
	Inputs         Variables `json:"inputs,omitempty"`
}

// RunScript runs a script with a copy of the variables; Completed.Outputs are the variables that it set.
type RunScript struct {
	ID        int       `json:"id"`
	Element   string    `json:"element"`
	Format    string    `json:"format,omitempty"`
	Source    string    `json:"source,omitempty"`
	Result    string    `json:"result,omitempty"` // variable for the result of the script, or ""
	Variables Variables `json:"variables,omitempty"`
}

// OpenTask opens a user task.
type OpenTask struct {
	ID              int       `json:"id"`
	Element         string    `json:"element"`
	Name            string    `json:"name,omitempty"`
	Assignee        string    `json:"assignee,omitempty"`
	CandidateUsers  []string  `json:"candidateUsers,omitempty"`
	CandidateGroups []string  `json:"candidateGroups,omitempty"`
	Due             time.Time `json:"due,omitzero"` // zero: none
	Priority        int       `json:"priority,omitempty"`
	FormKey         string    `json:"formKey,omitempty"`
	Description     string    `json:"description,omitempty"`
	Inputs          Variables `json:"inputs,omitempty"`
}

// StartTimer asks for TimerFired at a time, or at once when it has passed.
type StartTimer struct {
	ID      int
	Element string
	At      time.Time
}

// Subscribe asks for MessageReceived, once, when a message of this name and key is there. Without a name it waits for no
// message: a receive task that somebody wakes from outside.
type Subscribe struct {
	ID      int
	Element string
	Name    string
	Key     string
}

// Stop ends the command with this ID: a connector call, script, task, timer or subscription that nobody waits for any more.
type Stop struct{ ID int }

// End is the last command of an instance.
type End struct{ Outcome Outcome }

// Outcome is how an instance ended.
type Outcome string

// OutcomeCompleted covers a terminate end event too.
const (
	OutcomeCompleted Outcome = "completed"
	OutcomeCancelled Outcome = "cancelled"
)

func (CallConnector) command() {}
func (RunScript) command()     {}
func (OpenTask) command()      {}
func (StartTimer) command()    {}
func (Subscribe) command()     {}
func (Stop) command()          {}
func (End) command()           {}
