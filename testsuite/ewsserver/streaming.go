package ewsserver

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// subscription of a client to folders. While no stream is connected its events are lost.
type subscription struct {
	id, user string
	backend  int
	folders  map[string]bool // by id; nil for all of the mailbox
	box      *mailbox
	kinds    map[string]bool
	stream   *stream
}

// stream is an open GetStreamingEvents. Its messages are the envelopes still to be written.
type stream struct {
	user     string
	messages chan []*node
	cut      chan struct{} // closed to end the connection at once, without a word
	silent   bool
}

type event struct {
	kind               string
	item               *item
	oldItem, oldFolder string
}

func (c *call) subscribe() ([]*node, error) {
	request := c.request.at("StreamingSubscriptionRequest")
	if request == nil {
		return nil, refuse("ErrorInvalidRequest", "Only streaming subscriptions are served.")
	}
	s := c.server
	if limit := s.options.MaxSubscriptions; limit > 0 {
		have := 0
		for _, other := range s.subscriptions {
			if other.user == c.user {
				have++
			}
		}
		if have >= limit {
			return []*node{message(c.operation, refuse("ErrorExceededSubscriptionCount", "You have exceeded the available subscriptions for your account."))}, nil
		}
	}
	sub := &subscription{id: s.newID("subscription"), user: c.user, backend: c.backend, box: c.box, kinds: map[string]bool{}}
	for _, kind := range request.at("EventTypes").children() {
		sub.kinds[kind.value()] = true
	}
	if !isTrue(request.attr("SubscribeToAllFolders")) {
		sub.folders = map[string]bool{}
		for _, id := range request.at("FolderIds").children() {
			f, failed := c.folder(id)
			if failed != nil {
				return []*node{message(c.operation, failed)}, nil
			}
			sub.folders[f.id], sub.box = true, f.owner
		}
	}
	if len(sub.kinds) == 0 || sub.folders != nil && len(sub.folders) == 0 {
		return nil, refuse("ErrorSchemaValidation", "Folders or event types are missing.")
	}
	s.subscriptions[sub.id] = sub
	return []*node{message(c.operation, nil, el("m:SubscriptionId", sub.id))}, nil
}

func (c *call) unsubscribe() ([]*node, error) {
	id := c.request.value("SubscriptionId")
	if c.server.subscriptions[id] == nil {
		return []*node{message(c.operation, refuse("ErrorSubscriptionNotFound", "The subscription is not found."))}, nil
	}
	delete(c.server.subscriptions, id)
	return []*node{message(c.operation, nil)}, nil
}

// publish tells those who listen at this moment.
func (s *Server) publish(e event) {
	for _, sub := range s.subscriptions {
		here := sub.folders == nil || sub.folders[e.item.in.id] || sub.folders[e.oldFolder]
		if !here || sub.box != e.item.in.owner || !sub.kinds[e.kind] || sub.stream == nil {
			continue
		}
		told := el("t:"+e.kind, el("t:TimeStamp", stamp(time.Now())), e.item.idNode("t:ItemId"), e.item.in.idNode("t:ParentFolderId"))
		if e.oldItem != "" {
			told.kids = slices.Insert(told.kids, 2, el("t:OldItemId", attr{"Id", e.oldItem}, attr{"ChangeKey", ""}))
			told.kids = append(told.kids, el("t:OldParentFolderId", attr{"Id", e.oldFolder}, attr{"ChangeKey", ""}))
		}
		sub.stream.tell(message("GetStreamingEvents", nil, el("m:Notifications", el("m:Notification", el("t:SubscriptionId", sub.id), told))))
	}
}

// tell drops what a client does not read for long, as the server may.
func (t *stream) tell(messages ...*node) {
	select {
	case t.messages <- messages:
	default:
	}
}

func status(word string) *node { return el("m:ConnectionStatus", word) }

