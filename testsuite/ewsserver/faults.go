package ewsserver

import (
	"net/http"
	"strconv"
	"time"
)

// faults are what the server will do wrong. Server.mu guards them.
type faults struct {
	busy       int // requests still to be answered with ErrorServerBusy
	backOff    time.Duration
	status     int // of HTTP, for the requests still to be throttled
	throttled  int
	retryAfter int // seconds
	codes      []string
	// deadBackends is the number of the last server behind the proxy that does not answer.
	deadBackends int
	codesFor     string
}

// refuse is asked for every request that is understood.
func (f *faults) refuse(operation string) *failure {
	if f.busy > 0 {
		f.busy--
		failed := refuse("ErrorServerBusy", "The server cannot service this request right now. Try again later.")
		failed.backOff = int(f.backOff.Milliseconds())
		return failed
	}
	if f.codesFor == operation && len(f.codes) > 0 {
		code := f.codes[0]
		f.codes = f.codes[1:]
		return refuse(code, "As the test asked.")
	}
	return nil
}

// Busy answers the next n requests with ErrorServerBusy and the time to stay away.
func (s *Server) Busy(n int, backOff time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.busy, s.faults.backOff = n, backOff
}

// Throttle answers the next n requests with an HTTP status (503, 429) and Retry-After.
func (s *Server) Throttle(n, status, seconds int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.throttled, s.faults.status, s.faults.retryAfter = n, status, seconds
}

// Fail answers the next requests of an operation with these EWS error codes, one each.
func (s *Server) Fail(operation string, codes ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.codesFor, s.faults.codes = operation, codes
}

func (s *Server) refuseHTTP(w http.ResponseWriter, r *http.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faults.throttled == 0 {
		return false
	}
	s.faults.throttled--
	if s.faults.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(s.faults.retryAfter))
	}
	http.Error(w, "too busy", s.faults.status)
	return true
}

// CutConnections closes every connection at once, in the middle of whatever is said on it.
func (s *Server) CutConnections() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.Close()
	}
	for t := range s.streams { // no event reaches them any more
		delete(s.streams, t)
		for _, sub := range s.subscriptions {
			if sub.stream == t {
				sub.stream = nil
			}
		}
	}
}

// Silence leaves the streams that are open now open, but never says a word on them again.
func (s *Server) Silence() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for t := range s.streams {
		t.silent = true
	}
}

// EndStreams has every open stream answer with this code. Unless keep is set the subscriptions are gone.
func (s *Server) EndStreams(code string, keep bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, sub := range s.subscriptions {
		if sub.stream != nil {
			sub.stream.tell(message("GetStreamingEvents", refuse(code, "As the test asked."),
				el("m:ErrorSubscriptionIds", el("m:SubscriptionId", id)), status("Closed")))
		}
		if !keep {
			delete(s.subscriptions, id)
		}
	}
}

// ForgetSyncStates makes every sync state given so far invalid.
func (s *Server) ForgetSyncStates() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.generation++
}
