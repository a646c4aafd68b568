package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	es "github.com/elastic/go-elasticsearch/v8"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/testsuite/elasticsearch"
)

var server elasticsearch.Shared

func TestMain(m *testing.M) { os.Exit(server.Run(m)) }

// today is when the reports of the tests are asked for.
var today = time.Date(2026, 4, 11, 15, 30, 0, 0, time.UTC)

// fields are the types of what the reports search, as the indexes of a Store have them.
var fields = map[string][]string{
	"keyword": {
		"processInstanceId", "processDefinitionKey", "processDefinitionId", "processDefinitionName", "businessKey", "kind", "type", "status", "activityId", "activityName", "activityType",
		"errorCode", "name", "taskDefinitionKey", "assignee", "implementation", "action", "mailbox", "outcome",
	},
	"date": {"timeStamp", "startTime", "endTime"}, "long": {"processDefinitionVersion", "duration", "attempts"},
}

// indexed is a Reporter over indexes with these documents, which belong to the default tenant.
func indexed(t *testing.T, documents []events.Document) *Reporter {
	t.Helper()
	client := server.Client(t)
	prefix := strings.ToLower(t.Name())
	prefix = "report-" + strings.NewReplacer("/", "-", "_", "-").Replace(prefix)
	properties := map[string]any{}
	for kind, names := range fields {
		for _, name := range names {
			properties[name] = map[string]any{"type": kind}
		}
	}
	mapping, err := json.Marshal(map[string]any{
		"settings": map[string]any{"number_of_shards": 2, "number_of_replicas": 0}, "mappings": map[string]any{"dynamic": false, "properties": properties},
	})
	require.NoError(t, err)
	for _, index := range events.Indexes() {
		answer, err := client.Indices.Create(prefix+"-"+index, client.Indices.Create.WithBody(bytes.NewReader(mapping)))
		require.NoError(t, err)
		require.False(t, answer.IsError(), answer.String())
		require.NoError(t, answer.Body.Close())
	}
	t.Cleanup(func() {
		for _, index := range events.Indexes() {
			answer, err := client.Indices.Delete([]string{prefix + "-" + index})
			require.NoError(t, err)
			require.NoError(t, answer.Body.Close())
		}
	})
	put(t, client, prefix, documents)
	names := func(tenant string) string {
		if tenant == "" {
			return prefix
		}
		return prefix + "-tenant-" + tenant
	}
	return &Reporter{Index: Over(client, names), Now: func() time.Time { return today }}
}

// put writes documents, the latest of each id as a Store does, and makes them searchable.
func put(t *testing.T, client *es.Client, prefix string, documents []events.Document) {
	t.Helper()
	for len(documents) > 0 {
		n := min(len(documents), 5000)
		var lines bytes.Buffer
		for _, d := range documents[:n] {
			text, err := json.Marshal(d)
			require.NoError(t, err)
			fmt.Fprintf(&lines, `{"index":{"_index":%q,"_id":%q}}`+"\n%s\n", prefix+"-"+d.Index(), d.ID(), text)
		}
		documents = documents[n:]
		answer, err := client.Bulk(&lines, client.Bulk.WithRefresh("true"))
		require.NoError(t, err)
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Contains(t, string(text), `"errors":false`)
	}
}

// asked answers a report through JSON, as those who ask get it.
func asked(t *testing.T, r *Reporter, name string, parameters map[string]string) Result {
	t.Helper()
	result, err := r.Report(t.Context(), Request{Report: name, Parameters: parameters})
	require.NoError(t, err)
	text, err := json.Marshal(result)
	require.NoError(t, err)
	var back Result
	require.NoError(t, json.Unmarshal(text, &back))
	return back
}

func (r Result) element(t *testing.T, id string) Element {
	t.Helper()
	for _, e := range r.Elements {
		if e.ID == id {
			return e
		}
	}
	t.Fatalf("the report %s has no element %s", r.Report, id)
	return Element{}
}

// sameRows compares tables; numbers may differ by what floating point makes of another order of adding.
func sameRows(t *testing.T, want, got [][]any, what string) {
	t.Helper()
	require.Len(t, got, len(want), what)
	for i := range want {
		require.Len(t, got[i], len(want[i]), what)
		for j := range want[i] {
			x, number := want[i][j].(float64)
			y, too := got[i][j].(float64)
			if number && too {
				require.True(t, near(x, y), "%s: row %d, cell %d: %v, want %v", what, i, j, y, x)
				continue
			}
			require.Equal(t, want[i][j], got[i][j], "%s: row %d, cell %d", what, i, j)
		}
	}
}

func near(x, y float64) bool { return math.Abs(x-y) <= 1e-6*max(1, math.Abs(x), math.Abs(y)) }
