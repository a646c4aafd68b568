package analytics

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/events"
)

// lettersOf are the ids of all dead letters of a tenant.
func lettersOf(t *testing.T, s *Store, tenant string) (ids []string) {
	t.Helper()
	require.NoError(t, s.Refresh(t.Context(), "", 0))
	page, err := s.DeadLetters(t.Context(), DeadLetterQuery{Tenant: &tenant, Size: 1000})
	require.NoError(t, err)
	for _, l := range page.Letters {
		ids = append(ids, l.ID)
	}
	return ids
}

// An index of one tenant that takes nothing has others wait for nothing, and what was meant for it is there again when it is mended.
func TestIndexThatTakesNothing(t *testing.T) {
	t.Parallel()
	set := func(value string) func(s *Store, name string) esapi.Request {
		return func(_ *Store, name string) esapi.Request {
			return esapi.IndicesPutSettingsRequest{Index: []string{name}, Body: bytes.NewReader([]byte(`{"index.blocks.write":` + value + `}`))}
		}
	}
	for name, test := range map[string]struct {
		bar, mend func(s *Store, name string) esapi.Request
	}{
		"closed": {
			func(_ *Store, name string) esapi.Request { return esapi.IndicesCloseRequest{Index: []string{name}} },
			func(_ *Store, name string) esapi.Request { return esapi.IndicesOpenRequest{Index: []string{name}} },
		},
		"blocked": {set("true"), set("null")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, ctx := open(t), t.Context()
			_, err := s.Write(ctx, append(batch("acme", "1"), batch("other", "1")...))
			require.NoError(t, err)
			index := physical(s.Alias("acme", events.Tasks), 1)
			require.NoError(t, s.call(ctx, test.bar(s, index), nil))
			both := append(batch("acme", "2"), batch("other", "2")...)
			written, err := s.Write(ctx, both)
			require.NoError(t, err)
			require.Equal(t, Written{New: 7, Dead: 1}, written)
			again, err := Open(s.config) // a worker that has not seen the tenant yet
			require.NoError(t, err)
			defer again.Close()
			written, err = again.Write(ctx, both)
			require.NoError(t, err)
			require.Equal(t, Written{Known: 7, Dead: 1}, written)
			require.Empty(t, lettersOf(t, s, "other"))
			dead := lettersOf(t, s, "acme")
			require.Len(t, dead, 1)
			written, err = s.RetryDeadLetters(ctx, dead...)
			require.NoError(t, err)
			require.Equal(t, Written{Dead: 1}, written, "and it stays one")

			_, err = s.WriteTo(ctx, 1, batch("acme", "3"))
			require.Error(t, err, "a rebuild must not leave it out")

			require.NoError(t, s.call(ctx, test.mend(s, index), nil))
			dead = lettersOf(t, s, "acme")
			require.Len(t, dead, 1)
			written, err = s.RetryDeadLetters(ctx, dead...)
			require.NoError(t, err)
			require.Equal(t, Written{New: 1}, written)
			require.Contains(t, hits(t, s, "acme", events.Tasks), "2.task")
			require.Empty(t, lettersOf(t, s, "acme"))
		})
	}
}

// A privilege that is missing for one tenant concerns that one alone, whether it is found out when its indexes are looked at or written.
func TestPrivilegeForOneTenant(t *testing.T) {
	t.Parallel()
	refusal := serverError(403, "security_exception", "action [indices:admin/get] is unauthorized for API key")
	barred := true
	s, _ := through(t, open(t), func(r request, w http.ResponseWriter) bool {
		if !barred || !strings.Contains(r.path, "-barred-") {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, refusal)
		return true
	})
	ctx := t.Context()
	written, err := s.Write(ctx, append(batch("barred", "1"), batch("other", "1")...))
	require.NoError(t, err)
	require.Equal(t, Written{New: 4, Dead: 4}, written)
	dead := lettersOf(t, s, "barred")
	require.Len(t, dead, 4)
	written, err = s.RetryDeadLetters(ctx, dead...)
	require.NoError(t, err, "those of others are tried, too")
	require.Equal(t, Written{Dead: 4}, written)
	require.Equal(t, dead, lettersOf(t, s, "barred"))
	page, err := s.DeadLetters(ctx, DeadLetterQuery{Tenant: new("barred")})
	require.NoError(t, err)
	for _, l := range page.Letters {
		require.Contains(t, l.Reason, "is unauthorized for API key")
		require.EqualValues(t, 2, l.Count)
	}
	barred = false
	written, err = s.RetryDeadLetters(ctx, dead...)
	require.NoError(t, err)
	require.Equal(t, Written{New: 4}, written)
	require.Empty(t, lettersOf(t, s, "barred"))

	item := itemAnswer(403, "security_exception", "action [indices:data/write/bulk[s]] is unauthorized for API key")
	s, _ = through(t, common(t), first(1, "/_bulk", 200, `{"items":[`+item+`,`+strings.Join(slices.Repeat([]string{itemAnswer(200, "", "")}, 3), ",")+`]}`))
	written, err = s.Write(ctx, mine(t, "1"))
	require.NoError(t, err)
	require.Equal(t, Written{New: 3, Dead: 1}, written)
	require.Contains(t, letters(t, s), "1")
}

// Where it is missing for all, no dead letter can be written, and all wait.
func TestPrivilegeForAll(t *testing.T) {
	t.Parallel()
	item := itemAnswer(403, "security_exception", "action [indices:data/write/bulk[s]] is unauthorized")
	s, _ := through(t, common(t), func(r request, w http.ResponseWriter) bool {
		switch {
		case r.path == "/_bulk":
			_, _ = io.WriteString(w, `{"items":[`+item+`]}`)
		case strings.HasSuffix(r.path, "/_bulk"):
			_, _ = io.WriteString(w, `{"items":[`+strings.Replace(item, `"index"`, `"create"`, 1)+`]}`)
		default:
			return false
		}
		return true
	})
	_, err := s.Write(t.Context(), mine(t, "1")[:1])
	require.ErrorContains(t, err, "write 1 dead letters")
	require.ErrorContains(t, err, "needs the privileges that docs/configuration.md lists")
}
