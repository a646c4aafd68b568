package rest

import (
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
)

// redirecting leads /redirect/<status>?to=URL there.
func redirecting(w http.ResponseWriter, r *http.Request) {
	status, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/redirect/"), "/")
	if code, err := strconv.Atoi(status); err == nil {
		w.Header().Set("Location", r.URL.Query().Get("to"))
		w.WriteHeader(code)
		return
	}
	byStatus(w, r)
}

func TestRedirects(t *testing.T) {
	server, other, secure := newAPI(t, redirecting), newAPI(t, byStatus), newTLS(t, byStatus, nil)
	c := connect(t, local("REST_HOST", server.URL, "REST_AUTH", "bearer", "REST_AUTH_TOKEN", secret))
	evil := strings.Replace(other.URL, "127.0.0.1", "localhost", 1)
	for _, test := range []struct {
		action, status, to string
		want               []string // methods of the requests; one: not followed
	}{
		{"GET", "301", "/there", []string{"GET", "GET"}},
		{"GET", "302", server.URL + "/there", []string{"GET", "GET"}},
		{"HEAD", "307", "/there", []string{"HEAD", "HEAD"}},
		{"OPTIONS", "308", "/there", []string{"OPTIONS", "OPTIONS"}},
		{"POST", "307", "/there", []string{"POST", "POST"}},
		{"PATCH", "308", "/there", []string{"PATCH", "PATCH"}},
		{"POST", "303", "/there", []string{"POST", "GET"}},
		{"POST", "301", "/there", []string{"POST"}},
		{"DELETE", "302", "/there", []string{"DELETE"}},
		{"GET", "302", other.URL, []string{"GET"}},
		{"GET", "302", evil, []string{"GET"}},
		{"POST", "307", other.URL, []string{"POST"}},
		{"GET", "302", strings.Replace(server.URL, "127.0.0.1", "localhost", 1) + "/there", []string{"GET"}},
		{"GET", "302", secure.URL, []string{"GET"}},
		{"GET", "302", "//" + other.host() + "/x", []string{"GET"}},
		{"GET", "302", "http://user:pw@" + server.host() + "/there", []string{"GET"}},
		{"GET", "302", "file:///etc/passwd", []string{"GET"}},
		{"GET", "304", "/there", []string{"GET"}},
	} {
		t.Run(test.action+" "+test.status+" "+test.to, func(t *testing.T) {
			before := len(server.requests())
			more := []any{"restUrlParams", map[string]any{"to": test.to}}
			if test.action == "POST" || test.action == "PATCH" {
				more = append(more, "requestPayload", "told")
			}
			outputs, err := c.Call(t.Context(), call(test.action, server.URL+"/redirect/"+test.status, more...))
			var methods []string
			for _, r := range server.requests()[before:] {
				methods = append(methods, r.method)
				require.Equal(t, "Bearer "+secret, r.header.Get("Authorization"))
				require.Equal(t, idempotencyKey("instance/7"), r.header.Get("Idempotency-Key"))
			}
			require.Equal(t, test.want, methods)
			if len(test.want) == 1 {
				failure := connectors.AsError(err)
				require.Equal(t, connectors.BPMN, failure.Kind)
				require.Equal(t, connectors.CodeUnknown, failure.Code)
				require.Contains(t, failure.Public, test.status)
				require.NotContains(t, failure.Public, "pw@")
				return
			}
			require.NoError(t, err)
			require.Equal(t, int64(200), outputs["restStatus"])
			if methods[1] == "POST" {
				require.Equal(t, "told", server.last(t).body)
			}
		})
	}
	require.Empty(t, other.requests(), "no other host is called")
	require.Empty(t, secure.requests())
	outputs, err := c.Call(t.Context(), call("GET", server.URL+"/redirect/302?to="+other.URL, "acceptedStatus", "3xx"))
	require.NoError(t, err, "a redirect can be asked for as a result")
	require.Equal(t, other.URL, outputs["responseHeaders"].(map[string]any)["location"])

	outputs, err = c.Call(t.Context(), call("GET", server.URL+"/redirect/302?to=/there", "acceptedStatus", "302"))
	require.NoError(t, err)
	require.Equal(t, int64(302), outputs["restStatus"], "also one that would be followed")

	loop := newAPI(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) })
	_, err = c.Call(t.Context(), call("GET", loop.URL))
	require.ErrorContains(t, err, "302")
	require.Len(t, loop.requests(), 1+maxRedirects)
}

