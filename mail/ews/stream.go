package ews

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/waybill-io/waybill/mail"
)

// errCut is the end of a stream that was open, as against one that could not be opened.
var errCut = errors.New("the streaming connection was cut")

// maxEnvelopeBytes bounds one envelope of a stream. A thousand events have some 600 KiB.
const maxEnvelopeBytes = 8 << 20

type subscribe struct {
	XMLName xml.Name `xml:"m:Subscribe"`
	Request struct {
		Folders refs     `xml:"t:FolderIds"`
		Events  []string `xml:"t:EventTypes>t:EventType"`
	} `xml:"m:StreamingSubscriptionRequest"`
}

type subscribeMessage struct {
	status
	ID string `xml:"SubscriptionId"`
}

type unsubscribe struct {
	XMLName xml.Name `xml:"m:Unsubscribe"`
	ID      string   `xml:"m:SubscriptionId"`
}

type plainMessage struct{ status }

type getStreamingEvents struct {
	XMLName xml.Name `xml:"m:GetStreamingEvents"`
	IDs     []string `xml:"m:SubscriptionIds>t:SubscriptionId"`
	Minutes int      `xml:"m:ConnectionTimeout"`
}

type streamMessage struct {
	status
	Notifications []struct {
		Parts []struct{ XMLName xml.Name } `xml:",any"`
	} `xml:"Notifications>Notification"`
	Connection string `xml:"ConnectionStatus"`
}

func (a *Account) subscription() string {
	if id := a.push.subscription.Load(); id != nil {
		return *id
	}
	return ""
}

// subscribe asks for what brings mail into the folders: NewMail and Created, and Moved, because rules and users move
// mail. One subscription is for all folders of the mailbox.
func (a *Account) subscribe(ctx context.Context) error {
	var request subscribe
	for _, name := range a.watched {
		id, err := a.folder(ctx, name)
		if err != nil {
			return err
		}
		request.Request.Folders.Each = append(request.Request.Folders.Each, folderID(id))
	}
	request.Request.Events = []string{"NewMailEvent", "CreatedEvent", "MovedEvent"}
	answer, err := askOne[subscribeMessage](ctx, a, "subscribe", request)
	if missing(err) {
		a.forget()
	}
	if err != nil {
		return err
	}
	if answer.ID == "" {
		return &Error{Kind: mail.KindProtocol, Op: "subscribe", Err: errors.New("the answer holds no subscription")}
	}
	a.push.subscription.Store(&answer.ID)
	return nil
}

// unsubscribe is a courtesy: a server that is not told forgets the subscription after half an hour.
func (a *Account) unsubscribe() {
	id := a.push.subscription.Swap(nil)
	if id == nil {
		return
	}
	ctx, cancel := context.WithTimeout(a.life, time.Second)
	defer cancel()
	_, _ = askOne[plainMessage](ctx, a, "unsubscribe", unsubscribe{ID: *id})
}

// stream is one GetStreamingEvents.
type stream struct {
	ended  chan error   // one slot; nil when its time was over
	opened atomic.Int64 // Unix nanoseconds of the first envelope, 0 before
}

func (s *stream) lasted() time.Duration {
	if opened := s.opened.Load(); opened != 0 {
		return max(1, time.Since(time.Unix(0, opened)))
	}
	return 0
}

func (a *Account) openStream(subscription string) *stream {
	s := &stream{ended: make(chan error, 1)}
	go func() { s.ended <- a.readStream(s, subscription) }()
	return s
}

// readStream reads envelope after envelope of the one response, each as it comes. It wakes the account at the first, from
// which on the server tells of mail, and at each with an event.
func (a *Account) readStream(s *stream, subscription string) error {
	const op = "listen for mail"
	request := getStreamingEvents{IDs: []string{subscription}, Minutes: int(a.cfg.StreamLifetime / time.Minute)}
	answer, err := a.post(a.life, a.events, op, request, a.cfg.StreamSilence)
	if err != nil {
		return err
	}
	defer answer.Close()
	bytes := newSource(answer, maxEnvelopeBytes)
	decoder := bytes.decoder()
	for {
		bytes.budget = maxEnvelopeBytes
		start, err := next(decoder, "Envelope")
		var r reply[streamMessage]
		if err == nil {
			err = decoder.DecodeElement(&r, &start)
		}
		if err != nil {
			return s.broken(answer, op, err)
		}
		a.alive.Store(time.Now().UnixNano())
		if r.Body.Fault != nil {
			return a.refusal(r.Body.Fault.failure(op))
		}
		over := false
		for _, m := range r.Body.Response.Messages.Each {
			if failure := m.failure(op); failure != nil {
				return a.refusal(failure)
			}
			over = over || m.Connection == "Closed"
			if m.tells() {
				a.wake()
			}
		}
		if s.opened.CompareAndSwap(0, time.Now().UnixNano()) {
			a.wake()
		}
		if over {
			_, _ = io.CopyN(io.Discard, answer, 64<<10) // so that the connection serves the next stream
			return nil
		}
	}
}

// broken is the error of a stream that ended in the middle.
func (s *stream) broken(answer *answer, op string, err error) error {
	failure := answer.broken(op, err)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		failure = &Error{Kind: mail.KindNetwork, Op: op, Err: errors.New("the server ended it")}
	}
	if s.opened.Load() != 0 && failure.Kind == mail.KindNetwork {
		failure.Err = fmt.Errorf("%w: %w", errCut, failure.Err)
	}
	return failure
}

// tells reports whether there is an event; a StatusEvent is only proof of life.
func (m streamMessage) tells() bool {
	for _, notification := range m.Notifications {
		for _, part := range notification.Parts {
			switch part.XMLName.Local {
			case "SubscriptionId", "PreviousWatermark", "MoreEvents", "StatusEvent":
			default:
				return true
			}
		}
	}
	return false
}
