package analytics

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"golang.org/x/sync/errgroup"
)

// index is what the server tells of a physical index.
type index struct {
	Aliases map[string]struct {
		Write bool `json:"is_write_index"`
	} `json:"aliases"`
	Mappings meta `json:"mappings"`
}

// Ensure creates what a tenant needs and does not have: index templates, the index of dead letters, the first generation of its indexes. It
// adds fields to the mappings of an older version. Any number of workers may do so at a time. What it has seen once it does not ask for
// again; Write calls it for every tenant.
func (s *Store) Ensure(ctx context.Context, tenant string) error {
	if err := s.ensureCommon(ctx); err != nil {
		return err
	}
	if s.seen(tenant) {
		return nil
	}
	if err := s.ensureIndexes(ctx, s.aliases(tenant), properties()); err != nil {
		if _, ok := errors.AsType[taken](err); ok {
			return unusable{err}
		}
		if e, ok := errors.AsType[*Error](err); ok && barred(e.Status, &cause{Type: e.Type, Reason: e.Reason}) {
			return unusable{err}
		}
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready[tenant] = true
	return nil
}

func (s *Store) seen(tenant string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ready[tenant]
}

// ensureCommon creates what all tenants share.
func (s *Store) ensureCommon(ctx context.Context) error {
	s.mu.Lock()
	made := s.made
	s.mu.Unlock()
	if made {
		return nil
	}
	if err := s.ensureTemplates(ctx); err != nil {
		return err
	}
	if err := s.ensureIndexes(ctx, []string{s.deadLetters()}, letterProperties()); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made = true
	return nil
}

// forget has everything looked at again: an index is not what it was.
func (s *Store) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made = false
	clear(s.ready)
}

// ensureIndexes creates the first generation of the aliases that have none.
func (s *Store) ensureIndexes(ctx context.Context, aliases []string, fields object) error {
	there, err := s.indexes(ctx, aliases...)
	if err != nil {
		return err
	}
	var missing []string
	for _, alias := range aliases {
		name := current(there, alias)
		if name == "" {
			missing = append(missing, alias)
			continue
		}
		if err := s.upgrade(ctx, name, there[name], fields); err != nil {
			return err
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if err := s.orphaned(ctx, missing); err != nil {
		return err
	}
	group, creating := errgroup.WithContext(ctx)
	for _, alias := range missing {
		group.Go(func() error {
			return s.create(creating, physical(alias, 1), object{alias: object{"is_write_index": true}}, nil)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if there, err = s.indexes(ctx, missing...); err != nil { // whoever has created them
		return err
	}
	for _, alias := range missing {
		name := current(there, alias)
		if name == "" {
			return unusable{withoutAlias(physical(alias, 1), alias)}
		}
		if there[name].Mappings.Meta.Waybill.Version == 0 {
			return unusable{fmt.Errorf("index %s has got another mapping than ours: an index template of a priority above %d matches its name; take that name out of its patterns, and drop the index", name, priority+2)}
		}
	}
	return nil
}

// orphaned refuses to begin anew where a generation is there that has lost its alias: what it holds would be out of sight.
func (s *Store) orphaned(ctx context.Context, aliases []string) error {
	patterns := make([]string, len(aliases))
	for i, alias := range aliases {
		patterns[i] = alias + "-*"
	}
	there, err := s.indexes(ctx, patterns...)
	if err != nil {
		return err
	}
	for _, alias := range aliases {
		for _, name := range slices.Sorted(maps.Keys(there)) {
			if _, ours := numbered(name, alias); ours && name != physical(alias, 1) {
				return unusable{withoutAlias(name, alias)}
			}
		}
	}
	return nil
}

func withoutAlias(name, alias string) error {
	return fmt.Errorf("index %s is there without the alias %s: set the alias on the index that holds the documents (POST _aliases), or drop the index", name, alias)
}

// indexes asks for physical indexes by the names of aliases, and finds those that have the name of an alias themselves.
func (s *Store) indexes(ctx context.Context, names ...string) (map[string]index, error) {
	there := map[string]index{}
	err := s.call(ctx, esapi.IndicesGetRequest{
		Index: names, IgnoreUnavailable: new(true), AllowNoIndices: new(true), FilterPath: []string{"*.aliases", "*.mappings._meta"},
	}, &there)
	if err != nil && !is(err, http.StatusNotFound) {
		return nil, fmt.Errorf("read what indexes there are: %w", err)
	}
	for _, name := range names {
		if _, ok := there[name]; ok {
			return nil, taken(name)
		}
	}
	return there, nil
}

// unusable is why nothing can be written for a tenant until people have mended its indexes. Those of other tenants are as they were.
type unusable struct{ error }

func (u unusable) Unwrap() error { return u.error }

// taken is the name of an alias that an index has.
type taken string

func (name taken) Error() string {
	return fmt.Sprintf("%s is an index and should be an alias: something else has created it; drop it (DELETE /%[1]s), or take another prefix in "+
		"elastic-search.default.index.name or elastic-search.tenant.index.prefix", string(name))
}

// current is the index that an alias writes to; "" for none.
func current(there map[string]index, alias string) string {
	only := ""
	count := 0
	for name, i := range there {
		if a, ok := i.Aliases[alias]; ok {
			if a.Write {
				return name
			}
			only = name
			count++
		}
	}
	if count == 1 {
		return only
	}
	return ""
}

// create creates an index; one that is there already is no error.
func (s *Store) create(ctx context.Context, name string, aliases, settings object) error {
	fields := object{}
	if aliases != nil {
		fields["aliases"] = aliases
	}
	if settings != nil {
		fields["settings"] = settings
	}
	err := s.call(ctx, esapi.IndicesCreateRequest{Index: name, Body: body(fields)}, nil)
	if e, ok := errors.AsType[*Error](err); ok && e.Type == "resource_already_exists_exception" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("create index %s: %w", name, err)
	}
	return nil
}

// upgrade adds what the mapping of an index lacks. A type that was changed is refused by the server: that takes a rebuild.
func (s *Store) upgrade(ctx context.Context, name string, there index, fields object) error {
	if there.Mappings.Meta.Waybill.Version >= mappingVersion {
		return nil
	}
	if err := s.call(ctx, esapi.IndicesPutMappingRequest{Index: []string{name}, Body: body(mapping(fields))}, nil); err != nil {
		err = fmt.Errorf("add fields to index %s (where a field has changed its type, rebuild the tenant): %w", name, err)
		if is(err, http.StatusBadRequest) {
			return unusable{err}
		}
		return err
	}
	return nil
}
