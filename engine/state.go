package engine

import "time"

// Variables are process variables in juel's value model (nil, bool, int64, float64, string, []any, map[string]any).
// Their JSON keeps integers and reals apart, so that a state read back equals the state written.
type Variables map[string]any

// State is everything an instance is, apart from its model. It serialises to JSON; a host may stop at any moment
// between two steps and go on with the state read back.
type State struct {
	Engine        int            `json:"engine"`
	ID            string         `json:"id,omitempty"`         // of the instance, for expressions
	Definition    string         `json:"definition,omitempty"` // of its process, for expressions
	BusinessKey   string         `json:"businessKey,omitempty"`
	Initiator     string         `json:"initiator,omitempty"` // user who started it
	Called        bool           `json:"called,omitempty"`    // by a call activity
	Depth         int            `json:"depth,omitempty"`     // of calls around it
	Seq           int            `json:"seq"`                 // the last id given
	Armed         bool           `json:"armed,omitempty"`     // the process's own event sub-processes wait
	Variables     Variables      `json:"variables,omitempty"` // of the process; those of Scopes are local to them
	Scopes        []Scope        `json:"scopes,omitempty"`    // in order of creation
	Tokens        []Token        `json:"tokens,omitempty"`    // in order of creation
	Joins         []Join         `json:"joins,omitempty"`     // in order of their first token
	Waits         []Wait         `json:"waits,omitempty"`     // in order of creation
	Incidents     []Incident     `json:"incidents,omitempty"`
	Compensations []Compensation `json:"compensations,omitempty"` // in order of completion
	Results       Variables      `json:"results,omitempty"`       // by element, for the scripts that read token.history
	Path          []string       `json:"path,omitempty"`          // ids of elements in order of completion, the last PathLimit of them
	Dropped       int            `json:"dropped,omitempty"`
	Outcome       Outcome        `json:"outcome,omitempty"` // "": running
	Record        bool           `json:"record,omitempty"`  // steps answer Record
	Logged        int64          `json:"logged,omitempty"`  // events recorded so far
	Began         int64          `json:"began,omitempty"`   // when its first step was, in milliseconds, where it records
}

// PathLimit bounds State.Path; State.Dropped counts what was before.
const PathLimit = 2000

// Token stands at an element and waits for commands (Wait), for a scope, or for an operator (Incident).
type Token struct {
	ID      int    `json:"id"`
	Scope   int    `json:"scope,omitempty"` // that it runs in; 0: the process
	Local   int    `json:"local,omitempty"` // the scope of variables of its activity; 0: none
	Element string `json:"element"`
	Armed   bool   `json:"armed,omitempty"`  // the boundary events of the activity wait
	Done    bool   `json:"done,omitempty"`   // suspended: the element has done its work, only the way out is missing
	Ending  bool   `json:"ending,omitempty"` // suspended: the element has done its work, but an end listener has failed
	Ended   bool   `json:"ended,omitempty"`  // on the way out: the end listeners have run
	Flow    string `json:"flow,omitempty"`   // suspended before it entered the element: the flow it came by
	Last    string `json:"last,omitempty"`   // the element whose result is token.current, where scripts read it
	Offer   *Offer `json:"offer,omitempty"`  // it is to be tried again: the external task that was tried

	// Where the instance records, of the element that the token is in.
	Activity int64  `json:"activity,omitempty"` // the event that began it; 0: it is in none
	Since    int64  `json:"since,omitempty"`    // when that was, in milliseconds
	Heard    string `json:"heard,omitempty"`    // the message, signal or error that came to it
}

// ScopeKind is what a Scope is for.
type ScopeKind string

// The kinds of Scope. A sub-process of any sort has a ScopeSub for what runs in it. An activity with a loop has a ScopeLoop that
// holds a token for each instance. ScopeLocal has only variables: of an activity, of one instance of a loop.
// A ScopeCompensation holds the handlers that a throwing event waits for.
const (
	ScopeSub          ScopeKind = "sub"
	ScopeLoop         ScopeKind = "loop"
	ScopeLocal        ScopeKind = "local"
	ScopeCompensation ScopeKind = "compensation"
)

