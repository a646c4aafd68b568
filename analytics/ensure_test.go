package analytics

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/events"
)

func put(t *testing.T, s *Store, name string, fields object) {
	t.Helper()
	require.NoError(t, s.call(t.Context(), esapi.IndicesCreateRequest{Index: name, Body: body(fields)}, nil))
}

// Workers that start at the same moment.
func TestEnsureRaces(t *testing.T) {
	t.Parallel()
	s := open(t)
	var group errgroup.Group
	for range 8 {
		other, err := Open(s.config)
		require.NoError(t, err)
		defer other.Close()
		group.Go(func() error { return other.Ensure(t.Context(), "acme") })
	}
	require.NoError(t, group.Wait())
	there, err := s.indexes(t.Context(), s.aliases("acme")...)
	require.NoError(t, err)
	require.Len(t, there, 4)
}

// What stands in the way is told, and nothing is written there.
func TestNamesThatAreTaken(t *testing.T) {
	t.Parallel()
	s := open(t)
	put(t, s, s.Alias("acme", events.Tasks), object{})
	err := s.Ensure(t.Context(), "acme")
	require.ErrorContains(t, err, s.Alias("acme", events.Tasks)+" is an index and should be an alias")
	require.ErrorContains(t, err, "drop it (DELETE /")

	put(t, s, physical(s.Alias("globex", events.Tasks), 1), object{}) // without its alias
	err = s.Ensure(t.Context(), "globex")
	require.ErrorContains(t, err, "is there without the alias")

	put(t, s, physical(s.Alias("hooli", events.Tasks), 4), object{}) // of a rebuild: a first one beside it would be empty
	err = s.Ensure(t.Context(), "hooli")
	require.ErrorContains(t, err, physical(s.Alias("hooli", events.Tasks), 4)+" is there without the alias")

	// The server creates none of ours by itself.
	r := esapi.IndexRequest{Index: physical(s.Alias("wild", events.Tasks), 1), Body: strings.NewReader(`{}`)}
	require.ErrorContains(t, s.call(t.Context(), r, nil), "forbids index auto creation")
}

// A tenant whose indexes are not as they must be keeps nobody else waiting. When they are mended its dead letters can be tried again.
func TestIndexesOfOneTenantAreBroken(t *testing.T) {
	t.Parallel()
	s := open(t)
	ctx := t.Context()
	put(t, s, s.Alias("acme", events.Tasks), object{})                // in the place of an alias
	put(t, s, physical(s.Alias("globex", events.Tasks), 1), object{}) // without its alias
	_, err := s.Write(ctx, batch("initech", "1"))                     // and one that breaks later
	require.NoError(t, err)
	alias := s.Alias("initech", events.Tasks)
	put(t, s, physical(alias, 7), object{})
	aliases := func(actions ...object) {
		require.NoError(t, s.call(ctx, esapi.IndicesUpdateAliasesRequest{Body: body(object{"actions": actions})}, nil))
	}
	aliases(object{"remove": object{"index": physical(alias, 1), "alias": alias}}, object{"add": object{"index": physical(alias, 1), "alias": alias}},
		object{"add": object{"index": physical(alias, 7), "alias": alias}}) // two, and none to write to
	_, err = s.Write(ctx, batch("initech", "2"))
	require.ErrorContains(t, err, "no write index", "it is an error once, and is looked at")

	var all []events.Document
	for _, tenant := range []string{"acme", "well", "globex", "initech"} {
		all = append(all, batch(tenant, "3")...)
	}
	written, err := s.Write(ctx, all)
	require.NoError(t, err)
	require.Equal(t, Written{New: 4, Dead: 12}, written)
	require.Len(t, hits(t, s, "well", events.Tasks), 1)

	require.NoError(t, s.Refresh(ctx, "", 0))
	page, err := s.DeadLetters(ctx, DeadLetterQuery{Tenant: new("acme")})
	require.NoError(t, err)
	require.EqualValues(t, 4, page.Total)
	require.Contains(t, page.Letters[0].Reason, "is an index and should be an alias")
	var ids []string
	for _, l := range page.Letters {
		require.False(t, l.Cut)
		ids = append(ids, l.ID)
	}
	rest, err := s.DeadLetters(ctx, DeadLetterQuery{Tenant: new("globex")})
	require.NoError(t, err)
	require.NoError(t, s.call(ctx, esapi.IndicesDeleteRequest{Index: []string{physical(s.Alias("globex", events.Tasks), 1)}}, nil))
	for _, l := range rest.Letters {
		ids = append(ids, l.ID)
	}
	written, err = s.RetryDeadLetters(ctx, ids...)
	require.NoError(t, err, "one tenant keeps no other waiting here, either")
	require.Equal(t, Written{New: 4, Dead: 4}, written)
	require.Len(t, hits(t, s, "globex", events.Tasks), 1)
	require.Equal(t, ids[:4], lettersOf(t, s, "acme"))
	ids = ids[:4]
	require.NoError(t, s.call(ctx, esapi.IndicesDeleteRequest{Index: []string{s.Alias("acme", events.Tasks)}}, nil))
	written, err = s.RetryDeadLetters(ctx, ids...)
	require.NoError(t, err)
	require.Equal(t, Written{New: 4}, written)
	require.Len(t, hits(t, s, "acme", events.Tasks), 1)

	// The index of dead letters is everybody's.
	other := open(t)
	put(t, other, other.deadLetters(), object{})
	_, err = other.Write(ctx, batch("", "1"))
	require.ErrorContains(t, err, "is an index and should be an alias")
}

