package analytics

import (
	"context"
	"encoding/json"
)

// Hit is a document as an index holds it.
type Hit struct {
	ID      string          `json:"_id"`
	Version int64           `json:"_version"` // events.Document.Version of what was written
	Source  json.RawMessage `json:"_source"`  // the document, JSON
}

// eachPage is how many documents are read at a time.
const eachPage = 1000

// Each reads all documents of a selection, in no order, as they are searchable when it is called. It ends with the first error that visit
// returns. An index that is not there yet has no documents.
func (s *Store) Each(ctx context.Context, q Selection, visit func(Hit) error) error {
	var c Cursor
	defer func() { s.Forget(context.WithoutCancel(ctx), c) }()
	for {
		p, err := s.Page(ctx, q, []any{object{"_shard_doc": "asc"}}, eachPage, c)
		if err != nil {
			return err
		}
		c.View = p.view
		for _, h := range p.Hits {
			if err := visit(h); err != nil {
				return err
			}
		}
		if p.Next == nil {
			return nil
		}
		c = *p.Next
	}
}
