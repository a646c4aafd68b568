package analytics

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/waybill-io/waybill/events"
)

// chunk are documents of one bulk request.
type chunk struct {
	alias bool // the names are of aliases, and must be
	body  []byte
	items []item
}

// item is a document in the body of a chunk: from start to end are its two lines, from text on its own.
type item struct {
	start, text, end int
	letter           letter // what it is if it is refused, but for why
}

// add appends a document. alias is what it is filed under if it is refused, whatever the generation is that it goes to.
func (c *chunk) add(name, alias string, d *events.Document) error {
	text, err := json.Marshal(d)
	if err != nil {
		return err
	}
	id, version := ID(d), d.Version()
	if id == "" || version < 0 { // the server would refuse all that is sent with it
		return fmt.Errorf("the id %q and the version %d: the instance and when it began are missing", id, version)
	}
	c.append(name, letter{tenant: d.Tenant, index: alias, id: id, version: version}, text)
	return nil
}

func (c *chunk) append(name string, l letter, text []byte) {
	if l.index == "" {
		l.index = name
	}
	i := item{start: len(c.body), letter: l}
	c.body = append(c.body, `{"index":{"_index":`...)
	c.body = append(c.body, quoted(name)...)
	c.body = append(c.body, `,"_id":`...)
	c.body = append(c.body, quoted(l.id)...)
	c.body = append(c.body, `,"version_type":"external","version":`...)
	c.body = strconv.AppendInt(c.body, l.version, 10)
	c.body = append(c.body, "}}\n"...)
	i.text = len(c.body)
	c.body = append(c.body, text...)
	c.body = append(c.body, '\n')
	i.end = len(c.body)
	c.items = append(c.items, i)
}

func quoted(text string) []byte {
	data, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string always is text
	}
	return data
}

// only is a chunk with some of the items.
func (c *chunk) only(items []item) *chunk {
	if len(items) == len(c.items) {
		return c
	}
	some := &chunk{alias: c.alias}
	for _, i := range items {
		part := c.body[i.start:i.end]
		i.start, i.text, i.end = len(some.body), len(some.body)+i.text-i.start, len(some.body)+i.end-i.start
		some.body = append(some.body, part...)
		some.items = append(some.items, i)
	}
	return some
}

// tally is what has become of documents so far.
type tally struct {
	sync.Mutex
	Written
	dead []letter
}

func (t *tally) count(fresh, known int) {
	t.Lock()
	defer t.Unlock()
	t.New += fresh
	t.Known += known
}

func (t *tally) bury(l letter) {
	t.Lock()
	defer t.Unlock()
	t.dead = append(t.dead, l)
}

// send sends a chunk until all of it is done. attempt is 1 for one that has not been sent yet.
func (s *Store) send(ctx context.Context, c *chunk, t *tally, attempt int) error {
	for ; ; attempt++ {
		rest, err := s.bulk(ctx, c, t)
		whole := rest == nil
		if whole {
			rest = c.items
		}
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case whole && slow(err) && len(rest) > 1 && attempt < s.limits.attempts:
			return s.halve(ctx, c, t, attempt+1)
		case whole && spoilt(err) && len(rest) > 1:
			return s.halve(ctx, c, t, attempt)
		case whole && spoilt(err):
			t.bury(rest[0].dead(c, err))
			return nil
		case !passing(err):
			return err
		}
		if attempt >= s.limits.attempts {
			return fmt.Errorf("given up after %d attempts: %w", attempt, err)
		}
		if err := s.rest(ctx, attempt, err); err != nil {
			return err
		}
		c = c.only(rest)
	}
}

// halve sends the first half of a chunk and, when that is done, the second.
func (s *Store) halve(ctx context.Context, c *chunk, t *tally, attempt int) error {
	middle := len(c.items) / 2
	if err := s.send(ctx, c.only(c.items[:middle]), t, attempt); err != nil {
		return err
	}
	return s.send(ctx, c.only(c.items[middle:]), t, attempt)
}

