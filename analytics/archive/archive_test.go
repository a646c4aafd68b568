package archive

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/blob/memblob"

	"github.com/waybill-io/waybill/events"
)

var began = time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC)

// documents makes n documents of an instance, an hour each.
func documents(tenant, instance string, n int) []events.Document {
	b := events.Batch{Process: events.Process{Instance: instance, Key: "order", DefinitionVersion: 3, Tenant: tenant, Began: began}}
	for i := range n {
		at := began.Add(time.Duration(i) * time.Hour)
		e := events.Event{Sequence: int64(i + 1), Type: events.ActivityCompleted, Time: at, Ref: fmt.Sprint(i + 1), Status: events.Completed, Start: at}
		if i == 0 {
			e = events.Event{Sequence: 1, Type: events.ProcessStarted, Time: at, Status: events.Active, Start: at, Variables: map[string]any{"big": int64(9007199254740993)}}
		}
		b.Events = append(b.Events, e)
	}
	return b.Documents()
}

func names(documents []events.Document) (all []string) {
	for _, d := range documents {
		all = append(all, fmt.Sprintf("%s|%s|%s|%d", d.Tenant, d.Index(), d.ID(), d.Version()))
	}
	slices.Sort(all)
	return all
}

// long is the name of a tenant whose folder does not hold it.
var long = strings.Repeat("Länge/", 30)

// held reads all that the archive has of the tenants of these tests, and checks each document's day.
func held(t *testing.T, a *Archive) []string {
	t.Helper()
	var all []events.Document
	for _, tenant := range []string{"", "acme", "ACME", "../_h", long} {
		for b, err := range a.Blocks(t.Context(), tenant, Range{}) {
			require.NoError(t, err)
			n := 0
			require.NoError(t, a.Read(t.Context(), b, func(d events.Document) error {
				require.Equal(t, b.Day, d.Time.UTC().Format(time.DateOnly))
				require.Equal(t, b.Tenant, d.Tenant)
				all = append(all, d)
				n++
				return nil
			}))
			require.Equal(t, b.Documents, n)
		}
		checked, err := a.Check(t.Context(), tenant, Range{})
		require.NoError(t, err)
		require.Empty(t, checked.Errors)
		require.Empty(t, checked.Unlisted)
	}
	return names(all)
}

func staged(t *testing.T, a *Archive) []string {
	t.Helper()
	var all []string
	for key, err := range a.Staged(t.Context()) {
		require.NoError(t, err)
		all = append(all, key)
	}
	return all
}

func memory(t *testing.T) *blob.Bucket {
	t.Helper()
	b := memblob.OpenBucket(nil)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b
}

func TestStageAndMove(t *testing.T) {
	stores := map[string]func(t *testing.T) *blob.Bucket{
		"memory": memory,
		"folder": func(t *testing.T) *blob.Bucket {
			b, err := fileblob.OpenBucket(t.TempDir(), nil)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, b.Close()) })
			return b
		},
	}
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			a := New(store(t))
			var want []events.Document
			for i, tenant := range []string{"", "acme", "ACME", "../_h", long} {
				d := documents(tenant, fmt.Sprintf("order/%d", i), 5)
				want = append(want, d...)
				require.NoError(t, a.Stage(t.Context(), fmt.Sprintf("pass-1-%d", i), d))
				require.NoError(t, a.Stage(t.Context(), fmt.Sprintf("pass-1-%d", i), d), "again")
			}
			require.Len(t, staged(t, a), 5)
			require.NoError(t, a.Stage(t.Context(), "pass-2-0", want[:7]))
			require.NoError(t, a.Stage(t.Context(), "pass-2-1", nil))

			var seen []events.Document
			for _, key := range staged(t, a) {
				require.NoError(t, a.ReadStaged(t.Context(), key, func(d events.Document) error { seen = append(seen, d); return nil }))
			}
			require.Equal(t, names(append(want[:7:7], want...)), names(seen))

			moved, err := a.Move(t.Context())
			require.NoError(t, err)
			require.Equal(t, 25, moved.Documents)
			require.Equal(t, 7, moved.Repeated)
			require.Equal(t, 10, moved.Blocks, "five tenants, two days")
			require.Empty(t, staged(t, a))
			require.Equal(t, names(want), held(t, a))
			require.ErrorIs(t, a.ReadStaged(t.Context(), staging+"gone", nil), fs.ErrNotExist)

			moved, err = a.Move(t.Context())
			require.NoError(t, err)
			require.Zero(t, moved)
		})
	}
}

func TestDocumentsStayWhatTheyWere(t *testing.T) {
	a := New(memory(t))
	d := documents("", "order/1", 1)
	require.NoError(t, a.Stage(t.Context(), "p", d))
	_, err := a.Move(t.Context())
	require.NoError(t, err)
	want, err := encode(&d[0])
	require.NoError(t, err)
	for b, err := range a.Blocks(t.Context(), "", Range{}) {
		require.NoError(t, err)
		require.NoError(t, a.Read(t.Context(), b, func(read events.Document) error {
			got, err := encode(&read)
			require.NoError(t, err)
			require.Equal(t, string(want), string(got))
			return nil
		}))
	}
}

