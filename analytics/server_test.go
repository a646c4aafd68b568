package analytics

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/testsuite/elasticsearch"
)

var server elasticsearch.Shared

func TestMain(m *testing.M) { os.Exit(server.Run(m)) }

var stores atomic.Int64

// open opens a store with indexes of its own on the server of the package.
func open(t testing.TB) *Store {
	t.Helper()
	s := prefixed(t, fmt.Sprintf("t%d-%d", time.Now().UnixNano(), stores.Add(1)))
	t.Cleanup(func() { // for a server that goes on, where their number is bounded
		ctx := context.WithoutCancel(t.Context())
		there, err := s.indexes(ctx, s.config.Names.Prefix+"-*", s.config.Names.TenantPrefix+"*")
		require.NoError(t, err)
		if names := slices.Collect(maps.Keys(there)); len(names) > 0 {
			require.NoError(t, s.call(ctx, esapi.IndicesDeleteRequest{Index: names}, nil))
		}
	})
	return s
}

// commonPrefix is that of tests which share indexes, because to create some takes the server a second; their documents have ids of their own.
var commonPrefix = fmt.Sprintf("c%d", time.Now().UnixNano())

func common(t testing.TB) *Store {
	t.Helper()
	return prefixed(t, commonPrefix)
}

func prefixed(t testing.TB, prefix string) *Store {
	t.Helper()
	s, err := Open(Config{Addresses: []string{server.URL(t)}, SocketTimeout: time.Minute, Names: Names{"d" + prefix, prefix + "-"}})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// mine are documents of all four indexes, of an instance of this test.
func mine(t testing.TB, instance string) []events.Document { return batch("", t.Name()+"/"+instance) }

// letters are the dead letters of this test, by the id of the document without the name of the test.
func letters(t testing.TB, s *Store) map[string]DeadLetter {
	t.Helper()
	require.NoError(t, s.Refresh(t.Context(), "", 0))
	page, err := s.DeadLetters(t.Context(), DeadLetterQuery{Size: 1000})
	require.NoError(t, err)
	require.Empty(t, page.Next)
	all := map[string]DeadLetter{}
	for _, l := range page.Letters {
		if id, ok := strings.CutPrefix(l.DocumentID, t.Name()+"/"); ok {
			all[id] = l
		}
	}
	return all
}

var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// batch are documents of all four indexes, of an instance.
func batch(tenant, instance string) []events.Document {
	at := began.Add(time.Minute)
	b := events.Batch{Process: events.Process{Instance: instance, Key: "order", DefinitionVersion: 3, Tenant: tenant, Began: began}, Events: []events.Event{
		{Sequence: 1, Type: events.ProcessStarted, Time: at, Status: events.Active, Start: began},
		{Sequence: 2, Type: events.VariableCreated, Time: at, Ref: "total", Name: "total", Value: int64(40), ValueType: "integer"},
		{Sequence: 3, Type: events.ActivityCompleted, Time: at, Ref: "3", ActivityID: "check", ActivityName: "Check the order", Status: events.Completed, Start: began, End: at, Duration: new(int64(60_000))},
		{Sequence: 4, Type: events.TaskCreated, Time: at, Ref: "task", Revision: 1, TaskID: "t-1", Name: "Approve", Status: events.Active, Assignee: "ada"},
	}}
	return b.Documents()
}

// hits are the documents of an index, by id.
func hits(t testing.TB, s *Store, tenant, index string) map[string]map[string]any {
	t.Helper()
	require.NoError(t, s.Refresh(t.Context(), tenant, 0))
	var answer struct {
		Hits struct {
			Hits []struct {
				ID     string         `json:"_id"`
				Source map[string]any `json:"_source"`
			} `json:"hits"`
		} `json:"hits"`
	}
	require.NoError(t, s.Search(t.Context(), tenant, index, map[string]any{"size": 10_000}, &answer))
	all := map[string]map[string]any{}
	for _, h := range answer.Hits.Hits {
		all[h.ID] = h.Source
	}
	return all
}

func TestWrite(t *testing.T) {
	t.Parallel()
	s := common(t)
	written, err := s.Write(t.Context(), batch("acme", "order/1"))
	require.NoError(t, err)
	require.Equal(t, Written{New: 4}, written)
	written, err = s.Write(t.Context(), batch("acme", "order/1"))
	require.NoError(t, err)
	require.Equal(t, Written{Known: 4}, written)
	require.Equal(t, []string{"order/1", "order/1.3", "order/1.task", "order/1.total"}, []string{
		only(t, hits(t, s, "acme", events.ProcessInstances)), only(t, hits(t, s, "acme", events.Activities)),
		only(t, hits(t, s, "acme", events.Tasks)), only(t, hits(t, s, "acme", events.Variables)),
	})
}

func only(t testing.TB, all map[string]map[string]any) string {
	t.Helper()
	require.Len(t, all, 1)
	for id := range all {
		return id
	}
	return ""
}

// Whatever the order, the newest stays.
func TestOlderNeverTakesThePlaceOfNewer(t *testing.T) {
	t.Parallel()
	s := common(t)
	document := func(sequence int64) events.Document {
		return events.Batch{Process: events.Process{Instance: t.Name(), Began: began}, Events: []events.Event{
			{Sequence: sequence, Type: events.ActivityCompleted, Time: began, Ref: "1", Outcome: fmt.Sprint(sequence)},
		}}.Documents()[0]
	}
	for _, sequence := range []int64{5, 2, 9, 9, 1, 7} {
		_, err := s.Write(t.Context(), []events.Document{document(sequence)})
		require.NoError(t, err)
	}
	require.Equal(t, "9", hits(t, s, "", events.Activities)[t.Name()+".1"]["outcome"])
}

func TestPoisonDocuments(t *testing.T) {
	t.Parallel()
	s := open(t)
	all := mine(t, "good")
	poison := mine(t, "deep")[0]
	poison.Variables = map[string]any{"v": nested(2000)}
	long := mine(t, strings.Repeat("ä", 400))[0]
	all = append(all, poison, events.Document{}, long) // neither must spoil the request for the others
	written, err := s.Write(t.Context(), all)
	require.NoError(t, err)
	require.Equal(t, Written{New: 5, Dead: 2}, written)
	there := hits(t, s, "", events.ProcessInstances)
	require.Len(t, there, 2)
	require.Contains(t, there, ID(&long))
	written, err = s.Write(t.Context(), all)
	require.NoError(t, err)
	require.Equal(t, Written{Known: 5, Dead: 2}, written)

	l := letters(t, s)["deep"]
	require.EqualValues(t, 2, l.Count)
	require.Equal(t, s.Alias("", events.ProcessInstances), l.Index)
	require.Equal(t, poison.Version(), l.Version)
	require.Contains(t, l.Reason, "depth")
	require.True(t, l.Last.After(l.First))
	text, err := json.Marshal(poison)
	require.NoError(t, err)
	require.JSONEq(t, string(text), l.Document)
}

// nested is too deep for the server's reader of JSON.
func nested(depth int) any {
	var v any = "bottom"
	for range depth {
		v = map[string]any{"v": v}
	}
	return v
}
