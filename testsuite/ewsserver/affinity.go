package ewsserver

import (
	"net/http"
	"strconv"
)

const affinityCookie = "X-BackEndOverrideCookie"

// route plays the proxy in front of the servers: a request goes to the one that its cookie names, else, when there are
// several, to the next one. The cookie is given when the client prefers affinity. A subscription lives on the server that
// made it.
func (s *Server) route(w http.ResponseWriter, r *http.Request, c *call) *failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	cookie, err := r.Cookie(affinityCookie)
	if err == nil {
		c.backend, _ = strconv.Atoi(cookie.Value)
		if c.backend <= s.faults.deadBackends && (c.operation == "Subscribe" || c.operation == "GetStreamingEvents") {
			return refuse("ErrorProxiedSubscriptionCallFailure", "The server %d does not answer.", c.backend)
		}
		return nil
	}
	if s.options.Servers > 1 || s.backends == s.faults.deadBackends {
		s.backends++
	}
	c.backend = s.backends
	if r.Header.Get("X-PreferServerAffinity") != "" && r.Header.Get("X-AnchorMailbox") != "" {
		http.SetCookie(w, &http.Cookie{Name: affinityCookie, Value: strconv.Itoa(c.backend), Path: "/EWS", Secure: s.options.TLS, HttpOnly: true})
	}
	return nil
}

// LoseServers has the servers behind the proxy that were used so far fail for subscriptions, and those forgotten.
func (s *Server) LoseServers() {
	s.mu.Lock()
	s.faults.deadBackends = s.backends
	s.subscriptions = map[string]*subscription{}
	s.mu.Unlock()
	s.CutConnections()
}
