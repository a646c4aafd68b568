package sql

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRead(t *testing.T) {
	values := map[string]any{"id": int64(7), "name": "Ann", "unused": true}
	for _, test := range []struct {
		d             dialect
		action, query string
		params        any
		want          string
		args          []any
	}{
		{postgres, "SELECT", "select 1", nil, "select 1", nil},
		{postgres, "SELECT", " -- why; DELETE\n/* a /* nested */ ; */ SELECT 1 ; -- done", nil, " -- why; DELETE\n/* a /* nested */ ; */ SELECT 1 ; -- done", nil},
		{postgres, "SELECT", "(SELECT 1) UNION (SELECT 2)", nil, "(SELECT 1) UNION (SELECT 2)", nil},
		{postgres, "SELECT", "SELECT * FROM a WHERE id = :id AND name = :name OR boss = :id", values, "SELECT * FROM a WHERE id = $1 AND name = $2 OR boss = $1", []any{int64(7), "Ann"}},
		{mariadb, "SELECT", "SELECT * FROM a WHERE id = :id AND name = :name OR boss = :id", values, "SELECT * FROM a WHERE id = ? AND name = ? OR boss = ?", []any{int64(7), "Ann", int64(7)}},
		{postgres, "SELECT", "SELECT ':id', \":id\", $$:id$$, $t$ ' :id $t$, E'\\':id', x::text /* :id */ FROM a -- :id", values, "SELECT ':id', \":id\", $$:id$$, $t$ ' :id $t$, E'\\':id', x::text /* :id */ FROM a -- :id", nil},
		{mariadb, "SELECT", "SELECT ':id', \"\\\":id\", `:id`, @a:=1, 5--5 # :id\n-- :id", values, "SELECT ':id', \"\\\":id\", `:id`, @a:=1, 5--5 # :id\n-- :id", nil},
		{postgres, "SELECT", "SELECT data ? 'a' FROM t WHERE id = $2 AND name = $1", []any{"Ann", 7.0}, "SELECT data ? 'a' FROM t WHERE id = $2 AND name = $1", []any{"Ann", 7.0}},
		{mariadb, "DELETE", "DELETE FROM t WHERE a = ? AND b = '?'", []any{1.0}, "DELETE FROM t WHERE a = ? AND b = '?'", []any{1.0}},
		{postgres, "SELECT", "WITH a AS (SELECT 1), b (n) AS NOT MATERIALIZED (SELECT 2) SELECT * FROM a", nil, "WITH a AS (SELECT 1), b (n) AS NOT MATERIALIZED (SELECT 2) SELECT * FROM a", nil},
		{postgres, "DELETE", "WITH old AS (SELECT id FROM t) DELETE FROM t USING old", nil, "WITH old AS (SELECT id FROM t) DELETE FROM t USING old", nil},
		{postgres, "INSERT", "INSERT INTO t SELECT 1 ON CONFLICT (id) DO UPDATE SET n = 1", nil, "INSERT INTO t SELECT 1 ON CONFLICT (id) DO UPDATE SET n = 1", nil},
		{postgres, "SELECT", "SELECT 'it''s; DELETE' AS \"in\"\"to; into\"", nil, "SELECT 'it''s; DELETE' AS \"in\"\"to; into\"", nil},
		{postgres, "SELECT", "SELECT 'back\\' , 'slash'", nil, "SELECT 'back\\' , 'slash'", nil},
	} {
		s, err := read(test.query, test.action, test.params, test.d)
		require.NoError(t, err, test.query)
		require.Equal(t, test.want, s.text)
		require.Equal(t, test.args, s.args, test.query)
	}
}

func TestReturningIsSeen(t *testing.T) {
	for query, want := range map[string]bool{
		"INSERT INTO t VALUES (1) returning id":      true,
		"INSERT INTO t VALUES ('returning')":         false,
		"INSERT INTO t VALUES (1) -- RETURNING id":   false,
		"INSERT INTO t (\"returning\") VALUES (1)":   false,
		"INSERT INTO t VALUES ((SELECT returning))":  false,
		"INSERT INTO returning_goods VALUES (1) ;  ": false,
	} {
		s, err := read(query, "INSERT", nil, postgres)
		require.NoError(t, err)
		require.Equal(t, want, s.returning, query)
	}
}

