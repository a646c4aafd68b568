package analytics

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/elastic/go-elasticsearch/v8/esapi"
)

// Search asks an index of a tenant, one of events.Indexes, with a body of Elasticsearch's search API, and reads its answer into answer, a
// pointer. A number for an any is a json.Number. An index that is not there yet has no documents.
func (s *Store) Search(ctx context.Context, tenant, index string, query, answer any) error {
	text, err := json.Marshal(query)
	if err != nil {
		return fmt.Errorf("search %s: %w", s.Alias(tenant, index), err)
	}
	r := esapi.SearchRequest{Index: []string{s.Alias(tenant, index)}, Body: bytes.NewReader(text), IgnoreUnavailable: new(true), AllowNoIndices: new(true)}
	if err := s.call(ctx, r, answer); err != nil {
		return fmt.Errorf("search %s: %w", s.Alias(tenant, index), err)
	}
	return nil
}

// Refresh makes all that was written to a generation, 0 for the current one and the dead letters, searchable at once. For tests and rebuilds:
// the server does so itself every second.
func (s *Store) Refresh(ctx context.Context, tenant string, generation int) error {
	names := append(s.aliases(tenant), s.deadLetters())
	if generation > 0 {
		names = s.physicals(tenant, generation)
	}
	r := esapi.IndicesRefreshRequest{Index: names, IgnoreUnavailable: new(generation == 0), AllowNoIndices: new(generation == 0)}
	if err := s.call(ctx, r, nil); err != nil {
		return fmt.Errorf("refresh the indexes %s-*: %w", s.Prefix(tenant), err)
	}
	return nil
}
