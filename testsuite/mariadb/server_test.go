package mariadb

import (
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"net"
	"os"
	"strconv"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
)

func TestServer(t *testing.T) {
	s := Start(t)
	authority, err := os.ReadFile(s.CAFile)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(authority))
	for _, secured := range []*tls.Config{nil, {ServerName: s.Host, RootCAs: pool}} {
		config := mysql.NewConfig()
		config.Net, config.Addr = "tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port))
		config.User, config.Passwd, config.DBName, config.TLS = s.Username, s.Password, s.Database, secured
		connector, err := mysql.NewConnector(config)
		require.NoError(t, err)
		db := sql.OpenDB(connector)
		defer func() { require.NoError(t, db.Close()) }()
		var name, version string
		require.NoError(t, db.QueryRowContext(t.Context(), "SHOW STATUS LIKE 'Ssl_version'").Scan(&name, &version))
		require.Equal(t, secured != nil, version != "", version)
	}
}
