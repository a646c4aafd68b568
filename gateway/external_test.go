package gateway

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	temporal "go.temporal.io/sdk/client"
	"google.golang.org/grpc"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/external"
	"github.com/waybill-io/waybill/gateway/access"
)

// idle is a Temporal without any tasks.
type idle struct{ temporal.Client }

func (idle) WorkflowService() workflowservice.WorkflowServiceClient { return noTasks{} }

type noTasks struct {
	workflowservice.WorkflowServiceClient
}

func (noTasks) PollActivityTaskQueue(ctx context.Context, _ *workflowservice.PollActivityTaskQueueRequest, _ ...grpc.CallOption) (*workflowservice.PollActivityTaskQueueResponse, error) {
	<-ctx.Done()
	return &workflowservice.PollActivityTaskQueueResponse{}, nil
}

// served is one that serves until stop is called, which waits for the end.
func served(t *testing.T, o Options) (s *Server, stop func()) {
	t.Helper()
	o.Address, o.Namespace, o.Client = "127.0.0.1:0", "default", client.New(idle{})
	s, err := Listen(o)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- s.Serve(ctx) }()
	ended := false
	stop = func() {
		cancel()
		if !ended {
			require.NoError(t, <-result)
		}
		ended = true
	}
	t.Cleanup(stop)
	return s, stop
}

const poll = `{"workerId":"w","maxTasks":1,"asyncResponseTimeout":600000,"topics":[{"topicName":"orders","lockDuration":1000}]}`

func (s *Server) waiting() int { all, _ := s.broker.Waiting(); return all }

func fetchAndLock(s *Server, body string) (int, string, error) {
	answer, err := http.Post(s.URL()+"/engine-rest/external-task/fetchAndLock", "application/json", strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text), err
}

// A gateway that ends answers those who wait.
func TestPollsAreAnsweredAtTheEnd(t *testing.T) {
	t.Parallel()
	s, stop := served(t, Options{})
	answered := make(chan string, 1)
	go func() {
		code, text, err := fetchAndLock(s, poll)
		answered <- fmt.Sprint(code, strings.TrimSpace(text), err)
	}()
	require.Eventually(t, func() bool { return s.waiting() == 1 }, 10*time.Second, time.Millisecond)
	stop()
	require.Equal(t, "200[]<nil>", <-answered)
}

// A poll whose client has gone is given up, however its body came.
func TestPollsOfClientsThatHaveGone(t *testing.T) {
	t.Parallel()
	s, _ := served(t, Options{})
	for name, request := range map[string]string{
		"length":  fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(poll), poll),
		"chunked": fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(poll), poll),
	} {
		connection, err := net.Dial("tcp", s.listener.Addr().String())
		require.NoError(t, err)
		_, err = io.WriteString(connection, "POST /engine-rest/external-task/fetchAndLock HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"+request)
		require.NoError(t, err)
		require.Eventually(t, func() bool { return s.waiting() == 1 }, 10*time.Second, time.Millisecond, name)
		require.NoError(t, connection.Close())
		require.Eventually(t, func() bool { return s.waiting() == 0 }, 10*time.Second, time.Millisecond, name)
	}
}

func TestExternalBodiesAreBounded(t *testing.T) {
	t.Parallel()
	s, _ := served(t, Options{})
	code, text, err := fetchAndLock(s, poll[:len(poll)-1]+strings.Repeat(" ", maxFetchBody)+"}")
	require.NoError(t, err)
	require.Equal(t, http.StatusBadRequest, code, text)
	require.Contains(t, text, "too large")
	for size, want := range map[int]int{maxFetchBody: http.StatusNotFound, maxExternalBody: http.StatusBadRequest} {
		body := `{"workerId":"w","errorMessage":"` + strings.Repeat("x", size) + `"}`
		answer, err := http.Post(s.URL()+"/engine-rest/external-task/none/failure", "application/json", strings.NewReader(body))
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, want, answer.StatusCode, size)
	}
	fetches := 0
	for pattern := range externalRoutes(Options{}, nil, nil) {
		if strings.Contains(strings.ToLower(pattern), "fetch") {
			require.Regexp(t, "/fetch(AndLock|_and_lock)$", pattern, "those that may wait are bounded more")
			fetches++
		}
	}
	require.Equal(t, 4, fetches)
}

// What a client may not do is not read.
func TestBodiesAreReadOnceCallersAreLetIn(t *testing.T) {
	t.Parallel()
	s, _ := served(t, Options{Access: gateOf(t, line("crm", "wb_one"))})
	connection, err := net.Dial("tcp", s.listener.Addr().String())
	require.NoError(t, err)
	defer connection.Close()
	_, err = io.WriteString(connection, "POST /engine-rest/external-task/fetchAndLock HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n")
	require.NoError(t, err)
	answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusUnauthorized, answer.StatusCode)
	require.Equal(t, `Bearer realm="waybill"`, answer.Header.Get("WWW-Authenticate"))
}

// An answer that nobody takes is given up.
func TestAnswersThatAreNotTaken(t *testing.T) {
	t.Parallel()
	var w recorder
	bounded("GET /", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "a")
		w.WriteHeader(http.StatusOK)
	})).ServeHTTP(&w, httptest.NewRequest(http.MethodGet, "/", nil))
	require.Len(t, w.deadlines, 1)
	require.WithinDuration(t, time.Now().Add(writeTimeout), w.deadlines[0], 10*time.Second)
}