// An alias that is taken away is an error once, and is looked at again.
func TestIndexesThatGo(t *testing.T) {
	t.Parallel()
	s := open(t)
	_, err := s.Write(t.Context(), batch("", "1"))
	require.NoError(t, err)
	require.NoError(t, s.call(t.Context(), esapi.IndicesDeleteRequest{Index: s.physicals("", 1)}, nil))
	_, err = s.Write(t.Context(), batch("", "1"))
	require.ErrorContains(t, err, "index_not_found_exception")
	written, err := s.Write(t.Context(), batch("", "1"))
	require.NoError(t, err)
	require.Equal(t, Written{New: 4}, written)
}

// An index that takes no writes, as the server makes them when a disk is nearly full.
func TestDiskIsNearlyFull(t *testing.T) {
	t.Parallel()
	s := open(t)
	ctx := t.Context()
	s.limits.pause = time.Millisecond
	_, err := s.Write(ctx, batch("", "1"))
	require.NoError(t, err)
	block := func(on any) {
		settings := object{"index.blocks.read_only_allow_delete": on}
		require.NoError(t, s.call(ctx, esapi.IndicesPutSettingsRequest{Index: s.aliases(""), Body: body(settings)}, nil))
	}
	block(true)
	_, err = s.Write(ctx, batch("", "2"))
	require.ErrorContains(t, err, "cluster_block_exception")
	require.ErrorContains(t, err, "free or add disk")
	page, err := s.DeadLetters(ctx, DeadLetterQuery{Size: 1})
	require.NoError(t, err)
	require.Zero(t, page.Total)
	block(nil)
	written, err := s.Write(ctx, batch("", "2"))
	require.NoError(t, err)
	require.Equal(t, Written{New: 4}, written)
}

// An older template is replaced, one of a newer worker stays; settings that differ count.
func TestTemplates(t *testing.T) {
	t.Parallel()
	s := open(t)
	ctx := t.Context()
	ours := s.templates()[0]
	version := func() string {
		var found struct {
			Templates []struct {
				Template struct {
					Version json.Number
				} `json:"index_template"`
			} `json:"index_templates"`
		}
		require.NoError(t, s.call(ctx, esapi.IndicesGetIndexTemplateRequest{Name: ours.name}, &found))
		return found.Templates[0].Template.Version.String()
	}
	with := func(version int) object {
		fields := ours.body()
		fields["version"] = version
		fields["_meta"] = object{"waybill": object{"version": version}}
		return fields
	}
	for given, want := range map[int]string{mappingVersion - 1: fmt.Sprint(mappingVersion), mappingVersion + 1: fmt.Sprint(mappingVersion + 1)} {
		require.NoError(t, s.call(ctx, esapi.IndicesPutIndexTemplateRequest{Name: ours.name, Body: body(with(given))}, nil))
		require.NoError(t, s.ensureTemplates(ctx))
		require.Equal(t, want, version())
	}
	require.NoError(t, s.call(ctx, esapi.IndicesDeleteIndexTemplateRequest{Name: ours.name}, nil))
	require.NoError(t, s.ensureTemplates(ctx))
	c := s.config
	c.Shards = 2
	other, err := Open(c)
	require.NoError(t, err)
	defer other.Close()
	right, err := other.hasTemplate(ctx, other.templates()[0])
	require.NoError(t, err)
	require.False(t, right)
	require.NoError(t, other.ensureTemplates(ctx))
	right, err = other.hasTemplate(ctx, other.templates()[0])
	require.NoError(t, err)
	require.True(t, right)
}

