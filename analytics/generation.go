package analytics

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/events"
)

// Generation is a set of physical indexes of a tenant, one for each of events.Indexes.
type Generation struct {
	Number    int
	Current   bool             // it is what the aliases name
	Documents map[string]int64 // searchable ones, by index
	Bytes     int64            // on disk, without replicas
}

// Generations are those that there are, in their order.
func (s *Store) Generations(ctx context.Context, tenant string) ([]Generation, error) {
	patterns := s.aliases(tenant)
	for i := range patterns {
		patterns[i] += "-*"
	}
	there, err := s.indexes(ctx, patterns...)
	if err != nil {
		return nil, err
	}
	var stats struct {
		Indices map[string]struct {
			Primaries struct {
				Docs  struct{ Count int64 }
				Store struct {
					Size int64 `json:"size_in_bytes"`
				}
			}
		}
	}
	err = s.call(ctx, esapi.IndicesStatsRequest{
		Index: patterns, Metric: []string{"docs", "store"}, FilterPath: []string{"indices.*.primaries.docs.count", "indices.*.primaries.store.size_in_bytes"},
	}, &stats)
	if err != nil {
		return nil, fmt.Errorf("read the size of indexes: %w", err)
	}
	all := map[int]*Generation{}
	for _, kind := range events.Indexes() {
		alias := s.Alias(tenant, kind)
		for name, i := range there {
			number, ok := numbered(name, alias)
			if !ok {
				continue
			}
			g := all[number]
			if g == nil {
				g = &Generation{Number: number, Documents: map[string]int64{}}
				all[number] = g
			}
			if _, ok := i.Aliases[alias]; ok {
				g.Current = true
			}
			g.Documents[kind] = stats.Indices[name].Primaries.Docs.Count
			g.Bytes += stats.Indices[name].Primaries.Store.Size
		}
	}
	var list []Generation
	for _, number := range slices.Sorted(maps.Keys(all)) {
		list = append(list, *all[number])
	}
	return list, nil
}

// numbered is the generation that the name of a physical index has.
func numbered(name, alias string) (int, bool) {
	digits, ok := strings.CutPrefix(name, alias+"-")
	n, err := strconv.Atoi(digits)
	return n, ok && err == nil && n > 0 && name == physical(alias, n)
}

// currentGeneration is the one that all aliases of a tenant name; 0 for none.
func (s *Store) currentGeneration(ctx context.Context, tenant string) (int, error) {
	there, err := s.indexes(ctx, s.aliases(tenant)...)
	if err != nil {
		return 0, err
	}
	first := -1
	for _, alias := range s.aliases(tenant) {
		number := 0
		if name := current(there, alias); name != "" {
			var ok bool
			if number, ok = numbered(name, alias); !ok {
				return 0, fmt.Errorf("alias %s names %s; an index such as %s is expected, which `POST _aliases` sets", alias, name, physical(alias, 1))
			}
		}
		if first >= 0 && number != first {
			return 0, fmt.Errorf("the aliases %s-* name indexes of generations %d and %d; set them to one of them with `POST _aliases`", s.Prefix(tenant), first, number)
		}
		first = number
	}
	return first, nil
}

func (s *Store) physicals(tenant string, generation int) []string {
	names := s.aliases(tenant)
	for i := range names {
		names[i] = physical(names[i], generation)
	}
	return names
}

// Create creates the indexes of a generation, which nobody reads or writes before WriteTo and Swap; those that are there stay. What is
// written becomes searchable with Refresh and Swap alone, which makes many documents cheaper.
func (s *Store) Create(ctx context.Context, tenant string, generation int) error {
	if generation < 1 {
		return fmt.Errorf("generation %d: they are counted from 1", generation)
	}
	if err := s.ensureCommon(ctx); err != nil {
		return err
	}
	now, err := s.currentGeneration(ctx, tenant)
	if err != nil {
		return err
	}
	if now == generation {
		return fmt.Errorf("generation %d of the indexes %s-* is the current one; take the next number", generation, s.Prefix(tenant))
	}
	group, creating := errgroup.WithContext(ctx)
	for _, name := range s.physicals(tenant, generation) {
		group.Go(func() error { return s.create(creating, name, nil, object{"index.refresh_interval": "-1"}) })
	}
	return group.Wait()
}

// WriteTo is Write to a generation that was created, current or not.
func (s *Store) WriteTo(ctx context.Context, generation int, documents []events.Document) (Written, error) {
	written, _, err := s.Fill(ctx, generation, documents)
	return written, err
}

// Fill is WriteTo, and returns those of the documents that were not refused.
func (s *Store) Fill(ctx context.Context, generation int, documents []events.Document) (Written, []events.Document, error) {
	if err := s.ensureCommon(ctx); err != nil {
		return Written{}, nil, err
	}
	written, dead, err := s.write(ctx, documents, func(d *events.Document) (string, error) {
		return physical(s.Alias(d.Tenant, d.Index()), generation), nil
	}, false)
	if len(dead) == 0 || err != nil {
		return written, documents, err
	}
	type version struct {
		key    string
		number int64
	}
	refused := map[version]bool{}
	for _, l := range dead {
		refused[version{l.key(), l.version}] = true
	}
	var taken []events.Document
	for _, d := range documents {
		if l := (letter{index: s.Alias(d.Tenant, d.Index()), id: ID(&d)}); !refused[version{l.key(), d.Version()}] {
			taken = append(taken, d)
		}
	}
	return written, taken, nil
}