// Scope is a place with variables of its own in which tokens run.
type Scope struct {
	ID        int       `json:"id"`
	Kind      ScopeKind `json:"kind"`
	Parent    int       `json:"parent,omitempty"` // the scope around it; 0: the process
	Token     int       `json:"token"`            // that it belongs to: it waits until the scope is done
	Element   string    `json:"element"`
	Live      int       `json:"live,omitempty"` // tokens in it, those at joins included
	Variables Variables `json:"variables,omitempty"`
	Loop      *Loop     `json:"loop,omitempty"`
}

// Loop is how far the loop of an activity has come.
type Loop struct {
	Total     int   `json:"total"` // instances in all; -1: not known, a standard loop
	Started   int   `json:"started,omitempty"`
	Completed int   `json:"completed,omitempty"`
	Items     []any `json:"items,omitempty"`   // of the collection
	Results   []any `json:"results,omitempty"` // by instance, where they are collected
}

// Join counts the tokens that wait at a parallel or inclusive gateway for others. A counted token is not
// in State.Tokens any more, so that a join of any width takes the same time for each token.
type Join struct {
	Element string         `json:"element"`
	Scope   int            `json:"scope,omitempty"`
	Arrived map[string]int `json:"arrived"` // by flow id; never zero

	// As in Token.
	Activity int64 `json:"activity,omitempty"`
	Since    int64 `json:"since,omitempty"`
}

// WaitKind is the kind of command that a Wait stands for.
type WaitKind string

// The kinds of Wait. WaitCondition has no command: the engine itself looks when variables change.
const (
	WaitCall      WaitKind = "call"
	WaitScript    WaitKind = "script"
	WaitTask      WaitKind = "task"
	WaitOffer     WaitKind = "offer"
	WaitTimer     WaitKind = "timer"
	WaitMessage   WaitKind = "message"
	WaitReply     WaitKind = "reply" // a message that a connector call waits for
	WaitSignal    WaitKind = "signal"
	WaitPublish   WaitKind = "publish"
	WaitChild     WaitKind = "child"
	WaitCondition WaitKind = "condition"
)

// Wait is something under way on behalf of a token. Element is the element that goes on when it is answered: the token's own, a
// boundary event of it, or an event after an event-based gateway. Without a token it is the start event of an event
// sub-process in Scope.
type Wait struct {
	ID      int       `json:"id"`
	Token   int       `json:"token"`
	Scope   int       `json:"scope,omitempty"` // without a token: where the event sub-process would run; 0: the process
	Kind    WaitKind  `json:"kind"`
	Element string    `json:"element"`
	At      time.Time `json:"at,omitzero"`       // timer
	Cycle   string    `json:"cycle,omitempty"`   // timer that fires again: R3/PT10M
	Left    int       `json:"left,omitempty"`    // timer with a cycle: firings after this one; -1: for ever
	End     time.Time `json:"end,omitzero"`      // timer with a cycle: no firing after this
	Name    string    `json:"name,omitempty"`    // message, signal
	Key     string    `json:"key,omitempty"`     // message
	Outputs Variables `json:"outputs,omitempty"` // of the call that waits for a reply
	Command Command   `json:"-"`                 // the other kinds: as it was given

	// Where the instance records, of a user task, a call or an external task.
	Ref      int64 `json:"ref,omitempty"`      // the event that began it
	Activity int64 `json:"activity,omitempty"` // the event that began its activity
	Since    int64 `json:"since,omitempty"`    // when it began, in milliseconds
}

// Incident is a token that cannot go on until an operator answers.
type Incident struct {
	ID      int       `json:"id"`
	Token   int       `json:"token"`
	Element string    `json:"element"`
	Code    string    `json:"code,omitempty"` // of a BPMN error that nothing caught
	Type    string    `json:"type,omitempty"` // of another failure, see Failure
	Message string    `json:"message"`
	At      time.Time `json:"at"`
	Offer   *Offer    `json:"offer,omitempty"` // of an external task: what stays of it

	// As in Wait.
	Ref      int64 `json:"ref,omitempty"`
	Activity int64 `json:"activity,omitempty"`
}

// Compensation is an activity that has completed and can be compensated.
type Compensation struct {
	ID        int            `json:"id"`
	Scope     int            `json:"scope,omitempty"` // it completed in
	Element   string         `json:"element"`
	Variables Variables      `json:"variables,omitempty"` // its own, as they were
	Inner     []Compensation `json:"inner,omitempty"`     // of a sub-process: what completed in it
}
