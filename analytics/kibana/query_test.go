package kibana

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/analytics"
	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/testsuite/elasticsearch"
)

var server elasticsearch.Shared

func TestMain(m *testing.M) { os.Exit(server.Run(m)) }

var began = time.Now().Add(-time.Hour).UTC().Truncate(time.Second)

// documents are one of everything that the dashboard shows.
func documents() []events.Document {
	end, took := began.Add(time.Minute), new(int64(60_000))
	return events.Batch{Process: events.Process{Instance: "order/1", Key: "order", DefinitionVersion: 1, Began: began}, Events: []events.Event{
		{Sequence: 2, Type: events.ProcessEnded, Time: end, Status: events.Completed, Start: began, End: end, Duration: took},
		{Sequence: 3, Type: events.ActivityCompleted, Time: end, Ref: "3", Status: events.Completed, Start: began, End: end, Duration: took, ActivityID: "check", ActivityName: "Check"},
		{Sequence: 4, Type: events.TaskCompleted, Time: end, Ref: "4", Revision: events.MaxRevision, Status: events.Completed, Start: began, End: end, Duration: took, Name: "Approve", Assignee: "ada"},
		{Sequence: 5, Type: events.TaskCreated, Time: end, Ref: "5", Revision: 1, Status: events.Active, Start: began, Name: "Approve"},
		{Sequence: 6, Type: events.IncidentCreated, Time: end, Ref: "6", Status: events.Active, Start: began, ActivityID: "send"},
		{Sequence: 7, Type: events.IntegrationError, Time: end, Ref: "7", Status: events.Failed, Start: began, End: end, Duration: took, Implementation: "email.SEND"},
		{Sequence: 8, Type: events.IntegrationResult, Time: end, Ref: "8", Status: events.Completed, Start: began, End: end, Duration: took, Implementation: "email.SEND"},
		{Sequence: 9, Type: events.MailReceived, Time: end, Ref: "9", Status: events.Completed, Start: began, Mailbox: "support", Outcome: "started"},
		{Sequence: 10, Type: events.VariableCreated, Time: end, Ref: "total", Name: "total", Value: int64(40), ValueType: "integer"},
	}}.Documents()
}

// clauses turns KQL of the form `a : b and c : d`, which is all that the dashboard has, into a query.
func clauses(t *testing.T, kql string) []any {
	t.Helper()
	var all []any
	for _, part := range strings.Split(kql, " and ") {
		if part == "" {
			continue
		}
		field, value, ok := strings.Cut(part, " : ")
		require.True(t, ok && !strings.ContainsAny(value, `" *()`), kql)
		all = append(all, object{"term": object{field: value}})
	}
	return all
}

// aggregations asks for what Lens asks: groups in each other, and numbers in the last.
func aggregations(t *testing.T, columns []column, at int) object {
	t.Helper()
	aggs := object{}
	for i := at; i < len(columns); i++ {
		c := columns[i]
		var a object
		switch c.operation {
		case "date_histogram":
			a = object{"date_histogram": object{"field": c.field, "fixed_interval": "1h", "min_doc_count": 1}}
		case "terms":
			a = object{"terms": object{"field": c.field, "size": c.size, "missing": "__missing__"}}
		case "percentile":
			a = object{"percentiles": object{"field": c.field, "percents": []int{c.percent}}}
		case "average":
			a = object{"avg": object{"field": c.field}}
		case "count":
			a = object{"filter": object{"bool": object{"filter": clauses(t, c.filter)}}}
		default:
			t.Fatalf("operation %q", c.operation)
		}
		aggs[name(i)] = a
		if c.grouped() {
			a["aggs"] = aggregations(t, columns, i+1)
			return aggs
		}
	}
	return aggs
}

// TestQueries asks a real server what each panel asks, over indexes with the mapping of a Store. Every field is in the mapping with a type that
// can be aggregated, and every panel finds what it is about.
func TestQueries(t *testing.T) {
	prefix := fmt.Sprintf("waybill-test-%d", time.Now().UnixNano()) // the server may be somebody's
	s, err := analytics.Open(analytics.Config{
		Addresses: []string{server.URL(t)}, SocketTimeout: time.Minute, Names: analytics.Names{Prefix: prefix, TenantPrefix: prefix + "-tenant-"},
	})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	client := server.Client(t)
	t.Cleanup(func() {
		for _, index := range events.Indexes() {
			answer, err := client.Indices.Delete([]string{s.Alias("", index) + "-000001"})
			require.NoError(t, err)
			require.NoError(t, answer.Body.Close())
		}
	})
	active := documents()[0]
	active.Instance, active.Type, active.Status, active.End, active.Duration = "order/2", events.ProcessStarted, events.Active, time.Time{}, nil
	written, err := s.Write(t.Context(), append(documents(), active))
	require.NoError(t, err)
	require.Equal(t, 10, written.New)
	require.NoError(t, s.Refresh(t.Context(), "", 0))

	fields := map[string]bool{}
	for _, p := range panels() {
		for _, c := range p.columns {
			if c.field != "" {
				fields[p.index+" "+c.field] = true
			}
		}
		for _, clause := range clauses(t, p.query) {
			for field := range clause.(object)["term"].(object) {
				fields[p.index+" "+field] = true
			}
		}
	}
	for _, index := range events.Indexes() {
		fields[index+" "+timeField(index)] = true
	}
	for key := range fields {
		index, field, _ := strings.Cut(key, " ")
		answer, err := client.FieldCaps(client.FieldCaps.WithIndex(s.Alias("", index)), client.FieldCaps.WithFields(field))
		require.NoError(t, err)
		text := answer.String()
		require.NoError(t, answer.Body.Close())
		require.Contains(t, text, `"aggregatable":true`, "%s in %s", field, index)
	}

	for _, p := range panels() {
		filter := append(clauses(t, p.query), object{"range": object{timeField(p.index): object{"gte": "now-7d"}}})
		var answer struct {
			Hits struct {
				Total struct{ Value int }
			}
			Aggregations map[string]any
		}
		require.NoError(t, s.Search(t.Context(), "", p.index, object{
			"size": 0, "track_total_hits": true, "query": object{"bool": object{"filter": filter}}, "aggs": aggregations(t, p.columns, 0),
		}, &answer), p.key)
		require.Positive(t, answer.Hits.Total.Value, p.key)
		text := fmt.Sprint(answer.Aggregations)
		for i, c := range p.columns {
			require.Contains(t, text, name(i)+":", p.key)
			if c.operation == "percentile" || c.operation == "average" {
				require.Contains(t, text, ":60000", "%s: %s", p.key, c.label)
			}
			if c.filter != "" {
				require.Contains(t, text, name(i)+":map[doc_count:1]", "%s: %s", p.key, c.label)
			}
		}
	}
}
