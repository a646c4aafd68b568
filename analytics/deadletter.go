package analytics

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/elastic/go-elasticsearch/v8/esapi"
)

// DeadLetterQuery selects dead letters.
type DeadLetterQuery struct {
	Tenant *string // nil: of all
	Index  string  // one of events.Indexes; "": all
	Size   int     // of a page, 100; at most 1000
	After  string  // Next of the page before
}

// DeadLetterPage is some of them, the latest refused first.
type DeadLetterPage struct {
	Letters []DeadLetter
	Total   int64
	Next    string // "" at the end
}

// DeadLetters lists dead letters. Those of the last second may be missing.
func (s *Store) DeadLetters(ctx context.Context, q DeadLetterQuery) (DeadLetterPage, error) {
	size := min(max(q.Size, 0), 1000)
	if size == 0 {
		size = 100
	}
	filters := []object{}
	if q.Tenant != nil && *q.Tenant == "" {
		filters = append(filters, object{"bool": object{"must_not": object{"exists": object{"field": "tenant"}}}})
	} else if q.Tenant != nil {
		filters = append(filters, object{"term": object{"tenant": *q.Tenant}})
	}
	if q.Index != "" {
		filters = append(filters, object{"wildcard": object{"index": "*-" + q.Index}})
	}
	query := object{
		"size": size, "track_total_hits": true, "query": object{"bool": object{"filter": filters}},
		"sort": []object{{"last": "desc"}, {"id": "asc"}},
	}
	if q.After != "" {
		if !json.Valid([]byte(q.After)) {
			return DeadLetterPage{}, fmt.Errorf("list dead letters after %q: what the page before ends with is expected", q.After)
		}
		query["search_after"] = json.RawMessage(q.After)
	}
	var answer struct {
		Hits struct {
			Total struct{ Value int64 }
			Hits  []struct {
				Letter DeadLetter      `json:"_source"`
				Sort   json.RawMessage `json:"sort"`
			}
		}
	}
	r := esapi.SearchRequest{Index: []string{s.deadLetters()}, Body: body(query), IgnoreUnavailable: new(true), AllowNoIndices: new(true)}
	if err := s.call(ctx, r, &answer); err != nil {
		return DeadLetterPage{}, fmt.Errorf("list dead letters: %w", err)
	}
	page := DeadLetterPage{Total: answer.Hits.Total.Value}
	for _, h := range answer.Hits.Hits {
		page.Letters = append(page.Letters, h.Letter)
	}
	if n := len(answer.Hits.Hits); n == size {
		page.Next = string(answer.Hits.Hits[n-1].Sort)
	}
	return page, nil
}

// maxLetters is how many dead letters are tried again or dropped at a time.
const maxLetters = 1000

// RetryDeadLetters indexes documents of dead letters, by their ids, as they are: when the reason is gone, such as a mapping that somebody
// has changed. Those that succeed, or of which a newer document is there, are no dead letters any more; the others are counted once more. Those
// whose document was not kept whole, or which never had one, cannot be tried: they stay as they are, and are Dead.
func (s *Store) RetryDeadLetters(ctx context.Context, ids ...string) (Written, error) {
	if err := s.ensureCommon(ctx); err != nil {
		return Written{}, err
	}
	there, err := s.some(ctx, ids)
	if err != nil {
		return Written{}, err
	}
	var t tally
	var tried []found
	cut := 0
	c := &chunk{alias: true}
	barred := map[string]error{} // by tenant, why nothing can be written for it
	for _, f := range there {
		l := f.Letter
		if l.Cut {
			cut++
			continue
		}
		if barred[l.Tenant] == nil {
			err := s.Ensure(ctx, l.Tenant)
			if _, ok := errors.AsType[unusable](err); err != nil && !ok {
				return t.Written, err
			}
			barred[l.Tenant] = err
		}
		tried = append(tried, f)
		again := letter{tenant: l.Tenant, index: l.Index, id: l.DocumentID, version: l.Version}
		if why := barred[l.Tenant]; why != nil {
			t.bury(again.refused([]byte(l.Document), why))
			continue
		}
		c.append(l.Index, again, []byte(l.Document))
		if len(c.body) >= s.limits.bytes {
			if err := s.send(ctx, c, &t, 1); err != nil {
				return t.Written, fmt.Errorf("retry dead letters: %w", err)
			}
			c = &chunk{alias: true}
		}
	}
	if len(c.items) > 0 {
		if err := s.send(ctx, c, &t, 1); err != nil {
			return t.Written, fmt.Errorf("retry dead letters: %w", err)
		}
	}
	if err := s.bury(ctx, t.dead); err != nil {
		return t.Written, err
	}
	t.Dead = len(t.dead) + cut
	refused := map[string]bool{}
	for _, l := range t.dead {
		refused[l.key()] = true
	}
	var done []found
	for _, f := range tried {
		if !refused[f.ID] {
			done = append(done, f)
		}
	}
	return t.Written, s.drop(ctx, done)
}

// DropDeadLetters deletes dead letters by their ids, and counts those that were there. What is gone is no error.
func (s *Store) DropDeadLetters(ctx context.Context, ids ...string) (int, error) {
	there, err := s.some(ctx, ids)
	if err != nil {
		return 0, err
	}
	return len(there), s.drop(ctx, there)
}

// some are those of the dead letters that are there.
func (s *Store) some(ctx context.Context, ids []string) (there []found, err error) {
	if len(ids) > maxLetters {
		return nil, fmt.Errorf("%d dead letters: at most %d at a time", len(ids), maxLetters)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	all, err := s.read(ctx, ids)
	for _, f := range all {
		if f.Found {
			there = append(there, f)
		}
	}
	return there, err
}

// drop deletes dead letters as they were read: one that was counted once more meanwhile stays.
func (s *Store) drop(ctx context.Context, letters []found) error {
	if len(letters) == 0 {
		return nil
	}
	var b bytes.Buffer
	for _, f := range letters {
		_, _ = b.ReadFrom(body(object{"delete": object{"_id": f.ID, "if_seq_no": f.Sequence, "if_primary_term": f.Term}})) // to memory
		b.WriteByte('\n')
	}
	all, err := s.guarded(ctx, b.Bytes())
	for _, e := range all {
		if e != nil && !is(e, http.StatusConflict) && !is(e, http.StatusNotFound) {
			err = e
		}
	}
	if err != nil {
		return fmt.Errorf("drop dead letters: %w", err)
	}
	return nil
}
