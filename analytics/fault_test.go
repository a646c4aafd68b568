package analytics

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/events"
)

const (
	rejected = "es_rejected_execution_exception"
	parsing  = "document_parsing_exception"
)

// Failures of a whole request that pass.
func TestRequestsAreTriedAgain(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(request, http.ResponseWriter) bool{
		"storm":       first(3, "/_bulk", 429, serverError(429, rejected, "rejected execution of coordinating operation")),
		"unavailable": first(2, "/_bulk", 503, serverError(503, "cluster_block_exception", "blocked by: [SERVICE_UNAVAILABLE/1/state not recovered / initialized];")),
		"gateway":     first(2, "/_bulk", 502, "<html>Bad Gateway</html>"),
		"short":       first(2, "/_bulk", 200, `{"items":[]}`),
		"garbage":     first(2, "/_bulk", 200, `{"items":`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := through(t, common(t), answer)
			written, err := s.Write(t.Context(), mine(t, "1"))
			require.NoError(t, err)
			require.Equal(t, Written{New: 4}, written)
			require.Greater(t, len(p.bulks()), 2)
		})
	}
}

// Failures that do not pass are errors; no document is a dead letter for them.
func TestFailuresOfRequests(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status       int
		kind, reason string
		requests     int
		want         string
	}{
		"storm":     {429, rejected, "too much", standard.attempts, "given up after 6 attempts: Elasticsearch answers 429 es_rejected_execution_exception: too much"},
		"account":   {401, "security_exception", "unable to authenticate", 1, "check the account or the API key"},
		"privilege": {403, "security_exception", "unauthorized", 1, "needs the privileges that docs/configuration.md lists"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := through(t, common(t), first(-1, "/_bulk", test.status, serverError(test.status, test.kind, test.reason)))
			_, err := s.Write(t.Context(), mine(t, "1"))
			require.ErrorContains(t, err, test.want)
			require.Len(t, p.bulks(), test.requests)
			require.Empty(t, letters(t, s))
		})
	}
}

// Each document has its own answer: what is done is not sent again, what may pass is, and what is refused for what it is becomes a dead letter.
func TestDocumentsAreAnsweredOneByOne(t *testing.T) {
	t.Parallel()
	s, p := through(t, common(t), first(1, "/_bulk", 200, `{"items":[`+strings.Join([]string{
		itemAnswer(201, "", ""), itemAnswer(409, "version_conflict_engine_exception", "current version [2] is higher"),
		itemAnswer(429, rejected, "queue capacity"), itemAnswer(503, "unavailable_shards_exception", "primary shard is not active"),
		itemAnswer(429, blocked, "index [x] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark]"),
		itemAnswer(400, parsing, "failed to parse field [duration]"), itemAnswer(500, "i_o_exception", "disk"), itemAnswer(418, "new_exception", "of a later version"),
	}, ",")+`]}`))
	written, err := s.Write(t.Context(), append(mine(t, "1"), mine(t, "2")...))
	require.NoError(t, err)
	require.Equal(t, Written{New: 5, Known: 1, Dead: 2}, written)
	require.Equal(t, []string{"1.3", "1.task", "2", "2.3"}, p.bulks()[1].ids(t))
	reasons := map[string]string{}
	for id, l := range letters(t, s) {
		reasons[id] = l.Type + ": " + l.Reason
	}
	require.Equal(t, map[string]string{"2.total": "document_parsing_exception: failed to parse field [duration]", "2.task": "new_exception: of a later version"}, reasons)
}