// The same whatever change of the store is the last before a kill, and whatever is staged between that and the next Move.
func TestMoveInterruptedAnywhere(t *testing.T) {
	for _, late := range []bool{false, true} {
		for alive := 0; ; alive++ {
			store := memory(t)
			a := New(store)
			a.batch = 2000 // several batches
			want := map[string]bool{}
			for i := range 4 {
				d := documents([]string{"", "acme"}[i%2], fmt.Sprintf("order/%d", i), 4)
				for _, name := range names(d) {
					want[name] = true
				}
				require.NoError(t, a.Stage(t.Context(), fmt.Sprintf("pass-%d", i), d))
			}
			interrupted := New(newFaulty(t, store, alive, late))
			interrupted.batch = a.batch
			_, err := interrupted.Move(t.Context())
			if err == nil {
				require.Greater(t, alive, 15, "there are that many changes")
				break
			}
			require.ErrorContains(t, err, errKilled.Error())
			more := documents("acme", "order/more", 2)
			require.NoError(t, a.Stage(t.Context(), "pass-0more", more))
			for _, name := range names(more) {
				want[name] = true
			}
			_, err = a.Move(t.Context())
			require.NoError(t, err)
			require.Equal(t, slices.Sorted(maps.Keys(want)), held(t, a), "killed after %d changes, %v", alive, late)
			require.Empty(t, staged(t, a))
		}
	}
}

// A block that is tried again while it is being moved, and has more to tell, loses nothing.
func TestStageDuringMove(t *testing.T) {
	a := New(memory(t))
	d := documents("", "order/1", 3)
	require.NoError(t, a.Stage(t.Context(), "pass-1", d[:2]))
	m := &move{Archive: a, bad: map[string]bool{}}
	p, b, err := m.begin(t.Context())
	require.NoError(t, err)
	require.NoError(t, a.Stage(t.Context(), "pass-1", d))
	require.NoError(t, m.merge(t.Context(), p.Batch, b))
	p.Merged = true
	require.NoError(t, m.note(t.Context(), p))
	_, err = a.Move(t.Context())
	require.NoError(t, err)
	require.Equal(t, names(d), slices.Compact(held(t, a)))
}

