package contract

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// EventWorkflow is the type of the workflow that handles one event.
const EventWorkflow = "waybill/event"

// Activities of an event.
const (
	FireActivity       = "waybill/fire"        // FireInput -> []Firing
	PermitEchoActivity = "waybill/permit-echo" // EchoPermit -> bool
	BuryEventActivity  = "waybill/bury-event"  // DeadEvent
)

// Query and updates of an event.
const (
	EventQuery       = "event"         // -> EventState
	RetryEventUpdate = RetryDeadUpdate // tries again what failed
	DropEventUpdate  = DropDeadUpdate  // gives up what failed
)

// StateDead is the value of StateAttribute of an event that could not be handled and waits for an operator.
const StateDead = "dead"

// FireTries is how often it is tried to fire the triggers of an event.
const FireTries = 30

// MaxEvent bounds what is told with an event, in bytes of JSON.
const MaxEvent = 256 << 10

// Event is something that has happened outside.
type Event struct {
	Source   string          `json:"source"`             // "connector.till.SOLD"
	ID       string          `json:"id,omitempty"`       // the same whenever it is told of again; "": of a timer, the id of the workflow
	Template string          `json:"template,omitempty"` // of the instance; "": it is not built in
	Content  json.RawMessage `json:"content,omitempty"`  // a connectors.Event; nil: of a timer
}

// SplitSource takes the source of an event apart: "connector.till.SOLD" is the event SOLD of the instance till.
func SplitSource(source string) (instance, event string) {
	first, last := strings.IndexByte(source, '.'), strings.LastIndexByte(source, '.')
	if first < 0 || first == last {
		return "", source
	}
	return source[first+1 : last], source[last+1:]
}

// EventPrefix begins the ids of the workflows of events.
const EventPrefix = "event/"

// EventID is the id of the workflow of an event: Temporal gives it once, so that an event which comes again is dropped.
func EventID(instance, event, id string) string {
	return EventPrefix + instance + "/" + event + "/" + Segment(id)
}

// EchoID is the id of the workflow that stands for an echo: of a trigger, to a receiver, in an hour, the nth.
func EchoID(e EchoPermit, n int) string {
	return "echo/" + e.Trigger + "/" + Segment(e.To) + "/" + e.Hour.UTC().Format("2006010215") + "/" + strconv.Itoa(n)
}

// TriggerScheduleID is the id of the Temporal Schedule of a trigger of a timer.
func TriggerScheduleID(trigger string) string { return "trigger/" + trigger }

// EventInput is the input of the event workflow.
type EventInput struct {
	Event
	// Firings, when not nil, is what is to be done; nothing is matched. The event was matched already, as that of a mail.
	Firings []Firing `json:"firings,omitempty"`
	// Refused says why it cannot be handled at all.
	Refused string `json:"refused,omitempty"`
	// Dead is what an earlier run leaves, when the event is a dead letter.
	Dead *EventState `json:"dead,omitempty"`
}

// Firing is what one trigger does about an event that it matches.
type Firing struct {
	Trigger   string       `json:"trigger"`
	Done      string       `json:"done,omitempty"` // the instance or place of messages that it reached
	Call      *TriggerCall `json:"call,omitempty"` // is still to be made
	Echo      *Echo        `json:"echo,omitempty"`
	EchoError *Echo        `json:"echoError,omitempty"`
	Failed    string       `json:"failed,omitempty"` // why it could do nothing
	// Later tells that it failed only for now, and is to be fired again. A worker of an earlier version, which may go on with the workflow while
	// workers are replaced, sees what failed, and loses nothing.
	Later bool `json:"later,omitempty"`
}

// TriggerCall is a call of a connector on behalf of a trigger.
type TriggerCall struct {
	Implementation string    `json:"implementation"`
	Key            string    `json:"key"` // idempotency key
	Inputs         Variables `json:"inputs"`
	Binding        Binding   `json:"binding"`
}

// Echo answers the sender of an event.
type Echo struct {
	To   string      `json:"to"` // stands for the sender
	Call TriggerCall `json:"call"`
}

// FireInput has the triggers of an event fired.
type FireInput struct {
	Event Event    `json:"event"`
	Only  []string `json:"only,omitempty"` // triggers; nil: all that match
	// Try counts how often these were fired, from 1. What fails for now is returned as such until FireTries. 0: a workflow of an earlier
	// version asks, which knows no such answer: as long as one fails nothing is returned, and Temporal tries all again.
	Try int `json:"try,omitempty"`
}

// EchoPermit asks whether an echo may go out.
type EchoPermit struct {
	Trigger string    `json:"trigger"`
	To      string    `json:"to"`
	Hour    time.Time `json:"hour"`
	Key     string    `json:"key"` // of the echo
}

// EventFailure is a trigger that could not do what it says. Trigger "": the event could not be matched at all.
type EventFailure struct {
	Trigger string `json:"trigger,omitempty"`
	Reason  string `json:"reason"`
}

// DeadEvent is an event that is a dead letter.
type DeadEvent struct {
	Source string         `json:"source"`
	ID     string         `json:"id"`
	Failed []EventFailure `json:"failed"`
	At     time.Time      `json:"at"`
}

// EventState is what is known of an event, and what it leaves.
type EventState struct {
	Source   string         `json:"source"`
	ID       string         `json:"id"`
	Fired    []Firing       `json:"fired,omitempty"` // triggers that have done what they say, without what they called
	Failed   []EventFailure `json:"failed,omitempty"`
	Unechoed []EventFailure `json:"unechoed,omitempty"` // echoes that were not sent, with the reasons
	Tries    int            `json:"tries"`
	At       time.Time      `json:"at,omitzero"` // when it failed for the last time
	Dropped  bool           `json:"dropped,omitempty"`
}