// rest waits after an attempt.
func (s *Store) rest(ctx context.Context, attempt int, err error) error {
	pause := s.limits.pause << (attempt - 1)
	pause += rand.N(pause/2 + 1)
	if e, ok := errors.AsType[*Error](err); ok {
		pause = max(pause, e.After)
	}
	timer := time.NewTimer(min(pause, s.limits.longest))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// slow tells whether the server did not answer in time.
func slow(err error) bool {
	n, ok := errors.AsType[net.Error](err)
	return ok && n.Timeout()
}

// spoilt tells whether a request as a whole was refused for its size or for one of its documents.
func spoilt(err error) bool {
	return is(err, http.StatusRequestEntityTooLarge) || is(err, http.StatusBadRequest)
}

// passing tells whether a failure may be over in a moment.
func passing(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return !ok || e.Type == blocked || e.Status == http.StatusTooManyRequests || e.Status >= 500
}

// bulk sends a chunk once. The error is why the rest has not been done; the rest is nil when the request failed as a whole.
func (s *Store) bulk(ctx context.Context, c *chunk, t *tally) (rest []item, err error) {
	var answer struct {
		Items []struct {
			Index struct {
				Status int   `json:"status"`
				Error  cause `json:"error"`
			} `json:"index"`
		} `json:"items"`
	}
	r := esapi.BulkRequest{Body: bytes.NewReader(c.body), FilterPath: []string{"items.*.status", "items.*.error"}}
	if c.alias {
		r.RequireAlias = new(true)
	}
	if err := s.call(ctx, r, &answer); err != nil {
		return nil, err
	}
	if len(answer.Items) != len(c.items) {
		return nil, fmt.Errorf("the answer of Elasticsearch is for %d of %d documents", len(answer.Items), len(c.items))
	}
	var fresh, known int
	for n, i := range c.items {
		status, why := answer.Items[n].Index.Status, &answer.Items[n].Index.Error
		switch {
		case status == http.StatusOK || status == http.StatusCreated:
			fresh++
		case status == http.StatusConflict:
			known++
		case poison(status, why), c.alias && barred(status, why): // a generation that is being filled waits instead: nothing may be missing in it
			t.bury(i.dead(c, s.failed(status, why)))
		default:
			if status == http.StatusNotFound || strings.Contains(why.Reason, noWriteIndex) {
				s.forget()
			}
			rest = append(rest, i)
			// What does not pass is told rather than what does.
			if e := s.failed(status, why); err == nil || passing(err) {
				err = e
			}
		}
	}
	t.count(fresh, known)
	return rest, err
}

// noWriteIndex is in the reason of a refusal when an alias names several indexes and none of them to write to.
const noWriteIndex = "no write index is defined for alias"

// poison tells whether a document was refused for what it is. What is wrong with an index or with our account is no fault of a document;
// what we do not know is, lest one document keeps all others waiting.
func poison(status int, why *cause) bool {
	switch {
	case status < 400 || status >= 500:
		return false
	case status == http.StatusTooManyRequests, status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusNotFound:
		return false
	case why.Type == blocked, why.Type == closed:
		return false
	}
	return !strings.Contains(why.Reason, noWriteIndex) && !strings.Contains(why.Reason, "Number of documents in the ")
}

// closed is the type of the error for an index that was closed.
const closed = "index_closed_exception"

// barred tells whether an index takes nothing until people have seen to it: it is closed or blocked, or we have no privilege for it. The indexes of
// other tenants are as they were; where all are meant, no dead letter can be written either, and all wait. A full disk, for which the
// server blocks indexes itself until there is room, has them wait, too.
func barred(status int, why *cause) bool {
	switch {
	case why.Type == closed:
		return true
	case status != http.StatusForbidden:
		return false
	case why.Type == blocked:
		return !strings.Contains(why.Reason, fullDisk)
	}
	return why.Type == unauthorized
}

const (
	// fullDisk is in the reason of a block that the server has set.
	fullDisk = "FORBIDDEN/12/"
	// unauthorized is the type of the error for a missing privilege.
	unauthorized = "security_exception"
)
