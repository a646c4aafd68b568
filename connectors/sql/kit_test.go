package sql

import (
	"context"
	"database/sql"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/connectortest"
)

func (d database) at(t *testing.T, addr string) *connector {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	return d.connect(t, map[string]string{"SQL_HOST": host, "SQL_PORT": port})
}

func (d database) calls(t *testing.T) *connector {
	t.Helper()
	c := d.connect(t, map[string]string{"SQL_IDEMPOTENCY_TABLE": "waybill_calls"})
	d.sql(t, "DROP TABLE IF EXISTS waybill_calls", c.config.createTable())
	return c
}

// observed remembers under which key the last call must have been recorded.
type observed struct {
	*connector
	last string
}

func (o *observed) Call(ctx context.Context, call connectors.Call) (map[string]any, error) {
	o.last = recordKey(call)
	return o.connector.Call(ctx, call)
}

func testKit(t *testing.T, d database) {
	d.table(t, "kit", "id int PRIMARY KEY, n int NOT NULL CHECK (n < 1000), t varchar(5)")
	d.table(t, "kit_log", "n int")
	d.sql(t, "INSERT INTO kit VALUES (1, 1, 'a')")
	good := d.calls(t)
	plain := d.connect(t, nil)
	seen := &observed{connector: good}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	off, err := Template().Make(connectors.Instance{Definition: Template().Definition, Settings: connectortest.Settings(Template().Definition, nil)})
	require.NoError(t, err)
	d.sql(t, "DROP TABLE IF EXISTS no_calls")

	fail := func(name string, c connectors.Connector, kind connectors.Kind, code, action, query string, params any) connectortest.Failure {
		return connectortest.Failure{Name: name, Connector: c, Kind: kind, Code: code,
			Call: connectors.Call{Action: action, Inputs: map[string]any{"query": query, "params": params}}}
	}
	const insert = "INSERT INTO kit (id, n, t) VALUES (:id, :n, :t)"
	connectortest.Run(t, connectortest.Kit{
		Connector: seen,
		Samples: map[string]map[string]any{
			"SELECT": {"query": "SELECT * FROM kit WHERE id = :id", "params": map[string]any{"id": 1.0}},
			"INSERT": {"query": "INSERT INTO kit_log VALUES (:n)", "params": map[string]any{"n": 1.0}},
			"UPDATE": {"query": "UPDATE kit SET n = n + 1 WHERE id = 1"},
			"DELETE": {"query": "DELETE FROM kit_log WHERE n = :n", "params": map[string]any{"n": 2.0}},
		},
		Stuck: func(t *testing.T) (connectors.Connector, <-chan struct{}) {
			addr, connections := connectortest.Silent(t)
			return d.at(t, addr), connections
		},
		Failures: []connectortest.Failure{
			fail("not configured", off, connectors.Permanent, connectors.CodeNotConfigured, "SELECT", "SELECT 1", nil),
			fail("nobody listens", d.at(t, l.Addr().String()), connectors.Retryable, codeConnection, "SELECT", "SELECT 1", nil),
			fail("password", d.connect(t, map[string]string{"SQL_PASSWORD": d.settings["SQL_PASSWORD"] + "-wrong"}), connectors.Permanent, codeAuthentication, "SELECT", "SELECT 1", nil),
			fail("database", d.connect(t, map[string]string{"SQL_DATABASE": "nowhere"}), connectors.Permanent, codeAuthentication, "SELECT", "SELECT 1", nil),
			fail("no table of calls", d.connect(t, map[string]string{"SQL_IDEMPOTENCY_TABLE": "no_calls"}), connectors.Permanent, connectors.CodeNotConfigured, "DELETE", "DELETE FROM kit_log", nil),
			fail("kind", plain, connectors.BPMN, connectors.CodeInvalidInput, "SELECT", "DELETE FROM kit", nil),
			fail("syntax", plain, connectors.BPMN, codeSyntax, "SELECT", "SELECT FROM WHERE", nil),
			fail("no such table", plain, connectors.BPMN, codeSyntax, "SELECT", "SELECT * FROM nowhere", nil),
			fail("no such column", plain, connectors.BPMN, codeSyntax, "SELECT", "SELECT nothing FROM kit", nil),
			fail("twice the column", plain, connectors.BPMN, connectors.CodeInvalidInput, "SELECT", "SELECT 1 AS a, 2 AS a", nil),
			fail("no value", plain, connectors.BPMN, connectors.CodeInvalidInput, "SELECT", "SELECT :a AS a", map[string]any{"b": 1.0}),
			fail("key", plain, connectors.BPMN, codeConstraint, "INSERT", insert, map[string]any{"id": 1.0, "n": 1.0, "t": "a"}),
			fail("null", plain, connectors.BPMN, codeConstraint, "INSERT", insert, map[string]any{"id": 2.0, "n": nil, "t": "a"}),
			fail("check", plain, connectors.BPMN, codeConstraint, "INSERT", insert, map[string]any{"id": 2.0, "n": 1000.0, "t": "a"}),
			fail("no number", plain, connectors.BPMN, connectors.CodeInvalidInput, "INSERT", insert, map[string]any{"id": "two", "n": 1.0, "t": "a"}),
			fail("too large a number", plain, connectors.BPMN, connectors.CodeInvalidInput, "INSERT", insert, map[string]any{"id": 1e12, "n": 1.0, "t": "a"}),
			fail("too long a text", plain, connectors.BPMN, connectors.CodeInvalidInput, "INSERT", insert, map[string]any{"id": 2.0, "n": 1.0, "t": "abcdef"}),
			fail("more rows than allowed", d.connect(t, map[string]string{"SQL_MAX_ROWS": "1"}), connectors.BPMN, codeTooLarge, "SELECT", "SELECT 1 AS a UNION ALL SELECT 2", nil),
		},
		Secrets: []string{d.settings["SQL_PASSWORD"]},
		Key: func() string {
			var key string
			placeholder := map[dialect]string{postgres: "$1", mariadb: "?"}[d.dialect]
			require.NoError(t, good.db.QueryRowContext(t.Context(), "SELECT idempotency_key FROM waybill_calls WHERE idempotency_key = "+placeholder, seen.last).Scan(&key))
			return key
		},
		Keyless: []string{"SELECT"},
	})
}

