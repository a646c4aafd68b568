package elasticsearch

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/elastic/go-elasticsearch/v8"
	"github.com/elastic/go-elasticsearch/v8/esutil"
	"github.com/stretchr/testify/require"
)

var shared Shared

func TestMain(m *testing.M) { os.Exit(shared.Run(m)) }

// call sends a request and returns the status and the answer.
func call(t testing.TB, c *elasticsearch.Client, method, path, body string) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	answer, err := c.Perform(r)
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	var fields map[string]any
	require.NoError(t, json.Unmarshal(text, &fields), string(text))
	return answer.StatusCode, fields
}

// do is a call that succeeds.
func do(t testing.TB, c *elasticsearch.Client, method, path, body string) map[string]any {
	t.Helper()
	status, fields := call(t, c, method, path, body)
	require.Less(t, status, 300, "%s %s: %v", method, path, fields)
	return fields
}

// at follows keys into an answer.
func at(fields any, keys ...string) any {
	for _, key := range keys {
		m, _ := fields.(map[string]any)
		fields = m[key]
	}
	return fields
}

// index sends n documents of tasks, one a minute, and makes them searchable.
func index(t testing.TB, c *elasticsearch.Client, name string, n int) {
	t.Helper()
	bulk, err := esutil.NewBulkIndexer(esutil.BulkIndexerConfig{Client: c, Index: name, Refresh: "true"})
	require.NoError(t, err)
	for i := range n {
		document := fmt.Sprintf(`{"task":"task-%d","seconds":%d,"at":%q}`, i%2, i, time.Date(2026, 11, 28, 0, i, 0, 0, time.UTC).Format(time.RFC3339))
		require.NoError(t, bulk.Add(t.Context(), esutil.BulkIndexerItem{
			Action: "index", DocumentID: fmt.Sprint(i), Body: strings.NewReader(document),
			OnFailure: func(_ context.Context, _ esutil.BulkIndexerItem, answer esutil.BulkIndexerResponseItem, err error) {
				t.Error(answer.Error, err)
			},
		}))
	}
	require.NoError(t, bulk.Close(t.Context()))
	require.EqualValues(t, n, bulk.Stats().NumFlushed)
}

func count(t testing.TB, c *elasticsearch.Client, name string) float64 {
	t.Helper()
	return do(t, c, "GET", "/"+name+"/_count", "")["count"].(float64)
}

func TestTemplatesAliasesAndAggregations(t *testing.T) {
	t.Parallel()
	c := shared.Client(t)
	require.Equal(t, "You Know, for Search", do(t, c, "GET", "/", "")["tagline"])
	// Names of its own: the server may be somebody's.
	reports := fmt.Sprintf("waybill-test-%d", time.Now().UnixNano())
	one, rebuilt := reports+"-1", reports+"-rebuilt"
	t.Cleanup(func() {
		for _, path := range []string{"/" + one, "/" + rebuilt, "/_index_template/" + reports} {
			r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodDelete, path, nil)
			require.NoError(t, err)
			answer, err := c.Perform(r)
			require.NoError(t, err)
			require.NoError(t, answer.Body.Close())
		}
	})
	do(t, c, "PUT", "/_index_template/"+reports, `{"index_patterns":["`+reports+`-1"],"template":{"settings":{"number_of_replicas":0},"mappings":{"dynamic":"strict",
		"properties":{"task":{"type":"keyword"},"seconds":{"type":"long"},"at":{"type":"date"}}},"aliases":{"`+reports+`":{}}}}`)
	index(t, c, one, 120)
	answer := do(t, c, "POST", "/"+reports+"/_search?size=0", `{"aggs":{
		"tasks":{"terms":{"field":"task"},"aggs":{"time":{"stats":{"field":"seconds"}}}},
		"slow":{"percentiles":{"field":"seconds","percents":[50]}},
		"hours":{"date_histogram":{"field":"at","calendar_interval":"hour"}}}}`)
	tasks := at(answer, "aggregations", "tasks", "buckets").([]any)
	require.Len(t, tasks, 2)
	require.Equal(t, map[string]any{"count": 60.0, "min": 0.0, "max": 118.0, "avg": 59.0, "sum": 3540.0}, at(tasks[0], "time"))
	require.InDelta(t, 59.5, at(answer, "aggregations", "slow", "values", "50.0"), 1)
	require.Len(t, at(answer, "aggregations", "hours", "buckets"), 2)

	// A new physical index takes over under the old name in one step.
	index(t, c, rebuilt, 3)
	do(t, c, "POST", "/_aliases", fmt.Sprintf(`{"actions":[{"remove":{"index":%q,"alias":%q}},{"add":{"index":%q,"alias":%[2]q}}]}`, one, reports, rebuilt))
	require.EqualValues(t, 3, count(t, c, reports))

	// The older of two versions does not overwrite the newer, and a field that no mapping has is refused.
	do(t, c, "PUT", "/"+one+"/_doc/a?version=7&version_type=external", `{"seconds":7}`)
	status, _ := call(t, c, "PUT", "/"+one+"/_doc/a?version=6&version_type=external", `{"seconds":6}`)
	require.Equal(t, http.StatusConflict, status)
	status, _ = call(t, c, "PUT", "/"+one+"/_doc/b", `{"unknown":1}`)
	require.Equal(t, http.StatusBadRequest, status)
}

func TestDocumentsOutliveTheServer(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{})
	index(t, s.Client(), "events", 1000)
	s.Kill()
	_, err := s.Client().Info()
	require.Error(t, err)
	s.Run()
	require.EqualValues(t, 1000, count(t, s.Client(), "events"))
}

// Which server it is that tests share.
func TestSharedServer(t *testing.T) {
	if os.Getenv(URLVariable) == "" {
		url := shared.URL(t)
		require.Equal(t, map[bool]string{true: composeCluster, false: "waybill"}[url == compose], cluster(url))
	}
	for _, text := range []string{`{"cluster_name":"waybill-compose"}`, `{"cluster_name":"waybill-compose","tagline":"The OpenSearch Project"}`, "nothing"} {
		other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }))
		require.Empty(t, cluster(other.URL))
		other.Close()
		require.Empty(t, cluster(other.URL))
	}
	t.Setenv(URLVariable, "http://127.0.0.1:1")
	require.Equal(t, "http://127.0.0.1:1", shared.URL(t))
}
