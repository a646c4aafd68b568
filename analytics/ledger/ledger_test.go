package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gocloud.dev/blob/memblob"

	"github.com/waybill-io/waybill/events"
)

var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func documents(instance string, n int) []events.Document {
	b := events.Batch{Process: events.Process{Instance: instance, Began: began}}
	for i := range n {
		b.Events = append(b.Events, events.Event{Sequence: int64(i + 1), Type: events.FlowTaken, Time: began, Ref: fmt.Sprint(i + 1), SourceID: "a"})
	}
	b.Events[0].Type, b.Events[0].Ref = events.ProcessStarted, ""
	return b.Documents()
}

// index holds documents as Elasticsearch does, the latest of each id.
type index map[string]map[string]events.Document

func (x index) put(documents ...events.Document) index {
	for _, d := range documents {
		of := x[d.Index()]
		if of == nil {
			of = map[string]events.Document{}
			x[d.Index()] = of
		}
		if have, ok := of[d.ID()]; !ok || have.Version() < d.Version() {
			of[d.ID()] = d
		}
	}
	return x
}

func (x index) Each(_ context.Context, of string, visit func(Held) error) error {
	for id, d := range x[of] {
		sum, err := Sum(&d)
		if err != nil {
			return err
		}
		if err := visit(Held{ID: id, Version: d.Version(), Sum: sum, Time: d.Time, Beyond: d.Time.Before(began)}); err != nil {
			return err
		}
	}
	return nil
}

// in puts a ledger over parts of documents.
func in(t *testing.T, parts ...[]events.Document) *Ledger {
	t.Helper()
	bucket := memblob.OpenBucket(nil)
	t.Cleanup(func() { require.NoError(t, bucket.Close()) })
	l, err := New(bucket, "run", began.Add(time.Hour))
	require.NoError(t, err)
	for i, part := range parts {
		require.NoError(t, l.Write(t.Context(), fmt.Sprintf("part-%d", i), part))
	}
	return l
}

// compare compares in shares, which must not matter.
func compare(t *testing.T, l *Ledger, x index) (all Count, named map[string]string) {
	t.Helper()
	for _, shares := range []int{1, 3} {
		var sum Count
		named = map[string]string{}
		for share := range shares {
			c, err := l.Compare(t.Context(), x, share, shares, 10)
			require.NoError(t, err)
			for _, count := range c.Counts {
				add(&sum, count)
			}
			for _, d := range c.Differences {
				named[d.ID] = d.Kind
			}
		}
		if shares > 1 {
			require.Equal(t, all, sum)
		}
		all = sum
	}
	return all, named
}

func add(c *Count, o Count) {
	c.Expected += o.Expected
	c.Sum += o.Sum
	c.Held += o.Held
	c.HeldSum += o.HeldSum
	c.Missing += o.Missing
	c.Extra += o.Extra
	c.Different += o.Different
	c.Late += o.Late
	c.Beyond += o.Beyond
}

func TestSame(t *testing.T) {
	a, b := documents("order/1", 50), documents("order/2", 50)
	newer := documents("order/1", 50)[7:8]
	newer[0].Sequence = 99
	all, named := compare(t, in(t, a, b, newer, a[:10]), index{}.put(a...).put(b...).put(newer...))
	require.Empty(t, named)
	require.EqualValues(t, 100, all.Expected)
	require.EqualValues(t, 100, all.Held)
	require.Equal(t, all.Sum, all.HeldSum)
	require.NotZero(t, all.Sum)
	require.Zero(t, all.Missing+all.Extra+all.Different)
}

func TestDifferences(t *testing.T) {
	a, extra := documents("order/1", 50), documents("order/2", 1)
	changed, other := a[4], a[5]
	changed.SourceID = "b"
	other.Sequence += 100
	x := index{}.put(a...).put(extra...)
	x[events.Activities][changed.ID()] = changed
	x[events.Activities][other.ID()] = other
	delete(x[events.ProcessInstances], "order/1")
	old := documents("order/old", 1)
	old[0].Time = began.Add(-time.Hour)
	x.put(old...)
	all, named := compare(t, in(t, a), x)
	require.Equal(t, map[string]string{"order/1": Missing, "order/2": Extra, changed.ID(): Different, other.ID(): Different}, named)
	require.Equal(t, int64(4), all.Missing+all.Extra+all.Different)
	require.Equal(t, int64(1), all.Beyond)
	require.NotEqual(t, all.Sum, all.HeldSum)
}

func TestNamesAreFew(t *testing.T) {
	l := in(t, documents("order/1", 50))
	c, err := l.Compare(t.Context(), index{}, 0, 1, 3)
	require.NoError(t, err)
	require.Len(t, c.Differences, 3)
	require.EqualValues(t, 50, c.Counts[0].Missing+c.Counts[2].Missing)
}

// What moved while the sources were read is different everywhere, and no difference.
func TestLate(t *testing.T) {
	a := documents("order/1", 10)
	late := func(d events.Document) events.Document {
		d.Time, d.Sequence = began.Add(2*time.Hour), 100
		return d
	}
	onlyLate := documents("order/2", 1)[0]
	l := in(t, append([]events.Document{late(a[1]), late(onlyLate)}, a...))
	x := index{}.put(a...).put(late(a[2]), late(documents("order/3", 1)[0]))
	all, named := compare(t, l, x)
	require.Empty(t, named)
	require.EqualValues(t, 8, all.Expected)
	require.Equal(t, all.Expected, all.Held)
	require.Equal(t, all.Sum, all.HeldSum)
	require.EqualValues(t, 4, all.Late)
}

func TestClear(t *testing.T) {
	l := in(t, documents("order/1", 10))
	require.NoError(t, l.Clear(t.Context()))
	all, _ := compare(t, l, index{})
	require.Zero(t, all)
	require.ErrorContains(t, l.Write(t.Context(), "a/b", nil), "part")
}

func TestSumOfDigits(t *testing.T) {
	for _, d := range (events.Batch{Process: events.Process{Instance: "p", Began: began}, Events: []events.Event{{
		Sequence: 1, Type: events.ProcessStarted, Time: began,
		Variables: map[string]any{"id": int64(9007199254740993), "real": 1e21, "in": map[string]any{"id": int64(-9223372036854775808)}},
	}, {Sequence: 2, Type: events.VariableCreated, Time: began, Ref: "id", Name: "id", ValueType: "integer", Value: int64(9223372036854775807)}}}).Documents() {
		told, err := Sum(&d)
		require.NoError(t, err)
		text, err := json.Marshal(d)
		require.NoError(t, err)
		held, err := events.ReadDocument(text)
		require.NoError(t, err)
		sum, err := Sum(&held)
		require.NoError(t, err)
		require.Equal(t, told, sum, "%s", text)
	}
}