// errorsOf is the public text and the cause of a failed call.
func errorsOf(t *testing.T, c connectors.Connector, action, query string, params any) string {
	t.Helper()
	_, err := call(t, c, "key", action, query, params)
	require.Error(t, err)
	return err.Error()
}

// testErrors: an error says what is wrong, and holds no values.
func testErrors(t *testing.T, d database) {
	c := d.connect(t, nil)
	d.table(t, "refs", "id int PRIMARY KEY, name varchar(50), CONSTRAINT one_name UNIQUE (name)")
	insert := "INSERT INTO refs VALUES (:id, :name)"
	run(t, c, "INSERT", insert, map[string]any{"id": 1.0, "name": "ann@example.com"})
	text := errorsOf(t, c, "INSERT", insert, map[string]any{"id": 2.0, "name": "ann@example.com"})
	require.Contains(t, text, "one_name")
	require.NotContains(t, text, "ann@example.com")
	text = errorsOf(t, c, "INSERT", insert, map[string]any{"id": "ann@example.com", "name": "x"})
	require.NotContains(t, text, "ann@example.com")
	require.Contains(t, errorsOf(t, c, "SELECT", "SELECT * FROM refz", nil), "refz", "what the author of the model must know")

	d.table(t, "guarded", "n int")
	trigger := []string{"CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'closed on Sundays'; END $$",
		"CREATE TRIGGER refuse BEFORE INSERT ON guarded FOR EACH ROW EXECUTE FUNCTION refuse()"}
	if d.dialect == mariadb {
		trigger = []string{"CREATE TRIGGER refuse BEFORE INSERT ON guarded FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'closed on Sundays'"}
	}
	d.sql(t, trigger...)
	text = errorsOf(t, c, "INSERT", "INSERT INTO guarded VALUES (1)", nil)
	require.Contains(t, text, "CONSTRAINT_VIOLATION: the database refuses it: closed on Sundays")

	// Rights that the account lacks, and a lock that another holds.
	d.table(t, "locked", "id int PRIMARY KEY, n int")
	d.sql(t, "INSERT INTO locked VALUES (1, 1)")
	account := map[string]string{"SQL_USERNAME": "weak", "SQL_PASSWORD": "weak-secret"}
	lockWait := "SET SESSION innodb_lock_wait_timeout = 1"
	if d.dialect == postgres {
		d.sql(t, "DROP ROLE IF EXISTS weak", "CREATE ROLE weak LOGIN PASSWORD 'weak-secret'")
		lockWait = "SET lock_timeout = '100ms'"
	} else {
		d.table(t, "kept", "n int")
		d.sql(t, "CREATE OR REPLACE USER weak@'%' IDENTIFIED BY 'weak-secret'", "GRANT SELECT ON test.kept TO weak@'%'")
	}
	_, err := call(t, d.connect(t, account), "key", "SELECT", "SELECT * FROM locked", nil)
	require.Equal(t, codeForbidden, connectors.AsError(err).Code, "%v", err)
	require.Equal(t, connectors.Permanent, connectors.AsError(err).Kind)

	holder, err := d.admin.BeginTx(t.Context(), &sql.TxOptions{})
	require.NoError(t, err)
	defer func() { _ = holder.Rollback() }()
	_, err = holder.ExecContext(t.Context(), "UPDATE locked SET n = 2 WHERE id = 1")
	require.NoError(t, err)
	one := d.connect(t, map[string]string{"SQL_MAX_CONNECTIONS": "1"})
	_, err = one.db.ExecContext(t.Context(), lockWait) // of the one connection
	require.NoError(t, err)
	_, err = call(t, one, "key", "UPDATE", "UPDATE locked SET n = 3 WHERE id = 1", nil)
	require.Equal(t, codeTimeout, connectors.AsError(err).Code, "%v", err)
	require.Equal(t, connectors.Retryable, connectors.AsError(err).Kind)
}
