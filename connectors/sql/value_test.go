package sql

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
)

// testAttacks: whatever a value holds, it is a value.
func testAttacks(t *testing.T, d database) {
	d.table(t, "users", "id int, name varchar(2000)")
	d.sql(t, "INSERT INTO users VALUES (1, 'root')")
	c := d.connect(t, nil)
	attacks := []string{
		`' OR '1'='1`, `'; DROP TABLE users; --`, `"; DROP TABLE users; --`, `') OR 1=1 --`, `\'; DROP TABLE users; --`, `\`, `\\' OR 1=1 #`,
		`' /*`, `*/ OR 1=1 /*`, `/*! OR 1=1 */`, `' UNION SELECT 1, 'x' --`, `1; SELECT pg_sleep(10)`, `$$; DELETE FROM users; $$`, `$1`, `?`, `:name`, `:id`,
		`%s`, `%' OR name LIKE '%`, "\u02bc OR 1=1", "\uff07 OR 1=1", "\u00bf\u0027 OR 1=1", "\u2019; DROP TABLE users", "line\r\n-- break", "\u202e' OR 1=1", "😀'", "NULL", "",
		"users", `users"; DROP TABLE users; --`, "users`; DROP TABLE users; --", strings.Repeat("'", 1000),
	}
	const where = "SELECT id, name FROM users WHERE name = :name"
	for _, attack := range attacks {
		require.Empty(t, run(t, c, "SELECT", where, map[string]any{"name": attack})["result"], attack)
		require.Equal(t, int64(0), run(t, c, "DELETE", "DELETE FROM users WHERE name = :name", map[string]any{"name": attack})["rowCount"], attack)
		require.Equal(t, int64(0), run(t, c, "UPDATE", "UPDATE users SET id = 2 WHERE name = :name", map[string]any{"name": attack})["rowCount"], attack)
		run(t, c, "INSERT", "INSERT INTO users VALUES (:id, :name)", map[string]any{"id": 5.0, "name": attack})
		require.Equal(t, rows(map[string]any{"id": int64(5), "name": attack}), run(t, c, "SELECT", where, map[string]any{"name": attack})["result"], attack)
		require.Equal(t, int64(1), run(t, c, "DELETE", "DELETE FROM users WHERE id = :id", map[string]any{"id": 5.0})["rowCount"])
		_, err := call(t, c, "key", "SELECT", "SELECT id FROM users WHERE id = :id", map[string]any{"id": attack})
		if d.dialect == postgres { // MariaDB takes text that is no number for one
			require.Equal(t, connectors.CodeInvalidInput, connectors.AsError(err).Code, attack)
		} else {
			require.NoError(t, err)
		}
		// A value is never a name, nor does the name of a value get into the statement.
		require.Equal(t, attack, run(t, c, "SELECT", "SELECT CAST(:column AS char(1000)) AS v", map[string]any{"column": strings.Clone(attack), attack: "x"})["result"].([]any)[0].(map[string]any)["v"].(string)[:len(attack)])
	}
	_, err := call(t, c, "key", "SELECT", where, map[string]any{"name": "a\x00b"})
	if d.dialect == postgres {
		require.ErrorContains(t, err, "null characters")
	} else {
		require.NoError(t, err)
	}
	// Where a name belongs a placeholder is an error, not the name.
	_, err = call(t, c, "key", "SELECT", "SELECT * FROM :table", map[string]any{"table": "users"})
	require.Equal(t, codeSyntax, connectors.AsError(err).Code)
	// Both servers refuse a second statement by themselves, should the scanner ever be fooled.
	for _, s := range []string{"SELECT 1 AS a; DELETE FROM users", "SELECT 1 AS a;\nDROP TABLE users"} {
		_, err := c.read(t.Context(), statement{text: s})
		require.Error(t, err)
		_, err = c.write(t.Context(), connectors.Call{Action: "DELETE", IdempotencyKey: "k"}, statement{text: "DELETE FROM users WHERE id = 99; " + s})
		require.Error(t, err)
	}
	require.Equal(t, 1, d.count(t, "users WHERE id = 1 AND name = 'root'"))
}

func one(t *testing.T, c connectors.Connector, query string, params any) any {
	t.Helper()
	return run(t, c, "SELECT", query, params)["result"].([]any)[0].(map[string]any)["v"]
}

