package analytics

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/elastic/go-elasticsearch/v8/esapi"
)

// Hit is a document as an index holds it.
type Hit struct {
	ID      string          `json:"_id"`
	Version int64           `json:"_version"` // events.Document.Version of what was written
	Source  json.RawMessage `json:"_source"`  // the document, JSON; nil where it was not asked for
}

// eachPage is how many documents are read at a time.
const eachPage = 1000

// Each reads all documents of an index of a tenant, in no order, as they are searchable when it is called. generation 0 is the current one.
// source tells whether the documents themselves are wanted, beside ids and versions. It ends with the first error that visit returns.
func (s *Store) Each(ctx context.Context, tenant, index string, generation int, source bool, visit func(Hit) error) (err error) {
	name := s.Alias(tenant, index)
	if generation > 0 {
		name = physical(name, generation)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("read the documents of %s: %w", name, err)
		}
	}()
	var opened struct{ ID string }
	if err := s.call(ctx, esapi.OpenPointInTimeRequest{Index: []string{name}, KeepAlive: "5m"}, &opened); err != nil {
		return err
	}
	defer func() {
		// Another error says more, and the server closes it by itself.
		if failed := s.call(context.WithoutCancel(ctx), esapi.ClosePointInTimeRequest{Body: body(object{"id": opened.ID})}, nil); err == nil {
			err = failed
		}
	}()
	query := object{
		"size": eachPage, "version": true, "_source": source, "track_total_hits": false, "sort": []object{{"_shard_doc": "asc"}},
		"pit": object{"id": opened.ID, "keep_alive": "5m"},
	}
	for {
		var page struct {
			Pit  string `json:"pit_id"`
			Hits struct {
				Hits []struct {
					Hit
					Sort json.RawMessage `json:"sort"`
				} `json:"hits"`
			} `json:"hits"`
		}
		if err := s.call(ctx, esapi.SearchRequest{Body: body(query)}, &page); err != nil {
			return err
		}
		for _, h := range page.Hits.Hits {
			if err := visit(h.Hit); err != nil {
				return err
			}
		}
		n := len(page.Hits.Hits)
		if n < eachPage {
			return nil
		}
		if page.Pit != "" {
			opened.ID = page.Pit
			query["pit"] = object{"id": page.Pit, "keep_alive": "5m"}
		}
		query["search_after"] = page.Hits.Hits[n-1].Sort
	}
}