// An answer to a document that tells of trouble with the index or with us is an error.
func TestFailuresOfDocuments(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ item, want string }{
		"disk":    {itemAnswer(403, blocked, "index [x] blocked by: [FORBIDDEN/12/index read-only / allow delete (api)]"), "while the disk of a node is nearly full"},
		"queue":   {itemAnswer(429, rejected, "queue capacity"), "queue capacity"},
		"alias":   {itemAnswer(400, "illegal_argument_exception", "no write index is defined for alias [x]"), "no write index"},
		"account": {itemAnswer(401, "security_exception", "unable to authenticate"), "check the account"},
		"gone":    {itemAnswer(404, "index_not_found_exception", "no such index [x]"), "no such index"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := through(t, common(t), first(-1, "/_bulk", 200, `{"items":[`+test.item+`]}`))
			_, err := s.Write(t.Context(), mine(t, "1")[:1])
			require.ErrorContains(t, err, test.want)
		})
	}
}

// One that spoils the request for the others is found, and requests that are too large become smaller.
func TestSmallerRequests(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status, most int
		spoilt       string
		want         Written
	}{
		"large":  {413, 3, "", Written{New: 40}},
		"spoilt": {400, 100, `/7.task"`, Written{New: 39, Dead: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := through(t, common(t), func(r request, w http.ResponseWriter) bool {
				if r.path != "/_bulk" || len(r.ids(t)) <= test.most && (test.spoilt == "" || !strings.Contains(r.body, test.spoilt)) {
					return false
				}
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, serverError(test.status, "illegal_argument_exception", "id is too long"))
				return true
			})
			var all []events.Document
			for i := range 10 {
				all = append(all, mine(t, fmt.Sprint(i))...)
			}
			written, err := s.Write(t.Context(), all)
			require.NoError(t, err)
			require.Equal(t, test.want, written)
		})
	}
}

// A server that does not answer in time gets fewer documents at a time.
func TestSlowServer(t *testing.T) {
	t.Parallel()
	s, p := through(t, common(t), func(r request, _ http.ResponseWriter) bool {
		if r.path == "/_bulk" && len(r.ids(t)) > 1 {
			panic(http.ErrAbortHandler)
		}
		return false
	})
	s.limits.attempts = 2
	_, err := s.Write(t.Context(), mine(t, "1"))
	require.Error(t, err, "a connection that breaks is tried again as it was")
	require.Len(t, p.bulks(), 2)

	hold := make(chan struct{})
	defer close(hold)
	slow, p := through(t, common(t), func(r request, _ http.ResponseWriter) bool {
		if r.path == "/_bulk" && len(r.ids(t)) > 1 {
			<-hold
		}
		return false
	})
	require.NoError(t, slow.Ensure(t.Context(), ""))
	slow.config.SocketTimeout = time.Second
	quick, err := Open(slow.config)
	require.NoError(t, err)
	defer quick.Close()
	written, err := quick.Write(t.Context(), mine(t, "1")[:2])
	require.NoError(t, err)
	require.Equal(t, 2, written.New+written.Known)
	require.Equal(t, []string{"1", "1.total"}, p.bulks()[0].ids(t))
	require.Equal(t, []string{"1"}, p.bulks()[1].ids(t))
}

// A server that takes requests and never answers is given up after a few.
func TestServerThatHangs(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	defer close(hold)
	s, p := through(t, common(t), func(r request, _ http.ResponseWriter) bool {
		if r.path == "/_bulk" {
			<-hold
		}
		return false
	})
	require.NoError(t, s.Ensure(t.Context(), ""))
	s.config.SocketTimeout = 100 * time.Millisecond
	quick, err := Open(s.config)
	require.NoError(t, err)
	defer quick.Close()
	quick.limits.pause = time.Millisecond
	quick.made, quick.ready[""] = true, true
	var all []events.Document
	for i := range 100 {
		all = append(all, mine(t, fmt.Sprint(i))...)
	}
	_, err = quick.Write(t.Context(), all)
	require.ErrorContains(t, err, "given up after 6 attempts")
	require.Len(t, p.bulks(), standard.attempts)
}