type recorder struct {
	httptest.ResponseRecorder
	deadlines []time.Time
}

func (r *recorder) SetWriteDeadline(t time.Time) error {
	r.deadlines = append(r.deadlines, t)
	return nil
}

func TestMetricsOfWaitingRequests(t *testing.T) {
	t.Parallel()
	s, _ := served(t, Options{Metrics: prometheus.NewRegistry()})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL()+"/engine-rest/external-task/fetchAndLock", strings.NewReader(poll))
		if err == nil {
			_, _ = http.DefaultClient.Do(r) //nolint:bodyclose // it is cancelled
		}
	}()
	require.Eventually(t, func() bool { return s.waiting() == 1 }, 10*time.Second, time.Millisecond)
	answer, err := http.Get(s.URL() + "/metrics")
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Contains(t, string(text), "\nwaybill_external_requests_waiting 1\n")
	require.Contains(t, string(text), "\nwaybill_external_topic_requests_waiting{topic=\"(other)\"} 1\n", "a topic that had no task has no name of its own")
}

// However many topics there are, metrics have some.
func TestMetricsTellSomeTopicsApart(t *testing.T) {
	t.Parallel()
	w := newWatch(nil, nil, external.NewBroker(external.New(client.New(idle{}), "default"), 1))
	for n := range 2 * shownTopics {
		w.told(external.Deed{What: external.DeedComplete, Topic: fmt.Sprint("topic", n)})
		w.told(external.Deed{What: external.DeedFetch, Topic: fmt.Sprint("other", n), Err: external.ErrForbidden})
	}
	all := make(chan prometheus.Metric, 10*shownTopics)
	w.deeds.Collect(all)
	require.Len(t, all, shownTopics+1)
	w.refused.Collect(all)
	require.Len(t, all, shownTopics+2, "a topic of whoever asks has no name")
}

// Calls of outside workers are under the bases of the products whose they are, and all others are documented.
func TestExternalRoutesHaveBasesOfTheirOwn(t *testing.T) {
	base := regexp.MustCompile(`^[A-Z]+ /(engine-rest|api/external_task/v1|api/consumer/v1|atlas_engine/api/v1|external-job-api)/`)
	theirs := externalRoutes(Options{}, nil, nil)
	require.NotEmpty(t, theirs)
	for pattern := range theirs {
		require.Regexp(t, base, pattern)
	}
	for pattern := range routes(Options{Metrics: prometheus.NewRegistry()}) {
		require.NotRegexp(t, base, pattern, "it would not be missed in openapi.json")
	}
}

func TestNoExternalTasksWithoutANamespace(t *testing.T) {
	t.Parallel()
	s, err := Listen(Options{Address: "127.0.0.1:0"})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	code, _, err := fetchAndLock(s, poll)
	require.NoError(t, err)
	require.Equal(t, http.StatusNotFound, code)
	cancel()
	require.NoError(t, <-served)
}

// Where callers are whom they say, others than this machine are kept away.
func TestIdentitiesOnThisMachineAlone(t *testing.T) {
	t.Parallel()
	gate, err := access.Open(access.Config{Identity: true})
	require.NoError(t, err)
	_, err = Listen(Options{Address: "0.0.0.0:0", Access: gate})
	require.ErrorContains(t, err, "identities are not proven, and others than this machine reach")
	s, _ := served(t, Options{Access: gate})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL()+"/api/external_task/v1/fetch_and_lock", strings.NewReader(`{"workerId":"w","topicName":"orders","maxTasks":1,"longPollingTimeout":0,"lockDuration":1000}`))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer ZHVtbXlfdG9rZW4=")
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusOK, answer.StatusCode)
}

// All protocols ask who calls.
func TestAllExternalRoutesWantAToken(t *testing.T) {
	t.Parallel()
	s, _ := served(t, Options{Access: gateOf(t, line("crm", "wb_one"))})
	for pattern := range externalRoutes(Options{}, nil, nil) {
		method, path, _ := strings.Cut(pattern, " ")
		r, err := http.NewRequestWithContext(t.Context(), method, s.URL()+strings.NewReplacer("{", "", "}", "").Replace(path), strings.NewReader("{}"))
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer wb_two")
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, http.StatusUnauthorized, answer.StatusCode, pattern)
		require.Equal(t, `Bearer realm="waybill"`, answer.Header.Get("WWW-Authenticate"), pattern)
	}
}

// A gateway whose identity provider is away says that, and not that a token is wrong.
func TestIdentityProviderIsAway(t *testing.T) {
	t.Parallel()
	gate, err := access.Open(access.Config{Issuer: "http://127.0.0.1:1", Audience: "waybill"})
	require.NoError(t, err)
	s, _ := served(t, Options{Access: gate})
	for path, want := range map[string]int{"/engine-rest/external-task/fetchAndLock": http.StatusInternalServerError, "/api/listeners/state": http.StatusServiceUnavailable} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL()+path, strings.NewReader(poll))
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer a.b.c")
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, want, answer.StatusCode, path)
		require.Contains(t, string(text), "the identity provider does not answer")
		require.NotContains(t, string(text), "127.0.0.1:1")
	}
}
