package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"time"

	"github.com/waybill-io/waybill/analytics"
)

const (
	// searchTimeout is what Elasticsearch may take for one search.
	searchTimeout = 20 * time.Second
	// pageSize is how many groups are fetched at a time.
	pageSize = 1000
	// maxGroups bounds those that are looked at: what a report adds up of more would be too much for an answer, too.
	maxGroups = 100_000
)

// quicker is what to do about a slow search.
const quicker = "a shorter range or one process is quicker"

// search asks for what matches all clauses of a filter.
func (q *question) search(ctx context.Context, index string, f filter, more map[string]any) (answered, error) {
	body := map[string]any{
		"size": 0, "track_total_hits": false, "timeout": fmt.Sprintf("%dms", searchTimeout.Milliseconds()),
		"query": map[string]any{"bool": map[string]any{"filter": f}},
	}
	for name, value := range more {
		body[name] = value
	}
	ctx, cancel := context.WithTimeout(ctx, searchTimeout+5*time.Second)
	defer cancel()
	var a answered
	if err := q.Index.Search(ctx, q.tenant, index, body, &a); err != nil {
		kind := verdict(ctx, err)
		if errors.Is(kind, ErrSlow) {
			return a, fmt.Errorf("report %s: %w: %w: %s, and elastic-search.rest-client.socket-timeout says how long a worker waits", q.report.Name, kind, err, quicker)
		}
		return a, fmt.Errorf("report %s: %w: %w", q.report.Name, kind, err)
	}
	switch {
	case a.TimedOut:
		return a, fmt.Errorf("report %s: %w: %s", q.report.Name, ErrSlow, quicker)
	case a.Shards.Total == 0:
		return a, fmt.Errorf("report %s: %w: no event of the %s was indexed yet", q.report.Name, ErrNoIndex, tenantName(q.tenant))
	case a.Shards.Failed > 0: // what is left would be numbers that are too small
		return a, fmt.Errorf("report %s: %w: %d parts of the index %s did not answer", q.report.Name, ErrUnavailable, a.Shards.Failed, index)
	}
	return a, nil
}

// verdict says what kind of failure that of a search is.
func verdict(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ErrSlow
	}
	if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() {
		return ErrSlow
	}
	if refused, ok := errors.AsType[*analytics.Error](err); ok && (refused.Status == http.StatusRequestTimeout || refused.Status == http.StatusGatewayTimeout) {
		return ErrSlow
	}
	return ErrUnavailable
}

func tenantName(tenant string) string {
	if tenant == "" {
		return "default tenant"
	}
	return fmt.Sprintf("tenant %q", tenant)
}

// source is a field that documents are grouped by; where it is missing it is "" then.
type source string

// group are documents with the same values.
type group struct {
	key   map[string]any
	Count float64
	aggs  map[string]json.RawMessage
}

// UnmarshalJSON implements json.Unmarshaler.
func (g *group) UnmarshalJSON(text []byte) error {
	if err := json.Unmarshal(text, &g.aggs); err != nil {
		return err
	}
	if err := json.Unmarshal(g.aggs["doc_count"], &g.Count); err != nil {
		return err
	}
	if key, ok := g.aggs["key"]; ok && key[0] == '{' {
		return json.Unmarshal(key, &g.key)
	}
	return nil
}

// text is the value of a field; "" where it is missing.
func (g group) text(s source) string {
	switch v := g.key[string(s)].(type) {
	case string:
		return v
	case float64:
		return fmt.Sprint(v)
	}
	return ""
}

// read decodes what an aggregation found; a test of the real server keeps the two together.
func read[T any](aggs map[string]json.RawMessage, name string) (T, error) {
	var value T
	if err := json.Unmarshal(aggs[name], &value); err != nil {
		return value, fmt.Errorf("read %s in the answer of the index: %w", name, err)
	}
	return value, nil
}

// groups calls each for every group of documents, page after page.
func (q *question) groups(ctx context.Context, index string, f filter, by []source, aggs map[string]any, each func(group) error) error {
	var sources []map[string]any
	for _, s := range by {
		sources = append(sources, map[string]any{string(s): map[string]any{"terms": map[string]any{"field": string(s), "missing_bucket": true}}})
	}
	composite := map[string]any{"size": pageSize, "sources": sources}
	paged := map[string]any{"composite": composite}
	if len(aggs) > 0 {
		paged["aggs"] = aggs
	}
	for seen := 0; ; {
		a, err := q.search(ctx, index, f, map[string]any{"aggs": map[string]any{"groups": paged}})
		if err != nil {
			return err
		}
		page, err := read[struct {
			After   map[string]any `json:"after_key"`
			Buckets []group        `json:"buckets"`
		}](a.Aggregations, "groups")
		if err != nil {
			return err
		}
		for _, g := range page.Buckets {
			if err := each(g); err != nil {
				return fmt.Errorf("report %s: %w", q.report.Name, err)
			}
		}
		seen += len(page.Buckets)
		if len(page.Buckets) < pageSize || page.After == nil {
			return nil
		}
		if seen >= maxGroups {
			q.note(fmt.Sprintf("More than %d groups were found, and only so many were counted: choose a shorter range or one process.", maxGroups))
			return nil
		}
		composite["after"] = page.After
	}
}

// moments are the statistics of durations, which can be added up.
type moments struct {
	Count   float64  `json:"count"`
	Sum     float64  `json:"sum"`
	Min     *float64 `json:"min"`
	Max     *float64 `json:"max"`
	Squares float64  `json:"sum_of_squares"`
}

// durations asks for moments.
func durations() map[string]any {
	return map[string]any{"duration": map[string]any{"extended_stats": map[string]any{"field": "duration"}}}
}

func (g group) durations() (moments, error) { return read[moments](g.aggs, "duration") }

func (m *moments) add(o moments) {
	if o.Count == 0 {
		return
	}
	least, most := *o.Min, *o.Max
	if m.Count > 0 {
		least, most = min(least, *m.Min), max(most, *m.Max)
	}
	m.Min, m.Max = &least, &most
	m.Count += o.Count
	m.Sum += o.Sum
	m.Squares += o.Squares
}

// average is nil of nothing, as is deviation, that of the whole population.
func (m moments) average() any {
	if m.Count == 0 {
		return nil
	}
	return m.Sum / m.Count
}

func (m moments) deviation() any {
	if m.Count == 0 {
		return nil
	}
	mean := m.Sum / m.Count
	return math.Sqrt(max(0, m.Squares/m.Count-mean*mean))
}

// cells are the columns of statistics: Count, Sum, Min, Max, Average, Deviation.
func (m moments) cells() []any {
	cells := []any{m.Count, m.Sum, nil, nil, m.average(), m.deviation()}
	if m.Count > 0 {
		cells[2], cells[3] = *m.Min, *m.Max
	}
	return cells
}

var momentColumns = []column{
	{"Count", Count}, {"Sum", Milliseconds}, {"Min duration", Milliseconds}, {"Max duration", Milliseconds}, {"Average duration", Milliseconds}, {"Stddev duration", Milliseconds},
}
