package sql

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/connectortest"
)

func configured(values map[string]string) (config, error) {
	all := map[string]string{"SQL_DRIVER": "postgres", "SQL_HOST": "db.example.com", "SQL_DATABASE": "d", "SQL_USERNAME": "u", "SQL_PASSWORD": "hunter2-secret"}
	for name, value := range values {
		all[name] = value
	}
	s := connectortest.Settings(Template().Definition, all)
	c := settings(s, time.Minute)
	return c, s.Err()
}

func TestSettings(t *testing.T) {
	c, err := configured(nil)
	require.NoError(t, err)
	require.Equal(t, 5432, c.port)
	require.Equal(t, "db.example.com", c.tls.ServerName, "TLS is what a host elsewhere gets")
	require.False(t, c.tls.InsecureSkipVerify)
	require.Equal(t, 1000, c.maxRows)
	require.Equal(t, 256<<10, c.maxBytes)
	for _, host := range []string{"localhost", "127.0.0.1", "::1"} {
		c, err = configured(map[string]string{"SQL_HOST": host, "SQL_DRIVER": "mariadb"})
		require.NoError(t, err)
		require.Nil(t, c.tls, host)
		require.Equal(t, 3306, c.port)
	}
	c, err = configured(map[string]string{"SQL_TLS": "off", "SQL_IDEMPOTENCY_TABLE": "ops.calls"})
	require.NoError(t, err)
	require.Nil(t, c.tls)
	require.Equal(t, `"ops"."calls"`, c.quotedTable())
}

func TestWrongSettings(t *testing.T) {
	for name, value := range map[string]string{
		"SQL_DRIVER": "oracle", "SQL_PORT": "0", "SQL_TLS": "skip", "SQL_CA": "/nowhere.pem", "SQL_MAX_CONNECTIONS": "none", "SQL_MAX_ROWS": "-1",
		"SQL_MAX_BYTES": "1572864", "SQL_IDEMPOTENCY_TABLE": `calls"; DROP TABLE x; --`,
	} {
		_, err := configured(map[string]string{name: value})
		require.ErrorContains(t, err, name+" ")
		require.NotContains(t, err.Error(), "hunter2")
	}
}

// testTimeout: the server ends a statement by itself, so that one whose caller has gone does not go on.
func testTimeout(t *testing.T, d database) {
	template := Template()
	definition := *template.Definition
	definition.Policy.Timeout = 200 * time.Millisecond
	made, err := template.Make(connectors.Instance{Definition: &definition, Settings: connectortest.Settings(&definition, d.settings)})
	require.NoError(t, err)
	c := made.(*connector)
	t.Cleanup(func() { require.NoError(t, c.db.Close()) })
	for action, query := range map[dialect]map[string]string{
		postgres: {"SELECT": "SELECT 1 AS n FROM pg_sleep(60)", "DELETE": "DELETE FROM slow WHERE n = 1 AND pg_sleep(60) IS NULL"},
		mariadb:  {"SELECT": "SELECT SLEEP(60) AS n", "DELETE": "DELETE FROM slow WHERE SLEEP(60) = 0"},
	}[d.dialect] {
		d.table(t, "slow", "n int")
		d.sql(t, "INSERT INTO slow VALUES (1)")
		_, err = call(t, c, "key", action, query, nil)
		require.Equal(t, codeTimeout, connectors.AsError(err).Code, "%v", err)
		require.Equal(t, connectors.Retryable, connectors.AsError(err).Kind)
		require.Equal(t, 1, d.count(t, "slow"))
	}
}
