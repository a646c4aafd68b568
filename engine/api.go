package engine

import (
	"time"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/juel"
)

// Version is the version of the engine's behaviour that new instances get. An instance keeps the version it started
// with (State.Engine), so a change of behaviour reaches only instances that start after it.
const Version = 6

// Event is what happened to an instance since the last step.
type Event interface{ event() }

// Started begins the instance at its start event. It is the first event of every instance, and only that.
type Started struct {
	Element   string // id of the start event, or of what follows an instantiating gateway; "": the none start event
	Variables Variables
}

// Completed is the result of a connector call, a script, a user task, an external task, a published message or a called
// process.
type Completed struct {
	ID       int // of the command
	Outputs  Variables
	Local    Variables // of a script: what it set local to its element
	Removed  []string  // of a script: the variables that it removed
	Assignee *string   // of a user task: whose it was in the end; nil: as it was opened
	Owner    *string   // of a user task: who had delegated it, or ""; nil: as it was opened
	Claimed  time.Time // of a user task: when somebody took it; zero: nobody did
	Await    *Await    // of a connector call: it is not over yet
	Attempts int       // of a connector call or an external task: how often it was tried; 0: not known
	By       *By       // of an external task: who did it; nil: not known
}

// Await is the message that a connector call waits for after it has been made, such as the reply to what it has posted. The variables of
// the message are outputs, too, and win over those of the call.
type Await struct{ Name, Key string }

// TaskAssigned says that an open user task which Listens has got another assignee; "" when it went back to its candidates.
type TaskAssigned struct {
	ID       int
	Assignee string
}

// Failed is a connector call, a script, an external task or a called process that is not retried any more. With a code it is a
// BPMN error, and a user task can have one too.
type Failed struct {
	ID        int
	Failure   Failure
	Variables Variables // of a BPMN error: set where it is caught; of another failure of an external task: set
	Attempts  int       // of a connector call or an external task: how often it was tried; 0: not known

	// Of an external task, since version 5.
	Local     Variables // local to its element, when it is no BPMN error
	Catchable bool      // with or without a code it is a BPMN error where the model catches one, else an incident
	Again     *Again    // it is offered again; nil: it has failed for good
	By
}

// Failure says what went wrong. Code is set for a BPMN error.
type Failure struct {
	Code    string `json:"code,omitempty"`
	Message string `json:"message"`
	Type    string `json:"type,omitempty"` // of a technical failure, such as the class of a Java exception
	Details string `json:"-"`              // of an external task
}

// Escalated is an escalation by whoever works on a user task, or by a called process. It ends what it came from only where it is
// caught by an interrupting event. One from a user task that nothing catches is refused.
type Escalated struct {
	ID        int
	Code      string
	Variables Variables
}

// TimerFired is a StartTimer that is due.
type TimerFired struct{ ID int }

// MessageReceived is a message for a Subscribe.
type MessageReceived struct {
	ID        int
	Variables Variables
}

// SignalReceived is a signal for a SubscribeSignal.
type SignalReceived struct {
	ID        int
	Variables Variables
}

// VariablesSet changes variables from outside: of the instance, or with Task those that are local to this open user task.
type VariablesSet struct {
	Variables Variables
	Task      int // command id; 0: of the instance
}

// Activated starts an enabled activity of an ad-hoc sub-process.
type Activated struct{ Element string }

// ScopeFinished completes an ad-hoc sub-process in which nothing runs.
type ScopeFinished struct{ Element string }

// IncidentAnswered is an operator's answer to an open incident.
type IncidentAnswered struct {
	ID        int
	Action    IncidentAction
	Variables Variables // retry: set before; resolve: the results of the element
	Retries   int       // retry: those of an external task; 0: nobody has said
}

// IncidentAction is what an operator can do about an incident.
type IncidentAction string

// Retry runs the element again, Resolve goes on as if it had completed with these results, Skip as if it had completed
// without any, Cancel cancels the instance.
const (
	IncidentRetry   IncidentAction = "retry"
	IncidentResolve IncidentAction = "resolve"
	IncidentSkip    IncidentAction = "skip"
	IncidentCancel  IncidentAction = "cancel"
)

// Cancelled ends the instance from outside.
type Cancelled struct{}

func (Started) event()          {}
func (Completed) event()        {}
func (TaskAssigned) event()     {}
func (Failed) event()           {}
func (Escalated) event()        {}
func (TimerFired) event()       {}
func (MessageReceived) event()  {}
func (SignalReceived) event()   {}
func (VariablesSet) event()     {}
func (Activated) event()        {}
func (ScopeFinished) event()    {}
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
	Result    string    `json:"result,omitempty"`    // variable for the result of the script, or ""
	AutoStore bool      `json:"autoStore,omitempty"` // the globals that it assigns become variables
	Variables Variables `json:"variables,omitempty"`
	Execution Variables `json:"execution,omitempty"` // the data of execution
}

