package analytics

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/events"
)

// broken has a mapping that refuses tasks of a description that is no number, as one that somebody has changed by hand.
func broken(t *testing.T, s *Store, tenant string) {
	t.Helper()
	alias := s.Alias(tenant, events.Tasks)
	fields := properties()
	fields["description"] = field("long")
	put(t, s, physical(alias, 1), object{"aliases": object{alias: object{"is_write_index": true}}, "mappings": mapping(fields)})
}

func task(tenant, instance, description string, revision int64) events.Document {
	b := events.Batch{Process: events.Process{Instance: instance, Tenant: tenant, Began: began}, Events: []events.Event{
		{Sequence: revision, Type: events.TaskAssigned, Time: began, Ref: "t", Revision: revision, Description: description},
	}}
	return b.Documents()[0]
}

func TestDeadLetters(t *testing.T) {
	t.Parallel()
	s := open(t)
	ctx := t.Context()
	broken(t, s, "")
	broken(t, s, "Acme")
	var all []events.Document
	for n := range 7 {
		all = append(all, task("", fmt.Sprint(n), "words", 3), task("Acme", fmt.Sprint(n), "words", 3))
	}
	written, err := s.Write(ctx, append(all, task("", "fine", "5", 1)))
	require.NoError(t, err)
	require.Equal(t, Written{New: 1, Dead: 14}, written)
	written, err = s.Write(ctx, []events.Document{task("", "0", "newer", 4), task("", "0", "older", 2), task("", "1", "older", 1)})
	require.NoError(t, err)
	require.Equal(t, Written{Dead: 3}, written)

	// Pages.
	require.NoError(t, s.Refresh(ctx, "", 0))
	seen := map[string]DeadLetter{}
	for q, pages := (DeadLetterQuery{Tenant: new(""), Size: 3}), 0; ; pages++ {
		require.Less(t, pages, 4)
		page, err := s.DeadLetters(ctx, q)
		require.NoError(t, err)
		require.EqualValues(t, 7, page.Total)
		for _, l := range page.Letters {
			require.NotContains(t, seen, l.ID)
			seen[l.ID] = l
		}
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	require.Len(t, seen, 7)
	byDocument := map[string]DeadLetter{}
	for _, l := range seen {
		byDocument[l.DocumentID] = l
	}
	require.EqualValues(t, 2, byDocument["0.t"].Count)
	require.Contains(t, byDocument["0.t"].Document, `"newer"`)
	require.EqualValues(t, 2, byDocument["1.t"].Count)
	require.Contains(t, byDocument["1.t"].Document, `"words"`, "an older one does not take the place of a newer one")
	require.EqualValues(t, 1, byDocument["2.t"].Count)
	require.Contains(t, byDocument["2.t"].Reason, "failed to parse field [description]")
	for q, want := range map[*DeadLetterQuery]int64{{}: 14, {Tenant: new("Acme")}: 7, {Tenant: new("acme")}: 0, {Index: events.Tasks}: 14, {Index: events.Variables}: 0} {
		page, err := s.DeadLetters(ctx, *q)
		require.NoError(t, err)
		require.Equal(t, want, page.Total)
	}
	_, err = s.DeadLetters(ctx, DeadLetterQuery{After: "x"})
	require.ErrorContains(t, err, "what the page before ends with is expected")

	// Nothing has changed: they are refused again. After a rebuild they are not.
	one, two, three := byDocument["1.t"].ID, byDocument["2.t"].ID, byDocument["3.t"].ID
	written, err = s.RetryDeadLetters(ctx, one, "unknown")
	require.NoError(t, err)
	require.Equal(t, Written{Dead: 1}, written)
	require.NoError(t, s.Create(ctx, "", 2))
	require.NoError(t, s.Swap(ctx, "", 1, 2))
	_, err = s.Write(ctx, []events.Document{task("", "2", "newer", 5)})
	require.NoError(t, err)
	written, err = s.RetryDeadLetters(ctx, one, two)
	require.NoError(t, err)
	require.Equal(t, Written{New: 1, Known: 1}, written)
	require.Equal(t, "words", hits(t, s, "", events.Tasks)["1.t"]["description"])
	require.Equal(t, "newer", hits(t, s, "", events.Tasks)["2.t"]["description"])
	for _, there := range []int{1, 0} {
		dropped, err := s.DropDeadLetters(ctx, three, "unknown")
		require.NoError(t, err)
		require.Equal(t, there, dropped)
	}
	require.NoError(t, s.Refresh(ctx, "", 0))
	page, err := s.DeadLetters(ctx, DeadLetterQuery{Tenant: new("")})
	require.NoError(t, err)
	require.EqualValues(t, 4, page.Total)
}

// Workers that are refused the same document at the same moment count each refusal.
func TestDeadLettersAreCounted(t *testing.T) {
	t.Parallel()
	s := open(t)
	broken(t, s, "")
	s.limits.attempts, s.limits.pause, s.limits.longest = 100, time.Millisecond, 50*time.Millisecond
	require.NoError(t, s.Ensure(t.Context(), ""))
	var group errgroup.Group
	for range 10 {
		group.Go(func() error {
			_, err := s.Write(t.Context(), []events.Document{task("", "1", "words", 1)})
			return err
		})
	}
	require.NoError(t, group.Wait())
	require.NoError(t, s.Refresh(t.Context(), "", 0))
	page, err := s.DeadLetters(t.Context(), DeadLetterQuery{})
	require.NoError(t, err)
	require.Len(t, page.Letters, 1)
	require.EqualValues(t, 10, page.Letters[0].Count)
}

// A document of which only a part is kept is not tried again.
func TestLargeDeadLetter(t *testing.T) {
	t.Parallel()
	s := open(t)
	broken(t, s, "")
	d := task("", "large", "words", 1)
	d.Variables = map[string]any{"v": string(make([]byte, maxLetter))}
	written, err := s.Write(t.Context(), []events.Document{d})
	require.NoError(t, err)
	require.Equal(t, Written{Dead: 1}, written)
	require.NoError(t, s.Refresh(t.Context(), "", 0))
	page, err := s.DeadLetters(t.Context(), DeadLetterQuery{})
	require.NoError(t, err)
	require.True(t, page.Letters[0].Cut)
	require.Len(t, page.Letters[0].Document, maxLetter)
	// Nor are histories, and neither keeps others from it.
	require.NoError(t, s.BuryHistories(t.Context(), []Unreadable{{Execution: "order/1", Run: "r", Event: 7, Reason: "no marker"}}))
	_, err = s.Write(t.Context(), []events.Document{task("", "small", "words", 1)})
	require.NoError(t, err)
	require.NoError(t, s.Create(t.Context(), "", 2))
	require.NoError(t, s.Swap(t.Context(), "", 1, 2))
	require.NoError(t, s.Refresh(t.Context(), "", 0))
	page, err = s.DeadLetters(t.Context(), DeadLetterQuery{})
	require.NoError(t, err)
	require.Len(t, page.Letters, 3)
	var ids []string
	for _, l := range page.Letters {
		ids = append(ids, l.ID)
	}
	written, err = s.RetryDeadLetters(t.Context(), ids...)
	require.NoError(t, err)
	require.Equal(t, Written{New: 1, Dead: 2}, written)
	there, err := s.some(t.Context(), ids)
	require.NoError(t, err)
	require.Len(t, there, 2)
}

// What another generation refuses is filed under the alias, where it is tried again.
func TestDeadLettersOfGenerations(t *testing.T) {
	t.Parallel()
	s := open(t)
	broken(t, s, "")
	require.NoError(t, s.Ensure(t.Context(), ""))
	require.NoError(t, s.Create(t.Context(), "", 2))
	require.NoError(t, s.Swap(t.Context(), "", 1, 2))
	fine := task("", "2", "5", 1)
	written, taken, err := s.Fill(t.Context(), 1, []events.Document{task("", "1", "words", 1), fine})
	require.NoError(t, err)
	require.Equal(t, Written{New: 1, Dead: 1}, written)
	require.Equal(t, []events.Document{fine}, taken)
	require.NoError(t, s.Refresh(t.Context(), "", 0))
	page, err := s.DeadLetters(t.Context(), DeadLetterQuery{Index: events.Tasks})
	require.NoError(t, err)
	require.Len(t, page.Letters, 1)
	require.Equal(t, s.Alias("", events.Tasks), page.Letters[0].Index)
	written, err = s.RetryDeadLetters(t.Context(), page.Letters[0].ID)
	require.NoError(t, err)
	require.Equal(t, Written{New: 1}, written)
}
