package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// storm stands between workers and Elasticsearch. While it blows it does to bulk requests what a server in trouble does to them.
type storm struct {
	URL    string
	server *url.URL
	blows  atomic.Bool
	refuse atomic.Pointer[func(id string) bool] // documents with these ids, for what they are

	mu   sync.Mutex
	done map[string]int // what it did
}

func startStorm(t *testing.T, server string) *storm {
	t.Helper()
	to, err := url.Parse(server)
	require.NoError(t, err)
	s := &storm{server: to, done: map[string]int{}}
	front := httptest.NewServer(s)
	t.Cleanup(front.Close)
	s.URL = front.URL
	return s
}

func (s *storm) did(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done[what]++
}

func (s *storm) counts() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprint(s.done)
}

const (
	tooMany = `{"error":{"root_cause":[],"type":"es_rejected_execution_exception","reason":"rejected execution of coordinating operation"},"status":429}`
	away    = `{"error":{"root_cause":[],"type":"cluster_block_exception","reason":"blocked by: [SERVICE_UNAVAILABLE/1/state not recovered / initialized];"},"status":503}`
)

func (s *storm) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	refuse := s.refuse.Load()
	bulk := r.URL.Path == "/_bulk"
	if !bulk || !s.blows.Load() && refuse == nil {
		s.pass(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the worker was killed
	}
	again := func() *http.Request {
		c := r.Clone(r.Context())
		c.Body, c.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		return c
	}
	what := "pass"
	if s.blows.Load() {
		what = []string{"429", "503", "cut", "done and not answered", "some 429", "some 429", "pass"}[rand.IntN(7)]
	}
	s.did(what)
	switch what {
	case "429":
		answer(w, http.StatusTooManyRequests, tooMany)
	case "503":
		answer(w, http.StatusServiceUnavailable, away)
	case "cut":
		panic(http.ErrAbortHandler)
	case "done and not answered":
		s.pass(httptest.NewRecorder(), again())
		panic(http.ErrAbortHandler)
	case "some 429":
		s.some(w, again(), body, func(string) bool { return rand.IntN(2) == 0 }, `{"index":{"status":429,"error":{"type":"es_rejected_execution_exception","reason":"queue capacity"}}}`)
	default:
		if refuse == nil {
			s.pass(w, again())
			return
		}
		s.some(w, again(), body, *refuse, `{"index":{"status":400,"error":{"type":"document_parsing_exception","reason":"failed to parse"}}}`)
	}
}

func (s *storm) pass(w http.ResponseWriter, r *http.Request) {
	forward := httputil.NewSingleHostReverseProxy(s.server)
	forward.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) } // as it would be without us
	forward.ServeHTTP(w, r)
}

// some has the server do a bulk request without the documents that are refused, each with its own answer.
func (s *storm) some(w http.ResponseWriter, r *http.Request, body []byte, refused func(id string) bool, refusal string) {
	lines := strings.SplitAfter(strings.TrimSuffix(string(body), "\n"), "\n")
	items := make([]json.RawMessage, len(lines)/2)
	var taken strings.Builder
	for n := range items {
		var action struct {
			Index struct {
				ID string `json:"_id"`
			}
		}
		if err := json.Unmarshal([]byte(lines[2*n]), &action); err != nil {
			panic(fmt.Sprintf("%s is no action of a bulk request: %v", lines[2*n], err))
		}
		if refused(action.Index.ID) {
			s.did("document: " + strings.SplitN(refusal, ",", 2)[0])
			items[n] = json.RawMessage(refusal)
			continue
		}
		taken.WriteString(lines[2*n] + strings.TrimSuffix(lines[2*n+1], "\n") + "\n")
	}
	if taken.Len() > 0 {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(taken.String())), int64(taken.Len())
		r.Header.Del("Accept-Encoding")
		recorded := httptest.NewRecorder()
		s.pass(recorded, r)
		var answered struct{ Items []json.RawMessage }
		if recorded.Code != http.StatusOK || json.Unmarshal(recorded.Body.Bytes(), &answered) != nil {
			answer(w, recorded.Code, recorded.Body.String())
			return
		}
		for n := range items {
			if items[n] == nil {
				items[n], answered.Items = answered.Items[0], answered.Items[1:]
			}
		}
	}
	all, err := json.Marshal(map[string]any{"items": items})
	if err != nil {
		panic(err)
	}
	answer(w, http.StatusOK, string(all))
}

func answer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}
