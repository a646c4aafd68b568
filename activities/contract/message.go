package contract

import "time"

// Signals and updates of the message workflow.
const (
	SubscribeSignal   = "subscribe"   // Subscription
	UnsubscribeSignal = "unsubscribe" // Subscription
	ReturnSignal      = "return"      // Message: a delivery that came too late is free for others
	PublishUpdate     = "publish"     // Message -> PublishResult
)

// Subscription is an instance that waits for one message.
type Subscription struct {
	Instance string `json:"instance"`
	Command  int    `json:"command"` // engine id
	Name     string `json:"name"`
	Key      string `json:"key"`
}

// Message is published under a name and a correlation key.
type Message struct {
	ID          string        `json:"id"` // duplicates by id are dropped; "": never a duplicate
	Name        string        `json:"name"`
	Key         string        `json:"key"`
	Variables   Variables     `json:"variables,omitempty"`
	TTL         time.Duration `json:"ttl,omitempty"`         // how long it is kept when nobody waits; 0: refused then
	Expires     time.Time     `json:"expires,omitzero"`      // set by the workflow
	BusinessKey string        `json:"businessKey,omitempty"` // of a process that the message starts

	// Otherwise is started when nobody waits, in the place of the processes that begin with the message.
	Otherwise *ProcessStart `json:"otherwise,omitempty"`
}

// ProcessStart is a process that is started under an id, which Temporal gives once. A message that somebody took takes the id, too, so
// that the same message starts nothing when it comes again, however late.
type ProcessStart struct {
	Key string `json:"key"`
	ID  string `json:"id"`
}

// PublishResult says what became of a message.
type PublishResult struct {
	Delivered string `json:"delivered,omitempty"` // the instance that got it
	Started   string `json:"started,omitempty"`   // the instance that it started
	Kept      bool   `json:"kept,omitempty"`      // waits for its time to live
	Duplicate bool   `json:"duplicate,omitempty"`
}

// MessageDelivery is the payload of MessageSignal.
type MessageDelivery struct {
	Command int     `json:"command"`
	Message Message `json:"message"`
}

// MessageState is the input of the message workflow.
type MessageState struct {
	Name          string         `json:"name"`
	Key           string         `json:"key"`
	Subscriptions []Subscription `json:"subscriptions,omitempty"`
	Messages      []Message      `json:"messages,omitempty"`
	Seen          []string       `json:"seen,omitempty"`  // ids of messages of late
	SeenAt        time.Time      `json:"seenAt,omitzero"` // when the last of them came

	StartedAt time.Time `json:"startedAt,omitzero"` // when a message started its Otherwise for the last time
}

// NobodyWaits is the error type of a published message that nobody waited for and that had no time to live.
const NobodyWaits = "nobody-waits"

// Busy is the error type of a message that should be published again in a moment.
const Busy = "busy"

// PausedError is the error type of a message for an instance that is suspended.
const PausedError = "paused"

// ReturnMessageInput gives a delivery back that came too late.
type ReturnMessageInput struct {
	Message Message `json:"message"`
}