func TestMayFollow(t *testing.T) {
	for _, test := range []struct {
		from, to string
		want     bool
	}{
		{"http://a.example/", "https://a.example/", true}, // the usual step up
		{"http://a.example:80/", "https://A.example.:443/", true},
		{"https://a.example/", "http://a.example/", false},
		{"http://a.example:8080/", "https://a.example/", false},
		{"http://a.example/", "https://a.example:8443/", false},
		{"https://a.example/", "https://b.example/", false},
		{"https://a.example/", "https://b.a.example/", false},
		{"https://a.example/", "https://a.example:443/x", true},
	} {
		from, err := http.NewRequestWithContext(t.Context(), "GET", test.from, nil)
		require.NoError(t, err)
		to, err := http.NewRequestWithContext(t.Context(), "GET", test.to, nil)
		require.NoError(t, err)
		require.Equal(t, test.want, mayFollow(to, []*http.Request{from}) == nil, test.from+" "+test.to)
	}
}

func TestAnswersAreBounded(t *testing.T) {
	var body atomic.Value
	server := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		if r.URL.Path == "/status" {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = io.WriteString(w, body.Load().(string))
	})
	c := connect(t, local("REST_MAX_RESPONSE_BYTES", "1000"))
	body.Store(strings.Repeat("a", 1000))
	outputs, err := c.Call(t.Context(), call("GET", server.URL))
	require.NoError(t, err)
	require.Len(t, outputs["restResult"], 1000)
	body.Store(strings.Repeat("a", 1001))
	_, err = c.Call(t.Context(), call("GET", server.URL))
	failure := connectors.AsError(err)
	require.Equal(t, connectors.Permanent, failure.Kind)
	require.Equal(t, "RESPONSE_TOO_LARGE", failure.Code)
	require.Contains(t, failure.Public, "REST_MAX_RESPONSE_BYTES")
	_, err = c.Call(t.Context(), call("GET", server.URL+"/status"))
	require.Equal(t, "BAD_REQUEST", connectors.AsError(err).Code)
	require.Less(t, len(connectors.AsError(err).Public), 500, "an error shows the beginning")

	// Small as text, six times that as JSON.
	body.Store(strings.Repeat("\x01", connectors.MaxOutputs/6))
	_, err = connect(t, local()).Call(t.Context(), call("GET", server.URL))
	require.Equal(t, "RESPONSE_TOO_LARGE", connectors.AsError(err).Code)
	most := local()
	most["REST_MAX_RESPONSE_BYTES"] = strconv.Itoa(maxResponse)
	body.Store(strings.Repeat("a", maxResponse))
	outputs, err = connectors.Do(t.Context(), connect(t, most), call("GET", server.URL))
	require.NoError(t, err, "what the setting may allow is within what a call may return")
	require.Len(t, outputs["restResult"], maxResponse)
}

func TestAnswersAreBoundedAfterDecompression(t *testing.T) {
	var sent atomic.Int64
	server := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		zeros := make([]byte, 1<<20)
		for range 200 {
			n, err := z.Write(zeros)
			if sent.Add(int64(n)); err != nil {
				return
			}
		}
		_ = z.Close()
	})
	_, err := connect(t, local()).Call(t.Context(), call("GET", server.URL))
	require.Equal(t, "RESPONSE_TOO_LARGE", connectors.AsError(err).Code, "%v", err)
	require.Positive(t, sent.Load(), "it was compressed")
}

