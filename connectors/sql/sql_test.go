package sql

import (
	"database/sql"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/connectortest"
	mariaserver "github.com/waybill-io/waybill/testsuite/mariadb"
	pgserver "github.com/waybill-io/waybill/testsuite/postgresql"
)

// database is a server under test.
type database struct {
	dialect  dialect
	settings map[string]string
	admin    *sql.DB
}

func TestPostgreSQL(t *testing.T) {
	s := pgserver.Start(t)
	both(t, database{dialect: postgres, settings: map[string]string{
		"SQL_DRIVER": "postgres", "SQL_HOST": s.Host, "SQL_PORT": strconv.Itoa(s.Port), "SQL_DATABASE": s.Database,
		"SQL_USERNAME": s.Username, "SQL_PASSWORD": s.Password, "SQL_CA": s.CAFile,
	}}, map[string]func(*testing.T, database){"types": testPostgresTypes, "parameters": testPostgresParameters})
}

func TestMariaDB(t *testing.T) {
	s := mariaserver.Start(t)
	both(t, database{dialect: mariadb, settings: map[string]string{
		"SQL_DRIVER": "mariadb", "SQL_HOST": s.Host, "SQL_PORT": strconv.Itoa(s.Port), "SQL_DATABASE": s.Database,
		"SQL_USERNAME": s.Username, "SQL_PASSWORD": s.Password, "SQL_CA": s.CAFile,
	}}, map[string]func(*testing.T, database){"types": testMariaDBTypes})
}

func both(t *testing.T, d database, own map[string]func(*testing.T, database)) {
	tests := map[string]func(*testing.T, database){
		"kit": testKit, "actions": testActions, "attacks": testAttacks, "limits": testLimits, "tls": testTLS, "errors": testErrors,
		"read only": testReadOnly, "sessions": testSessions, "sessions leave nothing": testSessionsLeaveNothing, "timeout": testTimeout,
		"commit answer lost": testCommitAnswerLost, "same call at once": testSameCallAtOnce, "failed call is not recorded": testFailedCallIsNotRecorded,
	}
	maps.Copy(tests, own)
	c := d.connect(t, nil)
	d.admin = c.db
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, d) })
	}
}

// connect makes a connector with other settings than those of the server.
func (d database) connect(t *testing.T, other map[string]string) *connector {
	t.Helper()
	values := maps.Clone(d.settings)
	maps.Copy(values, other)
	template := Template()
	c, err := template.Make(connectors.Instance{Definition: template.Definition, Settings: connectortest.Settings(template.Definition, values)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.(*connector).db.Close()) })
	return c.(*connector)
}

// sql runs statements as the administrator.
func (d database) sql(t *testing.T, statements ...string) {
	t.Helper()
	for _, s := range statements {
		_, err := d.admin.ExecContext(t.Context(), s)
		require.NoError(t, err, s)
	}
}

// table makes a table and drops it after the test.
func (d database) table(t *testing.T, name, columns string) {
	t.Helper()
	d.sql(t, "DROP TABLE IF EXISTS "+name, "CREATE TABLE "+name+" ("+columns+")")
}

func (d database) count(t *testing.T, from string) (n int) {
	t.Helper()
	require.NoError(t, d.admin.QueryRowContext(t.Context(), "SELECT count(*) FROM "+from).Scan(&n))
	return n
}

func call(t *testing.T, c connectors.Connector, key, action, query string, params any) (map[string]any, error) {
	t.Helper()
	return connectors.Do(t.Context(), c, connectors.Call{Action: action, IdempotencyKey: key, Inputs: map[string]any{"query": query, "params": params}})
}

func run(t *testing.T, c connectors.Connector, action, query string, params any) map[string]any {
	t.Helper()
	outputs, err := call(t, c, "key", action, query, params)
	require.NoError(t, err, query)
	return outputs
}

