package engine

import "time"

// Variables are process variables in juel's value model (nil, bool, int64, float64, string, []any, map[string]any).
// Their JSON keeps integers and reals apart, so that a state read back equals the state written.
type Variables map[string]any

// State is everything an instance is, apart from its model. It serialises to JSON; a host may stop at any moment
// between two steps and go on with the state read back.
type State struct {
	Engine      int        `json:"engine"`
	ID          string     `json:"id,omitempty"` // of the instance, for expressions
	BusinessKey string     `json:"businessKey,omitempty"`
	Initiator   string     `json:"initiator,omitempty"` // user who started it
	Seq         int        `json:"seq"`                 // the last id given
	Variables   Variables  `json:"variables,omitempty"`
	Tokens      []Token    `json:"tokens,omitempty"` // in order of creation
	Joins       []Join     `json:"joins,omitempty"`  // in order of their first token
	Waits       []Wait     `json:"waits,omitempty"`  // in order of creation
	Incidents   []Incident `json:"incidents,omitempty"`
	Path        []string   `json:"path,omitempty"` // ids of elements in order of completion, the last PathLimit of them
	Dropped     int        `json:"dropped,omitempty"`
	Outcome     Outcome    `json:"outcome,omitempty"` // "": running
}

// PathLimit bounds State.Path; State.Dropped counts what was before.
const PathLimit = 2000

// Token stands at an element and waits for commands (Wait) or for an operator (Incident).
type Token struct {
	ID      int    `json:"id"`
	Element string `json:"element"`
	Armed   bool   `json:"armed,omitempty"` // the timers of the boundary events have been started
	Done    bool   `json:"done,omitempty"`  // suspended: the element has done its work, only the way out is missing
	Flow    string `json:"flow,omitempty"`  // suspended before it entered the element: the flow it came by
}

// Join counts the tokens that wait at a parallel gateway for tokens of its other incoming flows. A counted token is not
// in State.Tokens any more, so that a join of any width takes the same time for each token.
type Join struct {
	Element string         `json:"element"`
	Arrived map[string]int `json:"arrived"` // by flow id; never zero
}

// WaitKind is the kind of command that a Wait stands for.
type WaitKind string

// The kinds of Wait.
const (
	WaitCall    WaitKind = "call"
	WaitScript  WaitKind = "script"
	WaitTask    WaitKind = "task"
	WaitTimer   WaitKind = "timer"
	WaitMessage WaitKind = "message"
)

// Wait is a command that is under way on behalf of a token. Element is the element that goes on when it is answered:
// the token's own, or a boundary event of it.
type Wait struct {
	ID      int       `json:"id"`
	Token   int       `json:"token"`
	Kind    WaitKind  `json:"kind"`
	Element string    `json:"element"`
	At      time.Time `json:"at,omitzero"`     // timer
	Cycle   string    `json:"cycle,omitempty"` // timer that fires again: R3/PT10M
	Left    int       `json:"left,omitempty"`  // timer with a cycle: firings after this one; -1: for ever
	Name    string    `json:"name,omitempty"`  // message
	Key     string    `json:"key,omitempty"`   // message
	Command Command   `json:"-"`               // call, script, task: as it was given
}

// Incident is a token that cannot go on until an operator answers.
type Incident struct {
	ID      int       `json:"id"`
	Token   int       `json:"token"`
	Element string    `json:"element"`
	Code    string    `json:"code,omitempty"` // of a BPMN error that nothing caught
	Message string    `json:"message"`
	At      time.Time `json:"at"`
}