func TestHeadersOfAnswersAreBounded(t *testing.T) {
	server := newAPI(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-A", strings.Repeat("a", 2*maxAnswerHeader))
	})
	_, err := connect(t, local()).Call(t.Context(), call("GET", server.URL))
	require.Equal(t, connectors.Retryable, connectors.AsError(err).Kind)
	require.ErrorContains(t, err, "server response headers exceeded")
}

func TestSlowAnswersEndWithTheTimeout(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	server := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" { // begins and does not go on
			_, _ = io.WriteString(w, "a")
			w.(http.Flusher).Flush()
		}
		<-release
	})
	c := connect(t, local())
	for _, path := range []string{"/", "/body"} {
		_, err := c.Call(t.Context(), call("GET", server.URL+path, "timeout", int64(50)))
		failure := connectors.AsError(err)
		require.Equal(t, "REQUEST_TIMEOUT", failure.Code)
		require.Equal(t, connectors.Retryable, failure.Kind)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Contains(t, failure.Public, "50ms")
	}
}

func TestCircuitBreaker(t *testing.T) {
	status := atomic.Int64{}
	server := newAPI(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(status.Load())) })
	other := newAPI(t, byStatus)
	ask := func(c *connector, target string, breaker bool) *connectors.Error {
		_, err := c.Call(t.Context(), call("GET", target, "circuitBreaker", breaker))
		return connectors.AsError(err)
	}
	settings := func(wait string) map[string]string {
		return local("REST_CIRCUIT_BREAKER_BUFFER", "4", "REST_CIRCUIT_BREAKER_FAILURE_RATE", "50", "REST_CIRCUIT_BREAKER_WAIT_INTERVAL", wait)
	}
	c := connect(t, settings("1h"))
	for _, code := range []int64{200, 404, 500, 404, 503} { // 404 is no failure of the server; the fifth makes 2 of 5, the sixth 3 of 6
		status.Store(code)
		ask(c, server.URL, true)
	}
	status.Store(500)
	require.Equal(t, "INTERNAL_SERVER_ERROR", ask(c, server.URL, true).Code)
	before := len(server.requests())
	open := ask(c, server.URL, true)
	require.Equal(t, connectors.Retryable, open.Kind)
	require.Equal(t, "SERVICE_UNAVAILABLE", open.Code)
	require.Contains(t, open.Public, "circuit breaker")
	require.Greater(t, open.After, 59*time.Minute)
	require.LessOrEqual(t, open.After, time.Hour)
	require.Len(t, server.requests(), before, "it was not called")
	require.Equal(t, "INTERNAL_SERVER_ERROR", ask(c, server.URL, false).Code, "tasks that do not ask for it are not held back")
	require.Nil(t, ask(c, other.URL, true), "each host has its own")

	c = connect(t, settings("10"))
	for range 4 {
		ask(c, server.URL, true)
	}
	require.Contains(t, ask(c, server.URL, true).Public, "circuit breaker")
	status.Store(200)
	require.Eventually(t, func() bool { return ask(c, server.URL, true) == nil }, 5*time.Second, time.Millisecond, "it closes")

	// What the caller or we refuse says nothing of the server.
	c = connect(t, settings("1h"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 10 {
		_, err := c.Call(ctx, call("GET", server.URL, "circuitBreaker", true))
		require.ErrorIs(t, err, context.Canceled)
	}
	require.Nil(t, ask(c, server.URL, true))
}

func TestBreakersAreBounded(t *testing.T) {
	b := breakers{config: breakerConfig{buffer: 1, wait: time.Second, rate: 1}}
	for i := range 3 * maxBreakers {
		b.of(strconv.Itoa(i))
		require.LessOrEqual(t, len(b.hosts), maxBreakers)
	}
	require.Same(t, b.of("a"), b.of("a"))
}
