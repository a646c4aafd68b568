package ewsserver

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// connection is what the server remembers of a TCP connection: NTLM authenticates it, not the request.
type connection struct {
	mu        sync.Mutex
	challenge []byte
	user      string
}

type connectionKey struct{}

func rememberConnection(ctx context.Context, _ net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, &connection{})
}

// authenticate returns the address of the user, or answers 401 itself.
func (s *Server) authenticate(w http.ResponseWriter, r *http.Request) (string, bool) {
	scheme, credentials, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	offered := func(name string) bool { return len(s.options.Auth) == 0 || slices.Contains(s.options.Auth, name) }
	conn := r.Context().Value(connectionKey{}).(*connection)
	conn.mu.Lock()
	defer conn.mu.Unlock()
	switch {
	case scheme == "" && conn.user != "":
		return conn.user, true
	case strings.EqualFold(scheme, "Basic") && offered("basic"):
		if name, password, ok := r.BasicAuth(); ok {
			if user, known := s.user(name); known && subtle.ConstantTimeCompare([]byte(s.options.Users[user]), []byte(password)) == 1 {
				return user, true
			}
		}
	case strings.EqualFold(scheme, "Bearer") && offered("bearer"):
		if s.options.Token != nil {
			if user, ok := s.options.Token(credentials); ok {
				return user, true
			}
		}
	case (strings.EqualFold(scheme, "NTLM") || strings.EqualFold(scheme, "Negotiate")) && offered("ntlm"):
		token, err := base64.StdEncoding.DecodeString(credentials)
		if err != nil {
			break
		}
		if ntlmType(token) == 1 {
			conn.user, conn.challenge = "", newChallenge()
			s.count("NTLM")
			w.Header().Set("WWW-Authenticate", scheme+" "+base64.StdEncoding.EncodeToString(challengeMessage(conn.challenge)))
			denied(w)
			return "", false
		}
		if user, ok := s.checkNTLM(token, conn.challenge); ok {
			conn.user, conn.challenge = user, nil
			return user, true
		}
		conn.challenge = nil
	}
	for _, known := range [][2]string{{"ntlm", "Negotiate"}, {"ntlm", "NTLM"}, {"basic", `Basic realm="ewsserver"`}, {"bearer", "Bearer"}} {
		if offered(known[0]) {
			w.Header().Add("WWW-Authenticate", known[1])
		}
	}
	denied(w)
	return "", false
}

// denied has a body, as IIS has: a client must read it before the connection serves the next step of NTLM.
func denied(w http.ResponseWriter) {
	http.Error(w, "401 - Unauthorized: Access is denied due to invalid credentials.", http.StatusUnauthorized)
}

// user finds the address that a name to log in with means: the address itself, or DOMAIN\name.
func (s *Server) user(name string) (string, bool) {
	if _, account, found := strings.Cut(name, `\`); found {
		name = account
	}
	for address := range s.options.Users {
		local, _, _ := strings.Cut(address, "@")
		if strings.EqualFold(address, name) || strings.EqualFold(local, name) {
			return address, true
		}
	}
	return "", false
}

// mayOpen says whether a user may act in a mailbox.
func (s *Server) mayOpen(user, address string) bool {
	return strings.EqualFold(user, address) || slices.Contains(s.options.Delegates[address], user)
}
