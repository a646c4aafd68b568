package bpmn

import (
	"fmt"
	"slices"

	"github.com/waybill-io/waybill/juel"
)

// Model is one BPMN file, parsed and checked. It is immutable and safe for concurrent use.
type Model struct {
	Name      string // the file's name, for messages
	Processes []*Process

	notices []Warning // of Parse, for Lint
}

// Process is one executable process: a graph of nodes and flows.
type Process struct {
	ID         string
	Name       string
	Namespace  string // the targetNamespace of the file
	VersionTag string
	Line       int
	Nodes      []*Node // in document order, those inside of sub-processes too: a sub-process comes before what is in it
	Flows      []*Flow // in document order, of all levels
	Properties []Property
	Data       []Datum // data objects with a value
	Listeners  []Listener
	MapDefault MapDefault
	Uncaught   Uncaught
	Analytics  *Analytics // nil: the file says nothing of it
	History    bool       // a JavaScript of the model reads token.history, so results of elements are kept

	nodes       map[string]*Node
	tops        []*Node
	conditional bool
}

// Node returns the flow node with this id, or nil.
func (p *Process) Node(id string) *Node { return p.nodes[id] }

// Topics are those of its external tasks, as far as they are no expressions.
func (p *Process) Topics() (topics []string) {
	for _, n := range p.Nodes {
		if n.Topic == nil || n.TopicScript != nil || !n.Topic.IsLiteral() {
			continue
		}
		if topic, err := n.Topic.Eval(nil); err == nil { // a literal has no error
			topics = append(topics, fmt.Sprint(topic))
		}
	}
	slices.Sort(topics)
	return slices.Compact(topics)
}

// Top are the nodes directly in the process.
func (p *Process) Top() []*Node { return p.tops }

// Kind is what a flow node is, by its element name in BPMN 2.0.
type Kind uint8

// The flow nodes that can be executed.
const (
	StartEvent Kind = iota + 1
	EndEvent
	CatchEvent // intermediateCatchEvent
	BoundaryEvent
	ServiceTask
	SendTask
	ReceiveTask
	UserTask
	ScriptTask
	ManualTask
	UndefinedTask // <task>: nothing to do, passes on
	ExclusiveGateway
	ParallelGateway
	ThrowEvent // intermediateThrowEvent
	BusinessRuleTask
	InclusiveGateway
	EventBasedGateway
	SubProcess      // subProcess, triggeredByEvent or not
	Transaction     // a sub-process that can be cancelled
	AdHocSubProcess // its activities are started by people or by nobody
	CallActivity
)

// EventKind is the event definition of an event.
type EventKind uint8

// The event definitions that can be executed; NoEvent is a none event or not an event at all.
const (
	NoEvent EventKind = iota
	MessageEvent
	TimerEvent
	TerminateEvent
	SignalEvent
	ErrorEvent
	EscalationEvent
	CompensationEvent
	ConditionalEvent
	LinkEvent
	CancelEvent
)