// Two at once: one that has timed out, and the next. Neither loses what the other has put into the archive.
func TestMoveBesideAnother(t *testing.T) {
	for name, other := range map[string]func(t *testing.T, a *Archive, before []byte){
		"a manifest is put back": func(t *testing.T, a *Archive, before []byte) {
			require.NoError(t, a.write(t.Context(), dayFolder("", "2026-03-01")+listing, "application/json", before))
		},
		"it has gone on": func(t *testing.T, a *Archive, _ []byte) {
			require.NoError(t, a.Stage(t.Context(), "pass-3", documents("", "order/3", 1)))
			_, err := a.Move(t.Context())
			require.NoError(t, err)
			require.NoError(t, a.Stage(t.Context(), "pass-4", documents("", "order/4", 1)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := New(memory(t))
			require.NoError(t, a.Stage(t.Context(), "pass-1", documents("", "order/1", 1)))
			_, err := a.Move(t.Context())
			require.NoError(t, err)
			before, err := a.read(t.Context(), dayFolder("", "2026-03-01")+listing)
			require.NoError(t, err)
			require.NoError(t, a.Stage(t.Context(), "pass-2", documents("", "order/2", 1)))
			m := &move{Archive: a, bad: map[string]bool{}}
			p, b, err := m.begin(t.Context())
			require.NoError(t, err)
			require.NoError(t, m.merge(t.Context(), p.Batch, b))
			require.NoError(t, m.confirm(t.Context(), p.Batch, b))
			other(t, a, before)
			require.ErrorIs(t, m.confirm(t.Context(), p.Batch, b), errBeside)
			require.NotEmpty(t, staged(t, a), "nothing that no manifest lists is deleted")
			_, err = a.Move(t.Context())
			require.NoError(t, err)
			for _, id := range []string{"order/1", "order/2"} {
				require.Contains(t, strings.Join(held(t, a), " "), id)
			}
		})
	}
}

// One that has stood still while the next went on writes no manifest from before.
func TestMoveThatIsLate(t *testing.T) {
	a := New(memory(t))
	require.NoError(t, a.Stage(t.Context(), "pass-1", documents("", "order/1", 1)))
	late := &move{Archive: a, bad: map[string]bool{}}
	p, b, err := late.begin(t.Context())
	require.NoError(t, err)
	_, err = a.Move(t.Context())
	require.NoError(t, err)
	key := dayFolder("", "2026-03-01") + listing
	require.NoError(t, a.write(t.Context(), key, "application/json", []byte(`{"tenant":"","day":"2026-03-01"}`))) // as it has read it
	require.ErrorIs(t, late.merge(t.Context(), p.Batch, b), errBeside)
	after, err := a.read(t.Context(), key)
	require.NoError(t, err)
	require.NotContains(t, string(after), p.Batch)
}

func TestStageSplits(t *testing.T) {
	a := New(memory(t))
	a.part = 1000
	d := documents("", "order/1", 20)
	require.NoError(t, a.Stage(t.Context(), "pass-1", d))
	require.Greater(t, len(staged(t, a)), 3)
	_, err := a.Move(t.Context())
	require.NoError(t, err)
	require.Equal(t, names(d), held(t, a))
	require.ErrorContains(t, a.Stage(t.Context(), "../x", d), "the name")
}

func TestRange(t *testing.T) {
	a := New(memory(t))
	require.NoError(t, a.Stage(t.Context(), "pass-1", documents("", "order/1", 60))) // 1 to 4 March
	_, err := a.Move(t.Context())
	require.NoError(t, err)
	days := func(r Range) (all []string) {
		for b, err := range a.Blocks(t.Context(), "", r) {
			require.NoError(t, err)
			all = append(all, b.Day[8:])
		}
		return all
	}
	require.Equal(t, []string{"01", "02", "03", "04"}, days(Range{}))
	require.Equal(t, []string{"02", "03"}, days(Range{From: began.Add(24 * time.Hour), To: began.Add(48 * time.Hour)}))
	require.Equal(t, []string{"04"}, days(Range{From: began.Add(72 * time.Hour)}))
}

func TestDamage(t *testing.T) {
	var first Block
	prepare := func(t *testing.T) (*Archive, *blob.Bucket) {
		store := memory(t)
		a := New(store)
		require.NoError(t, a.Stage(t.Context(), "pass-1", documents("acme", "order/1", 5)))
		_, err := a.Move(t.Context())
		require.NoError(t, err)
		for b, err := range a.Blocks(t.Context(), "acme", Range{}) {
			require.NoError(t, err)
			first = b
			break
		}
		return a, store
	}
	read := func(t *testing.T, a *Archive) (named string) {
		for b, err := range a.Blocks(t.Context(), "acme", Range{}) {
			if err == nil {
				err = a.Read(t.Context(), b, func(events.Document) error { return nil })
			}
			if err != nil {
				require.ErrorIs(t, err, ErrDamaged)
				return err.Error()
			}
		}
		return ""
	}
	change := func(t *testing.T, store *blob.Bucket, key string, how func([]byte) []byte) {
		data, err := store.ReadAll(t.Context(), key)
		require.NoError(t, err)
		require.NoError(t, store.WriteAll(t.Context(), key, how(data), nil))
	}
	for name, harm := range map[string]func(context.Context, *testing.T, *blob.Bucket){
		"changed": func(_ context.Context, t *testing.T, s *blob.Bucket) {
			change(t, s, first.Key(), func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
		},
		"cut off": func(_ context.Context, t *testing.T, s *blob.Bucket) {
			change(t, s, first.Key(), func(b []byte) []byte { return b[:len(b)-1] })
		},
		"gone": func(ctx context.Context, t *testing.T, s *blob.Bucket) {
			require.NoError(t, s.Delete(ctx, first.Key()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, store := prepare(t)
			harm(t.Context(), t, store)
			require.Contains(t, read(t, a), first.Key())
			checked, err := a.Check(t.Context(), "acme", Range{})
			require.NoError(t, err)
			require.Equal(t, 1, checked.Wrong)
			require.Contains(t, checked.Errors[0], first.Key())
			require.Equal(t, 2, checked.Blocks)
		})
	}
	t.Run("manifest", func(t *testing.T) {
		a, store := prepare(t)
		change(t, store, dayFolder("acme", first.Day)+listing, func(b []byte) []byte { return b[1:] })
		require.Contains(t, read(t, a), listing)
		checked, err := a.Check(t.Context(), "acme", Range{})
		require.NoError(t, err)
		require.Equal(t, 1, checked.Wrong)
	})
	t.Run("staged", func(t *testing.T) {
		store := memory(t)
		a := New(store)
		d := documents("acme", "order/1", 5)
		require.NoError(t, a.Stage(t.Context(), "pass-1", d[:2]))
		bad := staged(t, a)[0]
		change(t, store, bad, func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
		require.NoError(t, a.Stage(t.Context(), "pass-2", d[2:]))
		moved, err := a.Move(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{bad}, moved.Damaged)
		require.Equal(t, names(d[2:]), held(t, a))
		require.Equal(t, []string{bad}, staged(t, a))
	})
	t.Run("unlisted", func(t *testing.T) {
		a, store := prepare(t)
		stray := dayFolder("acme", first.Day) + "stray" + suffix
		require.NoError(t, store.WriteAll(t.Context(), stray, nil, nil))
		checked, err := a.Check(t.Context(), "acme", Range{})
		require.NoError(t, err)
		require.Equal(t, []string{stray}, checked.Unlisted)
		require.Zero(t, checked.Wrong)
	})
}
