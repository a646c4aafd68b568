package bpmn

import "github.com/waybill-io/waybill/juel"

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
	VersionTag string
	Line       int
	Nodes      []*Node // in document order
	Flows      []*Flow // in document order
	Properties []Property
	MapDefault MapDefault

	nodes map[string]*Node
}

// Node returns the flow node with this id, or nil.
func (p *Process) Node(id string) *Node { return p.nodes[id] }

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
)

// EventKind is the event definition of an event.
type EventKind uint8

// The event definitions that can be executed; NoEvent is a none event or not an event at all.
const (
	NoEvent EventKind = iota
	MessageEvent
	TimerEvent
	TerminateEvent
)

// Node is a flow node. Only the fields of its kind are set.
type Node struct {
	ID       string
	Name     string
	Line     int
	Kind     Kind
	Event    EventKind
	Incoming []*Flow
	Outgoing []*Flow
	Default  *Flow // exclusive gateway and tasks

	AttachedTo   *Node   // boundary event: its activity
	Interrupting bool    // boundary event: cancelActivity
	Boundary     []*Node // activity: its boundary events, in document order

	Initiator      string        // start event: the variable that receives who started the instance, or ""
	Timer          *Timer        // timer events
	Message        *Message      // message events, receive task
	Implementation string        // service and send task: "connector.ACTION"
	Retry          *Retry        // service and send task: the model's own policy, nil: the connector's
	Script         *Script       // script task
	User           *UserTaskInfo // user task
	Mapping        *Mapping      // tasks: what goes in and comes out; nil: no entry in the extensions
}

// Flow is a sequence flow.
type Flow struct {
	ID        string
	Line      int
	Source    *Node
	Target    *Node
	Condition *juel.Expr // nil: unconditional
}

// Timer is a timer event definition: exactly one of the three is set. The text may hold expressions.
type Timer struct {
	Date     *juel.Expr // ISO 8601 date and time
	Duration *juel.Expr // ISO 8601 duration
	Cycle    *juel.Expr // ISO 8601 repeating interval, R/PT1H or R3/PT10M
}

// Message is a reference to a message by name, with the correlation key that a catcher waits for.
type Message struct {
	Name *juel.Expr
	Key  *juel.Expr // nil: the business key of the instance
}

// Retry is a retry policy written in the model (failedJobRetryTimeCycle).
type Retry struct {
	Attempts int    // calls in all, the first one included
	Interval string // ISO 8601 duration between two calls
}

// Script is the body of a script task.
type Script struct {
	Format         string // "javascript"
	Source         string
	ResultVariable string // "" : the result is dropped
}

// UserTaskInfo is what a user task tells the people who work on it.
type UserTaskInfo struct {
	Name            *juel.Expr // the node's name, which may hold expressions; nil: it has none
	Assignee        *juel.Expr
	CandidateUsers  []*juel.Expr
	CandidateGroups []*juel.Expr
	DueDate         *juel.Expr // ISO 8601 date and time, or a duration from now
	Priority        *juel.Expr
	FormKey         *juel.Expr
	Description     *juel.Expr // the documentation, which may hold expressions; nil: there is none
}
