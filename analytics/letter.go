package analytics

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"
)

// letter is a document that was refused.
type letter struct {
	tenant, index, id string // index is the alias, whatever the generation
	version           int64
	document          []byte
	kind, reason      string
}

// maxLetter is how much of a document is kept, in bytes.
const maxLetter = 1 << 20

// dead is the letter of an item, with its document and why it was refused.
func (i item) dead(c *chunk, err error) letter {
	return i.letter.refused(bytes.Clone(bytes.TrimSuffix(c.body[i.text:i.end], []byte("\n"))), err)
}

// refused is the letter with its document, and why that was refused.
func (l letter) refused(document []byte, err error) letter {
	l.document, l.kind, l.reason = document, "refused", err.Error()
	if e, ok := errors.AsType[*Error](err); ok {
		l.kind, l.reason = e.Type, e.Reason
	}
	return l
}

// key is the id of the letter itself: one for each document.
func (l letter) key() string {
	sum := sha256.Sum256([]byte(l.index + "\n" + l.id))
	return hex.EncodeToString(sum[:16])
}

// DeadLetter is a document that Elasticsearch has refused for what it is.
type DeadLetter struct {
	ID         string    `json:"id"`
	Tenant     string    `json:"tenant,omitempty"`
	Index      string    `json:"index"`              // alias that it was meant for
	DocumentID string    `json:"documentId"`         // its id there
	Version    int64     `json:"version"`            // of the newest document that was refused
	Document   string    `json:"document,omitempty"` // that document: JSON
	Cut        bool      `json:"cut,omitempty"`      // it is not whole, and cannot be tried again
	Type       string    `json:"type"`               // mapper_parsing_exception, ...
	Reason     string    `json:"reason"`
	Count      int64     `json:"count"` // how often it was refused
	First      time.Time `json:"first"`
	Last       time.Time `json:"last"`
}

// bury writes dead letters: what is there already is counted.
func (s *Store) bury(ctx context.Context, letters []letter) error {
	letters = latest(letters)
	for len(letters) > 0 {
		n, size := 0, 0
		for n < len(letters) && n < s.limits.documents && size < s.limits.bytes {
			size += min(len(letters[n].document), maxLetter)
			n++
		}
		if err := s.buryBlock(ctx, letters[:n]); err != nil {
			return fmt.Errorf("write %d dead letters, the first for %s of %s (%s: %s): %w", n, letters[0].id, letters[0].index, letters[0].kind, letters[0].reason, err)
		}
		letters = letters[n:]
	}
	return nil
}

// latest leaves of the letters of a document the one of its latest version.
func latest(letters []letter) []letter {
	places := map[string]int{}
	var all []letter
	for _, l := range letters {
		n, ok := places[l.key()]
		if !ok {
			places[l.key()] = len(all)
			all = append(all, l)
		} else if l.version > all[n].version {
			all[n] = l
		}
	}
	return all
}

// buryBlock reads the letters that are there and writes them with one more, as long as nobody else has meanwhile.
func (s *Store) buryBlock(ctx context.Context, letters []letter) error {
	if err := s.ensureCommon(ctx); err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		rest, err := s.buryOnce(ctx, letters)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if attempt == s.limits.attempts || !passing(err) && !is(err, http.StatusConflict) {
			return err
		}
		if err := s.rest(ctx, attempt, err); err != nil {
			return err
		}
		letters = rest
	}
}

// found is a dead letter as the index holds it, with what guards it against another worker.
type found struct {
	ID       string     `json:"_id"`
	Found    bool       `json:"found"`
	Sequence int        `json:"_seq_no"`
	Term     int        `json:"_primary_term"`
	Letter   DeadLetter `json:"_source"`
}

// read reads the dead letters of these ids, in their order.
func (s *Store) read(ctx context.Context, ids []string) ([]found, error) {
	var answer struct {
		Docs []found `json:"docs"`
	}
	err := s.call(ctx, esapi.MgetRequest{Index: s.deadLetters(), Body: body(object{"ids": ids})}, &answer)
	if err == nil && len(answer.Docs) != len(ids) {
		err = fmt.Errorf("the answer of Elasticsearch has %d of %d", len(answer.Docs), len(ids))
	}
	if err != nil {
		return nil, fmt.Errorf("read dead letters: %w", err)
	}
	return answer.Docs, nil
}

// buryOnce returns the letters that must be written again, and why.
func (s *Store) buryOnce(ctx context.Context, letters []letter) (rest []letter, err error) {
	var ids []string
	for _, l := range letters {
		ids = append(ids, l.key())
	}
	there, err := s.read(ctx, ids)
	if err != nil {
		return letters, err
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	var b bytes.Buffer
	for n, l := range letters {
		action := object{"_id": ids[n]}
		verb := "create"
		if there[n].Found {
			verb = "index"
			action["if_seq_no"], action["if_primary_term"] = there[n].Sequence, there[n].Term
		}
		text, err := json.Marshal(l.onto(there[n].Letter, now))
		if err != nil {
			return letters, err
		}
		_, _ = b.ReadFrom(body(object{verb: action})) // to memory, as all of these
		b.WriteByte('\n')
		b.Write(text)
		b.WriteByte('\n')
	}
	statuses, err := s.guarded(ctx, b.Bytes())
	if err != nil {
		return letters, err
	}
	for n, e := range statuses {
		if e != nil {
			rest, err = append(rest, letters[n]), e
		}
	}
	return rest, err
}

// onto is the letter with what is known of it from before.
func (l letter) onto(before DeadLetter, now time.Time) DeadLetter {
	after := before
	if l.version >= before.Version || before.Count == 0 {
		text := l.document
		after = DeadLetter{
			ID: l.key(), Tenant: l.tenant, Index: l.index, DocumentID: l.id, Version: l.version, Type: l.kind, Reason: l.reason,
			Document: strings.ToValidUTF8(string(text[:min(len(text), maxLetter)]), ""), Cut: len(text) > maxLetter || len(text) == 0, First: before.First,
		}
	}
	if before.Count == 0 {
		after.First = now
	}
	after.Count, after.Last = before.Count+1, now
	return after
}

// guarded sends a bulk request to the index of dead letters. The errors are those of its items.
func (s *Store) guarded(ctx context.Context, lines []byte) ([]error, error) {
	var answer struct {
		Items []map[string]struct {
			Status int   `json:"status"`
			Error  cause `json:"error"`
		} `json:"items"`
	}
	r := esapi.BulkRequest{Index: s.deadLetters(), Body: bytes.NewReader(lines), RequireAlias: new(true), FilterPath: []string{"items.*.status", "items.*.error"}}
	if err := s.call(ctx, r, &answer); err != nil {
		return nil, err
	}
	all := make([]error, len(answer.Items))
	for n, verbs := range answer.Items {
		for _, i := range verbs {
			if i.Status >= 300 {
				all[n] = s.failed(i.Status, &i.Error)
			}
		}
	}
	return all, nil
}
