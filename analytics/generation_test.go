package analytics

import (
	"fmt"
	"slices"
	"testing"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/events"
)

// A rebuild: the next generation is filled beside the current one, and takes its place.
func TestGenerations(t *testing.T) {
	t.Parallel()
	s := open(t)
	ctx := t.Context()
	_, err := s.Write(ctx, append(batch("acme", "lost"), batch("acme", "1")...))
	require.NoError(t, err)
	_, err = s.Write(ctx, batch("acme-tasks-000001", "1")) // a tenant whose indexes begin as one of acme's does
	require.NoError(t, err)

	_, err = s.WriteTo(ctx, 2, batch("acme", "1"))
	require.ErrorContains(t, err, "index_not_found_exception", "a write creates no index")
	require.ErrorContains(t, s.Create(ctx, "acme", 1), "is the current one")
	require.NoError(t, s.Create(ctx, "acme", 2))
	require.NoError(t, s.Create(ctx, "acme", 2), "again, after a crash")
	for range 2 {
		_, err = s.WriteTo(ctx, 2, append(batch("acme", "1"), batch("acme", "2")...))
		require.NoError(t, err)
	}
	require.Contains(t, hits(t, s, "acme", events.Tasks), "lost.task", "searches see the old generation")

	require.ErrorContains(t, s.Swap(ctx, "acme", 7, 2), "generation 1 is the current one")
	require.NoError(t, s.Swap(ctx, "acme", 1, 2))
	require.NoError(t, s.Swap(ctx, "acme", 1, 2), "again, after a crash")
	for _, index := range events.Indexes() {
		all := hits(t, s, "acme", index)
		require.Len(t, all, 2, index)
	}
	all, err := s.Generations(ctx, "acme")
	require.NoError(t, err)
	require.Equal(t, []int{1, 2}, []int{all[0].Number, all[1].Number})
	require.False(t, all[0].Current)
	require.True(t, all[1].Current)
	require.Equal(t, map[string]int64{"process-instances": 2, "tasks": 2, "activities": 2, "variables": 2}, all[1].Documents)
	require.Positive(t, all[1].Bytes)

	// What is written goes to the new one, and becomes searchable by itself.
	written, err := s.Write(ctx, append(batch("acme", "2"), batch("acme", "3")...))
	require.NoError(t, err)
	require.Equal(t, Written{New: 4, Known: 4}, written)

	require.ErrorContains(t, s.Drop(ctx, "acme", 2), "is not dropped")
	require.NoError(t, s.Drop(ctx, "acme", 1))
	require.NoError(t, s.Drop(ctx, "acme", 1), "again, after a crash")
	all, err = s.Generations(ctx, "acme")
	require.NoError(t, err)
	require.Len(t, all, 1)
	var settings map[string]struct{ Settings map[string]string }
	require.NoError(t, s.call(ctx, esapi.IndicesGetSettingsRequest{Index: s.aliases("acme"), FlatSettings: new(true)}, &settings))
	require.Len(t, settings, 4)
	for name, i := range settings {
		require.NotContains(t, i.Settings, "index.refresh_interval", name)
	}
	require.NoError(t, s.Swap(ctx, "new", 0, 0))
	require.NoError(t, s.Create(ctx, "new", 1))
	require.NoError(t, s.Swap(ctx, "new", 0, 1), "a tenant that had none")
}

func TestEach(t *testing.T) {
	t.Parallel()
	s := open(t)
	var all []events.Document
	for i := range 2 * eachPage {
		all = append(all, batch("", fmt.Sprintf("i-%04d", i))[1])
	}
	_, err := s.Write(t.Context(), all)
	require.NoError(t, err)
	require.NoError(t, s.Refresh(t.Context(), "", 0))
	var ids []string
	require.NoError(t, s.Each(t.Context(), Selection{Index: events.Variables}, func(h Hit) error {
		ids = append(ids, h.ID)
		require.Equal(t, all[0].Version(), h.Version)
		require.Contains(t, string(h.Source), `"longValue":40`)
		return nil
	}))
	slices.Sort(ids)
	require.Len(t, slices.Compact(ids), 2*eachPage)
	stop := fmt.Errorf("enough")
	require.ErrorIs(t, s.Each(t.Context(), Selection{Index: events.Variables, Generation: 1}, func(Hit) error { return stop }), stop)

	require.NoError(t, s.Each(t.Context(), Selection{Tenant: "nobody", Index: events.Variables}, func(Hit) error { return stop }), "nothing is there yet")
	partial, _ := through(t, s, first(-1, "/_search", 200, `{"_shards":{"total":2,"successful":1,"failed":1},"hits":{"hits":[]}}`))
	require.ErrorContains(t, partial.Each(t.Context(), Selection{Index: events.Variables}, func(Hit) error { return nil }), "1 of its parts did not answer")
}