// serveStream answers GetStreamingEvents: envelope after envelope until the client's time is over.
func (s *Server) serveStream(w http.ResponseWriter, r *http.Request, c *call) {
	t, minutes, failed, lost := s.connect(c)
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	if failed != nil {
		var parts []any
		if len(lost) > 0 {
			parts = append(parts, strs("m:ErrorSubscriptionIds", "m:SubscriptionId", lost))
		}
		s.say(w, nil, message(c.operation, failed, append(parts, status("Closed"))...))
		return
	}
	defer s.disconnect(t)
	s.say(w, t, message(c.operation, nil, status("OK")))

	over := time.NewTimer(time.Duration(minutes) * s.options.Minute)
	defer over.Stop()
	beat := time.NewTicker(s.options.Heartbeat)
	defer beat.Stop()
	beats := 0
	for {
		select {
		case messages, more := <-t.messages:
			if !more { // another connection has the subscription now
				s.say(w, t, message(c.operation, refuse("ErrorNewEventStreamConnectionOpened", "Another connection was opened for the subscription."), status("Closed")))
				return
			}
			s.say(w, t, messages...)
		case <-beat.C:
			// Exchange says either, and clients must take both for a sign of life.
			if beats++; beats%2 == 0 {
				s.say(w, t, message(c.operation, nil, status("OK")))
			} else {
				s.say(w, t, message(c.operation, nil, el("m:Notifications", el("m:Notification",
					el("t:SubscriptionId", c.request.value("SubscriptionIds", "SubscriptionId")), el("t:StatusEvent")))))
			}
		case <-over.C:
			s.say(w, t, message(c.operation, nil, status("Closed")))
			return
		case <-t.cut:
			panic(http.ErrAbortHandler)
		case <-r.Context().Done():
			return
		}
	}
}

// connect gives the subscriptions of the call to a new stream.
func (s *Server) connect(c *call) (t *stream, minutes int, failed *failure, lost []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	minutes, err := strconv.Atoi(c.request.value("ConnectionTimeout"))
	if err != nil || minutes < 1 || minutes > 30 {
		return nil, 0, refuse("ErrorSchemaValidation", "ConnectionTimeout must be between 1 and 30."), nil
	}
	var subs []*subscription
	elsewhere := false
	for _, id := range c.request.at("SubscriptionIds").children() {
		sub := s.subscriptions[id.value()]
		if sub != nil && sub.user == c.user && sub.backend == c.backend {
			subs = append(subs, sub)
			continue
		}
		lost = append(lost, id.value())
		elsewhere = elsewhere || sub != nil
	}
	if elsewhere {
		return nil, 0, refuse("ErrorSubscriptionNotFound", "The subscription is not on this server."), lost
	}
	if len(lost) > 0 {
		return nil, 0, refuse("ErrorInvalidSubscription", "The subscription is invalid."), lost
	}
	open := 0
	for other := range s.streams {
		if other.user == c.user {
			open++
		}
	}
	if limit := s.options.MaxStreams; limit > 0 && open >= limit {
		return nil, 0, refuse("ErrorExceededConnectionCount", "You have exceeded the number of concurrent connections for your account."), nil
	}
	t = &stream{user: c.user, messages: make(chan []*node, 1000), cut: make(chan struct{})}
	for _, sub := range subs {
		if sub.stream != nil && s.stillOpen(sub.stream) {
			delete(s.streams, sub.stream)
			close(sub.stream.messages)
		}
		sub.stream = t
	}
	s.streams[t] = struct{}{}
	return t, minutes, nil, nil
}

func (s *Server) stillOpen(t *stream) bool {
	_, open := s.streams[t]
	return open
}

func (s *Server) disconnect(t *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.streams, t)
	for _, sub := range s.subscriptions {
		if sub.stream == t {
			sub.stream = nil
		}
	}
}

func (s *Server) say(w http.ResponseWriter, t *stream, messages ...*node) {
	s.mu.Lock()
	silent := t != nil && t.silent
	s.mu.Unlock()
	if silent {
		return
	}
	_, _ = io.WriteString(w, streamed(el("m:GetStreamingEventsResponse", el("m:ResponseMessages", messages))))
	_ = http.NewResponseController(w).Flush()
}
