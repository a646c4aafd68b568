package analytics

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// request is what came to a proxy.
type request struct {
	method, path, body string
}

// ids are those of a bulk request, without the name of the test.
func (r request) ids(t *testing.T) (all []string) {
	for n, line := range strings.Split(strings.TrimSpace(r.body), "\n") {
		var action struct {
			Index struct {
				ID string `json:"_id"`
			}
		}
		if n%2 == 0 && json.Unmarshal([]byte(line), &action) == nil {
			all = append(all, strings.TrimPrefix(action.Index.ID, t.Name()+"/"))
		}
	}
	return all
}

// proxy stands before the server and answers some requests itself, as the server does when it is in trouble.
type proxy struct {
	mu     sync.Mutex
	seen   []request
	answer func(r request, w http.ResponseWriter) bool // false: the server answers
}

// through opens a store that speaks to the server through a proxy. Its pauses are short.
func through(t *testing.T, behind *Store, answer func(r request, w http.ResponseWriter) bool, change ...func(*Config)) (*Store, *proxy) {
	t.Helper()
	target, err := url.Parse(behind.config.Addresses[0])
	require.NoError(t, err)
	p := &proxy{answer: answer}
	forward := httputil.NewSingleHostReverseProxy(target)
	forward.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return // the client has gone
		}
		one := request{r.Method, r.URL.Path, string(text)}
		p.mu.Lock()
		p.seen = append(p.seen, one)
		p.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		if !p.answer(one, w) {
			r.Body = io.NopCloser(bytes.NewReader(text))
			forward.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(front.Close)
	c := behind.config
	c.Addresses = []string{front.URL}
	for _, f := range change {
		f(&c)
	}
	s, err := Open(c)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	s.limits.pause = time.Millisecond
	return s, p
}

// bulks are the bulk requests for documents.
func (p *proxy) bulks() (all []request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.seen {
		if r.path == "/_bulk" {
			all = append(all, r)
		}
	}
	return all
}

// first answers the first n requests of a path with a status and a body; n below 0: all.
func first(n int, path string, status int, body string) func(request, http.ResponseWriter) bool {
	var mu sync.Mutex
	return func(r request, w http.ResponseWriter) bool {
		mu.Lock()
		defer mu.Unlock()
		if r.path != path || n == 0 {
			return false
		}
		n--
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
		return true
	}
}

func serverError(status int, kind, reason string) string {
	return fmt.Sprintf(`{"error":{"root_cause":[],"type":%q,"reason":%q},"status":%d}`, kind, reason, status)
}

func itemAnswer(status int, kind, reason string) string {
	if kind == "" {
		return fmt.Sprintf(`{"index":{"status":%d}}`, status)
	}
	return fmt.Sprintf(`{"index":{"status":%d,"error":{"type":%q,"reason":%q}}}`, status, kind, reason)
}
