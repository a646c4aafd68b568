package analytics

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/elastic/go-elasticsearch/v8/esapi"
)

// Selection says which documents of an index of a tenant are meant.
type Selection struct {
	Tenant     string
	Index      string // one of events.Indexes
	Generation int    // 0: the one behind the alias
	Filter     []any  // clauses of a bool filter, in Elasticsearch's terms; all must match
}

func (q Selection) name(s *Store) string {
	alias := s.Alias(q.Tenant, q.Index)
	if q.Generation == 0 {
		return alias
	}
	return physical(alias, q.Generation)
}

func (q Selection) query() object {
	if len(q.Filter) == 0 {
		return object{"match_all": object{}}
	}
	return object{"bool": object{"filter": q.Filter}}
}

// Cursor is where the pages of a search are; the zero value is its beginning. It holds for a few minutes after a page: then the server
// forgets what the pages are of.
type Cursor struct {
	View  string          `json:"view"`  // the documents as they were when the first page was asked for
	After json.RawMessage `json:"after"` // the place of the last document
}

// Page is a part of what a search finds.
type Page struct {
	Hits []Hit
	Next *Cursor // nil: that was all

	view  string
	after []json.RawMessage
}

// After is where the pages go on after the first n documents of this one, which must be more than none.
func (p Page) After(n int) *Cursor { return &Cursor{View: p.view, After: p.after[n-1]} }

// Chronological is the order by the time of the event. The instance and what the event is about make it the same each time.
func Chronological() []any {
	return []any{object{"timeStamp": "asc"}, object{"processInstanceId": "asc"}, object{"ref": object{"order": "asc", "missing": "_first"}}}
}

// viewLasts is how long the server keeps what the pages are of after each.
const viewLasts = "5m"

// Page returns the next documents, at most size (10,000 at most), of what there was when the first page was asked for. Forget ends it, where
// the server is not to keep it until it forgets by itself. An index that is not there yet has no documents.
func (s *Store) Page(ctx context.Context, q Selection, order []any, size int, c Cursor) (Page, error) {
	p, err := s.page(ctx, q, order, size, c)
	if err != nil {
		return Page{}, fmt.Errorf("read documents of %s: %w", q.name(s), err)
	}
	return p, nil
}

func (s *Store) page(ctx context.Context, q Selection, order []any, size int, c Cursor) (Page, error) {
	if c.View == "" {
		view, err := s.view(ctx, q)
		if err != nil || view == "" {
			return Page{}, err
		}
		c.View = view
	}
	search := object{
		"size": size, "query": q.query(), "sort": order, "version": true, "track_total_hits": false,
		"pit": object{"id": c.View, "keep_alive": viewLasts},
	}
	if c.After != nil {
		search["search_after"] = c.After
	}
	var answer struct {
		View   string `json:"pit_id"`
		Shards struct {
			Failed int `json:"failed"`
		} `json:"_shards"`
		Hits struct {
			Hits []struct {
				Hit
				Sort json.RawMessage `json:"sort"`
			} `json:"hits"`
		} `json:"hits"`
	}
	r := esapi.SearchRequest{Body: body(search), AllowPartialSearchResults: new(false)}
	if err := s.call(ctx, r, &answer); err != nil {
		return Page{}, err
	}
	if answer.Shards.Failed > 0 {
		return Page{}, fmt.Errorf("%d of its parts did not answer", answer.Shards.Failed)
	}
	if answer.View != "" {
		c.View = answer.View
	}
	p := Page{view: c.View}
	for _, h := range answer.Hits.Hits {
		p.Hits, c.After = append(p.Hits, h.Hit), h.Sort
		p.after = append(p.after, h.Sort)
	}
	if len(p.Hits) < size {
		return p, nil
	}
	p.Next = &c
	return p, nil
}

// view has the server keep the documents as they are; "" when there is no such index.
func (s *Store) view(ctx context.Context, q Selection) (string, error) {
	var opened struct {
		ID string `json:"id"`
	}
	err := s.call(ctx, esapi.OpenPointInTimeRequest{Index: []string{q.name(s)}, KeepAlive: viewLasts}, &opened)
	if is(err, http.StatusNotFound) && q.Generation == 0 {
		return "", nil
	}
	return opened.ID, err
}

// Forget has the server forget what pages are of. When it does not hear of it, it does so by itself, later.
func (s *Store) Forget(ctx context.Context, c Cursor) {
	if c.View != "" {
		_ = s.call(ctx, esapi.ClosePointInTimeRequest{Body: body(object{"id": c.View})}, nil)
	}
}

// Count counts the documents of a selection. An index that is not there yet has none.
func (s *Store) Count(ctx context.Context, q Selection) (int64, error) {
	var answer struct {
		Count int64 `json:"count"`
	}
	r := esapi.CountRequest{Index: []string{q.name(s)}, Body: body(object{"query": q.query()}), IgnoreUnavailable: new(true), AllowNoIndices: new(true)}
	if err := s.call(ctx, r, &answer); err != nil {
		return 0, fmt.Errorf("count documents of %s: %w", q.name(s), err)
	}
	return answer.Count, nil
}
