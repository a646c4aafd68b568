package postgresql

import (
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"fmt"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
)

func TestServer(t *testing.T) {
	s := Start(t)
	config, err := pgx.ParseConfig(fmt.Sprintf("host=%s port=%d user=%s password=%s database=%s sslmode=disable", s.Host, s.Port, s.Username, s.Password, s.Database))
	require.NoError(t, err)
	authority, err := os.ReadFile(s.CAFile)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(authority))
	for _, secured := range []*tls.Config{nil, {ServerName: s.Host, RootCAs: pool}} {
		config.TLSConfig = secured
		db := stdlib.OpenDB(*config)
		defer func(db *sql.DB) { require.NoError(t, db.Close()) }(db)
		var encrypted bool
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").Scan(&encrypted))
		require.Equal(t, secured != nil, encrypted)
	}
}