// Node is a flow node. Only the fields of its kind are set.
type Node struct {
	ID       string
	Name     string
	Line     int
	Kind     Kind
	Event    EventKind
	Parent   *Node // the sub-process that holds it; nil: the process
	Incoming []*Flow
	Outgoing []*Flow
	Default  *Flow // exclusive and inclusive gateways, activities

	AttachedTo   *Node   // boundary event: its activity
	Interrupting bool    // boundary event: cancelActivity; start event of an event sub-process: isInterrupting
	Boundary     []*Node // activity: its boundary events, in document order

	// Events.
	Initiator  string      // start event: the variable that receives who started the instance, or ""
	Timer      *Timer      // timer events
	Message    *Message    // message events, receive task
	Signal     *Signal     // signal events
	Error      *ErrorRef   // error events
	Escalation *Escalation // escalation events
	Condition  *Condition  // conditional events
	Variables  []string    // conditional events: only a change of one of these counts; none: any change
	Link       *Node       // throwing link event: the catching one
	Compensate *Node       // throwing compensation event: the activity to compensate; nil: all of the scope
	Scope      TerminateScope

	// Activities.
	Loop            *Loop
	Inputs          []Assignment // variables local to the activity, set before it starts (inputOutput)
	Outputs         []Assignment // variables set outside of the activity when it completes (inputOutput)
	Handler         *Node        // activity: the activity that compensates it (of its compensation boundary event)
	ForCompensation bool         // runs only to compensate
	Implementation  string       // service, send, business rule task, throwing message event: "connector.ACTION"
	Java            bool         // Implementation is a Java class, bean or method that the model names
	Arguments       []*juel.Expr // Java bean method: its arguments
	Bean            string       // Java bean method: whose it is
	Topic           *juel.Expr   // service, send, business rule task, throwing message event: of an external task
	TopicScript     *Script      // likewise, of process-engine: Topic as JavaScript over token; nil: there is none
	Payload         *Script      // of an external task: what process-engine's workers get, JavaScript over token and identity; nil: there is none
	PayloadPlain    bool         // Payload may be a property that means something else: where it cannot be evaluated, there is none
	JobPriority     *juel.Expr   // of an external task
	Expression      *juel.Expr   // service, send, business rule task: evaluated instead of a call
	Result          string       // service, send, business rule task: the variable that receives the result of Expression or of a Java call, or ""
	// ResultNames are further names of a connector's outputs, under which Result and Mapping.Outputs know them:
	// {"statusCode": "restStatus"} for a model that was written for another connector; "result" is what Result takes.
	ResultNames   map[string]string
	ErrorMappings []ErrorMapping
	Retry         *Retry        // service and send task: the model's own policy, nil: the connector's
	Script        *Script       // script task
	User          *UserTaskInfo // user task
	Call          *Call         // call activity
	Mapping       *Mapping      // tasks: what goes in and comes out; nil: no entry in the extensions
	Listeners     []Listener
	Properties    map[string]string // extension properties (camunda:property), for external tasks; nil: none

	// Gateways.
	Instantiate bool // event-based gateway, receive task: begins an instance

	// Sub-processes.
	Children  []*Node // what is directly inside, in document order
	Triggered bool    // an event sub-process
	Data      []Datum // data objects with a value
	AdHoc     *AdHoc

	upstream []map[*Node]bool // inclusive gateway: by incoming flow, the nodes that can reach it
}

// Flow is a sequence flow.
type Flow struct {
	ID        string
	Line      int
	Source    *Node
	Target    *Node
	Condition *Condition // nil: unconditional
	Listeners []Listener // of the event take
}

// Condition is a condition in one of two languages. Exactly one field is set.
type Condition struct {
	Expr   *juel.Expr
	Script *Script
}

// Timer is a timer event definition: exactly one of the three is set. The text may hold expressions.
type Timer struct {
	Date     *juel.Expr // ISO 8601 date and time
	Duration *juel.Expr // ISO 8601 duration
	Cycle    *juel.Expr // ISO 8601 repeating interval, R/PT1H or R3/PT10M, or cron
	End      *juel.Expr // of a cycle: no firing after this ISO 8601 date; nil: none
}

// Message is a reference to a message by name, with the correlation key that a catcher waits for.
type Message struct {
	Name *juel.Expr
	Key  *juel.Expr // nil: the business key of the instance
}

// Signal is a reference to a signal by name.
type Signal struct {
	Name  *juel.Expr
	Local bool       // it reaches its own instance alone
	In    []Transfer // throwing: what goes with it
}

// ErrorRef is an error that is thrown or caught.
type ErrorRef struct {
	Code            *juel.Expr // nil: catching, any error
	Message         *juel.Expr // throwing, or nil
	CodeVariable    string     // catching: receives the code, or ""
	MessageVariable string     // catching: receives the message, or ""
}

// Escalation is an escalation that is thrown or caught.
type Escalation struct {
	Code         *juel.Expr // nil: catching, any escalation
	CodeVariable string     // catching: receives the code, or ""
}

// TerminateScope is what a terminate end event ends.
type TerminateScope uint8

// The scopes of terminate end events: the sub-process (or process) that holds it, the whole instance (activiti:terminateAll), or
// all instances of the multi-instance sub-process that holds it (activiti:terminateMultiInstance).
const (
	TerminateHere TerminateScope = iota
	TerminateAll
	TerminateMultiInstance
)