// OpenTask opens a user task.
type OpenTask struct {
	ID              int       `json:"id"`
	Element         string    `json:"element"`
	Name            string    `json:"name,omitempty"`
	Assignee        string    `json:"assignee,omitempty"`
	Owner           string    `json:"owner,omitempty"`
	CandidateUsers  []string  `json:"candidateUsers,omitempty"`
	CandidateGroups []string  `json:"candidateGroups,omitempty"`
	Due             time.Time `json:"due,omitzero"`      // zero: none
	FollowUp        time.Time `json:"followUp,omitzero"` // zero: none
	Priority        int       `json:"priority,omitempty"`
	FormKey         string    `json:"formKey,omitempty"`
	Description     string    `json:"description,omitempty"`
	Listens         bool      `json:"listens,omitempty"` // a listener waits for TaskAssigned
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

// SubscribeSignal asks for SignalReceived each time the signal is broadcast, until Stop.
type SubscribeSignal struct {
	ID      int
	Element string
	Name    string
}

// Publish publishes a message. Completed answers when it is safe, whoever gets it.
type Publish struct {
	ID        int       `json:"id"`
	Element   string    `json:"element"`
	Name      string    `json:"name"`
	Key       string    `json:"key"`
	Variables Variables `json:"variables,omitempty"`
}

// Broadcast sends a signal to all other instances that wait for it, and starts those that begin with it. The instance's own
// catchers have got it already. Nothing answers.
type Broadcast struct {
	ID        int       `json:"id"`
	Element   string    `json:"element"`
	Name      string    `json:"name"`
	Variables Variables `json:"variables,omitempty"`
}

// StartChild starts an instance of another process at its none start event. Completed.Outputs are all its variables in the
// end; Failed with a code is an error that it did not catch, Escalated an escalation.
type StartChild struct {
	ID          int       `json:"id"`
	Element     string    `json:"element"`
	Process     string    `json:"process"`
	Version     int       `json:"version,omitempty"`    // 0: the latest
	VersionTag  string    `json:"versionTag,omitempty"` // "": any
	BusinessKey string    `json:"businessKey,omitempty"`
	Variables   Variables `json:"variables,omitempty"`
}

// Escalate tells the caller of an instance of an escalation that nothing here catches.
type Escalate struct {
	ID        int
	Code      string
	Variables Variables
}

// Stop ends the command with this ID: a call, script, task, timer, subscription or child that nobody waits for any more.
type Stop struct{ ID int }

// End is the last command of an instance but for Record.
type End struct {
	Outcome Outcome
	Failure Failure `json:",omitzero"` // of OutcomeFailed
}

// Outcome is how an instance ended.
type Outcome string

// OutcomeCompleted covers a terminate end event too. OutcomeFailed is a called instance with an error that only its caller
// can catch.
const (
	OutcomeCompleted Outcome = "completed"
	OutcomeCancelled Outcome = "cancelled"
	OutcomeFailed    Outcome = "failed"
)

func (CallConnector) command()   {}
func (RunScript) command()       {}
func (OpenTask) command()        {}
func (OfferTask) command()       {}
func (StartTimer) command()      {}
func (Subscribe) command()       {}
func (SubscribeSignal) command() {}
func (Publish) command()         {}
func (Broadcast) command()       {}
func (StartChild) command()      {}
func (Escalate) command()        {}
func (Stop) command()            {}
func (Record) command()          {}
func (End) command()             {}

// Scripts evaluates JavaScript in place: conditions, listeners and values of mappings. The same script in the same surroundings
// must give the same, so that a step can be replayed: no clock, no random, bounded in time.
type Scripts interface {
	Evaluate(s *bpmn.Script, env ScriptEnv) (any, error)
}

// ScriptEnv is what a script sees. Nothing in it may be changed; a script that changes a list gets a copy.
type ScriptEnv struct {
	Variables Variables
	Execution map[string]any                                       // the data of execution
	Task      map[string]any                                       // the data of task; nil: not at a user task
	Token     map[string]any                                       // process-engine's token: current and history
	Identity  map[string]any                                       // process-engine's identity: userId; nil: it is not known here
	Set       func(name string, value any, reach juel.Reach) error // nil: variables cannot be set here
	Remove    func(name string) error                              // nil: variables cannot be removed here
	Change    func(method string, value any) error                 // of juel.TaskChanges; nil: there is no task to change
}

// BPMNError is a BPMN error that a script throws.
type BPMNError struct{ Code, Message string }

func (e *BPMNError) Error() string { return "BPMN error " + e.Code + ": " + e.Message }

// Engine is Step with what only some models need.
type Engine struct {
	Scripts Scripts // nil: JavaScript in place is an incident
}