func TestReadRefuses(t *testing.T) {
	for _, test := range []struct {
		d             dialect
		action, query string
		params        any
		want          string
	}{
		{postgres, "SELECT", "DELETE FROM t", nil, "begins with SELECT is expected of the action SELECT, not with \"DELETE\""},
		{postgres, "SELECT", "/* SELECT */ drop table t", nil, "not with \"drop\""},
		{postgres, "DELETE", "TRUNCATE t", nil, "not with"},
		{postgres, "UPDATE", "UPDATED t", nil, "not with"},
		{postgres, "SELECT", "\"SELECT\" 1", nil, "not with"},
		{postgres, "SELECT", "EXPLAIN ANALYZE DELETE FROM t", nil, "not with"},
		{postgres, "SELECT", "", nil, "empty"},
		{postgres, "SELECT", "-- nothing", nil, "empty"},
		{postgres, "SELECT", "SELECT 1; DELETE FROM t", nil, "more than one statement"},
		{postgres, "SELECT", "SELECT 1;;", nil, "more than one statement"},
		{postgres, "SELECT", "SELECT * INTO copy FROM t", nil, "INTO writes"},
		{mariadb, "SELECT", "SELECT * FROM t INTO/**/OUTFILE '/tmp/x'", nil, "INTO writes"},
		{postgres, "SELECT", "WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d", nil, "WITH holds DELETE"},
		{postgres, "INSERT", "WITH d AS (SELECT 1), e AS (\n/* */ delete FROM t RETURNING *) INSERT INTO u SELECT * FROM e", nil, "WITH holds DELETE"},
		{postgres, "SELECT", "WITH select AS (SELECT 1) DELETE FROM t", nil, "not with \"DELETE\""},
		{postgres, "DELETE", "WITH delete AS (SELECT 1) INSERT INTO t SELECT 1", nil, "not with \"INSERT\""},
		{postgres, "SELECT", "WITH a AS (SELECT 1)", nil, "is expected"},
		{postgres, "SELECT", "SELECT 'open", nil, "quote ' does not end"},
		{postgres, "SELECT", "SELECT \"open", nil, "quote \" does not end"},
		{mariadb, "SELECT", "SELECT 'open\\'", nil, "quote ' does not end"},
		{postgres, "SELECT", "SELECT E'open\\'", nil, "quote ' does not end"},
		{postgres, "SELECT", "SELECT $a$ open $b$", nil, "$a$ does not end"},
		{postgres, "SELECT", "SELECT 1 /* /* */", nil, "/* does not end"},
		{postgres, "SELECT", "SELECT E'a'\n'\\' , '; DELETE FROM t; --'", nil, "write them as one"},
		{mariadb, "SELECT", "SELECT 1 /*!50000 INTO OUTFILE '/tmp/x' */", nil, "runs what is in a comment"},
		{mariadb, "SELECT", "SELECT 1 /*M! INTO OUTFILE '/tmp/x' */", nil, "runs what is in a comment"},
		{mariadb, "SELECT", "SELECT 1 /* /* */ ; DELETE FROM t", nil, "more than one statement"},
		{mariadb, "SELECT", "SELECT 5--\n; DELETE FROM t", nil, "more than one statement"},
		{postgres, "SELECT", "SELECT 1\x00", nil, "null character"},
		{postgres, "SELECT", "SELECT $1", nil, "placeholders for 1 values, and there are 0"},
		{postgres, "SELECT", "SELECT $1", []any{1.0, 2.0}, "placeholders for 1 values, and there are 2"},
		{postgres, "SELECT", "SELECT $99999999999999999999", []any{1.0}, "not a placeholder"},
		{mariadb, "SELECT", "SELECT ?, ?", []any{1.0}, "placeholders for 2 values, and there are 1"},
		{postgres, "SELECT", "SELECT :id", map[string]any{}, "no value for :id"},
		{postgres, "SELECT", "SELECT $1, :id", map[string]any{"id": 1.0}, "$1 has no value"},
		{mariadb, "SELECT", "SELECT ?, :id", map[string]any{"id": 1.0}, "? has no value"},
		{mariadb, "SELECT", "SELECT 1", "id=1", "an object with a value for each :name, or a list"},
	} {
		_, err := read(test.query, test.action, test.params, test.d)
		require.ErrorContains(t, err, test.want, test.query)
	}
}

// FuzzRead: no panic, and the text of a statement with named parameters holds none of their values.
func FuzzRead(f *testing.F) {
	for _, query := range []string{"SELECT :a", "SELECT $x$ :a $x$, E'\\'' :a", "/*/**/*/SELECT `:a` # :a\n:a", "WITH a AS (SELECT 1) SELECT :a"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		for _, d := range []dialect{postgres, mariadb} {
			s, err := read(query, "SELECT", map[string]any{"a": "secret value"}, d)
			if err == nil && !strings.Contains(query, "secret value") {
				require.NotContains(t, s.text, "secret value")
			}
		}
	})
}