// Loop makes an activity run several times.
type Loop struct {
	Sequential bool
	// Multi-instance (BPMN 2.0, 10.3.8): Cardinality or Collection.
	Cardinality *juel.Expr
	Collection  *juel.Expr // gives a list, or a text: the name of the variable that holds one, or several words with commas
	Element     string     // the variable that holds the element in each instance, or ""
	Index       string     // a variable for the index from 0 beside loopCounter, or ""
	Output      string     // the variable that receives the results of all instances as a list, or ""
	OutputItem  string     // the result of an instance that is collected; "": all of its results, as a map
	Until       *Condition // the completion condition; nil: none
	// Standard loop (BPMN 2.0, 10.3.8.1): the activity runs as long as While holds.
	Standard   bool
	While      *Condition // nil: for ever, up to Maximum
	TestBefore bool
	Maximum    *juel.Expr // nil: none
}

// Assignment sets a local variable of an activity, or one outside of it (camunda:inputOutput).
type Assignment struct {
	Name  string
	Value Value
}

// Value is a value of the model. The first field that is set counts; none of them is null.
type Value struct {
	Expr   *juel.Expr
	Script *Script
	List   []Value
	Map    []Assignment
	Empty  bool // List or Map without entries
	IsMap  bool // tells which of them is empty
}

// Transfer copies a variable to another place: of a call activity or with a signal.
type Transfer struct {
	All    bool       // all variables
	Source string     // a variable, or
	Expr   *juel.Expr // an expression
	Target string
	Local  bool // in: of the activity's own variables; out: to them
}

// Call is what a call activity calls.
type Call struct {
	Element     *juel.Expr // the id of the process
	Version     *juel.Expr // nil: the latest
	VersionTag  *juel.Expr // nil: any
	BusinessKey *juel.Expr // nil: none
	Inherit     bool       // the business key of the caller
	In          []Transfer
	Out         []Transfer
}

// AdHoc is how an ad-hoc sub-process runs.
type AdHoc struct {
	Sequential      bool       // one activity at a time
	Until           *Condition // the completion condition; nil: none
	CancelRemaining bool       // ends what still runs when the condition holds
}

// Datum is a data object with a value.
type Datum struct {
	Name  string
	Value any
}

// ErrorMapping turns what a task reports into a BPMN error.
type ErrorMapping struct {
	Code  string
	Class string     // of the failure (mapException); "": any
	When  *juel.Expr // over the results and the failure (camunda:errorEventDefinition); nil: always
}

// Judges tells whether the model may make a BPMN error of a failure that is to be tried again.
func (n *Node) Judges() bool {
	return slices.ContainsFunc(n.ErrorMappings, func(m ErrorMapping) bool { return m.When != nil })
}

// Listener runs when something happens to an element. Exactly one of Expr and Script is set.
type Listener struct {
	Event  string // start, end, take; of a user task create, assignment, complete, delete
	Task   bool   // a task listener
	Expr   *juel.Expr
	Script *Script
}

// Uncaught says what becomes of a BPMN error that nothing catches: a setting of the deployment.
type Uncaught string

// UncaughtIncident is the default. UncaughtEnd lets the token end in silence, as in Camunda 7.
const (
	UncaughtIncident Uncaught = "incident"
	UncaughtEnd      Uncaught = "end"
)

// Retry is a retry policy written in the model (failedJobRetryTimeCycle).
type Retry struct {
	Attempts int    // calls in all, the first one included
	Interval string // ISO 8601 duration between two calls
}

// Script is a JavaScript: the body of a script task, or one that is evaluated in place.
type Script struct {
	Format         string // "javascript"
	Source         string
	ResultVariable string // "" : the result is dropped
	AutoStore      bool   // script task: the globals that it assigns become variables
}

// UserTaskInfo is what a user task tells the people who work on it.
type UserTaskInfo struct {
	Name            *juel.Expr // the node's name, which may hold expressions; nil: it has none
	Assignee        *juel.Expr
	Owner           *juel.Expr
	CandidateUsers  []*juel.Expr
	CandidateGroups []*juel.Expr
	DueDate         *juel.Expr // ISO 8601 date and time, or a duration from now
	FollowUpDate    *juel.Expr // likewise
	Priority        *juel.Expr
	FormKey         *juel.Expr
	Completer       string     // the variable that receives whose the task was when it was completed, or ""
	Description     *juel.Expr // the documentation, which may hold expressions; nil: there is none
	Mails           *TaskMails // nil: the model says nothing
}

// variables are the variables that a condition reads for sure. What a script reads is not known.
func (c *Condition) variables() []string {
	if c == nil || c.Expr == nil {
		return nil
	}
	return c.Expr.Variables()
}
