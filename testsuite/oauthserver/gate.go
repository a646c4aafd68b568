package oauthserver

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"sync"
	"testing"

	"github.com/waybill-io/waybill/testsuite/process"
)

// Gate stands before the token endpoint. It counts, notes what comes through, and misbehaves when it is told to.
type Gate struct {
	URL string

	mu     sync.Mutex
	given  []string // all texts of tokens and codes that came through
	grants map[string]int
	before func(grant string) (status int) // answers instead of the server; 0: it is asked
	after  func(grant string) (lost bool)  // the answer of the server is lost
}

var secretField = regexp.MustCompile(`"(?:access_token|refresh_token|id_token|device_code)":"([^"]+)"`)

// NewGate opens a gate before a server until the test ends.
func NewGate(t testing.TB, s *Server) *Gate {
	g := &Gate{grants: map[string]int{}}
	to, err := url.Parse(s.URL)
	process.Check(t, err)
	proxy := httputil.NewSingleHostReverseProxy(to)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		form, _ := url.ParseQuery(string(body))
		r.Body = io.NopCloser(bytes.NewReader(body))
		grant := form.Get("grant_type")
		g.mu.Lock()
		before, after := g.before, g.after
		g.grants[grant]++
		for _, name := range []string{"code", "code_verifier", "refresh_token", "device_code"} {
			if form.Get(name) != "" {
				g.given = append(g.given, form.Get(name))
			}
		}
		g.mu.Unlock()
		if before != nil {
			if status := before(grant); status != 0 {
				w.WriteHeader(status)
				return
			}
		}
		answer := &kept{ResponseWriter: w, header: http.Header{}}
		proxy.ServeHTTP(answer, r)
		g.mu.Lock()
		for _, found := range secretField.FindAllStringSubmatch(answer.body.String(), -1) {
			g.given = append(g.given, found[1])
		}
		g.mu.Unlock()
		if after != nil && after(grant) {
			panic(http.ErrAbortHandler)
		}
		answer.send()
	}))
	t.Cleanup(server.Close)
	g.URL = server.URL
	return g
}

// Set has requests answered before the server is asked, with a status (0: it is asked), and answers of the server lost.
func (g *Gate) Set(before func(string) int, after func(string) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.before, g.after = before, after
}

// Count is how often a grant was asked for.
func (g *Gate) Count(grant string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.grants[grant]
}

// Secrets are the texts of all tokens and codes that came through.
func (g *Gate) Secrets() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string{}, g.given...)
}

// kept is an answer that is not sent yet.
type kept struct {
	http.ResponseWriter
	header http.Header
	status int
	body   bytes.Buffer
}

func (k *kept) Header() http.Header         { return k.header }
func (k *kept) WriteHeader(status int)      { k.status = status }
func (k *kept) Write(p []byte) (int, error) { return k.body.Write(p) }

func (k *kept) send() {
	for name, values := range k.header {
		k.ResponseWriter.Header()[name] = values
	}
	k.ResponseWriter.WriteHeader(k.status)
	_, _ = k.ResponseWriter.Write(k.body.Bytes())
}