// A pause ends with the context.
func TestCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var once sync.Once
	s, _ := through(t, common(t), func(r request, w http.ResponseWriter) bool {
		if r.path != "/_bulk" {
			return false
		}
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusTooManyRequests)
		once.Do(func() { time.AfterFunc(10*time.Millisecond, cancel) })
		return true
	})
	s.limits.longest = time.Hour
	_, err := s.Write(ctx, mine(t, "1"))
	require.ErrorIs(t, err, context.Canceled)
}

// Without its dead letter a document is not done.
func TestDeadLetterCannotBeWritten(t *testing.T) {
	t.Parallel()
	s, _ := through(t, common(t), func(r request, w http.ResponseWriter) bool {
		switch {
		case r.path == "/_bulk":
			_, _ = io.WriteString(w, `{"items":[`+itemAnswer(400, parsing, "no")+`]}`)
		case strings.HasSuffix(r.path, "/_bulk"):
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			return false
		}
		return true
	})
	_, err := s.Write(t.Context(), mine(t, "1")[:1])
	require.ErrorContains(t, err, "write 1 dead letters, the first for TestDeadLetterCannotBeWritten/1 of")
	require.ErrorContains(t, err, "document_parsing_exception: no): Elasticsearch answers 503")
}

// One node of several is enough.
func TestSeveralAddresses(t *testing.T) {
	t.Parallel()
	s := common(t)
	c := s.config
	c.Addresses = append([]string{"http://127.0.0.1:1"}, c.Addresses...)
	several, err := Open(c)
	require.NoError(t, err)
	defer several.Close()
	for range 3 {
		_, err = several.Write(t.Context(), mine(t, "1"))
		require.NoError(t, err)
	}
	c.Addresses = c.Addresses[:1]
	none, err := Open(c)
	require.NoError(t, err)
	defer none.Close()
	_, err = none.Write(t.Context(), mine(t, "1"))
	require.ErrorContains(t, err, "connection refused")
}

// Lifecycle management is for what was replaced, and only where the server has it.
func TestRetention(t *testing.T) {
	t.Parallel()
	var managed bool
	s, p := through(t, open(t), func(r request, w http.ResponseWriter) bool {
		if managed && (strings.HasPrefix(r.path, "/_ilm/") || strings.Contains(r.body, "index.lifecycle.name")) {
			_, _ = io.WriteString(w, `{"acknowledged":true,"operation_mode":"RUNNING"}`)
			return true
		}
		if strings.HasPrefix(r.path, "/_ilm/") { // as a server without x-pack does
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":"no handler found for uri [/_ilm/status] and method [GET]"}`)
			return true
		}
		return false
	}, func(c *Config) { c.Retention = 48 * time.Hour })
	ctx := t.Context()
	require.NoError(t, s.Ensure(ctx, ""))
	require.NoError(t, s.Create(ctx, "", 2))
	require.NoError(t, s.Swap(ctx, "", 1, 2))
	has, err := s.managed(ctx)
	require.NoError(t, err)
	require.False(t, has)

	managed = true
	p.seen = nil
	require.NoError(t, s.Swap(ctx, "", 2, 1))
	var policy, retired, settled string
	for _, r := range p.seen {
		switch {
		case strings.HasPrefix(r.path, "/_ilm/policy/"):
			policy = r.path + r.body
		case strings.Contains(r.body, `"index.lifecycle.name":null`):
			settled = r.path
		case strings.Contains(r.body, `"index.lifecycle.name":"`):
			retired = r.path
		}
	}
	require.Contains(t, policy, "/_ilm/policy/"+s.Prefix("")+`-replaced{"policy":{"_meta":{"waybill":{"version":`+strconv.Itoa(mappingVersion)+`}},"phases":{"delete":{"actions":{"delete":{}},"min_age":"172800s"}}}}`)
	require.Contains(t, retired, s.Prefix("")+"-tasks-000002")
	require.NotContains(t, retired, "000001")
	require.Contains(t, settled, s.Prefix("")+"-tasks-000001")
	has, err = s.managed(ctx)
	require.NoError(t, err)
	require.True(t, has)
}