func testPostgresTypes(t *testing.T, d database) {
	c := d.connect(t, nil)
	d.sql(t, "DROP TYPE IF EXISTS mood", "CREATE TYPE mood AS ENUM ('ok', 'bad')")
	for expression, want := range map[string]any{
		"NULL::int":                             nil,
		"true":                                  true,
		"1::int2":                               int64(1),
		"(-2147483648)::int4":                   int64(-2147483648),
		"9223372036854775807::int8":             int64(9223372036854775807),
		"1.5::float4":                           1.5,
		"0.1::float8":                           0.1,
		"'NaN'::float8":                         "NaN",
		"'-Infinity'::float8":                   "-Inf",
		"12345678901234567890.10::numeric":      "12345678901234567890.10",
		"'NaN'::numeric":                        "NaN",
		"'a ü 😀'::text":                         "a ü 😀",
		"'ab'::char(3)":                         "ab ",
		"'{}'::text":                            "{}",
		`'\x00ff'::bytea`:                       "AP8=",
		"'2026-01-31'::date":                    "2026-01-31",
		"'infinity'::date":                      "infinity",
		"'2026-01-31 08:00:00.25'::timestamp":   "2026-01-31T08:00:00.25",
		"'2026-01-31 08:00:00+09'::timestamptz": "2026-01-30T23:00:00Z",
		"'-infinity'::timestamptz":              "-infinity",
		"'08:30'::time":                         "08:30:00",
		"'1 day 2 hours'::interval":             "1 day 02:00:00",
		"'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
		"'10.0.0.0/8'::inet":                           "10.0.0.0/8",
		"'ok'::mood":                                   "ok",
		"'<a/>'::xml":                                  "<a/>",
		`'{"a": [1, 2.5, null], "b": 9007199254740993}'::jsonb`: map[string]any{"a": []any{int64(1), 2.5, nil}, "b": int64(9007199254740993)},
		`'"text"'::json`:                                   "text",
		"'null'::json":                                     nil,
		"'{1,NULL,3}'::int4[]":                             []any{int64(1), nil, int64(3)},
		"'{}'::int4[]":                                     []any{},
		"'{{1,2},{3,4}}'::int8[]":                          []any{[]any{int64(1), int64(2)}, []any{int64(3), int64(4)}},
		`'{"a,b","it''s",NULL}'::text[]`:                   []any{"a,b", "it's", nil},
		"'{1.10,2}'::numeric[]":                            []any{"1.10", "2"},
		"'{1.5}'::float4[]":                                []any{1.5},
		"'{t,f}'::bool[]":                                  []any{true, false},
		"'{2026-01-31}'::date[]":                           []any{"2026-01-31"},
		"'{2026-01-31 08:00:00+00}'::timestamptz[]":        []any{"2026-01-31T08:00:00Z"},
		"'{2026-01-31 08:00:00}'::timestamp[]":             []any{"2026-01-31T08:00:00"},
		"'{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'::uuid[]": []any{"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
		`ARRAY['{"a":9007199254740993}', NULL]::jsonb[]`:   []any{map[string]any{"a": int64(9007199254740993)}, nil},
		`ARRAY['\x00ff']::bytea[]`:                         []any{"AP8="},
		"ARRAY['10.0.0.0/8']::cidr[]":                      []any{"10.0.0.0/8"},
		"ROW(1, 'a')":                                      "(1,a)",
	} {
		require.Equal(t, want, one(t, c, "SELECT "+expression+" AS v", nil), expression)
	}
}

func testPostgresParameters(t *testing.T, d database) {
	c := d.connect(t, nil)
	for _, test := range []struct {
		cast        string
		value, want any
	}{
		{"int", 3.0, int64(3)}, {"int", int64(-3), int64(-3)}, {"int", "3", int64(3)}, {"bigint", 9007199254740991.0, int64(9007199254740991)},
		{"float8", 0.1, 0.1}, {"float8", 1e300, 1e300}, {"numeric", 1.25, "1.25"}, {"text", 3.0, "3"}, {"text", true, "true"}, {"text", nil, nil}, {"boolean", true, true}, {"boolean", "no", false},
		{"date", "2026-01-31", "2026-01-31"}, {"timestamptz", "2026-01-31T08:00:00Z", "2026-01-31T08:00:00Z"}, {"uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
		{"jsonb", map[string]any{"a": 1.0, "b": "it's"}, map[string]any{"a": int64(1), "b": "it's"}}, {"jsonb", []any{1.0, "x"}, []any{int64(1), "x"}}, {"jsonb", 3.0, int64(3)},
		{"int[]", []any{1.0, nil, int64(3)}, []any{int64(1), nil, int64(3)}}, {"text[]", []any{"a", "it's", `"{}\`}, []any{"a", "it's", `"{}\`}}, {"int[]", []any{}, []any{}},
		{"boolean[]", []any{true}, []any{true}}, {"float8[]", []any{1.5}, []any{1.5}}, {"date[]", []any{"2026-01-31"}, []any{"2026-01-31"}}, {"numeric[]", []any{1.5, 2.0}, []any{"1.5", "2"}},
	} {
		require.Equal(t, test.want, one(t, c, "SELECT CAST(:v AS "+test.cast+") AS v", map[string]any{"v": test.value}), "%s %v", test.cast, test.value)
	}
	for cast, value := range map[string]any{"int": map[string]any{"a": 1.0}, "int[]": []any{"x"}, "date": "31.1.2026", "text[]": "x"} {
		_, err := call(t, c, "key", "SELECT", "SELECT CAST(:v AS "+cast+") AS v", map[string]any{"v": value})
		require.Equal(t, connectors.CodeInvalidInput, connectors.AsError(err).Code, "%s: %v", cast, err)
	}
}

func testMariaDBTypes(t *testing.T, d database) {
	c := d.connect(t, nil)
	d.table(t, "types", `t1 tinyint, u bigint unsigned, f float, x double, n decimal(30,2), s varchar(20), c text, b varbinary(10), l blob,
		d date, dt datetime(3), ts timestamp NULL, tm time, y year, bi bit(10), e enum('ok','bad'), j json, uu uuid, nothing int`)
	columns := "t1, u, f, x, n, s, c, b, l, d, dt, ts, tm, y, bi, e, j, uu, nothing"
	want := map[string]any{
		"t1": int64(-1), "u": "18446744073709551615", "f": 1.5, "x": 0.1, "n": "12345678901234567890.10", "s": "a ü 😀", "c": "{}", "b": "AP8=", "l": "AP8=",
		"d": "2026-01-31", "dt": "2026-01-31T08:00:00.250", "ts": "2026-01-30T23:00:00Z", "tm": "-08:30:00", "y": int64(2026), "bi": int64(513), "e": "ok", "j": `{"a": 1}`,
		"uu": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "nothing": nil,
	}
	run(t, c, "INSERT", "INSERT INTO types ("+columns+") VALUES (:t1, :u, :f, :x, :n, :s, :c, x'00ff', x'00ff', :d, :dt, :ts, :tm, :y, b'1000000001', :e, :j, :uu, :nothing)", map[string]any{
		"t1": -1.0, "u": "18446744073709551615", "f": 1.5, "x": 0.1, "n": "12345678901234567890.10", "s": "a ü 😀", "c": "{}",
		"d": "2026-01-31", "dt": "2026-01-31 08:00:00.25", "ts": "2026-01-30 23:00:00", "tm": "-08:30", "y": 2026.0, "e": "ok", "j": `{"a": 1}`,
		"uu": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "nothing": nil,
	})
	for _, params := range []map[string]any{nil, {"x": 1.0}} { // the protocol for text, and that for bound parameters
		query := "SELECT " + columns + " FROM types"
		var values any
		if params != nil {
			query, values = query+" WHERE :x = 1", params
		}
		require.Equal(t, rows(want), run(t, c, "SELECT", query, values)["result"])
	}
	for _, test := range []struct{ value, want any }{
		{3.0, int64(3)}, {1.5, 1.5}, {true, int64(1)}, {"it's", "it's"}, {nil, nil}, {map[string]any{"a": []any{1.0}}, `{"a":[1]}`}, {[]any{1.0, "x"}, `[1,"x"]`},
	} {
		require.Equal(t, test.want, one(t, c, "SELECT :v AS v", map[string]any{"v": test.value}), "%v", test.value)
	}
}
