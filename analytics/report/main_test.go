package report

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/analytics"
	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/testsuite/elasticsearch"
)

var server elasticsearch.Shared

func TestMain(m *testing.M) { os.Exit(server.Run(m)) }

// today is when the reports of the tests are asked for.
var today = time.Date(2026, 4, 11, 15, 30, 0, 0, time.UTC)

var stores atomic.Int64

// indexed is a Reporter over a store with these documents.
func indexed(t *testing.T, documents []events.Document) *Reporter {
	t.Helper()
	prefix := fmt.Sprintf("report%d-%d", time.Now().UnixNano(), stores.Add(1))
	s, err := analytics.Open(analytics.Config{Addresses: []string{server.URL(t)}, SocketTimeout: time.Minute, Names: analytics.Names{Prefix: prefix, TenantPrefix: "tenant-" + prefix + "-"}})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	for part := range slices.Chunk(documents, 5000) {
		written, err := s.Write(t.Context(), part)
		require.NoError(t, err)
		require.Equal(t, len(part), written.New)
	}
	tenants := map[string]bool{}
	for _, d := range documents {
		if !tenants[d.Tenant] {
			require.NoError(t, s.Refresh(t.Context(), d.Tenant, 0))
		}
		tenants[d.Tenant] = true
	}
	return &Reporter{Index: s, Now: func() time.Time { return today }}
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