func rows(values ...map[string]any) []any {
	list := []any{}
	for _, v := range values {
		list = append(list, v)
	}
	return list
}

func testActions(t *testing.T, d database) {
	c := d.connect(t, nil)
	serial := "id serial PRIMARY KEY"
	if d.dialect == mariadb {
		serial = "id int AUTO_INCREMENT PRIMARY KEY"
	}
	d.table(t, "people", serial+", name varchar(50), age int")

	outputs := run(t, c, "INSERT", "INSERT INTO people (name, age) VALUES (:name, :age), ('Bob', 40)", map[string]any{"name": "Ann", "age": 30.0})
	require.Equal(t, int64(2), outputs["rowCount"])
	require.Equal(t, []any{}, outputs["result"])
	if d.dialect == mariadb {
		require.Equal(t, int64(1), outputs["insertId"])
	} else {
		require.Nil(t, outputs["insertId"])
	}
	outputs = run(t, c, "INSERT", "INSERT INTO people (name) VALUES (:name) RETURNING id, name", map[string]any{"name": "Cid"})
	require.Equal(t, map[string]any{"rowCount": int64(1), "result": rows(map[string]any{"id": int64(3), "name": "Cid"}), "insertId": nil}, outputs)

	outputs = run(t, c, "SELECT", "SELECT name, age FROM people WHERE age >= :age OR age IS NULL ORDER BY id", map[string]any{"age": int64(30)})
	require.Equal(t, map[string]any{"rowCount": int64(3), "result": rows(
		map[string]any{"name": "Ann", "age": int64(30)}, map[string]any{"name": "Bob", "age": int64(40)}, map[string]any{"name": "Cid", "age": nil})}, outputs)

	outputs = run(t, c, "UPDATE", "UPDATE people SET age = :age WHERE name = 'Ann' OR name = 'Bob'", map[string]any{"age": 40.0})
	require.Equal(t, map[string]any{"rowCount": int64(2), "result": []any{}}, outputs, "what is as it was counts")
	outputs = run(t, c, "DELETE", "DELETE FROM people WHERE name = :name", map[string]any{"name": "nobody"})
	require.Equal(t, int64(0), outputs["rowCount"])
	outputs = run(t, c, "DELETE", "DELETE FROM people WHERE age = :age RETURNING name", map[string]any{"age": 40.0})
	require.Equal(t, int64(2), outputs["rowCount"])
	require.Equal(t, 1, d.count(t, "people"))

	placeholders := "$1, $2"
	if d.dialect == mariadb {
		placeholders = "?, ?"
	}
	run(t, c, "INSERT", "INSERT INTO people (name, age) VALUES ("+placeholders+")", []any{"Dan", nil})
	require.Equal(t, 2, d.count(t, "people WHERE age IS NULL"))
}

