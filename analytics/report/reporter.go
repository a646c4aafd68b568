package report

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/waybill-io/waybill/analytics"
	"github.com/waybill-io/waybill/events"
)

// Index is where the events of tenants can be searched; a Store of analytics is one.
type Index interface {
	// Search sends a body of Elasticsearch's _search to one of events.Indexes of a tenant, and decodes the answer. Of an index that is not
	// there the answer comes from no shard.
	Search(ctx context.Context, tenant, index string, query, answer any) error
}

// Errors of a Reporter.
var (
	ErrNoIndex     = errors.New("there is no index to ask")
	ErrSlow        = errors.New("the search took too long")
	ErrUnavailable = errors.New("the index cannot be searched")
)

// Reporter answers reports. It is safe for concurrent use.
type Reporter struct {
	Index Index
	Now   func() time.Time // nil: the clock
}

func (r *Reporter) now() time.Time {
	if r.Now == nil {
		return time.Now()
	}
	return r.Now()
}

// Report answers a request. It searches the index a few times, one after the other, as long as ctx allows; each search has a time limit
// of its own. The error wraps ErrInvalid, ErrNoIndex, ErrSlow or ErrUnavailable where it is such.
func (r *Reporter) Report(ctx context.Context, in Request) (Result, error) {
	q, err := r.understand(in)
	if err != nil {
		return Result{}, err
	}
	if err := q.report.answer(ctx, q); err != nil {
		return Result{}, err
	}
	return q.result, nil
}

// note tells the reader something, once.
func (q *question) note(text string) {
	for _, n := range q.result.Notes {
		if n == text {
			return
		}
	}
	q.result.Notes = append(q.result.Notes, text)
}

func (q *question) add(e ...Element) { q.result.Elements = append(q.result.Elements, e...) }

// filter is a list of clauses that all must hold.
type filter []map[string]any

func term(field string, value any) map[string]any {
	return map[string]any{"term": map[string]any{field: value}}
}

func exists(field string) map[string]any {
	return map[string]any{"exists": map[string]any{"field": field}}
}

// within holds when a time is in the range of the report.
func (q *question) within(field string) map[string]any {
	return map[string]any{"range": map[string]any{field: map[string]any{"gte": q.from.UnixMilli(), "lt": q.to.UnixMilli(), "format": "epoch_millis"}}}
}

// of are the documents of a kind that belong to the process, if the request names one.
func (q *question) of(kind events.Kind) filter {
	f := filter{term("kind", kind)}
	return append(f, ofProcess(q.process)...)
}

// ofProcess holds for a version, key:version, or a key. A key of BPMN has no colon of its own: it is an NCName.
func ofProcess(process string) filter {
	if process == "" {
		return nil
	}
	if isVersion(process) {
		return filter{term("processDefinitionId", process)}
	}
	return filter{term("processDefinitionKey", process)}
}

func (q *question) withStatus(f filter) filter {
	if q.status == "" {
		return f
	}
	return append(f, term("status", q.status))
}

// answered is what a search answers.
type answered struct {
	TimedOut bool `json:"timed_out"`
	Shards   struct {
		Total  int `json:"total"`
		Failed int `json:"failed"`
	} `json:"_shards"`
	Hits struct {
		Hits []struct {
			Source events.Document `json:"_source"`
		} `json:"hits"`
	} `json:"hits"`
	Aggregations map[string]json.RawMessage `json:"aggregations"`
}

var _ Index = (*analytics.Store)(nil)
