package connectors

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Event is something that has happened outside and that triggers may act on. An input of an event that bears the name of one of its
// outputs narrows which events a trigger wants: text must be equal, of a list one must be in it, of an object every entry must be there.
type Event struct {
	Name string // as in the definition: MESSAGE_RECEIVED
	// ID is the same whenever the other side tells of this event again, and different for every other event of the connector.
	ID      string
	Time    time.Time // when it happened, as the other side says; zero: unknown
	Outputs map[string]any
	// Replies are the calls that this event is the reply to, if they wait: see Awaiter.
	Replies []Reply
}

// Reply is the key that a call waits under.
type Reply struct {
	Key string
	// Early keeps the event for an hour when no call waits yet: it cannot have come before the call was made. Without it the event is
	// a reply only to calls that wait already.
	Early bool
}

// Awaiter is a connector of which a call may wait for an event after it has been made, such as the answer to a question.
type Awaiter interface {
	Connector
	// Await says whether a call that has given these outputs waits, and under which key. The outputs of the event are outputs of the
	// call, too, and win. Nothing bounds the time: a boundary event of the model does.
	Await(call Call, outputs map[string]any) (key string, ok bool)
}

// Receiver is a connector that the outside calls over HTTP, at /connectors/<instance>/... of the gateway.
type Receiver interface {
	Connector
	// Authenticates reports that Receive itself makes sure who calls, by a signature. If not, the gateway wants one of its own tokens.
	Authenticates() bool
	// Receive reads a request. Its events are stored durably before the answer is given. An error is an *Error: code UNAUTHORIZED is
	// answered with 401, NOT_FOUND with 404, any other BPMN or permanent one with 400, a retryable one with 503.
	Receive(ctx context.Context, r Request) (Receipt, error)
}

// Request is an HTTP request from outside.
type Request struct {
	Method string
	URL    string // as the caller wrote it, as far as the gateway knows: signatures are over it
	Path   string // what follows /connectors/<instance>; begins with a slash or is empty
	Query  url.Values
	Header http.Header
	Body   []byte // the gateway takes 1 MiB at most
	At     time.Time
}

// Receipt is what a request meant, and the answer to it.
type Receipt struct {
	Events []Event
	Status int // 0: 200
	Header map[string]string
	Body   []byte
	// Content, when not nil, is sent with status 200 in place of Body, as it comes, in parts if the caller asks for parts: for what may be large. It is
	// read after Receive has returned, when the context of Receive may have ended, and is closed by who has called Receive.
	Content  io.ReadSeekCloser
	Modified time.Time // of Content; zero: unknown
	// Unmatched, when not 0, is the status if no trigger wants any of the events.
	Unmatched int
}

// Listener is a connector that waits for events by itself, over a connection of its own.
type Listener interface {
	Connector
	// Listen calls emit for each event until ctx ends, and tells the other side that it has an event only once emit has returned nil:
	// then it is stored durably. It returns when the connection breaks; whoever runs it calls it again after a pause. It runs on
	// every worker at the same time.
	Listen(ctx context.Context, emit func(context.Context, Event) error) error
}