func testLimits(t *testing.T, d database) {
	d.table(t, "numbers", "n int, t varchar(2000)")
	text := strings.Repeat("x", 1000)
	for i := range 12 {
		_, err := d.admin.ExecContext(t.Context(), fmt.Sprintf("INSERT INTO numbers VALUES (%d, '%s')", i, text))
		require.NoError(t, err)
	}
	c := d.connect(t, map[string]string{"SQL_MAX_ROWS": "10", "SQL_MAX_BYTES": "5000"})
	require.Equal(t, int64(10), run(t, c, "SELECT", "SELECT n FROM numbers WHERE n < 10", nil)["rowCount"])
	_, err := call(t, c, "key", "SELECT", "SELECT n FROM numbers", nil)
	require.ErrorContains(t, err, "more than 10 rows")
	require.ErrorContains(t, err, "SQL_MAX_ROWS")
	require.Equal(t, codeTooLarge, connectors.AsError(err).Code)
	_, err = call(t, c, "key", "SELECT", "SELECT * FROM numbers WHERE n < 6", nil)
	require.ErrorContains(t, err, "SQL_MAX_BYTES")
	require.Equal(t, codeTooLarge, connectors.AsError(err).Code)
	_, err = call(t, c, "key", "SELECT", "SELECT repeat('x', 3000000) AS t", nil)
	require.ErrorContains(t, err, "SQL_MAX_BYTES")
	require.Equal(t, codeTooLarge, connectors.AsError(err).Code)

	// The most that may be allowed is within what a call may return, which is checked when a write is done.
	most := d.connect(t, map[string]string{"SQL_MAX_BYTES": strconv.Itoa(connectors.MaxOutputs - frame)})
	query, around := "INSERT INTO numbers (n) VALUES (100) RETURNING repeat('x', %d) AS t", len(`{"t":""},`)
	run(t, most, "INSERT", fmt.Sprintf(query, connectors.MaxOutputs-frame-around), nil)
	_, err = call(t, most, "key", "INSERT", fmt.Sprintf(query, connectors.MaxOutputs-frame-around+1), nil)
	require.Equal(t, codeTooLarge, connectors.AsError(err).Code)
	require.Equal(t, connectors.BPMN, connectors.AsError(err).Kind)
	require.Equal(t, 1, d.count(t, "numbers WHERE n = 100"))
	d.sql(t, "DELETE FROM numbers WHERE n = 100")

	_, err = call(t, c, "key", "DELETE", "DELETE FROM numbers RETURNING n", nil)
	require.Equal(t, codeTooLarge, connectors.AsError(err).Code)
	require.Equal(t, 12, d.count(t, "numbers"), "a write whose result is too large is undone")
	require.Equal(t, int64(12), run(t, c, "DELETE", "DELETE FROM numbers", nil)["rowCount"])
}

func testTLS(t *testing.T, d database) {
	query := "SELECT ssl AS s FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
	if d.dialect == mariadb {
		query = "SELECT VARIABLE_VALUE <> '' AS s FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'Ssl_version'"
	}
	encrypted := func(c *connector) any {
		return run(t, c, "SELECT", query, nil)["result"].([]any)[0].(map[string]any)["s"]
	}
	yes, no := any(true), any(false)
	if d.dialect == mariadb {
		yes, no = int64(1), int64(0)
	}
	require.Equal(t, no, encrypted(d.connect(t, nil)), "off on this machine")
	require.Equal(t, yes, encrypted(d.connect(t, map[string]string{"SQL_TLS": "verify"})))
	_, err := call(t, d.connect(t, map[string]string{"SQL_TLS": "verify", "SQL_CA": ""}), "key", "SELECT", "SELECT 1", nil)
	require.ErrorContains(t, err, "SQL_CA")
	require.Equal(t, connectors.Permanent, connectors.AsError(err).Kind)
	_, err = call(t, d.connect(t, map[string]string{"SQL_TLS": "verify", "SQL_HOST": "localhost"}), "key", "SELECT", "SELECT 1", nil)
	require.ErrorContains(t, err, "not trusted", "the name in the certificate counts")
}

// testReadOnly: a SELECT cannot write, whatever functions it calls.
func testReadOnly(t *testing.T, d database) {
	c := d.connect(t, nil)
	d.table(t, "kept", "n int")
	if d.dialect == postgres {
		d.sql(t, "CREATE OR REPLACE FUNCTION writes() RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO kept VALUES (1); RETURN 1; END $$")
	} else {
		d.sql(t, "DROP FUNCTION IF EXISTS writes", "CREATE FUNCTION writes() RETURNS int MODIFIES SQL DATA BEGIN INSERT INTO kept VALUES (1); RETURN 1; END")
	}
	_, err := call(t, c, "key", "SELECT", "SELECT writes() AS n", nil)
	require.ErrorContains(t, err, "would write")
	require.Equal(t, connectors.CodeInvalidInput, connectors.AsError(err).Code)
	require.Zero(t, d.count(t, "kept"))
}
