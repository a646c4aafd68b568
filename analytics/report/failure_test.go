package report

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/analytics"
)

// What Elasticsearch, or whoever stands before it, answers, and what those who ask are told.
func TestFailures(t *testing.T) {
	answer := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			_, _ = w.Write([]byte(body))
		}
	}
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		kind    error
		want    string
	}{
		"refused":  {answer(400, `{"error":{"type":"search_phase_execution_exception","reason":"all shards failed"}}`), ErrUnavailable, "all shards failed"},
		"account":  {answer(401, `{"error":{"type":"security_exception","reason":"unable to authenticate"}}`), ErrUnavailable, "check the account or the API key in elastic-search.rest-client"},
		"storm":    {answer(429, `{"error":{"type":"es_rejected_execution_exception","reason":"queue is full"}}`), ErrUnavailable, "queue is full"},
		"gateway":  {answer(504, `<html>`), ErrSlow, "a shorter range or one process is quicker"},
		"gave up":  {answer(200, `{"timed_out":true,"_shards":{"total":1}}`), ErrSlow, "a shorter range or one process is quicker"},
		"partly":   {answer(200, `{"_shards":{"total":2,"failed":1},"aggregations":{}}`), ErrUnavailable, "1 parts of the index activities did not answer"},
		"no index": {answer(200, `{"_shards":{"total":0}}`), ErrNoIndex, "no event of the default tenant was indexed yet"},
		"waiting": {func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // or the server would not see that the client leaves
			<-r.Context().Done()
		}, ErrSlow, "elastic-search.rest-client.socket-timeout says how long a worker waits"},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(test.handler)
			defer s.Close()
			store, err := analytics.Open(analytics.Config{Addresses: []string{s.URL}, SocketTimeout: 100 * time.Millisecond})
			require.NoError(t, err)
			defer store.Close()
			_, err = (&Reporter{Index: store}).Report(t.Context(), Request{Report: "mail"})
			require.ErrorIs(t, err, test.kind)
			require.ErrorContains(t, err, test.want)
		})
	}
}
