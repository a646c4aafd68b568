package sql

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// testSessions: the scanner relies on how the session reads strings, whatever the server's own settings are.
func testSessions(t *testing.T, d database) {
	if d.dialect == postgres {
		d.sql(t, "ALTER DATABASE postgres SET standard_conforming_strings = off", "ALTER DATABASE postgres SET TimeZone = 'Asia/Tokyo'")
		defer d.sql(t, "ALTER DATABASE postgres RESET ALL")
		require.Equal(t, rows(map[string]any{"a": `\`, "b": int64(1)}), run(t, d.connect(t, nil), "SELECT", `SELECT '\' AS a, 1 AS b -- '`, nil)["result"])
		return
	}
	d.sql(t, "SET GLOBAL sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'", "SET GLOBAL time_zone = '+09:00'")
	defer d.sql(t, "SET GLOBAL sql_mode = DEFAULT", "SET GLOBAL time_zone = DEFAULT")
	require.Equal(t, rows(map[string]any{"a": `"; DELETE`}), run(t, d.connect(t, nil), "SELECT", `SELECT "\"; DELETE" AS a`, nil)["result"])
}

// testSessionsLeaveNothing: what a call did to its session, the next one does not find, nor do others wait for its locks.
func testSessionsLeaveNothing(t *testing.T, d database) {
	d.table(t, "said", "a varchar(100)")
	changes := []struct {
		action, query, look string
		before              any
	}{
		{"SELECT", "SELECT set_config('standard_conforming_strings', 'off', false) AS a", "current_setting('standard_conforming_strings')", "on"},
		{"INSERT", "INSERT INTO said SELECT set_config('standard_conforming_strings', 'off', false)", "current_setting('standard_conforming_strings')", "on"},
		{"INSERT", "INSERT INTO said VALUES ('x') RETURNING set_config('TimeZone', 'Asia/Tokyo', false) AS a", "current_setting('TimeZone')", "UTC"},
		{"INSERT", "INSERT INTO said SELECT set_config('role', 'pg_monitor', false)", "current_user::text", d.settings["SQL_USERNAME"]},
	}
	locks := []string{"SELECT pg_try_advisory_lock(7) AS a", "SELECT pg_try_advisory_lock(7) AS a, 1 / (random() * 0)::int AS b"}
	free := "SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'advisory'"
	if d.dialect == mariadb {
		d.sql(t, "DROP FUNCTION IF EXISTS moves", "CREATE FUNCTION moves() RETURNS int MODIFIES SQL DATA BEGIN SET SESSION time_zone = '+09:00'; RETURN 1; END")
		changes = []struct {
			action, query, look string
			before              any
		}{
			{"INSERT", "INSERT INTO said SELECT @a := 'b'", "@a IS NULL", int64(1)},
			{"INSERT", "INSERT INTO said SELECT moves()", "@@time_zone = '+00:00'", int64(1)},
		}
		locks = []string{"SELECT GET_LOCK('l', 0) AS a", "SELECT GET_LOCK('l', 0) AS a, CAST(repeat('x', 3000000) AS char) AS b"}
		free = "SELECT IS_FREE_LOCK('l')"
	}
	c := d.connect(t, map[string]string{"SQL_MAX_CONNECTIONS": "1"})
	for _, change := range changes {
		look := func() any {
			return run(t, c, "SELECT", "SELECT "+change.look+" AS a", nil)["result"].([]any)[0].(map[string]any)["a"]
		}
		require.Equal(t, change.before, look())
		run(t, c, change.action, change.query, nil)
		require.Equal(t, change.before, look(), change.query)
	}
	for _, lock := range locks {
		_, _ = call(t, c, "key", "SELECT", lock, nil) // one succeeds, one fails after it has got the lock
		require.Eventually(t, func() bool {
			var is bool
			require.NoError(t, d.admin.QueryRowContext(t.Context(), free).Scan(&is))
			return is
		}, 10*time.Second, 10*time.Millisecond, lock)
	}
}
