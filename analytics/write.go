package analytics

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/events"
)

// Written counts what has become of documents.
type Written struct {
	New   int // indexed
	Known int // the same or a newer one was there
	Dead  int // refused for what they are: now dead letters
}

// limits bound requests and patience.
type limits struct {
	bytes, documents int           // of a bulk request
	attempts         int           // of a request, in all
	pause            time.Duration // after the first; each is twice the one before
	longest          time.Duration // of a pause, what the server asks for included
}

// standard pauses add up to 8 s.
var standard = limits{bytes: 5 << 20, documents: 5000, attempts: 6, pause: 250 * time.Millisecond, longest: 10 * time.Second}

// Write indexes documents, each in the current generation of its tenant. It returns when each of them is on the disk of the server
// (searchable is it a second later), or is a dead letter.
//
// An error is for all of them: try them again, in any order, in some seconds or minutes. What was written is Known then. Bulk requests that
// fail for a reason that may pass are tried again for some seconds before; a server that does not answer in time gets fewer documents.
//
// Documents of a tenant whose indexes are not as they must be, closed, or not ours to write become dead letters: other tenants do not wait until
// somebody mends them.
func (s *Store) Write(ctx context.Context, documents []events.Document) (Written, error) {
	written, _, err := s.write(ctx, documents, func(d *events.Document) (string, error) {
		if err := s.Ensure(ctx, d.Tenant); err != nil {
			return "", err
		}
		return s.Alias(d.Tenant, d.Index()), nil
	}, true)
	return written, err
}

// usualBytes is about what most documents and their action lines have.
const usualBytes = 1 << 10

// target is where a document goes.
type target struct{ tenant, index string }

func (s *Store) write(ctx context.Context, documents []events.Document, find func(*events.Document) (string, error), alias bool) (Written, []letter, error) {
	var t tally
	group, sending := errgroup.WithContext(ctx)
	type goal struct{ name, alias string }
	goals := map[target]goal{}
	barred := map[string]error{} // by tenant, why nothing can be written for it
	c := &chunk{alias: alias, body: make([]byte, 0, min(len(documents)*usualBytes, s.limits.bytes+s.limits.bytes/8))}
	send := func(full *chunk) error {
		select {
		case s.slots <- struct{}{}:
		case <-sending.Done():
			return context.Cause(sending)
		}
		group.Go(func() error {
			defer func() { <-s.slots }()
			return s.send(sending, full, &t, 1)
		})
		return nil
	}
	err := func() error {
		for i := range documents {
			d := &documents[i]
			if why := barred[d.Tenant]; why != nil {
				t.bury(s.unwritten(d, why))
				continue
			}
			at := target{d.Tenant, d.Index()}
			to, ok := goals[at]
			if !ok {
				name, err := find(d)
				if err != nil {
					if _, ok := errors.AsType[unusable](err); !ok {
						return err
					}
					barred[d.Tenant] = err
					t.bury(s.unwritten(d, err))
					continue
				}
				to = goal{name, s.Alias(d.Tenant, d.Index())}
				goals[at] = to
			}
			if err := c.add(to.name, to.alias, d); err != nil {
				t.bury(s.unencoded(d, err))
				continue
			}
			if len(c.body) >= s.limits.bytes || len(c.items) >= s.limits.documents {
				if err := send(c); err != nil {
					return err
				}
				c = &chunk{alias: alias, body: make([]byte, 0, len(c.body)+len(c.body)/8)}
			}
		}
		if len(c.items) > 0 {
			return send(c)
		}
		return nil
	}()
	if failed := group.Wait(); failed != nil {
		err = failed // rather than that sending has ended for it
	}
	if err == nil {
		err = s.bury(ctx, t.dead)
	}
	if err != nil {
		return t.Written, nil, fmt.Errorf("index %d documents: %w", len(documents), err)
	}
	t.Dead = len(t.dead)
	return t.Written, t.dead, nil
}

// unencoded is the letter of a document that is not fit to be sent.
func (s *Store) unencoded(d *events.Document, why error) letter {
	return letter{index: s.Alias(d.Tenant, d.Index()), tenant: d.Tenant, id: ID(d), version: d.Version(), kind: "encoding", reason: why.Error()}
}

// unwritten is the letter of a document of a tenant for which nothing can be written.
func (s *Store) unwritten(d *events.Document, why error) letter {
	var c chunk
	if err := c.add(s.Alias(d.Tenant, d.Index()), s.Alias(d.Tenant, d.Index()), d); err != nil {
		return s.unencoded(d, err)
	}
	return c.items[0].dead(&c, why)
}