// The mapping of an older version gets the fields that it lacks; a template of somebody else that hides ours is told.
func TestMappings(t *testing.T) {
	t.Parallel()
	s := open(t)
	ctx := t.Context()
	alias := s.Alias("old", events.Tasks)
	put(t, s, physical(alias, 1), object{"aliases": object{alias: object{}}, "mappings": object{"dynamic": false, "properties": object{"taskId": keyword()}}})
	require.NoError(t, s.Ensure(ctx, "old"))
	_, err := s.Write(ctx, batch("old", "1"))
	require.NoError(t, err)
	require.NoError(t, s.Refresh(ctx, "old", 0))
	var answer struct {
		Hits struct{ Total struct{ Value int } }
	}
	require.NoError(t, s.Search(ctx, "old", events.Tasks, object{"query": object{"term": object{"assignee": "ada"}}}, &answer))
	require.Equal(t, 1, answer.Hits.Total.Value)

	foreign := object{"index_patterns": []string{s.Prefix("hidden") + "-*"}, "priority": priority + 100}
	require.NoError(t, s.call(ctx, esapi.IndicesPutIndexTemplateRequest{Name: "foreign-" + s.Prefix(""), Body: body(foreign)}, nil))
	require.ErrorContains(t, s.Ensure(ctx, "hidden"), "has got another mapping than ours")
}

// Ten tenants with 200 definitions each, whose variables all differ: mappings stay as they are, and tenants have indexes of their own.
func TestMappingsDoNotGrow(t *testing.T) {
	t.Parallel()
	s := open(t)
	ctx := t.Context()
	var tenants []string
	for n := range 8 {
		tenants = append(tenants, fmt.Sprint("tenant-", n))
	}
	tenants = append(tenants, "A", "a")
	fields := func() map[string]int {
		counts := map[string]int{}
		for _, tenant := range tenants {
			var found map[string]struct {
				Mappings struct{ Properties map[string]any }
			}
			require.NoError(t, s.call(ctx, esapi.IndicesGetMappingRequest{Index: s.aliases(tenant)}, &found))
			require.Len(t, found, 4)
			for name, i := range found {
				counts[name] = len(i.Mappings.Properties)
			}
		}
		return counts
	}
	var group errgroup.Group
	for _, tenant := range tenants {
		group.Go(func() error { return s.Ensure(ctx, tenant) })
	}
	require.NoError(t, group.Wait())
	before := fields()
	require.Len(t, before, 4*len(tenants))
	for _, tenant := range tenants {
		var all []events.Document
		for n := range 200 {
			long := 1
			if n == 0 {
				long = 20_000
			}
			b := events.Batch{Process: events.Process{Instance: fmt.Sprintf("%s/%d", tenant, n), Key: fmt.Sprint("process-", n), DefinitionVersion: 1, Tenant: tenant, Began: began}, Events: []events.Event{
				{Sequence: 1, Type: events.ProcessStarted, Time: began, Variables: map[string]any{fmt.Sprint("v", n): map[string]any{fmt.Sprint("w", n): n}}},
				{Sequence: 2, Type: events.VariableCreated, Time: began, Ref: fmt.Sprint("v", n), Name: fmt.Sprint("v", n), ValueType: "json", Value: map[string]any{fmt.Sprint("w", n): n}},
				{Sequence: 3, Type: events.VariableCreated, Time: began, Ref: "t", Name: "t", ValueType: "string", Value: strings.Repeat("long ", long)},
				{Sequence: 4, Type: events.TaskCreated, Time: began, Ref: "task", Revision: 1, Name: strings.Repeat("name", long)},
			}}
			all = append(all, b.Documents()...)
		}
		written, err := s.Write(ctx, all)
		require.NoError(t, err)
		require.Equal(t, Written{New: 800}, written)
	}
	require.Equal(t, before, fields())
	require.Equal(t, len(properties()), slices.Max(slices.Collect(maps.Values(before))))
	for _, tenant := range tenants {
		for id, source := range hits(t, s, tenant, events.ProcessInstances) {
			require.Equal(t, tenant, source["tenantId"], id)
		}
		require.Len(t, hits(t, s, tenant, events.ProcessInstances), 200)
	}
}
