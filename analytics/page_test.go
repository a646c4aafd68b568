package analytics

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/events"
)

func TestPages(t *testing.T) {
	t.Parallel()
	s := open(t)
	q := Selection{Tenant: "acme", Index: events.Activities}
	p, err := s.Page(t.Context(), q, Chronological(), 10, Cursor{})
	require.NoError(t, err)
	require.Empty(t, p.Hits, "there is no index yet")

	b := events.Batch{Process: events.Process{Instance: "order/1", Tenant: "acme", Began: began}}
	for i := range 25 {
		b.Events = append(b.Events, events.Event{Sequence: int64(i + 1), Type: events.FlowTaken, Time: began.Add(time.Duration(i/5) * time.Second), Ref: fmt.Sprint(i + 1)})
	}
	b.Events[3].Ref = "" // is about the instance, and has no field to order by
	all := b.Documents()
	_, err = s.Write(t.Context(), all)
	require.NoError(t, err)
	require.NoError(t, s.Refresh(t.Context(), "acme", 0))
	n, err := s.Count(t.Context(), q)
	require.NoError(t, err)
	require.EqualValues(t, 25, n)

	var want []string
	for _, d := range all {
		want = append(want, d.ID())
	}
	read := func(q Selection, order []any, size int) (ids []string) {
		for c := (&Cursor{}); c != nil; {
			p, err := s.Page(t.Context(), q, order, size, *c)
			require.NoError(t, err)
			for _, h := range p.Hits {
				require.Positive(t, h.Version)
				require.Contains(t, string(h.Source), `"order/1"`)
				ids = append(ids, h.ID)
			}
			c = p.Next
		}
		return ids
	}
	ordered := read(q, Chronological(), 4)
	require.Equal(t, ordered, read(q, Chronological(), 7))
	require.Equal(t, "order/1", ordered[0])
	require.ElementsMatch(t, want[:5], ordered[:5], "those of the first second")
	slices.Sort(ordered)
	slices.Sort(want)
	require.Equal(t, want, ordered)

	p, err = s.Page(t.Context(), q, Chronological(), 10, Cursor{})
	require.NoError(t, err)
	rest, err := s.Page(t.Context(), q, Chronological(), 30, *p.After(3))
	require.NoError(t, err)
	require.Equal(t, p.Hits[3].ID, rest.Hits[0].ID)
	require.Len(t, rest.Hits, 22)
	require.Nil(t, rest.Next)
	s.Forget(t.Context(), *p.After(3))

	q.Generation = 1
	q.Filter = []any{object{"range": object{"timeStamp": object{"lt": began.Add(time.Second)}}}}
	n, err = s.Count(t.Context(), q)
	require.NoError(t, err)
	require.EqualValues(t, 5, n)
}