// Swap has the aliases of a tenant name generation to instead of from, all at once: a search sees either. from is 0 for a tenant without
// indexes. It can be called again when it is not known whether it has succeeded.
func (s *Store) Swap(ctx context.Context, tenant string, from, to int) error {
	now, err := s.currentGeneration(ctx, tenant)
	if err != nil {
		return err
	}
	if now == to {
		return nil
	}
	if now != from {
		return fmt.Errorf("swap the indexes %s-* from generation %d to %d: generation %d is the current one", s.Prefix(tenant), from, to, now)
	}
	fresh := s.physicals(tenant, to)
	if err := s.settle(ctx, fresh); err != nil {
		return err
	}
	var actions []object
	for n, alias := range s.aliases(tenant) {
		if from > 0 {
			actions = append(actions, object{"remove": object{"index": physical(alias, from), "alias": alias, "must_exist": true}})
		}
		actions = append(actions, object{"add": object{"index": fresh[n], "alias": alias, "is_write_index": true}})
	}
	if err := s.call(ctx, esapi.IndicesUpdateAliasesRequest{Body: body(object{"actions": actions})}, nil); err != nil {
		return fmt.Errorf("swap the indexes %s-* from generation %d to %d: %w", s.Prefix(tenant), from, to, err)
	}
	if from > 0 && s.config.Retention > 0 {
		return s.retire(ctx, s.physicals(tenant, from))
	}
	return nil
}

// settle makes indexes of a generation such as are searched.
func (s *Store) settle(ctx context.Context, names []string) error {
	settings := object{"index.refresh_interval": nil}
	if s.config.Retention > 0 {
		managed, err := s.managed(ctx)
		if err != nil {
			return err
		}
		if managed { // it may have been replaced before
			settings["index.lifecycle.name"], settings["index.lifecycle.origination_date"] = nil, nil
		}
	}
	if err := s.call(ctx, esapi.IndicesPutSettingsRequest{Index: names, Body: body(settings)}, nil); err != nil {
		return fmt.Errorf("set up the indexes %s: %w", strings.Join(names, ", "), err)
	}
	if err := s.call(ctx, esapi.IndicesRefreshRequest{Index: names}, nil); err != nil {
		return fmt.Errorf("refresh the indexes %s: %w", strings.Join(names, ", "), err)
	}
	return nil
}

// ErrCurrent is when the current generation is to be dropped.
var ErrCurrent = errors.New("it is the current one")

// Drop deletes the indexes of a generation that is not the current one. What is gone is no error.
func (s *Store) Drop(ctx context.Context, tenant string, generation int) error {
	now, err := s.currentGeneration(ctx, tenant)
	if err != nil {
		return err
	}
	if now == generation {
		return fmt.Errorf("generation %d of the indexes %s-* is not dropped: %w", generation, s.Prefix(tenant), ErrCurrent)
	}
	names := s.physicals(tenant, generation)
	if err := s.call(ctx, esapi.IndicesDeleteRequest{Index: names, IgnoreUnavailable: new(true)}, nil); err != nil {
		return fmt.Errorf("drop the indexes %s: %w", strings.Join(names, ", "), err)
	}
	return nil
}

// managed tells whether the server has index lifecycle management: builds without x-pack and serverless projects have none.
func (s *Store) managed(ctx context.Context) (bool, error) {
	err := s.call(ctx, esapi.ILMGetStatusRequest{}, nil)
	switch {
	case err == nil:
		return true, nil
	case is(err, 400), is(err, 404), is(err, 405), is(err, 410):
		return false, nil
	}
	return false, fmt.Errorf("ask for index lifecycle management: %w", err)
}

// retire has the server delete indexes when the retention is over, counted from now. It is for whole generations that were replaced:
// lifecycle management deletes whole indexes, and the current one holds what is new beside what is old.
func (s *Store) retire(ctx context.Context, names []string) error {
	managed, err := s.managed(ctx)
	if err != nil || !managed {
		return err
	}
	policy := s.config.Names.Prefix + "-replaced"
	phases := object{"delete": object{"min_age": fmt.Sprintf("%ds", int64(s.config.Retention/time.Second)), "actions": object{"delete": object{}}}}
	fields := object{"policy": object{"_meta": object{"waybill": object{"version": mappingVersion}}, "phases": phases}}
	if err := s.call(ctx, esapi.ILMPutLifecycleRequest{Policy: policy, Body: body(fields)}, nil); err != nil {
		return fmt.Errorf("put lifecycle policy %s: %w", policy, err)
	}
	settings := object{"index.lifecycle.name": policy, "index.lifecycle.origination_date": time.Now().UnixMilli()}
	if err := s.call(ctx, esapi.IndicesPutSettingsRequest{Index: names, Body: body(settings), IgnoreUnavailable: new(true)}, nil); err != nil {
		return fmt.Errorf("set lifecycle policy %s for %s: %w", policy, strings.Join(names, ", "), err)
	}
	return nil
}
